"""The playbooks that begin again: worktrees made afresh, a new segment, a pause."""

from __future__ import annotations

from autotune_tui.engine.core import Engine
from autotune_tui.engine.ready import prepare_both
from autotune_tui.engine.recovery.base import Exhausted, Found, nothing
from autotune_tui.engine.sampling import SampleFailed, Sampler, derived_seed
from autotune_tui.engine.segment import open_segment
from autotune_tui.model.health import Failure


async def reset_worktree(engine: Engine, failure: Failure | None) -> Found:
    """Both worktrees made anew from the refs, set up and built; then one run of the incumbent."""
    if failure == "plateau":
        return nothing("experiments run as they should, so the worktrees are not what is wrong")
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
    except SampleFailed as failed:
        return Found(f"worktrees rebuilt, but the benchmark fails on the incumbent: {failed.detail}")
    return Found("worktrees rebuilt; the benchmark works on the incumbent")


async def rebaseline(engine: Engine, failure: Failure | None) -> Found:
    """A new segment: new noise floor, new baseline."""
    number = engine.state.segments[-1].number + 1
    await open_segment(engine, number)
    return Found(f"segment {number} begins at the current code")


async def pause(engine: Engine, failure: Failure | None) -> Found:
    raise Exhausted(f"{engine.state.health}: the recovery asks for a person", failure)
