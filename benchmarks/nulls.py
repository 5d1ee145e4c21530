"""How many changes without effect a real session keeps on this machine, as it is (decision.md: at most 5 of 200).

    python -m benchmarks.nulls [--experiments 200]

The benchmark is a Python process of some 40 ms. Each candidate adds a comment to what it runs: nothing that it does changes.
The limit in the same run is the share of keeps that the configured error rate allows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from autotune_tui.config import parse
from autotune_tui.engine.run import run_session
from autotune_tui.journal.reader import read_journal
from autotune_tui.model.events import Result
from benchmarks.overhead import git

LIMIT = 5 / 200
WORK = "total = 0\nfor number in range(300_000):\n    total += number % 7\nassert total\n"
AGENT = '#!/bin/sh\necho "# $AUTOTUNE_EXPERIMENT" >> src/work.py\n'


def make_repo(folder: Path) -> Path:
    repo = folder / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "src" / "work.py").write_text(WORK)
    (repo / "bench.py").write_text("import src.work\n")  # what a command names is locked
    git(folder, "init", "-q", "-b", "main", "repo")
    git(repo, "config", "user.name", "Bench")
    git(repo, "config", "user.email", "bench@example.org")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "start")
    return repo


def nulls(folder: Path, experiments: int) -> list[Result]:
    """The results of a session whose candidates all have no effect."""
    repo, agent = make_repo(folder), folder / "agent.sh"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    config = parse(
        f"""
        goal = "Nothing"
        agent = "command"
        metric = {{name = "seconds", unit = "s", source = "wall_time"}}
        benchmark = {{command = "python3 bench.py"}}
        scope = {{include = ["src/**"]}}
        workspace = {{cache = {json.dumps(str(folder / "cache"))}}}
        budget = {{experiments = {experiments}}}
        health = {{max_no_improvement = 100000}}
        agent_command = {{command = {json.dumps(str(agent))}}}
        """
    )
    asyncio.run(run_session(repo, "001-nulls", config, on_event=lambda _: None))
    journal = read_journal(repo / ".autotune" / "001-nulls" / "autotune.jsonl")
    return [event for event in journal if isinstance(event, Result) and event.index > 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autotune-nulls-") as name:
        results = nulls(Path(name), options.experiments)
    kept = [result for result in results if result.status == "keep"]
    statuses = sorted({(r.status, r.reason) for r in results})
    runs = 2 * sum(result.pairs for result in results) / len(results)
    print(
        f"{len(kept)} of {len(results)} kept, limit {LIMIT * len(results):.0f}: {len(kept) / len(results) / LIMIT:.2f}x"
    )
    print(f"{runs:.1f} timed runs each; ended as {statuses}")
    for result in kept:
        print(f"  #{result.index}: {result.effect}")


if __name__ == "__main__":
    main()
