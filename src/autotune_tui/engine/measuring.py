"""Measuring a candidate against the incumbent until the evidence decides, and the branch against its baseline."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from autotune_tui.config import Metric
from autotune_tui.engine.budget import time_left
from autotune_tui.engine.control import Control
from autotune_tui.engine.core import Engine
from autotune_tui.engine.ready import build, make_ready
from autotune_tui.engine.resume import Saved
from autotune_tui.engine.sampling import Blocks, Comparison, Sampler, Taken, derived_seed
from autotune_tui.engine.warm import compile_changed
from autotune_tui.journal.writer import timestamp
from autotune_tui.model.events import Calibration, Decision, Validation
from autotune_tui.model.experiment import Segment
from autotune_tui.model.format import change as change_text
from autotune_tui.stats.estimate import GuardVerdict, estimate, excludes_harm, guard_verdict, harm_significant
from autotune_tui.stats.noise import detectable_effect
from autotune_tui.stats.scale import Scale, gain_score, harm_score, relative_change, to_scores
from autotune_tui.stats.sequential import RULES, Evidence, judge, judge_exact
from autotune_tui.workspace import SIDES, Side

HARM_LOOKS = (10, 16, 24, 40)
HARM_ALPHA = 0.05

VALIDATION_BLOCKS = 20
"""Forty pairs, a number fixed beforehand: the figure that is reported must not choose its own sample size."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The evidence on one candidate, in the metric's own terms."""

    evidence: Evidence
    blocks: Blocks
    scale: Scale
    unit: str
    effect: float
    interval: tuple[float, float] | None
    value: float
    """The candidate's value: the location the test compares, in the metric's unit."""
    out_of_time: bool
    seed: int
    worse: bool = False
    """The candidate is significantly worse, one-sided .05."""
    harmless: bool = False
    """For a change that removes code: harm beyond the simplicity tolerance is excluded."""

    @property
    def text(self) -> str:
        return change_text(self.effect, self.interval, scale=self.scale, unit=self.unit)


async def measure(
    engine: Engine, control: Control, experiment: int, log: Path, *, simpler: bool, saved: Saved | None = None
) -> Measured:
    """Take blocks until the test keeps or gives up, or time is over. Raises SampleFailed.

    A change that is `simpler` (removes code) and no gain may still be kept, so it is then measured for harm. With `saved`
    the blocks that were taken before are looked at first.
    """
    calibration = engine.state.calibration
    if calibration is None:
        raise RuntimeError("a segment was opened without calibration")
    sampler = Sampler(engine, "experiment", experiment, log, calibration.timeout, calibration.repeat)
    seed = saved.seed if saved else derived_seed(engine.seed, "experiment", experiment)
    comparison = Comparison(sampler, seed, calibration.sigma, scale_of(calibration))
    for side in SIDES:
        await compile_changed(engine, side, log)
    # The candidate's first run is colder than the incumbent's: caches, byte code, page cache.
    warm: dict[Side, Taken] = {
        side: await sampler.take(side, seed=derived_seed(seed, "warm-up"), discard=True)
        for side in (SIDES if saved else SIDES[1:])
    }
    if saved is not None:
        comparison.take_over(saved.blocks, warm)
        comparison.attempts[len(saved.blocks)] = saved.attempt
    began, fresh = time.monotonic(), saved is None
    while True:
        if fresh:
            await comparison.next_block()
        evidence = weigh(engine, comparison.blocks, calibration, seed)
        out_of_time = evidence.state == "continue" and is_over(engine, began)
        over = evidence.state != "continue" or out_of_time
        if over:
            evidence = concluded(engine, evidence, comparison.blocks, calibration, seed)
        measured = in_metric_terms(engine, evidence, comparison.blocks, scale_of(calibration), out_of_time, seed)
        if fresh:
            engine.record(look(measured, experiment))
        fresh = True
        if over:
            worse = is_worse(engine, evidence, comparison.blocks, calibration, seed)
            harmless = (
                simpler
                and evidence.state == "futile"
                and not worse
                and await excludes_harm_of(engine, control, comparison, calibration, seed)
            )
            return replace(measured, worse=worse, harmless=harmless)
        await control.safe_point()


def concluded(engine: Engine, evidence: Evidence, blocks: Blocks, calibration: Calibration, seed: int) -> Evidence:
    """The evidence with the interval that may be shown for it: the test inverted, none where it excludes nothing."""
    if calibration.exact:
        return evidence
    metric = engine.config.metric
    scores = to_scores(blocks.values(), metric.direction, scale_of(calibration))
    _, (low, high) = estimate(scores, blocks.labels, location=metric.location, seed=seed)
    return replace(evidence, interval=(low, high) if math.isfinite(low) and math.isfinite(high) else None)


def is_worse(engine: Engine, evidence: Evidence, blocks: Blocks, calibration: Calibration, seed: int) -> bool:
    """Whether the candidate is significantly worse, which a mere lack of gain must not be called."""
    if calibration.exact or evidence.state == "keep":
        return evidence.state == "futile" and evidence.effect < 0
    metric = engine.config.metric
    scores = to_scores(blocks.values(), metric.direction, scale_of(calibration))
    return harm_significant(scores, blocks.labels, location=metric.location, seed=seed)


def is_over(engine: Engine, began: float) -> bool:
    """Whether the decision's time or the session's is over."""
    now = timestamp(datetime.now(UTC))
    left = time_left(engine.config.budget, engine.state, now)
    return time.monotonic() - began > engine.config.decision.time or left < 0


async def excludes_harm_of(
    engine: Engine, control: Control, comparison: Comparison, calibration: Calibration, seed: int
) -> bool:
    """Whether more blocks show that the candidate is not worse than tolerated (decision.md, simplification).

    The looks share one-sided .05 evenly. Where the noise leaves no hope of excluding so little, nothing is measured.
    """
    metric, scale = engine.config.metric, scale_of(calibration)
    amount = engine.config.simplicity.tolerance
    level = float(np.median(comparison.blocks.side("incumbent")))
    tolerance = harm_score(amount.value, amount.relative, scale, metric.direction, level)
    if calibration.exact:
        return weigh(engine, comparison.blocks, calibration, seed).effect >= -tolerance
    if detectable_effect(calibration.sigma, HARM_LOOKS[-1]) > tolerance:
        return False
    for pairs in HARM_LOOKS:
        while comparison.blocks.pairs < pairs:
            await comparison.next_block()
            await control.safe_point()
        scores = to_scores(comparison.blocks.values(), metric.direction, scale)
        if excludes_harm(
            scores,
            comparison.blocks.labels,
            tolerance,
            alpha=HARM_ALPHA / len(HARM_LOOKS),
            location=metric.location,
            seed=seed,
        ):
            return True
    return False


def weigh(engine: Engine, blocks: Blocks, calibration: Calibration, seed: int) -> Evidence:
    """The evidence in the blocks so far, by the session's decision profile."""
    metric = engine.config.metric
    scores = to_scores(blocks.values(), metric.direction, calibration.scale)
    rule = RULES[engine.config.decision.profile]
    level = float(np.median(blocks.side("incumbent")))
    amount = metric.threshold
    threshold = gain_score(amount.value, amount.relative, calibration.scale, metric.direction, level)
    if calibration.exact:
        return judge_exact(scores, blocks.labels, threshold=threshold)
    return judge(
        scores,
        blocks.labels,
        rule,
        sigma=calibration.sigma,
        threshold=threshold,
        location=metric.location,
        seed=seed,
        scale=scale_of(calibration),
        degrees=calibration.pairs,
    )


def scale_of(calibration: Calibration) -> Scale:
    """The journal holds any text; only one other than log is known."""
    return "difference" if calibration.scale == "difference" else "log"


def in_metric_terms(
    engine: Engine, evidence: Evidence, blocks: Blocks, scale: Scale, out_of_time: bool, seed: int
) -> Measured:
    """The evidence as changes of the metric in its own direction."""
    direction = engine.config.metric.direction

    def convert(score: float) -> float:
        return relative_change(score, scale, direction)

    interval = None
    if evidence.interval is not None:
        low, high = sorted(convert(edge) for edge in evidence.interval)
        interval = (low, high)
    value = typical(engine.config.metric, blocks, "candidate")
    unit = engine.config.metric.unit
    return Measured(evidence, blocks, scale, unit, convert(evidence.effect), interval, value, out_of_time, seed)


def typical(metric: Metric, blocks: Blocks, side: Side) -> float:
    """A side's value where the test looks: the mean of its better half, or of all its samples."""
    values = np.sort(blocks.side(side))
    if metric.direction == "higher":
        values = values[::-1]
    half = values if metric.location == "mean" else values[: (len(values) + 1) // 2]
    return float(half.mean())


def look(measured: Measured, experiment: int) -> Decision:
    """The journal's record of one look at the evidence."""
    evidence = measured.evidence
    state = {"continue": "continue", "keep": "keep"}.get(evidence.state, "discard")
    return Decision(
        experiment=experiment,
        state=state,
        reason=evidence.state,
        pairs=evidence.pairs,
        effect=measured.effect,
        interval=measured.interval,
        scale=measured.scale,
        p=evidence.p,
        next_look=evidence.next_look,
        weak=evidence.weak,
        value=measured.value,
        seed=measured.seed,
    )


def guards(engine: Engine, measured: Measured) -> dict[str, GuardVerdict]:
    """Each guarded secondary metric, judged on the same pairs."""
    verdicts: dict[str, GuardVerdict] = {}
    for name, tolerance in engine.config.guards.items():
        values = measured.blocks.values(name)
        if np.isnan(values).any():
            verdicts[name] = GuardVerdict(vetoed=True, effect=0.0, upper=0.0, text="was not reported by every run")
            continue
        # Guards limit harm upwards (memory, time, sizes); for a metric where more is better the user guards its inverse.
        verdicts[name] = guard_verdict(values, measured.blocks.labels, tolerance.value, tolerance.relative)
    return verdicts


async def validate(engine: Engine, control: Control) -> Validation:
    """The segment's first commit against the branch in forty fresh pairs (D5). Raises SampleFailed."""
    calibration, segment = engine.state.calibration, engine.state.segment
    if calibration is None or segment is None:
        raise RuntimeError("a segment was opened without calibration")
    first, tip = engine.state.baseline_sha, engine.workspace.tip()
    log = engine.folder.baseline / "validation.log"
    sides: dict[Side, str] = {"incumbent": first, "candidate": tip}
    for side, commit in sides.items():
        await engine.place(side, commit)
        await make_ready(engine, side, commit, log)
        await build(engine, side, commit, log)
        await compile_changed(engine, side, log)
    sampler = Sampler(engine, "validation", 0, log, engine.config.benchmark.timeout, calibration.repeat)
    seed = derived_seed(engine.seed, "validation", segment.number, tip)
    comparison = Comparison(sampler, seed, calibration.sigma, scale_of(calibration))
    for side in sides:
        await sampler.take(side, seed=derived_seed(seed, "warm-up"), discard=True)
    blocks = 1 if calibration.exact else VALIDATION_BLOCKS
    while len(comparison.blocks.taken) < blocks:
        await comparison.next_block()
        await control.safe_point()
    return validation_of(engine, comparison.blocks, segment, calibration, seed, (first, tip))


def validation_of(
    engine: Engine, blocks: Blocks, segment: Segment, calibration: Calibration, seed: int, commits: tuple[str, str]
) -> Validation:
    """The re-measurement's figures; without noise the effect is its own interval."""
    metric, scale = engine.config.metric, scale_of(calibration)
    scores = to_scores(blocks.values(), metric.direction, scale)
    effect, edges = estimate(scores, blocks.labels, location=metric.location, seed=seed)
    if calibration.exact:
        edges = (effect, effect)
    low, high = sorted(relative_change(edge, scale, metric.direction) for edge in edges)
    return Validation(
        segment=segment.number,
        from_commit=commits[0],
        to_commit=commits[1],
        keeps=segment.keeps,
        pairs=blocks.pairs,
        effect=relative_change(effect, scale, metric.direction),
        interval=(low, high),
        scale=scale,
        confirmed=edges[0] > 0,
        before=typical(engine.config.metric, blocks, "incumbent"),
        after=typical(engine.config.metric, blocks, "candidate"),
        seed=seed,
    )
