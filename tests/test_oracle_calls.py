"""Calls of Python functions are recorded while a command runs, and made again: what is kept, left out and said."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.config import parse
from autotune_tui.engine import oracle, recorded
from autotune_tui.engine.core import Engine
from autotune_tui.engine.preflight import check
from autotune_tui.engine.ready import prepare_both
from autotune_tui.engine.run import engine_for
from autotune_tui.errors import ConfigError, EngineError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.oracle.calls import Call, compare_call, read_results, with_path
from autotune_tui.oracle.compare import Tolerance
from autotune_tui.oracle.inside.choice import Function
from engine_support import make_repo

LIBRARY = '''\
"""Functions of every kind."""

import asyncio
import dataclasses
import functools
import itertools
import os
import random
import threading
import time


def steady(value, *, times=1):
    return [value] * times


def chance():
    return random.random()


def moment(value):
    return value, time.perf_counter_ns()


def counting(values, limit):
    for value in values[:limit]:
        yield value


def endless():
    return itertools.count()


def locked(lock):
    return lock.locked()


def draw(value):
    return random.choice([value, "other"]) if value else value


def mixed(value):
    if value == 2:
        return time.perf_counter_ns()
    return value


@functools.lru_cache
def remembered(value):
    return value * 2


def deep(value):
    return 0 if value == 0 else 1 + deep(value - 1)


def branches(value):
    if value == 997:
        return "rare"
    return "usual" if value % 2 else "other"


def surprised(value):
    raise KeyError(value)


def lasting(value):
    return threading.Lock(), value


def deadly(value):
    if value and "replayed" not in os.environ:
        os._exit(3)
    return value


async def later(value):
    await asyncio.sleep(0)
    return value + 1


@dataclasses.dataclass
class Shop:
    total: int = 0

    @staticmethod
    def tax(price):
        return price * 0.19

    @classmethod
    def opened(cls, total):
        return cls(total)

    def buy(self, price):
        self.total += price
        return self

    name = "shop"
'''

USE = """\
import asyncio, contextlib, os, threading

from lib import kinds

os.environ["replayed"] = ""
for value in range(3):
    kinds.steady(value, times=2)
    kinds.chance()
    kinds.moment(value)
    kinds.mixed(value)
    assert list(kinds.counting([1, 2, 3], value)) == [1, 2, 3][:value]
    assert next(kinds.endless()) == 0
    kinds.locked(threading.Lock())
    kinds.remembered(value)
    kinds.lasting(value)
    kinds.deadly(value)
    asyncio.run(kinds.later(value))
    kinds.Shop.tax(value)
    kinds.Shop.opened(value).buy(2)
    with contextlib.suppress(KeyError):
        kinds.surprised(value)
for value in range(20_000):
    kinds.branches(value)
for value in range(60):
    kinds.draw(value)
kinds.deep(5)
kinds.remembered.cache_clear()
"""
TEST = """\
import pytest

from lib import kinds


class Odd:
    def __eq__(self, other):
        return type(other) is Odd


@pytest.mark.parametrize("value", [1, "a", Odd()])
def test_steady(value):
    assert kinds.steady(value) == [value]


def test_here():
    class Local: pass

    assert kinds.steady(Local)
"""


@asynccontextmanager
async def engine_with(folder: Path, table: str, files: dict[str, str] | None = None) -> AsyncIterator[Engine]:
    repo = make_repo(
        folder,
        {
            "src/lib/__init__.py": "", "src/lib/kinds.py": LIBRARY, "use.py": USE, "tests/test_kinds.py": TEST,
            ".gitignore": "__pycache__\n.pytest_cache\n", **(files or {}),
        },
    )  # fmt: skip
    config = parse(
        f"""
        goal = "Quicker"
        [benchmark]
        profile = false
        command = "{sys.executable} use.py"
        env = {{PYTHONPATH = "src"}}
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(folder / "cache"))}
        [decision]
        profile = "quick"
        [canary]
        files = 0
        [oracle]
        {table}
        """
    )
    session = SessionFolder(folder / "session")
    session.create()
    async with engine_for(repo, session, config, lambda _: None) as engine:
        engine.workspace.create()
        await prepare_both(engine, engine.workspace.tip(), session.baseline / "bench.log")
        yield engine


async def calls_of(folder: Path, names: str, more: str = "", files: dict[str, str] | None = None) -> recorded.Recorded:
    functions = json.dumps([f"lib.kinds:{name}" for name in names.split()])
    async with engine_with(folder, f"functions = {functions}\n{more}", files) as engine:
        return await recorded.record(engine, 1, engine.folder.baseline / "bench.log")


async def test_functions_of_every_kind_are_recorded_and_made_again(tmp_path: Path) -> None:
    """Plain functions, cached ones, coroutines, generators, static and class methods, exceptions (L10)."""
    names = "steady counting endless remembered surprised later deep Shop.tax Shop.opened Shop.buy"
    calls = await calls_of(tmp_path, names)
    counts = {name.rpartition(":")[2]: number for name, number in calls.counts.items()}
    assert counts == dict.fromkeys(names.split(), 3) | {"endless": 1, "deep": 1}
    assert calls.recording.left_out == {}
    by_words = {call.words: call for call in calls.calls}
    assert by_words["steady(2, times=2)"].end == ["returned", ["list", [2, 2]]]
    assert by_words["counting([1, 2, 3], 2)"].end == ["returned", ["iterator", [1, 2], "ends"]]
    assert by_words["surprised(1)"].end == ["raised", ["exception", "KeyError", [1]]]
    assert by_words["later(1)"].end == ["returned", 2]
    assert by_words["buy(Shop(total=1), 2)"].after[1][0][1][0][2] == [["total", 3]]


async def test_what_cannot_be_compared_is_left_out_and_said(tmp_path: Path) -> None:
    """Chance, time, arguments that cannot be stored, what ends the process; nothing of it is passed over in silence (L10)."""
    names = "chance moment mixed locked lasting deadly Shop.name missing"
    calls = await calls_of(tmp_path, names)
    assert {call.words for call in calls.calls} == {"mixed(0)", "mixed(1)", "deadly(0)"} | {
        f"lasting({value})" for value in range(3)
    }
    told = recorded.summary(calls)
    assert told[0] == (
        "6 recorded calls will be made again: lib.kinds:chance 0, lib.kinds:moment 0, lib.kinds:mixed 2,"
        " lib.kinds:locked 0, lib.kinds:lasting 3, lib.kinds:deadly 1, lib.kinds:Shop.name 0, lib.kinds:missing 0"
    )
    said = "\n".join(told[1:])
    for text in (
        f"1 call of lib.kinds:chance left out, as they {recorded.CHANGES}",
        f"3 calls of lib.kinds:moment left out, as they {recorded.CHANGES}",
        f"1 call of lib.kinds:mixed left out, as they {recorded.CHANGES}",
        "3 calls of lib.kinds:locked left out, as they cannot be pickled (TypeError)",
        "2 calls of lib.kinds:deadly left out, as they have no result (exit code 3)",
        "lib.kinds:Shop.name left out, as they cannot be reached (it is a str, not a function)",
        "lib.kinds:missing left out, as they cannot be reached (missing)",
        "of these only the type is compared, as nothing can look into them: _thread.lock",
    ):
        assert text in said, said


async def test_what_gives_the_same_by_chance_is_left_out_too(tmp_path: Path) -> None:
    """Of sixty draws from two many give the same twice, some thrice: the whole function is left out."""
    calls = await calls_of(tmp_path, "draw steady")
    assert calls.counts == {"lib.kinds:draw": 0, "lib.kinds:steady": 3}
    assert sum(calls.recording.left_out["lib.kinds:draw"].values()) == 60
    assert recorded.OFTEN in "".join(recorded.summary(calls)) or calls.recording.left_out["lib.kinds:draw"] == {
        recorded.CHANGES: 60
    }


async def test_of_many_calls_each_way_through_a_function_is_kept(tmp_path: Path) -> None:
    """The one rare call among thousands is among those that are made again."""
    calls = await calls_of(tmp_path, "branches", "calls = 12")
    results = [call.end[1] for call in calls.calls]
    assert len(results) == 12 and results.count("rare") == 1
    assert calls.recording.seen == {"lib.kinds:branches": 20_000}


def test_places_go_to_ways_with_few_calls() -> None:
    function = Function("m:f", 6)
    places = [function.place("usual") for _ in range(100)]
    assert {place for place in places if place is not None} == set(range(6))
    assert [function.place(way) for way in ("a", "b", "a")].count(None) == 0
    assert None in [function.place("a") for _ in range(50)]


@pytest.mark.parametrize("command", ["pytest", ["env", "PYTHONPATH=src", "pytest"]])
async def test_calls_of_a_test_suite_are_recorded(tmp_path: Path, command: Any) -> None:
    """With pytest, and where the command sets PYTHONPATH by itself; objects of the tests' own classes are found again (L10)."""
    start = f"{sys.executable} -m pytest -q -p no:cacheprovider tests"
    text = command.replace("pytest", start) if isinstance(command, str) else [*command[:-1], *start.split()]
    calls = await calls_of(tmp_path, "steady", f"record = {json.dumps(text)}")
    assert sorted(call.words for call in calls.calls) == ["steady('a')", "steady(1)", "steady(Odd())"]
    assert calls.recording.left_out == {"lib.kinds:steady": {"cannot be pickled (AttributeError)": 1}}


async def test_calls_of_child_processes_are_recorded(tmp_path: Path) -> None:
    """Forks and other processes write files of their own; one that ends at once loses nothing."""
    program = """
import os, subprocess, sys

from lib import kinds

if not os.fork():
    kinds.steady("fork")
    os._exit(0)
os.wait()
subprocess.run([sys.executable, "-c", "from lib import kinds; kinds.steady('child')"], check=True)
kinds.steady("parent")
"""
    calls = await calls_of(tmp_path, "steady", f'record = "{sys.executable} many.py"', {"many.py": program})
    assert sorted(call.words for call in calls.calls) == ["steady('child')", "steady('fork')", "steady('parent')"]


async def test_a_sitecustomize_of_the_repository_still_runs(tmp_path: Path) -> None:
    files = {"src/sitecustomize.py": "import builtins\nbuiltins.greeting = 'hello'\n", "greet.py": GREET}
    calls = await calls_of(tmp_path, "steady", f'record = "{sys.executable} greet.py"', files)
    assert [call.words for call in calls.calls] == ["steady('hello')"]


GREET = "import sys\nfrom lib import kinds\nassert 'autotune' not in str(sys.path)\nkinds.steady(greeting)\n"


@pytest.mark.parametrize(
    ("names", "record", "title", "words"),
    [
        ("steady", "use.py --help || true", "", ""),
        ("absent", "-c pass", "No call was recorded", "called none of lib.kinds:absent"),
        ("steady", "-c 'import sys; sys.exit(4)'", "No call was recorded", "exit code 4"),
        ("steady", "-E use.py", "No call was recorded", "-E"),
        ("chance", "use.py", "No recorded call can be compared", recorded.CHANGES),
    ],
)
async def test_an_oracle_without_a_call_is_refused(
    tmp_path: Path, names: str, record: str, title: str, words: str
) -> None:
    table = f"record = {json.dumps(f'{sys.executable} {record}')}"
    if not title:
        assert (await calls_of(tmp_path, names, table)).calls
        return
    with pytest.raises(EngineError) as refused:
        await calls_of(tmp_path, names, table)
    assert refused.value.title == title and words in f"{refused.value.message} {refused.value.hint}"


async def test_a_function_that_is_not_the_worktrees_is_refused(tmp_path: Path) -> None:
    """An installed copy would hide every change of a candidate (S8)."""
    elsewhere = tmp_path / "elsewhere" / "lib"
    elsewhere.mkdir(parents=True)
    (elsewhere / "__init__.py").touch()
    (elsewhere / "kinds.py").write_text(LIBRARY)
    files = {
        "other.py": f"import sys\nsys.path.insert(0, {str(elsewhere.parent)!r})\nfrom lib import kinds\nkinds.deep(3)\n"
    }
    if os.environ.get("TMPDIR", "/tmp") and str(tmp_path).startswith("/tmp"):
        more = f'\n[sandbox]\nread = ["{elsewhere.parent}"]'
    with pytest.raises(EngineError) as refused:
        await calls_of(tmp_path, "deep", f'record = "{sys.executable} other.py"{more}', files)
    assert f"lib.kinds:deep comes from {elsewhere}" in refused.value.message


# --- what comes back is not trusted ---

CALL = Call("m:f", "", "f(1)", ["returned", 2], ["tuple", [["tuple", [["list", [1]]]], ["dict", []]]])
AFTER = CALL.after


@pytest.mark.parametrize(
    ("got", "words"),
    [
        ({"end": ["returned", 2], "after": AFTER}, None),
        ({"end": ["returned", 3], "after": AFTER}, " result: expected 2, got 3"),
        ({"end": ["raised", ["exception", "ValueError", ["no"]]], "after": AFTER}, "got the exception ValueError('no')"),
        ({"end": ["returned", 2], "after": ["tuple", [["tuple", [["list", [2]]]], ["dict", []]]]},
         " argument 1 afterwards[0]: expected 1, got 2"),
        ({"end": ["returned", 2], "after": None}, " arguments afterwards: expected"),
        ({"failed": "m:f cannot be found"}, " result: expected 2, got m:f cannot be found"),
        (None, " result: expected 2, got none: killed"),
        ({}, "its record makes no sense"),
        ({"end": 7, "after": AFTER}, "its record makes no sense"),
        ({"end": ["returned"], "after": AFTER}, "its record makes no sense"),
        ({"end": [[], {}], "after": AFTER}, "its record makes no sense"),
    ],
)  # fmt: skip
def test_a_call_without_the_expected_outcome_differs(got: Any, words: str | None) -> None:
    """A missing, failed or forged record is a difference, never passed over (L10)."""
    found = compare_call(CALL, got, "killed", Tolerance())
    assert (found and words in found.text) if words else found is None


async def test_a_candidate_that_does_not_come_to_an_end_has_failed(tmp_path: Path) -> None:
    """The call at which it hung has no result; those before it have theirs (L10)."""
    async with engine_with(tmp_path, 'functions = ["lib.kinds:Shop.tax", "lib.kinds:steady"]') as engine:
        log = engine.folder.baseline / "bench.log"
        calls = await recorded.record(engine, 1, log)
        path = engine.tree("candidate") / "src" / "lib" / "kinds.py"
        path.write_text(LIBRARY.replace("    return [value]", "    while True: pass\n    return [value]"))
        table = engine.config.oracle.model_copy(update={"timeout": 2.0})
        engine.config = engine.config.model_copy(update={"oracle": table})
        replayed = await recorded.replay(engine, calls, "candidate", 1, log)
        found = recorded.differences(calls, replayed, recorded.tolerance(engine))
    assert found is not None and "expected" in found.text and ", got none: killed after" in found.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"call": 0}\n{"call": 0}\n', "forged"),
        ('{"call": "0"}\n', "forged"),
        ("[]\n", "no records"),
        ("oops\n", "Expecting value"),
        ("[" * 100_000 + "\n", "nested too deeply"),
    ],
)
def test_forged_results_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "results.jsonl").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_results(tmp_path)


def test_results_are_read_from_a_file_of_their_own_only(tmp_path: Path) -> None:
    """Not through a link, not from a pipe that never ends; a line that was cut off is no result."""
    results = tmp_path / "results.jsonl"
    assert read_results(tmp_path) == {}
    results.write_text('{"call": 0}\n{"call": 1')
    assert list(read_results(tmp_path)) == [0]
    target = results.rename(tmp_path / "elsewhere")
    results.symlink_to(target)
    assert read_results(tmp_path) == {}
    results.unlink()
    os.mkfifo(results)
    with pytest.raises(ValueError, match="no file"):
        read_results(tmp_path)


def test_the_recorder_comes_first_in_every_path_that_a_command_sets() -> None:
    top = Path("/a b")
    assert with_path("PYTHONPATH=src make && X=1 PYTHONPATH='x y' go", top) == (
        "PYTHONPATH='/a b':src make && X=1 PYTHONPATH='/a b':'x y' go"
    )
    assert with_path(["env", "PYTHONPATH=src", "-c", "MYPYTHONPATH=1"], top) == [
        "env", "PYTHONPATH=/a b:src", "-c", "MYPYTHONPATH=1",
    ]  # fmt: skip


# --- output ---

OUTPUTS = [
    ("date +%N", "", "The oracle gives something else each time", "line 1"),
    ("exit 3", "", "The oracle's command fails", "exit code 3"),
    ("echo", 'files = ["out.txt"]', "does not write what is to be compared", "out.txt"),
    ("ln -sf src/value.txt out.txt", 'files = ["out.txt"]', "does not write what is to be compared", "out.txt"),
    ("seq 2000000", "", "The oracle's command fails", "more than is kept"),
]


@pytest.mark.parametrize(("command", "more", "title", "words"), OUTPUTS)
async def test_an_oracle_that_can_say_nothing_is_refused(
    tmp_path: Path, command: str, more: str, title: str, words: str
) -> None:
    """Before the session measures anything, with the reason (L10)."""
    async with engine_with(tmp_path, f'command = "{command}"\n{more}') as engine:
        with pytest.raises(EngineError) as refused:
            await oracle.expect(engine, 1, engine.folder.baseline / "bench.log")
    assert title in refused.value.title and words in refused.value.message


async def test_a_file_of_the_worktree_that_the_command_overwrites_is_as_before_afterwards(tmp_path: Path) -> None:
    """And one that was there before does not pass for what the command writes."""
    more = 'files = ["out/a.txt", "old.txt"]'
    command = "mkdir -p out; echo new > out/a.txt; test -e old.txt && exit 5; echo new > old.txt"
    async with engine_with(tmp_path, f"command = {json.dumps(command)}\n{more}", {"old.txt": "old\n"}) as engine:
        expected = await oracle.expect(engine, 1, engine.folder.baseline / "bench.log")
        assert expected.output == {"output": "", "out/a.txt": "new\n", "old.txt": "new\n"}
        for side in ("incumbent", "candidate"):
            assert (engine.tree(side) / "old.txt").read_text() == "old\n"
            assert not (engine.tree(side) / "out" / "a.txt").exists()
        assert (engine.folder.root / "oracle" / "out__a.txt").read_text() == "new\n"


async def test_preflight_says_what_the_oracle_compares(tmp_path: Path) -> None:
    """One line for the command, one for the calls, one for each reason that calls are left out (S7)."""
    functions = '["lib.kinds:steady", "lib.kinds:mixed"]'
    async with engine_with(tmp_path, f'command = "cat src/value.txt"\nfunctions = {functions}') as engine:
        config, repo = engine.config, engine.workspace.root
    lines = [line for line in await check(repo, config, lambda _: None) if line.title == "oracle"]
    assert [line.status for line in lines] == ["pass"] * 3
    assert lines[0].detail == "`cat src/value.txt` gave the same twice: output of 4 characters"
    assert lines[1].detail.startswith("5 recorded calls will be made again: lib.kinds:steady 3")


# --- configuration ---


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('functions = ["lib.kinds.steady"]', "package.module:function"),
        ('functions = ["lib:"]', "package.module:function"),
        ('files = ["out.txt"]', "a command beside it that writes the files"),
        ('command = "true"\nfiles = ["/etc/passwd"]', "not an absolute one"),
        ('compare = "close"', "exact"),
        ("calls = 0", "1"),
        ("surprise = 1", "surprise"),
    ],
)
def test_a_wrong_table_is_refused_in_words(table: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f'goal = "x"\n[benchmark]\ncommand = "true"\n[scope]\ninclude = ["src"]\n[oracle]\n{table}')
    assert words in str(refused.value.message) + refused.value.hint
