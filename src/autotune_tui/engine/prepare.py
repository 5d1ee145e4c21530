"""Has a missing benchmark and missing tests written, each in a worktree of its own, before there is a session (S6).

Nothing of it reaches the user's checkout but by `accept`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.agents.base import AgentEvent, Builder, Built, Context, Kind, Submission
from autotune_tui.config import SessionConfig
from autotune_tui.engine.core import Engine
from autotune_tui.engine.ready import set_up
from autotune_tui.engine.run import engine_for
from autotune_tui.errors import AgentError, UsageError, WorkspaceError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.measure.environment import command_environment
from autotune_tui.workspace import Side

_SIDES: Mapping[Kind, Side] = {"benchmark": "candidate", "tests": "incumbent"}
"""Both are written at once, and neither sees what the other writes."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was built, with its new files' contents."""

    built: Built
    contents: Mapping[str, bytes]
    modes: Mapping[str, int]


async def prepare(
    repo: Path, settings: SessionConfig, kinds: tuple[Kind, ...], emit: Callable[[Kind, AgentEvent], None]
) -> list[Draft]:
    """What the agent wrote, in the order of `kinds`; no worktree stays. Raises AutotuneError."""
    with tempfile.TemporaryDirectory(prefix="autotune-prepare-") as scratch:
        folder = SessionFolder(Path(scratch) / f"prepare-{os.getpid()}")
        folder.create()
        async with engine_for(repo, folder, settings, lambda _: None) as engine:
            if not isinstance(engine.agent, Builder):
                raise AgentError(
                    f"The {engine.agent.name} agent cannot write a benchmark",
                    "",
                    "Use --agent claude, or write it by hand.",
                )
            try:
                await asyncio.to_thread(engine.workspace.create)
                await engine.place_both(engine.workspace.tip())
                async with asyncio.TaskGroup() as group:
                    drafts = [group.create_task(_build(engine, engine.agent, kind, emit)) for kind in kinds]
            except* AgentError as failed:
                raise failed.exceptions[0] from None
            finally:
                engine.workspace.discard()
    return [draft.result() for draft in drafts]


async def _build(engine: Engine, builder: Builder, kind: Kind, emit: Callable[[Kind, AgentEvent], None]) -> Draft:
    tree = engine.tree(_SIDES[kind])
    artifacts = engine.folder.baseline / kind
    artifacts.mkdir(parents=True)
    if engine.config.benchmark.setup:
        await set_up(engine, _SIDES[kind], engine.workspace.tip(), artifacts / "setup.log")
    built = await builder.build(_context(engine, tree, artifacts), kind, lambda event: emit(kind, event))
    contents = {name: (tree / name).read_bytes() for name in built.files}
    return Draft(built, contents, {name: (tree / name).stat().st_mode & 0o777 for name in built.files})


def _context(engine: Engine, tree: Path, artifacts: Path) -> Context:
    """For new files anywhere but in what is to become better."""
    config = engine.config
    return Context(
        experiment=0,
        goal=config.goal,
        constraints=tuple(config.constraints),
        metric=config.metric.name,
        unit=config.metric.unit,
        direction=config.metric.direction.value,
        benchmark="",
        include=("**",),
        exclude=tuple(config.scope.include),
        files=(),
        directory=tree,
        artifacts=artifacts,
        incumbent=engine.workspace.tip(),
        baseline_value=None,
        incumbent_value=None,
        target=None,
        profile=None,
        history=(),
        ideas="",
        health="running",
        environment=command_environment(config.benchmark.env, passed=config.sandbox.passed),
        submitted=_nothing,
    )


async def _nothing() -> Submission:
    return Submission("")


def accept(root: Path, drafts: list[Draft]) -> None:
    """Write the new files into the checkout and commit them, and nothing else. Raises UsageError, WorkspaceError."""
    paths = {root / name: draft for draft in drafts for name in draft.built.files}
    names = [str(path.relative_to(root)) for path in paths]
    if there := [str(path.relative_to(root)) for path in paths if path.exists() or path.is_symlink()]:
        raise UsageError("There are such files already", ", ".join(there), "Move them away, or commit them first.")
    if len(names) < sum(len(draft.built.files) for draft in drafts):
        raise UsageError("The benchmark and the tests want the same file", "", "Run it again with --only, twice.")
    for path, draft in paths.items():
        name = str(path.relative_to(root))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draft.contents[name])
        path.chmod(draft.modes[name])
    kinds = " and ".join("a benchmark" if draft.built.kind == "benchmark" else "regression tests" for draft in drafts)
    for command in (["add", "--", *names], ["commit", "-q", "-m", f"Add {kinds}", "--", *names]):
        done = subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise WorkspaceError(
                "The new files could not be committed", done.stderr.strip()[:500], "Commit them by hand."
            )
