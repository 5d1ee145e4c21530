"""Calls of well-known packages are recorded and made again: nothing that stays the same is taken for a difference, and edits
that break something are found.

toolz, pyflakes and radon carry their own test suites with them, which make the calls; sortedcontainers and packaging carry the
examples of their documentation. All are among what the tests need anyway, so they are there in every clone.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from autotune_tui.config import parse
from autotune_tui.engine import recorded
from autotune_tui.engine.core import Engine
from autotune_tui.engine.ready import prepare_both
from autotune_tui.engine.recorded import Recorded
from autotune_tui.engine.run import engine_for
from autotune_tui.journal.files import SessionFolder
from autotune_tui.workspace.bytecode import remove_all
from engine_support import git, make_repo

DOCTESTS = """\
import doctest, importlib, sys

failed = sum(doctest.testmod(importlib.import_module(name)).failed for name in sys.argv[1:])
sys.exit(failed > 0)
"""
PYTEST = "-m pytest -q -p no:cacheprovider"


@dataclass(frozen=True)
class Package:
    name: str
    command: str
    functions: tuple[str, ...]
    edits: tuple[tuple[str, str, str], ...]
    """Of a file of the package: what is replaced, and by what that is wrong."""
    calls: int = 200
    """Of each function; fewer where an argument is a whole syntax tree."""


def each(module: str, names: str) -> tuple[str, ...]:
    return tuple(f"{module}:{name}" for name in names.split())


def suite(folder: str, names: str) -> str:
    """The package's own tests."""
    return f"{PYTEST} " + " ".join(f"src/{folder}/test_{name}.py" for name in names.split())


SORTED = "sortedcontainers.sortedlist:SortedList."
KEYED = "sortedcontainers.sortedlist:SortedKeyList."
PACKAGES = [
    Package(
        "toolz",
        suite("toolz/tests", "itertoolz dicttoolz functoolz recipes"),
        (
            *each("toolz.itertoolz", "groupby merge_sorted interleave unique isdistinct take drop take_nth first second last nth"
                  " get mapcat interpose frequencies reduceby iterate sliding_window partition partition_all count pluck join"
                  " tail diff topk peek peekn remove cons concat accumulate"),
            *each("toolz.dicttoolz", "merge merge_with valmap keymap itemmap valfilter keyfilter assoc dissoc assoc_in"
                  " update_in get_in"),
            *each("toolz.functoolz", "identity thread_first thread_last complement do pipe apply flip"),
            *each("toolz.recipes", "countby partitionby"),
        ),
        (
            ("dicttoolz.py", "        inner[k] = func(d[k])\n", "        inner[k] = d[k]\n"),
            ("dicttoolz.py", "result[k] = func(v.__self__)", "result[k] = func(v.__self__[:1])"),
            ("itertoolz.py", "    yield val1\n    yield from seq1\n", "    yield from seq1\n"),
            ("itertoolz.py", "if items.count(items[0]) != N:", "if items.count(items[0]) == N:"),
            ("itertoolz.py", "yield prev[:end]", "yield prev[:end - 1]"),
        ),
    ),
    Package(
        "radon",
        suite("radon/tests", "raw halstead complexity_utils other_metrics complexity_visitor"),
        (
            *each("radon.complexity", "cc_rank average_complexity sorted_results add_inner_blocks"),
            *each("radon.metrics", "h_visit mi_compute mi_parameters mi_visit mi_rank"),
            *each("radon.raw", "analyze _logical"),
        ),
        (
            ("complexity.py", "(1, 0)[5 - cc < 0]", "(1, 0)[5 - cc <= 0]"),
            ("complexity.py", "SCORE = lambda block: -GET_COMPLEXITY(block)", "SCORE = lambda block: GET_COMPLEXITY(block)"),
            ("metrics.py", "+ 50 * math.sin(comments_scale)", "- 50 * math.sin(comments_scale)"),
            ("metrics.py", "raw.comments + (raw.multi if count_multi else 0)", "raw.comments"),
            ("raw.py", "multi += sum(1 for l in parsed_lines if l)", "multi += sum(1 for l in parsed_lines)"),
        ),
    ),
    Package(
        "pyflakes",
        suite("pyflakes/test", "dict is_literal api"),
        (
            *each("pyflakes.checker", "Checker.__init__ convert_to_value _is_tuple_constant _is_constant"),
            *each("pyflakes.api", "check checkPath iterSourceCode isPythonFile"), "pyflakes.messages:Message.__str__",
        ),
        (
            ("checker.py", "return tuple(convert_to_value(i) for i in item.elts)",
             "return tuple(convert_to_value(i) for i in item.elts[1:])"),
            ("checker.py", "            if count > 1\n", "            if count > 2\n"),
            ("checker.py", "isinstance(op, (ast.Is, ast.IsNot))", "isinstance(op, (ast.Is,))"),
            ("messages.py", "self.col+1", "self.col"),
            ("api.py", "e.args[1])\n        return 1\n", "e.args[1])\n        return 0\n"),
        ),
        calls=20,
    ),
    Package(
        "sortedcontainers",
        "doctests.py sortedcontainers.sortedlist sortedcontainers.sorteddict sortedcontainers.sortedset",
        (
            *(SORTED + name for name in ("add", "update", "bisect_left", "count", "pop", "islice", "irange", "_loc",
                                         "__delitem__", "__contains__", "index", "discard", "__mul__")),
            *(KEYED + name for name in ("add", "irange_key", "count", "remove")),
            "sortedcontainers.sorteddict:SortedDict.popitem", "sortedcontainers.sorteddict:SortedDict.setdefault",
            "sortedcontainers.sortedset:SortedSet.__getitem__", "sortedcontainers.sortedset:SortedSet.difference",
        ),
        (
            ("sortedlist.py", "            return idx_right - idx_left\n", "            return idx_right - idx_left + 1\n"),
            ("sortedlist.py", "        idx = bisect_left(self._lists[pos], value)\n        return self._loc(pos, idx)",
             "        idx = bisect_right(self._lists[pos], value)\n        return self._loc(pos, idx)"),
            ("sortedlist.py", "            _lists.append([value])\n            _maxes.append(value)\n\n        self._len += 1",
             "            _lists.append([value])\n            _maxes.append(value)\n\n        self._len += 0"),
            ("sorteddict.py", "        self._list_add(key)\n        return default\n", "        return default\n"),
        ),
    ),
    Package(
        "packaging",
        "doctests.py packaging.utils packaging.version packaging.specifiers",
        (
            "packaging.utils:canonicalize_name", "packaging.utils:canonicalize_version",
            "packaging.utils:is_normalized_name", "packaging.utils:parse_wheel_filename",
            "packaging.utils:parse_sdist_filename", "packaging.version:parse", "packaging.version:Version.__init__",
            "packaging.version:Version.__lt__", "packaging.version:Version.__str__",
            "packaging.version:_parse_local_version", "packaging.specifiers:Specifier.contains",
            "packaging.specifiers:SpecifierSet.contains", "packaging.specifiers:SpecifierSet.filter",
            "packaging.specifiers:SpecifierSet.__init__",
        ),
        (
            ("utils.py", 'filename[: -len(".tar.gz")]', 'filename[: -len(".tar.g")]'),
            ("utils.py", "_TrimmedRelease(version) if strip_trailing_zero else", "_TrimmedRelease(version) if False else"),
            ("version.py", "_PRE_RANK_STABLE = 3  #", "_PRE_RANK_STABLE = 0  #"),
            ("utils.py", "    return (name, version)\n", "    return (version, name)\n"),
        ),
    ),
]  # fmt: skip


@asynccontextmanager
async def recorded_package(folder: Path, package: Package) -> AsyncIterator[tuple[Engine, Recorded]]:
    """A repository of a package as it is installed here, and its recorded calls."""
    found = importlib.util.find_spec(package.name)
    if found is None or found.origin is None:
        pytest.skip(f"needs {package.name}: pip install {package.name}")
    repo = make_repo(folder, {"doctests.py": DOCTESTS, ".gitignore": "__pycache__\n"})
    shutil.copytree(
        Path(found.origin).parent, repo / "src" / package.name, ignore=shutil.ignore_patterns("__pycache__")
    )
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "the package")
    config = parse(
        f"""
        goal = "Quicker"
        [benchmark]
        profile = false
        command = "{sys.executable} {package.command}"
        env = {{PYTHONPATH = "src"}}
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(folder / "cache"))}
        [oracle]
        functions = {json.dumps(package.functions)}
        calls = {package.calls}
        """
    )
    session = SessionFolder(folder / "session")
    session.create()
    async with engine_for(repo, session, config, lambda _: None) as engine:
        engine.workspace.create()
        log = session.baseline / "bench.log"
        await prepare_both(engine, engine.workspace.tip(), log)
        yield engine, await recorded.record(engine, 1, log)


async def difference(engine: Engine, calls: Recorded) -> str:
    """What the candidate does otherwise, empty when nothing."""
    remove_all(engine.workspace.candidate)  # edits within a second, of the same length, are not seen by Python
    replayed = await recorded.replay(engine, calls, "candidate", 1, engine.folder.baseline / "bench.log")
    found = recorded.differences(calls, replayed, recorded.tolerance(engine))
    return found.text if found else ""


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
async def test_no_false_difference_and_every_wrong_edit_is_found(tmp_path: Path, package: Package) -> None:
    """23 wrong edits in five packages, fifteen of them in the three that bring their own tests (L10)."""
    async with recorded_package(tmp_path, package) as (engine, calls):
        assert not [text for note in engine.state.notes if "failed while" in (text := note.text)]
        assert sum(count > 0 for count in calls.counts.values()) >= len(package.functions) - 2, calls.counts
        assert await difference(engine, calls) == ""
        missed = []
        for file, old, new in package.edits:
            path = engine.workspace.candidate / "src" / package.name / file
            text = path.read_text(encoding="utf-8")
            assert old in text, f"another version of {package.name}: {old} is gone"
            path.write_text(text.replace(old, new), encoding="utf-8")
            if not await difference(engine, calls):
                missed.append(new)
            path.write_text(text, encoding="utf-8")
        assert not missed
        assert await difference(engine, calls) == ""
