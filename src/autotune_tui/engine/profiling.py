"""What is profiled besides the incumbent in its phase: a candidate that is being edited; and what was known before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.engine import confinement
from autotune_tui.engine.core import Engine
from autotune_tui.measure import profilers
from autotune_tui.measure.environment import command_environment
from autotune_tui.measure.executors.base import Command, argv_of
from autotune_tui.model.profile import Profile
from autotune_tui.workspace import Place

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment

FOLDER = "candidate"
"""Below the experiment's folder: the candidate's profile, as the agent last asked for it."""


def before(engine: Engine, incumbent: str) -> Profile | None:
    """The profile of the incumbent before this one; None when there is none, or nothing in it."""
    known = [profile for commit, profile in engine.profiles.items() if commit != incumbent]
    return known[-1] if known and known[-1].hot_spots else None


def command(engine: Engine, scratch: Path, place: Place = "incumbent", *, writable: bool = False) -> Command:
    """The benchmark in a worktree, as the profilers run it; they write into `scratch`."""
    engine.held.pop(place, None)
    return Command(
        argv=argv_of(engine.config.benchmark.command),
        cwd=engine.tree(place),
        env=command_environment(
            {**engine.config.benchmark.env, "AUTOTUNE_SEED": "0"}, passed=engine.config.sandbox.passed
        ),
        timeout=engine.config.benchmark.timeout,
        prefix=confinement.prefix(engine, place, "benchmark", also=(scratch,), writable=writable),
        limits=confinement.limits(engine.config.sandbox),
    )


async def of_candidate(x: Experiment) -> Profile:
    """Where the candidate spends its time as it is now. Its benchmark runs as in the agent's own tools: it may write the
    worktree. Raises MeasureError.
    """
    folder = x.folder / FOLDER
    run = command(x.engine, folder / profilers.SCRATCH, x.place, writable=True)
    with confinement.pointer_kept(x.engine.sandbox, run.cwd):
        return await profilers.profile(x.engine.executor, run, run.cwd, "", folder)
