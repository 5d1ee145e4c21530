"""The benchmark is profiled with whatever works for it, and the result reads well (L2)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autotune_tui.measure.executors.base import Command, argv_of
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.measure.profilers import cprofile, moved, perf, profile, pyspy, render
from autotune_tui.measure.profilers.stacks import Frame, Sources, Stacks, clean, folded, hot_spots
from autotune_tui.model.profile import HotSpot, Profile

BENCH = """
import sys
from lib.rows import Rows, traced

@traced
def parse(n):
    for i in range(n):
        len([c for c in str(i) if c in "13579"])

def main():
    for _ in range(10):
        parse(6_000)
        Rows().render(6_000)
    print("METRIC x=1")

if __name__ == "__main__":
    main()
"""
ROWS = """
import functools

def traced(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner

class Rows:
    def render(self, n):
        return "".join(str(i * i) for i in range(n))
"""


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    worktree = tmp_path / "worktree"
    (worktree / "lib").mkdir(parents=True)
    (worktree / "bench.py").write_text(BENCH)
    (worktree / "lib" / "rows.py").write_text(ROWS)
    return worktree


@pytest.fixture
async def executor() -> AsyncIterator[LocalExecutor]:
    async with LocalExecutor() as executor:
        yield executor


def command_of(command: str | list[str], worktree: Path, timeout: float = 60.0) -> Command:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return Command(argv_of(command), worktree, {"PATH": path, "PYTHONHASHSEED": "0"}, timeout)


def by_name(found: Profile) -> dict[tuple[str, str], HotSpot]:
    return {(spot.file, spot.function): spot for spot in found.hot_spots}


def check_the_hot_functions(found: Profile) -> None:
    """As `worktree` has them, whichever profiler looked."""
    spots = by_name(found)
    parse, render_, main = (
        spots[key] for key in (("bench.py", "parse"), ("lib/rows.py", "Rows.render"), ("bench.py", "main"))
    )
    assert (parse.line, render_.line, main.line) == (6, 11, 10), "lines of the def, not of the decorator"
    assert parse.self_share > render_.self_share > 0.02
    whole = main.total_share  # the rest is Python's start, half of the samples on a busy machine
    assert whole > 0.2 and parse.self_share > 0.5 * whole > main.self_share
    assert whole > parse.self_share + render_.self_share - 0.000001
    shares = [spot.total_share for spot in found.hot_spots]
    assert shares == sorted(shares, reverse=True) and max(shares) <= 1.000001
    assert not [spot for spot in found.hot_spots if "frozen" in spot.file or "comp>" in spot.function]


@pytest.mark.skipif(pyspy.program() is None, reason="needs py-spy: pip install py-spy")
@pytest.mark.parametrize(
    "command", ["cd lib && cd .. && python bench.py; true", ["python", "bench.py"]], ids=["shell", "direct"]
)
async def test_py_spy_finds_the_hot_functions_of_a_short_program(
    executor: LocalExecutor, worktree: Path, command: str | list[str]
) -> None:
    """L2: also inside a shell command, and with enough samples although it takes a tenth of a second."""
    out = worktree.parent / "experiment"
    found = await profile(executor, command_of(command, worktree), worktree, "0123456789abcdef", out)
    if found.tool != "py-spy":
        pytest.skip(f"needs the right to look into processes: {found.note}")
    assert found.samples >= 50 and found.commit == "0123456789abcdef"
    check_the_hot_functions(found)
    assert "parse (bench.py:6)" in found.folded
    assert sorted(path.name for path in out.iterdir()) == ["profile-snapshot.txt", "profile.folded", "profile.log"]
    assert (out / "profile-snapshot.txt").read_text() == render(found)
    assert "METRIC x=1" in (out / "profile.log").read_text()


@pytest.fixture
def no_py_spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """py-spy as it behaves where it may not look into processes."""
    refusing = tmp_path / "py-spy"
    refusing.write_text("#!/bin/sh\necho 'Error: Permission Denied: try again as root' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(pyspy, "program", lambda: str(refusing))


@pytest.mark.usefixtures("no_py_spy")
@pytest.mark.parametrize("command", [["python", "bench.py"], "python -u -m bench"], ids=["script", "module"])
async def test_cprofile_steps_in_where_py_spy_may_not_work(
    executor: LocalExecutor, worktree: Path, command: str | list[str]
) -> None:
    """L2"""
    out = worktree.parent / "experiment"
    found = await profile(executor, command_of(command, worktree), worktree, "abc", out)
    assert found.tool == "cProfile" and found.samples > 100_000, found.note
    check_the_hot_functions(found)
    assert sorted(path.name for path in out.iterdir()) == ["profile-snapshot.txt", "profile.log"]


@pytest.mark.usefixtures("no_py_spy")
async def test_an_empty_profile_says_why(executor: LocalExecutor, worktree: Path) -> None:
    found = await profile(
        executor, command_of(["python", "-c", "pass"], worktree), worktree, "abc", worktree.parent / "x"
    )
    assert found.hot_spots == () and found.tool == "none"
    assert "py-spy: Permission Denied: try again as root" in found.note and "cProfile works for" in found.note
    assert found.note in (worktree.parent / "x" / "profile-snapshot.txt").read_text()


async def test_a_benchmark_that_fails_or_hangs_gives_an_empty_profile(executor: LocalExecutor, worktree: Path) -> None:
    bad = await profile(executor, command_of("exit 3", worktree), worktree, "abc", worktree.parent / "x")
    assert bad.hot_spots == () and "There is no profile" in bad.note
    (worktree / "hang.py").write_text("import time\nwhile True: time.sleep(1)")
    hang = await profile(
        executor, command_of(["python", "hang.py"], worktree, 0.5), worktree, "abc", worktree.parent / "y"
    )
    assert hang.hot_spots == () and "longer than allowed" in hang.note


C_PROGRAM = """
#include <stdio.h>
__attribute__((noinline)) static long hash(const char *s, int n) {
    long h = 1; for (int i = 0; i < n; i++) h = h * 31 + s[i]; return h; }
int main(void) { static char b[4096]; long t = 0;
    for (int i = 0; i < 30000; i++) { b[i % 4096] = i; t += hash(b, 4096); } printf("%ld\\n", t); }
"""


@pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("perf")), reason="needs cc, perf: apt-get install gcc linux-perf"
)
async def test_perf_profiles_what_is_not_python(executor: LocalExecutor, worktree: Path) -> None:
    """L2"""
    (worktree / "main.c").write_text(C_PROGRAM)
    subprocess.run(["cc", "-O1", "-g", "-o", "main", "main.c"], cwd=worktree, check=True)  # noqa: ASYNC221
    found = await profile(executor, command_of(["./main"], worktree), worktree, "abc", worktree.parent / "x")
    if found.tool != "perf":
        pytest.skip(f"needs the right to use perf: {found.note}")
    assert by_name(found)["main", "hash"].self_share > 0.5


def test_py_spys_format_is_read_and_process_names_are_passed_over() -> None:
    text = (
        'process 1:"/bin/sh -c a; b (x:1)";process 2:"python";<module> (/w/a.py:1);f (/w/b;c.py:3) 7\n'
        'process 1:"sh" 2\n'
        "torn line without count\n"
    )
    assert pyspy.parse(text) == {
        (Frame("/w/a.py", "<module>", 1),): 7,
        (): 2,
    }


def test_perfs_format_is_read_and_time_in_the_kernel_goes_to_its_caller() -> None:
    kernel = "\tffff1 do_syscall_64 ([kernel.kallsyms])\n"
    text = kernel + "\t7f1 write (/lib/libc.so.6)\n\t551 main (/w/main)\n\n\t552 main (/w/main)\n"
    write, main = Frame("/lib/libc.so.6", "write", 0), Frame("/w/main", "main", 0)
    assert perf.parse(text) == {(main, write): 1, (main,): 1}


def test_recursion_and_comprehensions_are_counted_once_in_their_function(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n    return [f() for _ in x]\n")
    f, comp = Frame(str(tmp_path / "a.py"), "f", 1), Frame(str(tmp_path / "a.py"), "f.<locals>.<listcomp>", 2)
    start = Frame("<frozen runpy>", "_run_code", 1)
    stacks = clean(Stacks({(start, f, comp, f, comp): 3, (start,): 1}), Sources(tmp_path))
    assert hot_spots(stacks) == (HotSpot("a.py", "f", 1, 0.75, 0.75),)
    assert folded(stacks) == "f (a.py:1);f (a.py:1) 3\n"


def test_files_outside_the_worktree_keep_their_whole_path(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def (:")
    sources = Sources(tmp_path)
    assert sources.locate(Frame(json_file := "/usr/lib/json.py", "load", 3)) == Frame(json_file, "load", 3)
    assert sources.locate(Frame("a.py", "broken", 3)) == Frame("a.py", "broken", 3)
    assert sources.locate(Frame("<string>", "x", 1)) == Frame("<string>", "x", 1)


def test_cprofile_charges_built_in_functions_to_their_callers(tmp_path: Path) -> None:
    main, comp, built_in = ("/x.py", 1, "main"), ("/x.py", 2, "<listcomp>"), ("~", 0, "<built-in len>")
    stats = {
        main: (1, 1, 1.0, 4.0, {}),
        comp: (1, 1, 2.0, 3.0, {main: (1, 1, 2.0, 3.0)}),
        built_in: (9, 9, 1.0, 1.0, {comp: (9, 9, 1.0, 1.0)}),
    }
    assert cprofile.hot_spots(stats, Sources(tmp_path)) == (HotSpot("/x.py", "main", 1, 1.0, 1.0),)


def a_profile(**shares: float) -> Profile:
    spots = tuple(HotSpot("src/app.py", name, 5, share, share) for name, share in shares.items())
    return Profile("py-spy", "0123456789abcdef", 1.5, 750, spots, note="A note.")


def test_a_profile_is_a_table_for_people() -> None:
    """L2: a ranked list of targets."""
    spots = (
        HotSpot("/usr/lib/python3/json/decoder.py", "decode", 9, 0.3, 0.4),
        *a_profile(parse=0.5, main=0.001).hot_spots,
    )
    text = render(Profile("py-spy", "0123456789abcdef", 1.5, 750, spots, note="A note."))
    assert text == (
        "Where 0123456789ab spends its time\n"
        "py-spy, 750 samples in 1.50 s\n"
        "\n"
        "   self                       total   function   where\n"
        "  50.0%   ████████            50.0% * parse    src/app.py:5\n"
        "  30.0%   ████▊               40.0%   decode   …/json/decoder.py:9\n"
        "   0.1%                        0.1% * main     src/app.py:5\n"
        "\n"
        "self: in the function itself; total: also in what it calls; *: in the worktree\n"
        "\n"
        "A note.\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (None, a_profile(f=1.0), ""),
        (a_profile(), a_profile(f=1.0), ""),
        (a_profile(f=0.6, g=0.3), a_profile(f=0.5, g=0.4), ""),
        (a_profile(f=0.6, g=0.3), a_profile(f=0.44, g=0.46), ""),
        (
            a_profile(f=0.6, g=0.3),
            a_profile(f=0.1, g=0.7),
            "The bottleneck has moved from f (src/app.py:5, 60%, now 10%) to g (src/app.py:5, 70%).",
        ),
    ],
)
def test_it_is_said_when_the_bottleneck_moves(old: Profile | None, new: Profile, words: str) -> None:
    """L2"""
    assert moved(old, new) == words
