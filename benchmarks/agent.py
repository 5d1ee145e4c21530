"""What the Claude agent costs a person in time and the machine in memory, beside the figures it is to reach.

    python -m benchmarks.agent [--quick]

With the real client over HTTP and a server on loopback: from a word's arrival to its paint in a terminal of 140 x 45, how long a
cancelled answer takes to end wherever it is broken off, memory over a session of 200 experiments, and that the offline agent
loads no client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from autotune_tui.agents.base import AgentEvent, Context, Submission
from autotune_tui.agents.claude.agent import ClaudeAgent
from autotune_tui.agents.claude.key import Key
from autotune_tui.agents.claude.tools.commands import Commands
from autotune_tui.config import parse
from autotune_tui.config.agent_claude import AgentClaude
from autotune_tui.engine.run import run_session
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Phase, Record, Result
from benchmarks._model import KEY, Model, events, plan, serving
from benchmarks.ui import folder_with, now, results_only, row, watching

COMMANDS = Commands("", "", "true", 60, 60, confine=None)


def repository(base: Path) -> Path:
    """A metric that is a number in a file, which every change makes worse."""
    root = base / "repo"
    (root / "src").mkdir(parents=True)
    (root / "src/value.txt").write_text("1000\n")
    (root / "bench.sh").write_text('echo "METRIC cost=$(cat src/value.txt)"\n')
    identity = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "start"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


def context(root: Path, artifacts: Path) -> Context:
    async def nothing() -> Submission:
        raise NotImplementedError

    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return Context(
        experiment=1, goal="Lower the cost", constraints=(), metric="cost", unit="", direction="lower", benchmark="sh bench.sh",
        include=("src/**",), exclude=(), files=("src/value.txt",), directory=root, artifacts=artifacts,
        incumbent=head.stdout.strip(), baseline_value=1000.0, incumbent_value=1000.0, target=None, profile=None, history=(),
        ideas="", health="running", environment={"PATH": os.environ["PATH"]}, submitted=nothing,
    )  # fmt: skip


def agent_for(model: Model) -> ClaudeAgent:
    return ClaudeAgent(Key(KEY), AgentClaude(base_url=model.url), COMMANDS)


def silent(event: AgentEvent) -> None:
    """Nobody listens."""


async def words_to_paint(base: Path, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds from a word's arrival to its paint: of first words, and of those that follow a tenth of a second later."""
    root, first, later = repository(base), [], []
    async with serving() as model:
        model.pause = 1.0
        for number in range(repeats):
            folder = folder_with(base, results_only(3), f"words-{number}")
            artifacts = folder.experiments / "004"
            artifacts.mkdir(parents=True)
            model.words, model.sent = [f"first{number}", f"later{number}"], {}
            agent = agent_for(model)
            with (
                EngineLock(folder.lock),
                JournalWriter(folder.journal, now=now) as journal,
                watching(folder) as terminal,
            ):
                for phase in ("sync", "profile", "plan"):
                    journal.append(Phase(experiment=4, phase=phase))
                await asyncio.to_thread(terminal.when, b"looks for what to try")
                asking = asyncio.ensure_future(agent.propose(context(root, artifacts), silent))
                moments = [await asyncio.to_thread(terminal.when, word.encode()) for word in model.words]
                asking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asking
            await agent.close()
            first.append(moments[0] - model.sent[model.words[0]])
            later.append(moments[1] - model.sent[model.words[1]])
    return first, later


async def cancelling(base: Path) -> list[float]:
    """Seconds that a plan takes to end when it is cancelled, at every event of its answer."""
    root, artifacts, took = repository(base), base / "artifacts", []
    artifacts.mkdir()
    async with serving() as model:
        agent = agent_for(model)
        for moment in range(len(events([("submit_plan", plan(1))]))):
            model.most = moment
            model.hanging.clear()
            asking = asyncio.ensure_future(agent.propose(context(root, artifacts), silent))
            await model.hanging.wait()
            began = time.perf_counter()
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            took.append(time.perf_counter() - began)
        await agent.close()
    return took


async def memory(base: Path, experiments: int) -> list[tuple[int, float]]:
    """Resident MB of the engine's process after a tenth, a half and all of the experiments."""
    root, process = repository(base), psutil.Process()
    marks = sorted({experiments // 10, experiments // 2, experiments})
    found: list[tuple[int, float]] = []

    def look(event: Record) -> None:
        if isinstance(event, Result) and event.index in marks:
            found.append((event.index, process.memory_info().rss / 1e6))

    async with serving() as model:
        os.environ["ANTHROPIC_API_KEY"] = KEY
        settings = parse(
            f"""
            goal = "Lower the cost"
            agent = "claude"
            [metric]
            name = "cost"
            source = "metric_line"
            [benchmark]
            command = "sh bench.sh"
            [scope]
            include = ["src/**"]
            [workspace]
            cache = "{base / "cache"}"
            [budget]
            experiments = {experiments}
            [health]
            max_no_improvement = 9999
            [agent_claude]
            base_url = "{model.url}"
            """
        )
        end = await run_session(root, SessionFolder.of(root, "001-memory").id, settings, on_event=look)
    if len(found) < len(marks):
        raise RuntimeError(f"the session ended before: {end.reason}")
    return found


def loads_no_client() -> bool:
    """Whether the offline agent works without the client's package."""
    script = (
        "import sys, autotune_tui.engine.run\nfrom autotune_tui.agents.registry import make_agent\n"
        "from autotune_tui.config import SessionConfig\n"
        "make_agent(SessionConfig.model_validate({'goal': 'x', 'agent': 'offline', 'benchmark': {'command': 'x'}, "
        "'scope': {'include': ['x']}}))\nsys.exit('anthropic' in sys.modules)"
    )
    return subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, and 20 experiments")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        first, later = asyncio.run(words_to_paint(base / "words", 3 if quick else 10))
        row("first word of an answer to the screen, median", 1e3 * statistics.median(first), 100, "ms")
        row("  slowest", 1e3 * max(first), 100, "ms")
        row("later words, slowest", 1e3 * max(later), 350, "ms")
        row(
            "a cancelled answer has ended, slowest of all events",
            1e3 * max(asyncio.run(cancelling(base / "cancel"))),
            1000,
            "ms",
        )
        early, *others = asyncio.run(memory(base / "memory", 20 if quick else 200))
        for experiments, megabytes in others:
            name = f"memory gained from experiment {early[0]} to {experiments}"
            row(name, megabytes - early[1], 10, "MB")
    row("modules of the client loaded by the offline agent", 0 if loads_no_client() else 1, 0, "")


if __name__ == "__main__":
    main()
