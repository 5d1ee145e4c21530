"""Benchmarks of many minutes: a t-test on paired differences, from two pairs on, always called weak evidence.

With four runs no re-randomisation can be significant, so this profile does assume something: pair differences that are
roughly normal, with a spread not far from the segment's. That is why its keeps are weak, and are measured again at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from autotune_tui.stats.noise import MAD_TO_SIGMA
from autotune_tui.stats.relabel import Labels
from autotune_tui.stats.rules import Evidence, Rule, State
from autotune_tui.stats.scale import Floats, Scale

LEVEL = 0.95

MOST_DEGREES = 3
"""What the segment's noise may weigh at most beside the experiment's own.

Noise comes in bursts. With the full weight of a segment 8 % of useless candidates were kept on the busy trace, with three
degrees 4.4 % there and 3.5 % on the quiet one, and twice as many real gains as with a standard deviation for the noise.
"""


@dataclass(frozen=True, slots=True)
class PooledNoise:
    """Pair noise (of differences of scores), and the degrees of freedom behind it."""

    sigma: float
    degrees: int


def pair_differences(scores: Floats, candidate: Labels) -> Floats:
    """Incumbent minus candidate of each pair, oldest first: the first run of each side in a block, then the second.

    `scores`, `candidate`: (blocks, 4). Runs paired like this share their seed.
    """
    return np.asarray(scores[~candidate] - scores[candidate], dtype=np.float64)


def pool_noise(calibration: ArrayLike, experiments: Sequence[ArrayLike] = ()) -> PooledNoise:
    """The noise of a segment's pairs so far, from differences of scores: 1.4826 * median |difference|.

    A/A pairs are known to differ by nothing, so each gives a degree of freedom; an experiment gives one less than it has
    pairs, since its own mean is taken out. Raises ValueError without any degree of freedom.
    """
    residuals = [np.asarray(calibration, dtype=np.float64).ravel()]
    degrees = residuals[0].size
    for experiment in experiments:
        differences = np.asarray(experiment, dtype=np.float64).ravel()
        if differences.size > 1:
            widened = math.sqrt(differences.size / (differences.size - 1))
            residuals.append((differences - differences.mean()) * widened)
            degrees += differences.size - 1
    if not degrees:
        raise ValueError("pooled noise needs at least one A/A pair or two pairs of an experiment")
    return PooledNoise(MAD_TO_SIGMA * float(np.median(np.abs(np.concatenate(residuals)))), degrees)


def judge_costly(
    scores: Floats, candidate: Labels, rule: Rule, *, sigma: float, threshold: float, scale: Scale, degrees: int
) -> Evidence:
    """`judge` for the profile `costly`. `sigma` and `degrees` are the noise of the segment's pairs without these.

    Each look may use the alpha that the profile adds there (Bonferroni over looks).
    """
    differences = pair_differences(scores, candidate)
    target = rule.target(sigma, threshold, scale)
    levels, spent = dict(rule.futility), 0.0
    state: State = "continue"
    p = None
    pairs = differences.size
    for look, spending in zip(rule.looks, rule.spending, strict=True):
        if look > differences.size:
            break
        pairs = look
        effect, error, freedom = _summary(differences[:look], sigma, degrees)
        tail = t_tail(effect, error, freedom)
        p = min(1.0, spent + tail)
        if tail <= spending - spent and effect >= threshold:
            state = "keep"
        elif look in levels and 1.0 - t_tail(effect - target, error, freedom) <= levels[look]:
            state = "futile"
        elif look == rule.most_pairs:
            state = "inconclusive"
        if state != "continue":
            break
        spent, pairs = spending, differences.size
    effect, error, freedom = _summary(differences[:pairs], sigma, degrees)
    reach = error * t_quantile(0.5 + LEVEL / 2, freedom)
    return Evidence(
        state=state,
        pairs=pairs,
        effect=effect,
        p=p if pairs in rule.looks else None,
        interval=(effect - reach, effect + reach),
        next_look=rule.next_look(pairs) if state == "continue" else None,
        weak=True,
    )


def _summary(differences: Floats, sigma: float, degrees: int) -> tuple[float, float, int]:
    """Mean, its standard error, and degrees of freedom, with the noise pooled over these pairs and the earlier ones."""
    effect = float(differences.mean())
    before = min(degrees, MOST_DEGREES)
    freedom = before + differences.size - 1
    total = before * sigma**2 + float(np.sum((differences - effect) ** 2))
    return effect, math.sqrt(total / freedom / differences.size), freedom


def t_tail(value: float, error: float, degrees: int) -> float:
    """P(t >= value / error) of Student's t with a whole number of degrees of freedom.

    The finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4. Without any error the sign of the value decides.
    """
    if error == 0:
        return 0.5 if value == 0 else float(value < 0)
    angle = math.atan(value / error / math.sqrt(degrees))
    cosine = math.cos(angle) ** 2
    odd = degrees % 2
    term = math.sin(angle) * (math.cos(angle) if odd else 1.0)
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees, 2):
        term *= cosine * (k - 1) / k
        total += term
    inside = 2 / math.pi * (angle + total) if odd else total
    return min(1.0, max(0.0, (1.0 - inside) / 2))


def t_quantile(share: float, degrees: int) -> float:
    """The value below which Student's t falls with probability `share` (0.5 to 1), by bisection of `t_tail`."""
    low, high = 0.0, 1.0
    while t_tail(high, 1.0, degrees) > 1 - share:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, 1.0, degrees) > 1 - share else (low, middle)
    return high
