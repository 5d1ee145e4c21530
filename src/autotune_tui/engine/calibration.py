"""Finding the noise floor: the unchanged code is measured against itself (D1)."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from autotune_tui.config import Source
from autotune_tui.engine import absent
from autotune_tui.engine.confinement import hint
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.engine.sampling import Blocks, Comparison, SampleFailed, Sampler, derived_seed
from autotune_tui.errors import MeasureError
from autotune_tui.model.events import Calibration
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
from autotune_tui.workspace import SIDES

BLOCKS = {"quick": 3, "standard": 5, "strict": 5, "costly": 1}
"""A/A blocks (two pairs each) by decision profile: ten pairs, fewer where a run is dear."""

SHORT_SECONDS = 0.05
"""A command shorter than this is repeated within one sample (decision.md)."""

TIMEOUT_FLOOR = 5.0
"""Seconds that a sample may always take: a busy machine holds up a short command for longer than twice its time."""

SPREAD_LIMIT = 0.05


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
