"""The decision on a candidate: a group-sequential re-randomisation test with early keeps and early discards.

The reference set is 1,944 (or more) labelings that the coin flips could have given, the drawn one among them. Keep looks
spend alpha bit by bit (Lan and DeMets, 1983): a labelling that would have been kept at a look leaves the set there, and no
more may leave than the alpha spent so far allows. Each labelling is equally likely when the candidate changes nothing, so at
most alpha of such candidates are kept whatever the noise is like. Futility looks only discard and cost nothing of that.
"""

from __future__ import annotations

import numpy as np

from autotune_tui.stats.costly import judge_costly
from autotune_tui.stats.noise import side_noise
from autotune_tui.stats.order import ARRANGEMENTS, PAIRS_PER_BLOCK
from autotune_tui.stats.relabel import (
    Labels,
    Location,
    arrangement_index,
    check,
    continued,
    enumerated,
    reference,
    rounding,
    statistic,
)  # fmt: skip
from autotune_tui.stats.rules import RULES, Evidence, Rule, State
from autotune_tui.stats.scale import Floats, Scale

__all__ = ["RULES", "Evidence", "Rule", "State", "judge", "judge_exact"]

RANDOM = 199
"""Random labelings of a futility look and of the running interval."""

TAIL = 0.025
LEAST_FOR_INTERVAL = 36
"""With fewer labelings the least possible p-value is far above the interval's tail."""


def judge(
    scores: Floats,
    candidate: Labels,
    rule: Rule,
    *,
    sigma: float,
    threshold: float,
    location: Location,
    seed: int,
    scale: Scale = "log",
    degrees: int = 2,
) -> Evidence:
    """The evidence in the blocks so far. Pure: the same arguments give the same verdict, so that any can be recomputed.

    `scores`, `candidate`: (blocks, 4), complete blocks in the order in which they were taken; lower is better, True where
    the candidate ran. `sigma`: pair noise; `threshold`: the least effect worth keeping; both differences of scores. `seed`:
    of the reference sets, one an experiment. `degrees`: of freedom behind sigma, for the profile `costly` only.

    Goes through all looks from the first; the first that decides is the answer, also when more blocks follow it.
    Raises ValueError for arrays of the wrong shape and values that are not finite.
    """
    check(scores, candidate)
    if rule.test == "t":
        return judge_costly(scores, candidate, rule, sigma=sigma, threshold=threshold, scale=scale, degrees=degrees)
    keeps = _KeepTest(rule, threshold, location, seed)
    for pairs in range(PAIRS_PER_BLOCK, PAIRS_PER_BLOCK * scores.shape[0] + 1, PAIRS_PER_BLOCK):
        seen, drawn = scores[: pairs // PAIRS_PER_BLOCK], candidate[: pairs // PAIRS_PER_BLOCK]
        state, p = keeps.look(seen, drawn)
        if state == "continue" and _is_futile(seen, drawn, rule, sigma, threshold, location, seed, scale):
            state = "futile"
        if state == "continue" and pairs == rule.most_pairs:
            state = "inconclusive"
        if state != "continue":
            break
    effect = _effect(seen, drawn, location)
    return Evidence(
        state=state,
        pairs=pairs,
        effect=effect,
        p=p,
        interval=_running_interval(seen, drawn, effect, location, seed),
        next_look=rule.next_look(pairs) if state == "continue" else None,
    )


def _effect(scores: Floats, candidate: Labels, location: Location) -> float:
    """T of the labels as drawn."""
    return float(statistic(scores.ravel(), candidate.reshape(-1, 1), location)[0])


class _KeepTest:
    """The reference set of one candidate on its way through the keep looks."""

    def __init__(self, rule: Rule, threshold: float, location: Location, seed: int) -> None:
        self._rule = rule
        self._threshold = threshold
        self._location = location
        self._seed = seed
        self._size = len(ARRANGEMENTS) ** rule.prefix_blocks * rule.continuations
        self._left = np.ones(self._size, dtype=np.bool_)

    def look(self, scores: Floats, candidate: Labels) -> tuple[State, float | None]:
        """Whether the drawn labelling is kept, and its p-value; labelings that would be kept leave the set.

        Numbers of pairs at which the rule has no keep look pass without either.
        """
        pairs = PAIRS_PER_BLOCK * scores.shape[0]
        if pairs not in self._rule.looks:
            return "continue", None
        spending = self._rule.spending[self._rule.looks.index(pairs)]
        values, drawn = self._statistics(scores, candidate)
        tie = rounding(scores)
        gone = self._size - int(np.count_nonzero(self._left))
        allowed = int(spending * self._size + 1e-9) - gone
        remaining = values[self._left]
        # A labelling leaves when at most `allowed` of those left, itself included, have a T as high as its own.
        boundary = np.partition(remaining, remaining.size - 1 - allowed)[remaining.size - 1 - allowed]
        leaves = self._left & (values > boundary + tie) & (values >= self._threshold - tie)
        p = (gone + int(np.count_nonzero(remaining >= values[drawn] - tie))) / self._size
        self._left &= ~leaves
        return ("keep" if leaves[drawn] else "continue"), p

    def _statistics(self, scores: Floats, candidate: Labels) -> tuple[Floats, int]:
        """T of each labelling of the set, and which of them is the drawn one.

        The drawn labelling stands in for one random continuation of its own first blocks.
        """
        rule, blocks = self._rule, scores.shape[0]
        prefix = arrangement_index(candidate[: rule.prefix_blocks])
        drawn = prefix * rule.continuations
        flat = scores.ravel()
        if blocks == rule.prefix_blocks:
            return np.repeat(statistic(flat, enumerated(blocks), self._location), rule.continuations), drawn
        values = statistic(flat, continued(self._seed, rule.prefix_blocks, rule.continuations, blocks), self._location)
        values[drawn] = _effect(scores, candidate, self._location)
        return values, drawn


def _is_futile(
    scores: Floats,
    candidate: Labels,
    rule: Rule,
    sigma: float,
    threshold: float,
    location: Location,
    seed: int,
    scale: Scale,
) -> bool:
    """Whether a gain of the rule's target is unlikely: P(T* <= T) after the candidate's scores are set back by it."""
    level = dict(rule.futility).get(PAIRS_PER_BLOCK * scores.shape[0])
    if level is None:
        return False
    # Calibration may have met a burst of noise that is over: with its sigma alone 63 % of 5 % gains were found on the busy
    # trace, with the lower of the two 76 % (at a target of 0.5 sigma).
    target = rule.target(min(sigma, side_noise(scores, candidate)), threshold, scale)
    moved = scores + target * candidate
    labels, own = reference(seed, candidate, RANDOM)
    values = statistic(moved.ravel(), labels, location)
    return int(np.count_nonzero(values <= values[own] + rounding(moved))) <= level * values.size


def _running_interval(
    scores: Floats, candidate: Labels, effect: float, location: Location, seed: int
) -> tuple[float, float] | None:
    """About 95 %: T minus the quantiles of T* after the effect is taken out. Cheap; claims come from `estimate`."""
    labels, _ = reference(seed, candidate, RANDOM)
    if labels.shape[1] < LEAST_FOR_INTERVAL:
        return None
    noise = np.sort(statistic((scores + effect * candidate).ravel(), labels, location))
    tail = max(1, int(TAIL * noise.size + 1e-9))
    return effect - float(noise[-tail]), effect - float(noise[tail - 1])


def judge_exact(scores: Floats, candidate: Labels, *, threshold: float) -> Evidence:
    """The verdict on a metric whose value never changes (counts, sizes): one run and one confirming run of each side.

    `scores`, `candidate`: (blocks, 4) as for `judge`. Runs of one side that differ show that the metric is not exact after
    all: `inconclusive`, and the segment wants a new calibration.
    """
    check(scores, candidate)
    incumbent, new = scores[~candidate], scores[candidate]
    effect = float(incumbent[0] - new[0])
    tie = rounding(scores)
    state: State
    if np.ptp(incumbent) > tie or np.ptp(new) > tie:
        state, effect = "inconclusive", float(incumbent.mean() - new.mean())
    else:
        state = "keep" if effect > tie and effect >= threshold - tie else "futile"
    interval = None if state == "inconclusive" else (effect, effect)
    return Evidence(state=state, pairs=new.size, effect=effect, p=None, interval=interval, next_look=None)
