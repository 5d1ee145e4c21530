"""Playbooks: the named recovery actions, each of which does something real and says what it found."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from autotune_tui.engine.calibration import open_segment, prepare_both
from autotune_tui.engine.core import Engine
from autotune_tui.engine.sampling import SampleFailed, Sampler, derived_seed


class Exhausted(Exception):
    """Recovery has been tried as often as it may, or asked for a pause; the reason is for the user."""


async def reset_worktree(engine: Engine) -> str:
    """Both worktrees made anew from the refs, set up and built; then one run of the incumbent."""
    engine.built.clear()
    engine.known.clear()
    engine.workspace.remove()
    engine.workspace.create()
    log = engine.folder.baseline / "bench.log"
    await prepare_both(engine, engine.workspace.tip(), log)
    calibration = engine.state.calibration
    sampler = Sampler(
        engine, "repair", 0, log, engine.config.benchmark.timeout, calibration.repeat if calibration else 1
    )
    try:
        await sampler.take("incumbent", seed=derived_seed(engine.seed, "repair"), discard=True)
    except SampleFailed as failure:
        return f"worktrees rebuilt, but the benchmark fails on the incumbent: {failure.detail}"
    return "worktrees rebuilt; the benchmark works on the incumbent"


async def rebaseline(engine: Engine) -> str:
    """A new segment: new noise floor, new baseline."""
    number = engine.state.segments[-1].number + 1
    await open_segment(engine, number)
    return f"segment {number} begins at the current code"


async def pause(engine: Engine) -> str:
    raise Exhausted(f"{engine.state.health}: the recovery asks for a person")


PLAYBOOKS: dict[str, Callable[[Engine], Coroutine[Any, Any, str]]] = {
    "reset_worktree": reset_worktree,
    "rebaseline": rebaseline,
    "pause": pause,
}
