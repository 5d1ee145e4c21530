"""Calls of well-known packages are recorded and made again: nothing that stays the same is taken for a difference, and edits
that break something are found.
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
from autotune_tui.engine.calibration import prepare_both
from autotune_tui.engine.core import Engine
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
NAMES = """\
import contextlib, sys

import idna

for name in ("bücher.example", "例え.テスト", "a" * 64, "ex_ample", "", "-a", "xn--bcher-kva.example", "straße.de", "FAẞ.de",
             "faß.de", "ا1.example", "l·l.cat", "·l", "Königsgäßchen", "xn--", "..", "a.b.", "z9.Z9.example",
             "\\u200d", "नी\\u200cका"):
    for call in (idna.encode, idna.decode, idna.alabel, idna.ulabel, idna.uts46_remap, idna.check_label):
        with contextlib.suppress(idna.IDNAError, UnicodeError):
            call(name)
    with contextlib.suppress(idna.IDNAError, UnicodeError):
        idna.encode(name, uts46=True, std3_rules=True)
"""


@dataclass(frozen=True)
class Package:
    name: str
    command: str
    functions: tuple[str, ...]
    edits: tuple[tuple[str, str, str], ...]
    """Of a file of the package: what is replaced, and by what that is wrong."""


SORTED = "sortedcontainers.sortedlist:SortedList."
KEYED = "sortedcontainers.sortedlist:SortedKeyList."
PACKAGES = [
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
    Package(
        "idna",
        "names.py",
        (
            "idna.core:encode", "idna.core:decode", "idna.core:alabel", "idna.core:ulabel", "idna.core:check_label",
            "idna.core:check_bidi", "idna.core:uts46_remap", "idna.core:valid_contexto", "idna.core:valid_contextj",
            "idna.core:check_hyphen_ok", "idna.intranges:intranges_contain",
        ),
        (
            ("intranges.py", "if left <= int_ < right:", "if left <= int_ < right - 1:"),
            ("intranges.py", "        if left == int_:\n", "        if left == int_ + 1:\n"),
            ("core.py", "if len(label) == 0:", "if len(label) == 1:"),
            ("core.py", 'raise IDNAError("Empty Label", code="empty_label")', 'raise IDNAError("Empty", code="empty_label")'),
        ),
    ),
]  # fmt: skip


@asynccontextmanager
async def recorded_package(folder: Path, package: Package) -> AsyncIterator[tuple[Engine, Recorded]]:
    """A repository of a package as it is installed here, and its recorded calls."""
    found = importlib.util.find_spec(package.name)
    if found is None or found.origin is None:
        pytest.skip(f"needs {package.name}: pip install {package.name}")
    repo = make_repo(folder, {"doctests.py": DOCTESTS, "names.py": NAMES, ".gitignore": "__pycache__\n"})
    shutil.copytree(
        Path(found.origin).parent, repo / "src" / package.name, ignore=shutil.ignore_patterns("__pycache__")
    )
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "the package")
    config = parse(
        f"""
        goal = "Quicker"
        [benchmark]
        command = "{sys.executable} {package.command}"
        env = {{PYTHONPATH = "src"}}
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(folder / "cache"))}
        [oracle]
        functions = {json.dumps(package.functions)}
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
    """Twelve wrong edits in three packages (L10)."""
    async with recorded_package(tmp_path, package) as (engine, calls):
        assert not [warning for warning in engine.state.notes if warning.level == "warning"]
        assert sum(count > 0 for count in calls.counts.values()) >= len(package.functions) - 2, calls.counts
        assert await difference(engine, calls) == ""
        for file, old, new in package.edits:
            path = engine.workspace.candidate / "src" / package.name / file
            text = path.read_text(encoding="utf-8")
            assert old in text, f"another version of {package.name}: {old} is gone"
            path.write_text(text.replace(old, new), encoding="utf-8")
            assert await difference(engine, calls), f"not found: {new}"
            path.write_text(text, encoding="utf-8")
        assert await difference(engine, calls) == ""
