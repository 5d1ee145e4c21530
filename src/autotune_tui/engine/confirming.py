"""Whether a second benchmark confirms a would-be keep, in pairs of the incumbent and the candidate.

The pairs are looked at after fixed numbers of them, by the test that judges candidates; the looks share the error that the
configured confidence leaves evenly, so that looking more often makes nothing likelier.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from autotune_tui.engine.measuring import is_over, typical
from autotune_tui.engine.sampling import Blocks, Comparison, SampleFailed, Sampler, derived_seed
from autotune_tui.engine.second import Second
from autotune_tui.model.events import Confirmation
from autotune_tui.model.format import confirmation as confirmation_text
from autotune_tui.stats.estimate import estimate, excludes_harm, harm_significant
from autotune_tui.stats.relabel import Labels, Location
from autotune_tui.stats.scale import Floats, choose_scale, relative_change, to_scores
from autotune_tui.workspace import SIDES

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment

Said = Literal["better", "worse", "open"]
Decide = Callable[[Said, bool], bool | None]
"""Whether the candidate passes, None while that is open; the flag says that no more pairs will be taken."""

EXACT_PAIRS = 4
"""A benchmark whose runs of one side all give the same number after so many pairs has no noise."""


def weigh(scores: Floats, candidate: Labels, *, alpha: float, location: Location, seed: int) -> Said:
    """What the pairs say of the candidate: `better` and `worse` exclude no difference at one-sided `alpha`.

    `scores`, `candidate`: (blocks, 4) as for `judge`. Without noise any difference counts.
    """
    if is_exact(scores, candidate):
        difference = float(scores[~candidate][0] - scores[candidate][0])
        return "open" if difference == 0 else "better" if difference > 0 else "worse"
    if excludes_harm(scores, candidate, 0.0, alpha=alpha, location=location, seed=seed):
        return "better"
    if harm_significant(scores, candidate, alpha=alpha, location=location, seed=seed):
        return "worse"
    return "open"


def is_exact(scores: Floats, candidate: Labels) -> bool:
    """Whether the runs of each side all gave the same number."""
    sides = (scores[candidate], scores[~candidate])
    return all(side.size >= EXACT_PAIRS and np.ptp(side) == 0 for side in sides)


def wins(said: Said, last: bool) -> bool | None:
    """For a gain that must show here as well."""
    return said == "better" if last or said != "open" else None


def unharmed(said: Said, last: bool) -> bool | None:
    """For what must only not become worse."""
    return said != "worse" if last or said != "open" else None


async def measure(x: Experiment, what: Second, log: Path, decide: Decide) -> Confirmation:
    """Take pairs until they decide, and journal what they say. Raises SampleFailed when the incumbent's run fails."""
    engine = x.engine
    sampler = Sampler(engine, what.kind, x.number, log, what.timeout, other=what.bench)
    seed = derived_seed(engine.seed, what.kind, x.number)
    # Without a calibration of its own there is no noise to compare a shift of the level with.
    comparison = Comparison(sampler, seed, math.inf, "difference")
    begun = Confirmation(
        experiment=x.number, kind=what.kind, metric=what.bench.metric.name, unit=what.bench.metric.unit, seed=seed
    )
    try:
        said = await _measure(x, what, comparison, decide)
    except SampleFailed as failure:
        _tell(x, replace(begun, text=f"a run of the {failure.side} failed: {failure.detail}"))
        if failure.side == "incumbent":
            raise
        return begun
    confirmation = described(begun, what, comparison.blocks, passed=said)
    _tell(x, confirmation)
    return confirmation


def _tell(x: Experiment, confirmation: Confirmation) -> None:
    """To people: no agent is given the journal's notes."""
    x.engine.record(confirmation, sync=True)
    x.engine.note(f"#{x.number} {confirmation_text(confirmation)}", experiment=x.number)


async def _measure(x: Experiment, what: Second, comparison: Comparison, decide: Decide) -> bool:
    sampler, seed, metric = comparison.sampler, comparison.seed, what.bench.metric
    for side in SIDES:
        await sampler.take(side, seed=derived_seed(seed, "warm-up"), discard=True)
    start = time.monotonic()
    while True:
        await comparison.next_block()
        blocks = comparison.blocks
        scores = scores_of(what, blocks)
        last = blocks.pairs >= what.looks[-1] or is_exact(scores, blocks.labels) or is_over(x.engine, start)
        if last or blocks.pairs in what.looks:
            said = weigh(scores, blocks.labels, alpha=what.alpha, location=metric.location, seed=seed)
            passed = decide(said, last)
            if passed is not None:
                return passed
        await x.control.safe_point()


def scores_of(what: Second, blocks: Blocks) -> Floats:
    values = blocks.values()
    return to_scores(values, what.bench.metric.direction, choose_scale(values))


def described(record: Confirmation, what: Second, blocks: Blocks, *, passed: bool) -> Confirmation:
    """The record with the figures of the pairs; without noise the effect is its own interval.

    The interval is at the level of the last look: where it has zero in it, nothing is excluded.
    """
    metric, scale, scores = what.bench.metric, choose_scale(blocks.values()), scores_of(what, blocks)
    level = 1 - 2 * what.alpha
    effect, edges = estimate(scores, blocks.labels, location=metric.location, level=level, seed=record.seed or 0)
    if is_exact(scores, blocks.labels):
        edges = (effect, effect)
    low, high = sorted(relative_change(edge, scale, metric.direction) for edge in edges)
    return replace(
        record,
        passed=passed,
        pairs=blocks.pairs,
        effect=relative_change(effect, scale, metric.direction),
        interval=(low, high) if math.isfinite(low) and math.isfinite(high) else None,
        scale=scale,
        before=typical(metric, blocks, "incumbent"),
        after=typical(metric, blocks, "candidate"),
    )
