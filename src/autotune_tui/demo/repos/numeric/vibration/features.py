"""Describes windows of a signal by a few figures each."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

BLOCK = 2  # autotune: 1..4096 log
DTYPE = "float64"  # autotune: {"float64", "float32"}

NAMES = ("level", "rms", "peak", "crest", "kurtosis", "crossings")


def describe(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Figures of each row of windows (count, width): an array (count, len(NAMES))."""
    windows = windows.astype(DTYPE)
    level = windows.mean(axis=1)
    centred = windows - level[:, None]
    squares = centred * centred
    rms = np.sqrt(squares.mean(axis=1))
    peak = np.abs(centred).max(axis=1)
    fourth = (squares * squares).mean(axis=1)
    crossings = (np.signbit(centred[:, 1:]) != np.signbit(centred[:, :-1])).sum(axis=1)
    quiet = np.maximum(rms, 1e-9)
    return np.column_stack([level, rms, peak, peak / quiet, fourth / quiet**4, crossings]).astype(np.float64)


def features(signal: NDArray[np.float64], width: int, step: int) -> NDArray[np.float64]:
    """Figures of all windows of `width` samples that start every `step` samples."""
    windows = sliding_window_view(signal, width)[::step]
    parts: list[NDArray[np.float64]] = []
    for start in range(0, len(windows), BLOCK):
        parts.append(describe(windows[start : start + BLOCK]))
    return np.concatenate(parts)
