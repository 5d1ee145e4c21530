"""Scores: a metric's values turned so that lower is better and differences mean the same thing everywhere.

On the scale `log` a score is ln(value), and a difference of scores is the log of a ratio. On the scale `difference`, for
metrics that may be zero or negative, a score is the value itself. An effect `T` is always incumbent minus candidate: above
zero the candidate is better.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scale = Literal["log", "difference"]
Floats = NDArray[np.float64]

LARGEST_RELATIVE_GAIN = 0.999
"""A lower-is-better metric cannot fall by all of itself on the log scale."""


def choose_scale(values: ArrayLike) -> Scale:
    """`difference` when any of the metric's values is zero or negative, else `log`."""
    return "difference" if np.any(np.asarray(values, dtype=np.float64) <= 0) else "log"


def to_scores(values: ArrayLike, direction: str, scale: str) -> Floats:
    """Scores of the same shape as `values` (in the metric's unit), lower is better.

    Raises ValueError for values that are not finite, and on the log scale for those that are not positive.
    """
    array = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise ValueError("a metric's value must be a finite number")
    if scale == "log":
        if np.any(array <= 0):
            raise ValueError("the log scale needs values above zero")
        array = np.log(array)
    return array if direction == "lower" else -array


def relative_change(effect: float, scale: str, direction: str) -> float:
    """The change of the metric in its own direction that an effect T means.

    On the log scale it is relative: -0.13 when the metric fell by 13 %. On the difference scale it is in the metric's unit.
    """
    change = -effect if direction == "lower" else effect
    return (math.expm1(change) if scale == "log" else change) + 0.0  # no minus before zero


def gain_score(amount: float, relative: bool, scale: str, direction: str, level: float) -> float:
    """The effect T, zero or more, of a metric that got better by `amount`.

    `amount` is a fraction of `level` when `relative`, else in the metric's unit; `level` is the metric's value before.
    """
    return _score(-abs(amount) if direction == "lower" else abs(amount), relative, scale, level)


def harm_score(amount: float, relative: bool, scale: str, direction: str, level: float) -> float:
    """The effect -T, zero or more, of a metric that got worse by `amount`; arguments as in `gain_score`."""
    return _score(abs(amount) if direction == "lower" else -abs(amount), relative, scale, level)


def _score(change: float, relative: bool, scale: str, level: float) -> float:
    """The size of the score difference that a signed change makes."""
    if scale == "log":
        fraction = change if relative else change / abs(level)
        return abs(math.log1p(max(fraction, -LARGEST_RELATIVE_GAIN)))
    return abs(change * level) if relative else abs(change)
