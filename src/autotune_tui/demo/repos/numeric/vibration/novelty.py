"""How unlike known healthy running a window is."""

import numpy as np
from numpy.typing import NDArray


def novelty(rows: NDArray[np.float64], healthy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each row to the nearest healthy row, in standard deviations of the healthy ones."""
    scores = np.empty(0)
    for row in rows:
        spread = np.maximum(healthy.std(axis=0), 1e-9)
        distances = np.sqrt((((row - healthy) / spread) ** 2).sum(axis=1))
        nearest = float(distances.min())
        scores = np.append(scores, nearest)
    return scores
