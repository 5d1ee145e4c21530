"""What the loop itself costs per experiment: all but profile, agent, build, checks and samples.

    python -m benchmarks.overhead [--files 1000 20000] [--experiments 12]

Each row is a real session on a repository of so many files, with a shell script as the agent and a benchmark that prints a
number. The peers in the same run: one `git status` and one `git commit` of a changed file in that repository.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from autotune_tui.config import parse
from autotune_tui.engine.run import run_session
from autotune_tui.journal.reader import read_journal
from autotune_tui.model.events import Phase, Result

LIMITS = {1_000: 0.150, 20_000: 0.400}
BENCH = "#!/bin/sh\necho METRIC cost=$(cat src/value.txt)\n"
AGENT = """#!/bin/sh
[ $((AUTOTUNE_EXPERIMENT % {every})) = 0 ] && sign=-1 || sign=1
echo $((1000 + sign * AUTOTUNE_EXPERIMENT)) > src/value.txt
"""
SESSIONS = {"all kept": 1, "none kept": 1000, "one in four kept": 4}
FILES_PER_FOLDER = 100


def git(repo: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(repo), *arguments], check=True, capture_output=True)


def make_repo(folder: Path, files: int) -> Path:
    """A committed repository with that many small files and the benchmark."""
    repo = folder / "repo"
    for number in range(files - 2):
        path = repo / "src" / f"d{number // FILES_PER_FOLDER:03}" / f"f{number % FILES_PER_FOLDER:03}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {number}\n" * 20)
    (repo / "src" / "value.txt").write_text("1000\n")
    (repo / "bench.sh").write_text(BENCH)
    git(repo, "init", "-q", "-b", "main")
    git(repo, "config", "user.name", "Bench")
    git(repo, "config", "user.email", "bench@example.org")
    git(repo, "config", "gc.auto", "0")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "start")
    return repo


def session(folder: Path, repo: Path, name: str, every: int, experiments: int) -> list[Result]:
    """Run a session of which every so manieth candidate is kept and the others are discarded; its results."""
    agent = folder / f"{name}.sh"
    agent.write_text(AGENT.format(every=every))
    agent.chmod(0o755)
    config = parse(
        f"""
        goal = "Overhead"
        agent = "command"
        metric = {{name = "cost", source = "metric_line", threshold = "0.01%"}}
        benchmark = {{command = "sh bench.sh"}}
        scope = {{include = ["src/**"]}}
        workspace = {{cache = {json.dumps(str(folder / "cache"))}}}
        budget = {{experiments = {experiments}}}
        health = {{max_no_improvement = 1000}}
        agent_command = {{command = {json.dumps(str(agent))}}}
        """
    )
    asyncio.run(run_session(repo, name, config, on_event=lambda _: None))
    journal = read_journal(repo / ".autotune" / name / "autotune.jsonl")
    for phase, seconds in phases(journal):
        print(f"    {phase:<10} {seconds * 1e3:7.1f} ms")
    return [event for event in journal if isinstance(event, Result) and event.index > 0]


def phases(journal: Sequence[object]) -> list[tuple[str, float]]:
    """Median seconds of the phases that are the loop's own."""
    names = ("sync", "scope", "commit", "guard", "inspect", "decide", "reflect")
    ends = [event for event in journal if isinstance(event, Phase) and event.state == "end" and event.experiment > 2]
    return [(name, statistics.median(e.seconds for e in ends if e.phase == name)) for name in names]


def peer(repo: Path, *arguments: str) -> float:
    """Seconds of one git command, best of five."""
    times = []
    for number in range(5):
        (repo / "src" / "value.txt").write_text(f"{2000 + number}\n")
        began = time.perf_counter()
        git(repo, *arguments)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=list(LIMITS))
    parser.add_argument("--experiments", type=int, default=12)
    options = parser.parse_args()
    for files in options.files:
        with tempfile.TemporaryDirectory(prefix="autotune-overhead-") as name:
            folder = Path(name)
            repo = make_repo(folder, files)
            for number, (kind, every) in enumerate(SESSIONS.items(), 1):
                results = session(folder, repo, f"{number:03}-overhead", every, options.experiments)
                kept = [result.index for result in results if result.status == "keep"]
                assert kept == [number for number in range(1, options.experiments + 1) if number % every == 0], results
                own = [result.own_seconds for result in results[2:]]
                limit = LIMITS.get(files)
                against = f", limit {limit * 1e3:.0f} ms: {statistics.median(own) / limit:.2f}x" if limit else ""
                print(
                    f"{files:,} files, {kind}: {statistics.median(own) * 1e3:.0f} ms of the loop's own per experiment"
                    f" (median of {len(own)}; worst {max(own) * 1e3:.0f} ms){against}"
                )
            status, commit = peer(repo, "status", "--porcelain"), peer(repo, "commit", "-qam", "peer")
            print(f"{files:,} files, peers: git status {status * 1e3:.0f} ms, git commit {commit * 1e3:.0f} ms\n")


if __name__ == "__main__":
    main()
