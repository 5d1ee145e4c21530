"""The order of runs, drawn and not chosen: coin flips are what makes the test exact under drift and autocorrelation.

All randomness here is a hash of integers (splitmix64 by Steele, Lea and Flood, 2014), so that a journalled seed gives the same
order and the same reference set in every version of Python and numpy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 4
"""Runs in a block: two of the incumbent, two of the candidate."""

PAIRS_PER_BLOCK = 2

Order = tuple[bool, bool, bool, bool]

_ORDERS: tuple[Order, ...] = (
    (False, False, True, True),
    (False, True, False, True),
    (False, True, True, False),
    (True, False, False, True),
    (True, False, True, False),
    (True, True, False, False),
)

ARRANGEMENTS: NDArray[np.bool_] = np.array(_ORDERS)
"""The six orders of a block; True where the candidate runs."""

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF
_ORDER = 1
"""Streams keep the uses of one seed apart: the drawn order, and (in `relabel`) the reference sets."""


def block_order(seed: int, block: int, attempt: int) -> Order:
    """Which side runs at each of the four places of a block: True for the candidate.

    Uniform over the six arrangements, recomputable from the journalled seed; `block` and `attempt` count from zero, and a
    block that is taken again (next attempt) gets an order of its own.
    """
    value = _mix((_state(seed, (_ORDER, block, attempt)) + _GOLDEN) & _MASK)
    return _ORDERS[((value >> 32) * len(_ORDERS)) >> 32]


def draw(seed: int, stream: tuple[int, ...], count: int) -> NDArray[np.uint8]:
    """`count` indices of arrangements, uniform over 0..5 and independent between streams; a longer draw goes on."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(_state(seed, stream))
    values = _mix_all(steps) >> np.uint64(32)
    return ((values * np.uint64(len(_ORDERS))) >> np.uint64(32)).astype(np.uint8)


def _state(seed: int, stream: tuple[int, ...]) -> int:
    state = seed & _MASK
    for part in stream:
        state = _mix((state + _GOLDEN * (part + 1)) & _MASK)
    return state


def _mix(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def _mix_all(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`_mix` of each value; unsigned arrays wrap around, as the hash wants."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
