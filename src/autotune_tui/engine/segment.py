"""Opening a segment: set up and verify the unchanged code, find the noise floor, lock the baseline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from autotune_tui.engine import canary, leftovers, locks, second
from autotune_tui.engine.budget import as_recorded
from autotune_tui.engine.calibration import calibrate
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.engine.oracle import expect
from autotune_tui.engine.ready import prepare_both, require_files, verify_unchanged
from autotune_tui.engine.sampling import Blocks
from autotune_tui.model.events import Calibration, Config, Phase, Result
from autotune_tui.workspace import SIDES


async def open_segment(engine: Engine, segment: int, mode: str = "optimize", *, again: bool = False) -> None:
    """Journal the segment's config, calibrate, and journal the baseline. Raises EngineError, MeasureError.

    `again`: what measures has changed, so that the canary is repeated.
    """
    commit = engine.workspace.tip()
    engine.record(_config(engine, segment, mode, commit), sync=True)
    log = engine.folder.baseline / "bench.log"
    require_files(engine)
    with step(engine, "setup"):
        await prepare_both(engine, commit, log)
    with step(engine, "check"):
        await verify_unchanged(engine, log)
        await second.verify(engine)
    if engine.config.oracle.asked_for:
        with step(engine, "oracle"):
            await expect(engine, segment, log)
    if again or canary.is_due(engine):
        with step(engine, "canary"):
            await canary.require(engine, commit, log)
            await prepare_both(engine, commit, log)
    with step(engine, "calibrate"):
        calibration, blocks = await calibrate(engine, segment, log)
        for side in SIDES:
            await leftovers.learn(engine, side, commit, "run")
    engine.record(calibration)
    for warning in calibration.warnings:
        engine.note(warning, "warning")
    locked = await locks.lock(engine, segment)
    engine.record(_baseline(engine, calibration, blocks, commit, mode, locked.digest), sync=True)


def _config(engine: Engine, segment: int, mode: str, commit: str) -> Config:
    config, metric, limits = engine.config, engine.config.metric, engine.config.health
    return Config(
        name=engine.folder.id,
        metric_name=metric.name,
        metric_unit=metric.unit,
        direction=metric.direction,
        segment=segment,
        mode=mode,
        objective={"primaryMetric": metric.name, "direction": metric.direction},
        budget=as_recorded(config.budget),
        health={
            "maxNoImprovementRuns": limits.max_no_improvement,
            "maxCrashStreak": limits.max_crash_streak,
        },
        recovery={
            "playbooks": list(config.recovery.playbooks),
            "maxHealingAttempts": config.recovery.max_attempts,
            "pauseOnExhaustedRecovery": True,
        },
        baseline_commit=commit,
        target=metric.target,
        threshold=str(metric.threshold),
        source=metric.source,
        profile=config.decision.profile,
        command=text_of(config.benchmark.command),
        scope={"include": config.scope.include, "exclude": config.scope.exclude},
    )


def _baseline(engine: Engine, calibration: Calibration, blocks: Blocks, commit: str, mode: str, digest: str) -> Result:
    """The result of experiment 0: what the unchanged code measures. `digest`: of all that is locked from now on."""
    common = set.intersection(*(set(sample.metrics) for block in blocks.taken for sample in block))
    return Result(
        index=0,
        locks=digest,
        commit=commit[:10],
        sha=commit,
        metric=float(np.median(blocks.values())),
        status="keep",
        description="baseline",
        segment=calibration.segment,
        metrics={name: float(np.median(blocks.values(name))) for name in sorted(common)},
        health=engine.state.health or "running",
        reason="baseline",
        scale=calibration.scale,
        mode=mode,
        environment=engine.snapshot.hash,
    )


@contextmanager
def step(engine: Engine, phase: str) -> Iterator[None]:
    """Journal a step of the segment's own work as a phase of experiment 0."""
    engine.record(Phase(phase=phase))
    began, outcome = time.monotonic(), "interrupted"
    try:
        yield
        outcome = ""
    finally:
        engine.record(Phase(phase=phase, state="end", seconds=time.monotonic() - began, outcome=outcome))
