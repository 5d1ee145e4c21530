"""Relabelings and the statistic: what T would have been had the coin flips fallen differently.

Under the null hypothesis the code makes no difference, so each run would have taken as long with the other label, and the
labels that were drawn are one of 6^blocks equally likely ones (Fisher's randomisation test). Nothing is assumed about noise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autotune_tui.stats.order import ARRANGEMENTS, BLOCK, PAIRS_PER_BLOCK, draw
from autotune_tui.stats.scale import Floats

Location = Literal["fast_half", "mean"]
Labels = NDArray[np.bool_]

SLIGHTLY_MORE = 50
"""All 216 labelings of three blocks are better than 199 random ones, and cost the same."""

SLICE = 2048
"""Labelings that are computed at once."""

_CONTINUED, _SAMPLED = 2, 3


def statistic(scores: Floats, labels: Labels, location: Location) -> Floats:
    """T of each labelling: location of the incumbent's scores minus location of the candidate's.

    `scores`: (runs,), half of them of each side; `labels`: (runs, labelings), True for the candidate. `fast_half` is the
    mean of the lowest ceil(n/2) of n values, `mean` of all.
    """
    pairs = scores.shape[0] // 2
    if location == "mean":
        return np.asarray(scores @ (1.0 - 2.0 * labels) / pairs, dtype=np.float64)
    half = (pairs + 1) // 2
    order = np.argsort(scores, kind="stable")
    values = np.empty(labels.shape[1], dtype=np.float64)
    # Slices that stay in the cache, bytes and no np.where: this is nearly all of the cost of a decision.
    for start in range(0, labels.shape[1], SLICE):
        part = slice(start, start + SLICE)
        values[part] = scores[order] @ _signs(labels[order, part], half).astype(np.float64)
    values /= half
    return values


def _signs(candidate: Labels, half: int) -> NDArray[np.int8]:
    """+1 and -1 where an incumbent's and a candidate's score is among its side's lowest `half`, else 0.

    `candidate`: (runs, labelings), lowest score first.
    """
    theirs = _counts(candidate)
    ours = np.arange(1, candidate.shape[0] + 1, dtype=theirs.dtype)[:, None] - theirs
    plus, minus = (ours <= half) & ~candidate, (theirs <= half) & candidate
    signs: NDArray[np.int8] = plus.view(np.int8) - minus.view(np.int8)
    return signs


def _counts(flags: Labels) -> NDArray[np.unsignedinteger]:
    """Running counts down each column; row by row, as numpy's cumsum along the first axis is four times slower."""
    counts = np.empty(flags.shape, dtype=np.uint8 if flags.shape[0] < 256 else np.uint16)
    steps = flags.view(np.uint8)
    counts[0] = steps[0]
    for row in range(1, flags.shape[0]):
        np.add(counts[row - 1], steps[row], out=counts[row])
    return counts


def rounding(scores: Floats) -> float:
    """Differences of T below this are rounding: labelings that pick equal values must count as ties."""
    return 1e-12 * (1.0 + float(np.max(np.abs(scores))))


@lru_cache(maxsize=8)
def enumerated(blocks: int) -> Labels:
    """All 6^blocks labelings, shape (4 * blocks, 6^blocks); the last block varies fastest."""
    indices = np.indices((len(ARRANGEMENTS),) * blocks, dtype=np.uint8).reshape(blocks, -1)
    return _labels(indices)


@lru_cache(maxsize=8)
def continued(seed: int, prefix_blocks: int, continuations: int, blocks: int) -> Labels:
    """Each labelling of the first blocks, with so many random continuations to `blocks` blocks.

    Shape (4 * blocks, 6^prefix_blocks * continuations); the continuations of one prefix stand side by side. With more blocks
    the same labelings go on.
    """
    prefixes = np.indices((len(ARRANGEMENTS),) * prefix_blocks, dtype=np.uint8).reshape(prefix_blocks, -1)
    size = prefixes.shape[1] * continuations
    rest = draw(seed, (_CONTINUED,), (blocks - prefix_blocks) * size).reshape(-1, size)
    return _labels(np.concatenate([np.repeat(prefixes, continuations, axis=1), rest]))


@lru_cache(maxsize=32)
def sampled(seed: int, size: int, blocks: int) -> Labels:
    """`size` random labelings, shape (4 * blocks, size); with more blocks the same labelings go on."""
    return _labels(draw(seed, (_SAMPLED,), blocks * size).reshape(blocks, size))


def reference(seed: int, candidate: Labels, size: int) -> tuple[Labels, int]:
    """Labelings to compare the drawn one with, and which of them it is: all labelings where they are few, else `size`
    random ones and the drawn one, so that a share of them is a valid p-value.

    `candidate`: (blocks, 4), as drawn.
    """
    blocks = candidate.shape[0]
    if len(ARRANGEMENTS) ** blocks <= size + SLIGHTLY_MORE:
        return enumerated(blocks), arrangement_index(candidate)
    return np.concatenate([candidate.reshape(-1, 1), sampled(seed, size, blocks)], axis=1), 0


def arrangement_index(candidate: Labels) -> int:
    """The column of a drawn labelling, shape (blocks, 4), in `enumerated(blocks)`."""
    arrangements = (candidate[:, None, :] == ARRANGEMENTS).all(axis=2).argmax(axis=1)
    return int(np.ravel_multi_index(tuple(arrangements), (len(ARRANGEMENTS),) * candidate.shape[0]))


def check(scores: Floats, candidate: Labels) -> None:
    """Raises ValueError unless both are (blocks, 4), at least one block, each with two runs of each side, all finite."""
    if scores.ndim != 2 or scores.shape[0] == 0 or scores.shape[1] != BLOCK or scores.shape != candidate.shape:
        raise ValueError(f"scores and labels must both be (blocks, {BLOCK}): {scores.shape}, {candidate.shape}")
    if np.any(candidate.sum(axis=1) != PAIRS_PER_BLOCK):
        raise ValueError("each block needs two runs of each side")
    if not np.all(np.isfinite(scores)):
        raise ValueError("a score must be a finite number")


def _labels(indices: NDArray[np.uint8]) -> Labels:
    """Labels, shape (4 * blocks, n), of arrangement indices of shape (blocks, n)."""
    blocks, size = indices.shape
    labels = np.empty((blocks, BLOCK, size), dtype=np.bool_)
    for place in range(BLOCK):
        np.take(ARRANGEMENTS[:, place], indices, out=labels[:, place], mode="clip")
    labels.setflags(write=False)
    return labels.reshape(BLOCK * blocks, size)
