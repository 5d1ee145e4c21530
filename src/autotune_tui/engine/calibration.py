"""Opening a segment: set up and verify the unchanged code, find the noise floor, lock the baseline."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from autotune_tui.config import Source
from autotune_tui.engine import absent, canary, leftovers, locks, second
from autotune_tui.engine.budget import as_recorded
from autotune_tui.engine.confinement import hint
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.engine.oracle import expect
from autotune_tui.engine.sampling import Blocks, Comparison, SampleFailed, Sampler, derived_seed
from autotune_tui.errors import EngineError, MeasureError
from autotune_tui.model.events import Calibration, Config, Phase, Result
from autotune_tui.stats.noise import (
    detectable_effect,
    is_exact,
    noise_sources,
    pair_noise,
    prefers_cpu_time,
    spread,
)  # fmt: skip
from autotune_tui.stats.scale import choose_scale
from autotune_tui.stats.sequential import RULES
from autotune_tui.workspace import Place, Side

BLOCKS = {"quick": 3, "standard": 5, "strict": 5, "costly": 1}
"""A/A blocks (two pairs each) by decision profile: ten pairs, fewer where a run is dear."""

SHORT_SECONDS = 0.05
"""A command shorter than this is repeated within one sample (decision.md)."""

TIMEOUT_FLOOR = 5.0
"""Seconds that a sample may always take: a busy machine holds up a short command for longer than twice its time."""

SPREAD_LIMIT = 0.05

SIDES: tuple[Side, Side] = ("incumbent", "candidate")


async def open_segment(engine: Engine, segment: int, mode: str = "optimize", *, again: bool = False) -> None:
    """Journal the segment's config, calibrate, and journal the baseline. Raises EngineError, MeasureError.

    `again`: what measures has changed, so that the canary is repeated.
    """
    config, commit = engine.config, engine.workspace.tip()
    metric, limits = config.metric, config.health
    engine.record(
        Config(
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
        ),
        sync=True,
    )
    log = engine.folder.baseline / "bench.log"
    require_files(engine)
    with step(engine, "setup"):
        await prepare_both(engine, commit, log)
    with step(engine, "check"):
        await verify_unchanged(engine, log)
        await second.verify(engine)
    if config.oracle.asked_for:
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
    values = blocks.values()
    locked = await locks.lock(engine, segment)
    engine.record(
        Result(
            index=0,
            locks=locked.digest,
            commit=commit[:10],
            sha=commit,
            metric=float(np.median(values)),
            status="keep",
            description="baseline",
            segment=segment,
            metrics={
                name: float(np.median(blocks.values(name)))
                for name in sorted(set.intersection(*(set(s.metrics) for block in blocks.taken for s in block)))
            },
            health=engine.state.health or "running",
            reason="baseline",
            scale=calibration.scale,
            mode=mode,
            environment=engine.snapshot.hash,
        ),
        sync=True,
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
    command = engine.config.benchmark.setup
    if command:
        run = await engine.command(command, place, limit=engine.config.benchmark.timeout, log=log, job="setup")
        if not run.ok:
            raise EngineError(
                "The set-up command failed",
                f"`{text_of(command)}` failed: {run.failure}.\n{run.tail}",
                absent.hint(
                    engine,
                    command,
                    run.tail,
                    "Run it by hand in a fresh clone of the repository, then correct [benchmark].setup.",
                ),
            )
        await asyncio.to_thread(engine.workspace.set_up, place, commit)


async def build(engine: Engine, side: Side, commit: str, log: Path) -> None:
    """Build a worktree for `commit` unless it was. Raises EngineError when it fails."""
    command = engine.config.benchmark.build
    if command and engine.built.get(side) != commit:
        run = await engine.command(command, side, limit=engine.config.benchmark.timeout, log=log, job="build")
        if not run.ok:
            raise EngineError(
                "The build fails on code that was not changed",
                f"`{text_of(command)}` failed: {run.failure}.\n{run.tail}",
                absent.hint(
                    engine,
                    command,
                    run.tail,
                    "Run it by hand in a fresh clone of the repository, then correct [benchmark].build.",
                ),
            )
        await leftovers.learn(engine, side, commit, "build")
    engine.built[side] = commit


async def verify_unchanged(engine: Engine, log: Path) -> None:
    """The checks must pass on the unchanged code, or they could say nothing about a candidate."""
    checks = engine.config.checks
    if checks.command:
        run = await engine.command(checks.command, "candidate", limit=checks.timeout, log=log, job="checks")
        if not run.ok:
            raise EngineError(
                "The checks fail on code that was not changed",
                f"`{text_of(checks.command)}` failed: {run.failure}.\n{run.tail}",
                absent.hint(
                    engine,
                    checks.command,
                    run.tail,
                    "They run in a clean worktree: files that git ignores must be named in [workspace].link or copy.",
                ),
            )


async def calibrate(engine: Engine, segment: int, log: Path) -> tuple[Calibration, Blocks]:
    """A/A pairs of the incumbent against itself: the noise floor (D1). Raises MeasureError when the benchmark fails."""
    config, load = engine.config, os.getloadavg()[0]
    sampler = Sampler(engine, "calibration", 0, log, config.benchmark.timeout)
    try:
        warm = 0.0
        for side in SIDES:
            taken = await sampler.take(side, seed=derived_seed(engine.seed, "warm-up", segment), discard=True)
            warm = taken.run.wall
            engine.warm[side] = engine.built.get(side, "")
        sampler.repeat = repeats(warm, config.metric.source)
        comparison = Comparison(sampler, derived_seed(engine.seed, "calibration", segment), math.inf, "log")
        while len(comparison.blocks.taken) < BLOCKS[config.decision.profile]:
            await comparison.next_block()
            if len(comparison.blocks.taken) == 2 and is_exact(comparison.blocks.values()):
                break
    except SampleFailed as failure:
        raise MeasureError(
            "The benchmark does not work on code that was not changed",
            f"`{text_of(config.benchmark.command)}`: {failure.detail}\n{failure.output}".rstrip(),
            hint(
                engine.sandbox,
                failure.output,
                absent.hint(
                    engine,
                    config.benchmark.command,
                    failure.output,
                    "Correct [benchmark] or [metric] in autotune.toml; `autotune-tui check` tries it.",
                ),
            ),
        ) from failure
    return describe(engine, segment, comparison.blocks, sampler.repeat, load), comparison.blocks


def repeats(seconds: float, source: Source) -> int:
    """How often a short command runs within one sample; 1 unless a clock is what is measured."""
    if source not in (Source.WALL_TIME, Source.CPU_TIME) or seconds >= SHORT_SECONDS:
        return 1
    return min(100, math.ceil(SHORT_SECONDS / max(seconds, 1e-4)))


def describe(engine: Engine, segment: int, blocks: Blocks, repeat: int, load: float) -> Calibration:
    """The figures of the A/A pairs, and what a person should know before going on."""
    profile = engine.config.decision.profile
    rule = RULES[profile]
    scale = choose_scale(blocks.values())
    sigma = pair_noise(blocks.side("incumbent"), blocks.side("candidate"), scale)
    wall = float(np.median(blocks.values("wall_time")))
    flat = blocks.values().ravel()
    first = spread(flat[:5])
    warnings: list[str] = []
    if first > SPREAD_LIMIT:
        runs = [sample.run for block in blocks.taken for sample in block]
        causes = noise_sources(
            flat,
            [run.steal for run in runs],
            blocks.values("cpu_time") / blocks.values("wall_time"),
            load=load,
            cores=os.cpu_count(),
        )
        warnings.append(f"the first five runs spread over {first:.0%}" + (f": {'; '.join(causes)}" if causes else ""))
    if engine.config.metric.source == Source.WALL_TIME and prefers_cpu_time(
        blocks.side("incumbent", "wall_time"), blocks.side("candidate", "wall_time"),
        blocks.side("incumbent", "cpu_time"), blocks.side("candidate", "cpu_time"),
    ):  # fmt: skip
        warnings.append(
            'CPU time is much steadier here: source = "cpu_time" would decide sooner (but it punishes parallelism)'
        )
    one = wall * repeat
    return Calibration(
        segment=segment,
        pairs=blocks.pairs,
        sigma=sigma,
        detectable=detectable_effect(sigma, rule.most_pairs),
        exact=is_exact(flat),
        scale=scale,
        spread=first,
        seconds=one,
        decision_seconds=(one * 2 * rule.looks[0], one * 2 * rule.most_pairs),
        repeat=repeat,
        timeout=min(engine.config.benchmark.timeout, max(2 * wall, TIMEOUT_FLOOR)),
        warnings=tuple(warnings),
    )
