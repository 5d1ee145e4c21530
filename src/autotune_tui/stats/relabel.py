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

_CONTINUED, _SAMPLED = 2, 3


def statistic(scores: Floats, labels: Labels, location: Location) -> Floats:
    """T of each labelling: location of the incumbent's scores minus location of the candidate's.

    `scores`: (runs,), half of them of each side; `labels`: (runs, labelings), True for the candidate. `fast_half` is the
    mean of the lowest ceil(n/2) of n values, `mean` of all.
    """
    runs = scores.shape[0]
    if location == "mean":
        return np.asarray(scores @ (1.0 - 2.0 * labels) / (runs // 2), dtype=np.float64)
    half = (runs // 2 + 1) // 2
    order = np.argsort(scores, kind="stable")
    theirs = labels[order]
    candidates = _counts(theirs)
    incumbents = np.arange(1, runs + 1, dtype=candidates.dtype)[:, None] - candidates
    # Bytes and no np.where: eight times as fast, and this is nearly all of the cost of a decision.
    signs = ((incumbents <= half) & ~theirs).view(np.int8) - ((candidates <= half) & theirs).view(np.int8)
    return np.asarray(scores[order] @ signs.astype(np.float64) / half, dtype=np.float64)


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
    indices = np.indices((len(ARRANGEMENTS),) * blocks).reshape(blocks, -1)
    return _labels(indices)


@lru_cache(maxsize=8)
def continued(seed: int, prefix_blocks: int, continuations: int, blocks: int) -> Labels:
    """Each labelling of the first blocks, with so many random continuations to `blocks` blocks.

    Shape (4 * blocks, 6^prefix_blocks * continuations); the continuations of one prefix stand side by side. With more blocks
    the same labelings go on.
    """
    prefixes = np.indices((len(ARRANGEMENTS),) * prefix_blocks).reshape(prefix_blocks, -1)
    size = prefixes.shape[1] * continuations
    rest = draw(seed, (_CONTINUED,), (blocks - prefix_blocks) * size).reshape(-1, size)
    return _labels(np.concatenate([np.repeat(prefixes, continuations, axis=1), rest]))


@lru_cache(maxsize=32)
def sampled(seed: int, size: int, blocks: int) -> Labels:
    """`size` random labelings, shape (4 * blocks, size); with more blocks the same labelings go on."""
    return _labels(draw(seed, (_SAMPLED,), blocks * size).reshape(blocks, size))


def reference(seed: int, candidate: Labels, size: int) -> Labels:
    """Labelings to compare the drawn one with: all where they are few, else the drawn one and `size` random ones.

    `candidate`: (blocks, 4), as drawn. It is one of the columns, so that a share of columns is a valid p-value.
    """
    blocks = candidate.shape[0]
    if len(ARRANGEMENTS) ** blocks <= size + SLIGHTLY_MORE:
        return enumerated(blocks)
    return np.concatenate([candidate.reshape(-1, 1), sampled(seed, size, blocks)], axis=1)


def arrangement_index(candidate: Labels) -> int:
    """The column of a drawn labelling, shape (blocks, 4), in `enumerated(blocks)`."""
    index = 0
    for row in candidate:
        index = index * len(ARRANGEMENTS) + int(np.flatnonzero((row == ARRANGEMENTS).all(axis=1))[0])
    return index


def check(scores: Floats, candidate: Labels) -> None:
    """Raises ValueError unless both are (blocks, 4), at least one block, each with two runs of each side, all finite."""
    if scores.ndim != 2 or scores.shape[0] == 0 or scores.shape[1] != BLOCK or scores.shape != candidate.shape:
        raise ValueError(f"scores and labels must both be (blocks, {BLOCK}): {scores.shape}, {candidate.shape}")
    if np.any(candidate.sum(axis=1) != PAIRS_PER_BLOCK):
        raise ValueError("each block needs two runs of each side")
    if not np.all(np.isfinite(scores)):
        raise ValueError("a score must be a finite number")


def _labels(indices: NDArray[np.int64]) -> Labels:
    """Labels, shape (4 * blocks, n), of arrangement indices of shape (blocks, n)."""
    blocks, size = indices.shape
    labels = ARRANGEMENTS[indices].transpose(0, 2, 1).reshape(BLOCK * blocks, size)
    labels.setflags(write=False)
    return labels
