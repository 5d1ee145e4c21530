"""A repository without benchmark and tests gets both: written, tried, shown, and added once somebody agrees (S6)."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from autotune_tui.agents.base import Built
from autotune_tui.engine.prepare import Draft, accept
from autotune_tui.errors import UsageError
from claude_support import Answer, Say, by_role, results_of, role_of, said, tool, write
from engine_support import git
from messages_server import KEY, serve

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="apt-get install bubblewrap")

CODE = "def total(rows):\n    result = 0\n    for row in rows:\n        result += row\n    return result\n"
BENCH = """\
import os, random, sys, time
sys.path.insert(0, "src")
from app import total
random.seed(os.environ["AUTOTUNE_SEED"])
rows = [random.random() for _ in range(100_000)]
began = time.perf_counter()
checksum = sum(total(rows) for _ in range(5))
print("METRIC time=%.9f" % (time.perf_counter() - began))
"""
TESTS = """\
import sys, unittest
sys.path.insert(0, "src")
from app import total
class Total(unittest.TestCase):
    def test_total(self):
        self.assertEqual([total([]), total([1]), total([1, 2.5])], [0, 1, %s])
"""
RUN = f"{sys.executable} -B bench/bench.py"
CHECK = f"{sys.executable} -B -m unittest -q tests/test_app.py"


def benchmark(command: str = RUN, metric: str = "time", unit: str = "s") -> dict[str, object]:
    about = "Adds 100,000 numbers five times."
    return tool("submit_benchmark", command=command, metric=metric, unit=unit, direction="lower", about=about)


def checks() -> dict[str, object]:
    return tool("submit_tests", command=CHECK, about="Empty, one and several rows.")


BUILDING: dict[str, list[Answer]] = {
    "benchmark": [
        Say([tool("list_files"), benchmark()]),
        Say([write("src/app.py", "x"), write("bench/bench.py", "print('METRIC time=0.5')\n"), benchmark()]),
        Say([write("bench/bench.py", "print('METRIC other=0.5')\n"), benchmark()]),
        Say([write("bench/bench.py", "print('METRIC time=nan')\n"), benchmark()]),
        Say([write("bench/bench.py", "open('left', 'w')\nprint('METRIC time=1')\n"), benchmark()]),
        Say([tool("shell", command="rm left"), write("bench/bench.py", BENCH), benchmark()]),
    ],
    "tests": [
        Say([write("tests/test_app.py", TESTS % 4), checks()]),
        Say([write("tests/test_app.py", TESTS % 3.5), checks()]),
    ],
}


def repository(folder: Path) -> Path:
    repo = folder / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "src/app.py").write_text(CODE)
    git(folder, "init", "-q", "-b", "main", str(repo))
    git(repo, "config", "user.name", "Someone")
    git(repo, "config", "user.email", "someone@example.org")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "start")
    return repo


async def run(repo: Path, *arguments: str, url: str, typed: str = "", more: str = "") -> tuple[int, str]:
    """The command line as its user runs it; what it prints."""
    file = repo.parent / "prepare.toml"
    file.write_text(
        f'[workspace]\ncache = "{repo.parent / "cache"}"\n[agent_claude]\nbase_url = "{url}"\npatience = 0\n{more}'
    )
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "autotune_tui", *arguments, "--file", str(file), env={**os.environ, "ANTHROPIC_API_KEY": KEY},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output = (await running.communicate(typed.encode()))[0].decode()
    assert running.returncode is not None
    return running.returncode, output


GOAL = ("--goal", "Add rows quickly", "--include", "src/**")


async def test_a_benchmark_and_tests_are_written_tried_shown_and_committed(tmp_path: Path) -> None:
    """S6: both at once; what does not run, does not print its number or is not new goes back to who wrote it."""
    repo = repository(tmp_path)
    async with serve(by_role(**BUILDING)) as server:
        code, output = await run(repo, "prepare", str(repo), *GOAL, "--yes", url=server.url)
    assert code == 0, output
    back = {
        role: [results_of(request)[-1]["content"] for request in server.requests[1:]
               if role_of(request) == role and len(request["messages"]) > 1]
        for role in BUILDING
    }  # fmt: skip
    for refusal, words in zip(
        back["benchmark"],
        [
            "Nothing was written",
            "that was not measured",
            "0 lines METRIC time=value",
            "no plain number",
            "leaves files",
        ],
        strict=True,
    ):
        assert words in refusal
    assert "AssertionError" in back["tests"][0] or "failed: exit code 1" in back["tests"][0]
    assert git(repo, "log", "--format=%s").splitlines() == ["Add a benchmark and regression tests", "start"]
    assert git(repo, "show", "--name-only", "--format=").splitlines() == ["bench/bench.py", "tests/test_app.py"]
    assert git(repo, "status", "--porcelain") == ""
    assert (repo / "src/app.py").read_text() == CODE
    assert not git(repo, "worktree", "list").splitlines()[1:]
    for words in (
        "It ran 3 times: time = ",
        "It passed each time.",
        "Adds 100,000 numbers",
        "random.seed",
        "--source metric_line",
    ):
        assert words in output
    assert KEY not in output
    first = next(request for request in server.requests if role_of(request) == "benchmark")
    assert "- src/app.py" in said(first) and "Add rows quickly" in said(first)
    assert {"try_benchmark", "run_checks", "profile"}.isdisjoint(each["name"] for each in first["tools"])


async def test_nothing_is_added_without_a_yes(tmp_path: Path) -> None:
    """S6: only one of them, shown; the checkout stays as it was."""
    repo = repository(tmp_path)
    script = by_role(tests=[Say([write("tests/test_app.py", TESTS % 3.5), checks()])])
    async with serve(script) as server:
        code, output = await run(repo, "prepare", str(repo), *GOAL, "--only", "tests", url=server.url, typed="n\n")
    assert code == 0, output
    assert "Nothing was added." in output and "tests/test_app.py, 6 lines" in output
    assert git(repo, "log", "--format=%s") == "start"
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("there", ["mine\n", None])
def test_what_is_there_already_is_not_overwritten(tmp_path: Path, there: str | None) -> None:
    """Neither a file of the user's nor what the other one of the two has written."""
    repo = repository(tmp_path)
    if there:
        (repo / "bench.py").write_text(there)
    built = Built("benchmark", "python bench.py", ("bench.py",), "")
    draft = Draft(built, {"bench.py": b"theirs\n"}, {"bench.py": 0o644})
    with pytest.raises(UsageError, match="such files already" if there else "the same file"):
        accept(repo, [draft] if there else [draft, draft])
    assert (repo / "bench.py").exists() == bool(there)
    assert git(repo, "log", "--format=%s") == "start"


async def test_without_a_sandbox_nothing_is_written_by_a_model(tmp_path: Path) -> None:
    """A6: what is written has to be run, and there are no walls to run it in."""
    repo = repository(tmp_path)
    async with serve(by_role()) as server:
        code, output = await run(repo, "prepare", str(repo), *GOAL, url=server.url, more='[sandbox]\nmode = "none"\n')
        assert server.requests == []
    assert code == 1, output
    assert "Nothing can be built without a sandbox" in output
    assert "Traceback" not in output
