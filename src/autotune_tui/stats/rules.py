"""Decision profiles as data, and what a look at the evidence says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from autotune_tui.stats.scale import Scale

State = Literal["continue", "keep", "futile", "inconclusive"]

NOISE_TARGET = 0.25
"""Futility tests for a gain of at least so many sigma: a third of what the most pairs can find.

More drops useless candidates sooner, and real gains more often, as a sigma from ten pairs may be that of a passing burst. On
the busy trace 0.5 drops them after 23.9 runs and finds 80 % of 5 % gains, 0.25 after 28.7 runs and finds 83 %; on the quiet
one it is 19.8 runs and 88 %, 21.3 runs and 89 %.
"""

LARGEST_TARGET = 0.9


@dataclass(frozen=True, slots=True)
class Rule:
    """A decision profile. Looks are numbers of pairs; `spending` is the alpha used up to and with each keep look."""

    name: str
    alpha: float
    looks: tuple[int, ...]
    spending: tuple[float, ...]
    most_pairs: int
    futility: tuple[tuple[int, float], ...]
    """Futility looks: pairs, and the P(T* <= T) at or below which the candidate is discarded."""
    target_floor: float
    """The least gain that futility tests for, as a fraction."""
    test: Literal["relabel", "t"] = "relabel"
    prefix_blocks: int = 0
    """The first blocks, up to the first keep look: their labelings are enumerated fully."""
    continuations: int = 0
    """Random continuations of each of those labelings."""

    @property
    def judged(self) -> tuple[int, ...]:
        """Every number of pairs at which something may be decided."""
        return tuple(sorted({*self.looks, *(pairs for pairs, _ in self.futility), self.most_pairs}))

    def next_look(self, pairs: int) -> int | None:
        """The next number of pairs at which something may be decided."""
        return next((look for look in self.judged if look > pairs), None)

    def target(self, sigma: float, threshold: float, scale: Scale) -> float:
        """The effect (a difference of scores) that futility tests for.

        max(target_floor, 0.25 sigma) of a gain, and never less than what is worth keeping; on the difference scale, where a
        fraction means nothing, max(threshold, 0.25 sigma).
        """
        if scale == "difference":
            return max(threshold, NOISE_TARGET * sigma)
        return max(threshold, -math.log1p(-min(max(self.target_floor, NOISE_TARGET * sigma), LARGEST_TARGET)))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the blocks so far say. Effect and interval are differences of scores: above zero the candidate is better."""

    state: State
    pairs: int
    effect: float
    p: float | None
    """One-sided, counting what earlier looks spent; None where no keep look was made."""
    interval: tuple[float, float] | None
    """About 95 %, for the screen; None while there are too few labelings to say."""
    next_look: int | None
    """The number of pairs at which the evidence is next judged; None after a decision."""
    weak: bool = False


def _futility(level: float, *pairs: int) -> tuple[tuple[int, float], ...]:
    return tuple((count, level) for count in pairs)


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            name="quick", alpha=0.05, looks=(4, 6, 10, 16), spending=(0.028, 0.0375, 0.044, 0.05), most_pairs=16,
            futility=((2, 0.18), *_futility(0.10, *range(4, 17, 2))), target_floor=0.03,
            prefix_blocks=2, continuations=54,
        ),
        Rule(
            name="standard", alpha=0.01, looks=(6, 10, 16, 24, 40), spending=(0.0047, 0.006, 0.0073, 0.0086, 0.01),
            most_pairs=40, futility=_futility(0.10, *range(4, 16, 2), *range(16, 41, 4)), target_floor=0.02,
            prefix_blocks=3, continuations=9,
        ),
        Rule(
            name="strict", alpha=0.001, looks=(8, 14, 28, 60), spending=(0.000772, 0.00085, 0.00092, 0.001),
            most_pairs=60, futility=_futility(0.10, *range(4, 16, 2), *range(16, 61, 4)), target_floor=0.02,
            prefix_blocks=4, continuations=12,
        ),
        Rule(
            name="costly", alpha=0.05, looks=(2, 4, 6, 8), spending=(0.02, 0.03, 0.04, 0.05), most_pairs=8,
            futility=_futility(0.10, 2, 4, 6, 8), target_floor=0.03, test="t",
        ),
    )
}  # fmt: skip
