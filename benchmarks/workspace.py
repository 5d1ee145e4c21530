"""What the workspace costs per experiment: ms per operation beside one bare `git status` and `git commit` of the same
run.

    python -m benchmarks.workspace [--files 1000 20000] [--rounds 7]

Each round is an experiment that is kept and one that is discarded, on a repository of that many files in the
temporary folder. The total decides: under 150 ms at 1,000 files and under 400 ms at 20,000 for the whole loop, of
which this should be most.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from autotune_tui.config import Scope, WorkspaceOptions
from autotune_tui.workspace import Workspace
from autotune_tui.workspace.git import Git

T = TypeVar("T")
IDENTITY = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
STEPS = ("sync both", "files", "changes", "commit", "diff, stat, key")
KINDS = {"after a discard": STEPS, "after a keep": STEPS, "keep": ("reword", "advance")}


class Meter:
    """Wall time and git processes per operation."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.processes: dict[str, list[int]] = defaultdict(list)
        self.started = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count the git processes that the workspace starts."""
        original = Git.run

        def counted(git: Git, *arguments: str, **options: Any) -> bytes:
            self.started += 1
            return original(git, *arguments, **options)

        with patch.object(Git, "run", counted):
            yield

    def time(self, name: str, call: Callable[[], T]) -> T:
        before, start = self.started, time.perf_counter()
        result = call()
        self.seconds[name].append(time.perf_counter() - start)
        self.processes[name].append(self.started - before)
        return result

    def milliseconds(self, name: str) -> float:
        return statistics.median(self.seconds[name]) * 1000


def make_repository(root: Path, files: int) -> None:
    for number in range(files):
        folder = root / f"package{number // 500}" / f"part{number // 50 % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module{number}.py").write_text(
            "".join(f"def f{i}(x):\n    return x + {number}\n" for i in range(10))
        )
    (root / ".gitignore").write_text("__pycache__/\n")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        bare_git(root, *command)


def bare_git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, env=dict(os.environ) | IDENTITY, check=True, capture_output=True)


def experiment(workspace: Workspace, number: int, meter: Meter, prefix: str) -> tuple[str, str]:
    """Everything the loop asks of the workspace for one experiment; (incumbent, candidate) commits."""
    base = workspace.tip()
    meter.time(f"{prefix}sync both", lambda: workspace.sync_both(base))
    files = meter.time(f"{prefix}files", workspace.files)
    for path in files[number % len(files)], files[-1 - number % len(files)]:
        with (workspace.candidate / path).open("a") as file:
            file.write(f"# {number}\n")
    (workspace.candidate / files[0]).with_name(f"new{number}.py").write_text("NEW = 1\n")
    found = meter.time(f"{prefix}changes", workspace.changes)
    trailers = {"Autotune-Experiment": str(number)}
    sha = meter.time(f"{prefix}commit", lambda: workspace.commit(number, "Try", trailers, found))
    meter.time(
        f"{prefix}diff, stat, key",
        lambda: (
            workspace.commits.diff(base, sha),
            workspace.commits.stat(base, sha),
            workspace.commits.change_key(base, sha),
        ),
    )
    return base, sha


def measure(files: int, rounds: int) -> None:
    meter = Meter()
    with tempfile.TemporaryDirectory(prefix="autotune-bench-") as name:
        root = Path(name, "repository")
        make_repository(root, files)
        options = WorkspaceOptions(cache=str(Path(name, "cache")))
        workspace = Workspace.open(root, "001-bench", options, Scope(include=["*.py"]))
        meter.time("create", workspace.create)
        experiment(workspace, 0, meter, "first: ")
        with meter.counting():
            for number in range(1, 2 * rounds, 2):
                base, sha = experiment(workspace, number, meter, "after a discard: ")
                keep(workspace, meter, number, base, sha)
                experiment(workspace, number + 1, meter, "after a keep: ")
                meter.time("bare git status", lambda: bare_git(root, "status", "--porcelain"))
                with (root / "package0/part0/module1.py").open("a") as file:
                    file.write("# edit\n")
                meter.time("bare git commit", lambda: bare_git(root, "commit", "-q", "-a", "-m", "Edit"))
    show(files, meter)


def keep(workspace: Workspace, meter: Meter, number: int, base: str, sha: str) -> None:
    new = meter.time("keep: reword", lambda: workspace.reword(number, sha, "Keep", {"Autotune-Metric": "1"}))
    meter.time("keep: advance", lambda: workspace.advance(base, new))


def show(files: int, meter: Meter) -> None:
    status, commit = meter.milliseconds("bare git status"), meter.milliseconds("bare git commit")
    print(f"\n{files:,} files; create {meter.milliseconds('create'):.0f} ms, ", end="")
    print(f"bare git status {status:.1f} ms, bare git commit {commit:.1f} ms; load {os.getloadavg()[0]:.1f}")
    print(f"{'':34}{'ms':>8}{'x status':>10}{'x commit':>10}{'processes':>11}")
    for kind, steps in KINDS.items():
        names = [f"{kind}: {step}" for step in steps]
        rows = [(name, meter.milliseconds(name), statistics.median(meter.processes[name])) for name in names]
        total = (f"  all of it, {kind}", sum(row[1] for row in rows), sum(row[2] for row in rows))
        for name, ms, processes in (*rows, total):
            print(f"{name:34}{ms:8.1f}{ms / status:10.2f}{ms / commit:10.2f}{processes:11.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[1000, 20000])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    for files in options.files:
        measure(files, options.rounds)


if __name__ == "__main__":
    main()
