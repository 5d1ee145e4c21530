"""Worktrees are made ready, set up and built, and the unchanged code is shown to work there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from autotune_tui.engine import absent, leftovers
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.errors import EngineError
from autotune_tui.workspace import SIDES, Place, Side


def require_files(engine: Engine) -> tuple[str, ...]:
    """The files in scope. Raises EngineError when there is none: no candidate could ever change anything."""
    files = engine.workspace.files()
    if not files:
        raise EngineError(
            "The scope matches no file",
            f"include = {engine.config.scope.include}, exclude = {engine.config.scope.exclude}",
            "Patterns are relative to the repository's root and match files that git tracks: src/**, *.py.",
        )
    return files


async def prepare_both(engine: Engine, commit: str, log: Path) -> None:
    """Both worktrees at `commit`, set up and built."""
    for side in SIDES:
        if side not in engine.known and side not in engine.workspace.fresh:  # of an engine that died
            await asyncio.to_thread(engine.workspace.renew, side, commit)
        await engine.place(side, commit)
        await make_ready(engine, side, commit, log)
        await build(engine, side, commit, log)


async def make_ready(engine: Engine, side: Side, commit: str, log: Path) -> None:
    """Set up a worktree that was made and not set up yet; what that leaves must stay as it is."""
    known = engine.known.get(side)
    if known is None or not known.set_up:
        await set_up(engine, side, commit, log)
        await leftovers.learn(engine, side, commit, "setup")


async def set_up(engine: Engine, place: Place, commit: str, log: Path) -> None:
    """Run `[benchmark].setup` in a worktree, whose tracked files stay those of the commit. Raises EngineError when it fails."""
    if engine.config.benchmark.setup:
        await _run(engine, "setup", place, log)
        await asyncio.to_thread(engine.workspace.set_up, place, commit)


async def build(engine: Engine, side: Side, commit: str, log: Path) -> None:
    """Build a worktree for `commit` unless it was. Raises EngineError when it fails."""
    if engine.config.benchmark.build and engine.built.get(side) != commit:
        await _run(engine, "build", side, log)
        await leftovers.learn(engine, side, commit, "build")
    engine.built[side] = commit


async def verify_unchanged(engine: Engine, log: Path) -> None:
    """The checks must pass on the unchanged code, or they could say nothing about a candidate. Raises EngineError."""
    if engine.config.checks.command:
        await _run(engine, "checks", "candidate", log)


async def _run(engine: Engine, job: Literal["setup", "build", "checks"], place: Place, log: Path) -> None:
    """One of these commands on code that was not changed. Raises EngineError when it fails."""
    benchmark, checks = engine.config.benchmark, engine.config.checks
    again = "Run it by hand in a fresh clone of the repository, then correct [benchmark].{}."
    linked = "They run in a clean worktree: files that git ignores must be named in [workspace].link or copy."
    command, limit, title, otherwise = {
        "setup": (benchmark.setup, benchmark.timeout, "The set-up command failed", again.format("setup")),
        "build": (
            benchmark.build,
            benchmark.timeout,
            "The build fails on code that was not changed",
            again.format("build"),
        ),
        "checks": (checks.command, checks.timeout, "The checks fail on code that was not changed", linked),
    }[job]
    run = await engine.command(command, place, limit=limit, log=log, job=job)
    if not run.ok:
        failure = f"`{text_of(command)}` failed: {run.failure}.\n{run.tail}"
        raise EngineError(title, failure, absent.hint(engine, command, run.tail, otherwise))
