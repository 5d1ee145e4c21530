"""How large an effect is: estimates with intervals from a fixed number of pairs, guards, and the exclusion of harm.

All of it inverts the same re-randomisation test: a supposed effect is taken out of the candidate's scores, and whatever then
looks no different from a relabelling stays in the interval (Garthwaite, 1996, describes the idea).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from autotune_tui.stats.relabel import Labels, Location, check, reference, rounding, statistic
from autotune_tui.stats.scale import Floats, Scale, choose_scale, harm_score, relative_change, to_scores

RANDOM = 999
"""Random labelings; the tails of a 95 % interval are then 25 labelings each."""

HALVINGS = 24
"""Bisection steps: to a ten-millionth of the range of the scores, far below any noise."""

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """A guarded metric, judged on an experiment's pairs.

    `effect` and `upper` are changes of the metric in its own direction, relative unless its values may be zero or negative:
    the estimate, and the harm that is not excluded at one-sided .05 (infinite when so few pairs exclude nothing).
    """

    vetoed: bool
    effect: float
    upper: float
    text: str
    uncertain: bool = False
    """Not vetoed, although more harm than tolerated is not excluded."""


def estimate(
    scores: Floats, candidate: Labels, *, location: Location, level: float = 0.95, seed: int
) -> tuple[float, tuple[float, float]]:
    """The effect T and its interval (differences of scores), for a number of pairs fixed beforehand.

    `scores`, `candidate`: (blocks, 4) as for `judge`. An end is infinite when there are too few pairs for the level.
    Raises ValueError for arrays of the wrong shape and values that are not finite.
    """
    check(scores, candidate)
    test = _Test(scores, candidate, location, seed)
    tail = (1 - level) / 2
    return test.effect, (test.lower(tail), test.upper(tail))


def harm_significant(
    scores: Floats,
    candidate: Labels,
    tolerance: float = 0.0,
    *,
    alpha: float = ALPHA,
    location: Location = "fast_half",
    seed: int = 0,
) -> bool:
    """Whether the candidate is worse by more than `tolerance` (a difference of scores, zero or more), one-sided."""
    check(scores, candidate)
    return _Test(scores, candidate, location, seed).share_below(-tolerance) <= alpha


def excludes_harm(
    scores: Floats,
    candidate: Labels,
    tolerance: float,
    *,
    alpha: float = ALPHA,
    location: Location = "fast_half",
    seed: int = 0,
) -> bool:
    """Whether harm of `tolerance` (a difference of scores) or more is excluded, one-sided: for simplifications."""
    check(scores, candidate)
    return _Test(scores, candidate, location, seed).share_above(-tolerance) <= alpha


def guard_verdict(
    values: ArrayLike,
    candidate: Labels,
    tolerance: float,
    relative: bool = True,
    *,
    direction: str = "lower",
    alpha: float = ALPHA,
    location: Location = "fast_half",
    seed: int = 0,
) -> GuardVerdict:
    """Whether a secondary metric got worse than tolerated.

    `values`: (blocks, 4), the metric itself, not scores. `tolerance`: a fraction when `relative`, else in the metric's unit.
    Vetoed when the estimated harm exceeds the tolerance, which it always does when harm beyond it is significant.
    """
    array = np.asarray(values, dtype=np.float64)
    scale = choose_scale(array)
    scores = to_scores(array, direction, scale)
    check(scores, candidate)
    test = _Test(scores, candidate, location, seed)
    allowed = harm_score(tolerance, relative, scale, direction, float(np.median(array[~candidate])))
    vetoed = -test.effect > allowed + rounding(scores)
    worst = test.lower(alpha)
    effect = relative_change(test.effect, scale, direction)
    upper = relative_change(worst, scale, direction) if math.isfinite(worst) else math.inf
    possible = -worst > allowed + test.resolution
    return GuardVerdict(
        vetoed, effect, upper, _words(vetoed, possible, effect, upper, scale), uncertain=possible and not vetoed
    )


def _words(vetoed: bool, possible: bool, effect: float, upper: float, scale: Scale) -> str:
    if vetoed:
        return f"changed by {_amount(effect, scale)}, which is more than tolerated"
    if not possible:
        return f"changed by {_amount(effect, scale)}, within the tolerance"
    if math.isinf(upper):
        return f"changed by {_amount(effect, scale)}; so few pairs exclude no harm"
    return f"changed by {_amount(effect, scale)}; not excluded: up to {_amount(upper, scale)}"


def _amount(change: float, scale: Scale) -> str:
    """The change in words; what rounds to zero has no minus."""
    return f"{round(100 * change, 1) + 0.0:+.1f} %" if scale == "log" else f"{change + 0.0:+.4g}"


class _Test:
    """The one-sided re-randomisation tests of supposed effects on one set of pairs."""

    def __init__(self, scores: Floats, candidate: Labels, location: Location, seed: int) -> None:
        self._scores = scores
        self._candidate = candidate
        self._location = location
        self._labels, self._own = reference(seed, candidate, RANDOM)
        # Once the effect supposed is this far away, the sides are apart and p is as small as these labelings allow.
        self._reach = 2 * float(np.ptp(scores)) + 1e-9
        self.resolution = self._reach / 2**HALVINGS + 2 * rounding(scores)
        self.effect = float(statistic(scores.ravel(), candidate.reshape(-1, 1), location)[0])

    def _shares(self, supposed: float) -> tuple[float, float]:
        """P(T* <= T) and P(T* >= T) if the effect were `supposed`."""
        flat = (self._scores + supposed * self._candidate).ravel()
        values = statistic(flat, self._labels, self._location)
        own, tie = values[self._own], rounding(flat)
        return float(np.mean(values <= own + tie)), float(np.mean(values >= own - tie))

    def share_below(self, supposed: float) -> float:
        return self._shares(supposed)[0]

    def share_above(self, supposed: float) -> float:
        return self._shares(supposed)[1]

    def lower(self, tail: float) -> float:
        """The highest effect that the pairs show to be exceeded, at one-sided `tail`."""
        return self._edge(-1.0, tail, 1)

    def upper(self, tail: float) -> float:
        """The lowest effect that the pairs show not to be reached, at one-sided `tail`."""
        return self._edge(1.0, tail, 0)

    def _edge(self, side: float, tail: float, which: int) -> float:
        inside, outside = self.effect, self.effect + side * self._reach
        if self._shares(outside)[which] > tail:
            return side * math.inf
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if self._shares(middle)[which] <= tail else (middle, outside)
        return outside
