"""Removes slow drift (temperature, supply) from a signal."""

import numpy as np
from numpy.typing import NDArray

METHOD = "direct"  # autotune: {"direct", "cumulative"}


def moving_mean(signal: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The mean of `width` samples around each sample; at both ends the signal is continued by its last value."""
    before = width // 2
    padded = np.pad(signal, (before, width - 1 - before), mode="edge")
    if METHOD == "cumulative":
        sums = np.cumsum(np.concatenate(([0.0], padded - signal[0])))
        return (sums[width:] - sums[:-width]) / width + signal[0]
    return np.convolve(padded, np.full(width, 1.0 / width), mode="valid")


def detrend(signal: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The signal with its moving mean taken off and its overall mean put back."""
    return signal - moving_mean(signal, width) + signal.mean()
