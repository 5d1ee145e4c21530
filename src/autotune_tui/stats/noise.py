"""Calibration: how much runs of the same code differ, what that lets a decision see, and what it may come from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autotune_tui.stats.scale import Floats

MAD_TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution times this is its standard deviation."""

DETECTABLE_AT_ONE_PAIR = 4.4
"""Effects found in four of five decisions, in units of sigma / sqrt(pairs): 0.7 sigma at 40 pairs."""

SPREAD_RUNS = 5
CPU_NOISE_RATIO = 0.7
CPU_SHARE = 0.9

WARM_UP_EXCESS = 0.05
STEAL_SHARE = 0.01
WAITING_SHARE = 0.8
DRIFT_SHARE = 0.5
OUTLIER_DEVIATIONS = 5.0


def pair_noise(a: ArrayLike, b: ArrayLike, scale: str) -> float:
    """Sigma of pairs: 1.4826 * median |ln a - ln b|, or of |a - b| on the difference scale.

    `a` and `b` are the metric's values (not scores) of the two sides, pair by pair, both sides running the same code.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.size == 0:
        raise ValueError("pairs need as many values of one side as of the other, and at least one")
    if scale == "log":
        first, second = np.log(first), np.log(second)
    return float(MAD_TO_SIGMA * np.median(np.abs(first - second)))


def side_noise(scores: Floats, candidate: NDArray[np.bool_]) -> float:
    """Pair noise of an experiment's own blocks, from the two runs of each side: the candidate's effect is not in it.

    `scores`, `candidate`: (blocks, 4), True where the candidate ran.
    """
    sides = np.concatenate([scores[candidate], scores[~candidate]])
    return float(MAD_TO_SIGMA * np.median(np.abs(sides[::2] - sides[1::2])))


def detectable_effect(sigma: float, pairs: int) -> float:
    """The effect (a difference of scores) that the standard profile finds four times in five with so many pairs."""
    return DETECTABLE_AT_ONE_PAIR * sigma / math.sqrt(pairs)


def spread(values: ArrayLike) -> float:
    """(max - min) / |median| of the first five values; 0 without values, infinite around a median of zero."""
    first = np.asarray(values, dtype=np.float64).ravel()[:SPREAD_RUNS]
    if first.size == 0 or first.max() == first.min():
        return 0.0
    middle = abs(float(np.median(first)))
    return float(first.max() - first.min()) / middle if middle else math.inf


def is_exact(values: ArrayLike) -> bool:
    """Whether all values (at least two) are identical, as counts and sizes are."""
    array = np.asarray(values, dtype=np.float64).ravel()
    return array.size > 1 and bool(np.all(array == array[0]))


def prefers_cpu_time(wall_a: ArrayLike, wall_b: ArrayLike, cpu_a: ArrayLike, cpu_b: ArrayLike) -> bool:
    """Whether CPU time would be the better metric: far less noise, and the command hardly waits.

    Seconds, pair by pair, of A/A runs. It is for a person to decide: CPU time punishes parallelism.
    """
    wall, cpu = np.asarray([wall_a, wall_b], dtype=np.float64), np.asarray([cpu_a, cpu_b], dtype=np.float64)
    if np.any(wall <= 0) or np.any(cpu <= 0):
        return False
    steadier = pair_noise(cpu[0], cpu[1], "log") < CPU_NOISE_RATIO * pair_noise(wall[0], wall[1], "log")
    return steadier and float(np.median(cpu / wall)) > CPU_SHARE


def mad_confidence(best_improvement: float, values: ArrayLike) -> float | None:
    """What other tools show as confidence: |best improvement| / median absolute deviation of all values so far.

    In the metric's unit, both. None below three values and where the values do not deviate. It is no probability, and on a
    noisy machine it exceeds 2 for changes that change nothing.
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size < 3:
        return None
    deviation = float(np.median(np.abs(array - np.median(array))))
    return abs(best_improvement) / deviation if deviation else None


def noise_sources(
    values: ArrayLike,
    steal: Sequence[float] = (),
    cpu_share: ArrayLike = (),
    *,
    load: float | None = None,
    cores: int | None = None,
    frequencies: Sequence[float] = (),
) -> tuple[str, ...]:
    """What the noise may come from, in words for a person, the likeliest remedy first.

    `values`: consecutive runs of the same code, oldest first. `steal`: of each run, the share of the time that the
    hypervisor gave to others. `cpu_share`: CPU time / wall time of each run. `load`: the machine's one-minute load before
    the first run, on `cores` cores. `frequencies`: CPU clock in Hz during the runs.
    """
    found = []
    crowded = load is not None and cores is not None and load > 0.5 * cores
    if crowded:
        found.append(f"other work on the machine (load {load:.1f} on {cores} cores)")
    if len(steal) and max(steal) > STEAL_SHARE:
        found.append(f"other virtual machines took up to {max(steal):.0%} of the time (steal)")
    if len(frequencies) and max(frequencies) > 1.1 * min(frequencies):
        found.append(f"the CPU's clock moved between {min(frequencies) / 1e9:.1f} and {max(frequencies) / 1e9:.1f} GHz")
    shares = np.asarray(cpu_share, dtype=np.float64).ravel()
    # On a crowded machine the command waits for its turn, which is not its own doing.
    if not crowded and shares.size and float(np.median(shares)) < WAITING_SHARE:
        found.append(f"the command waits: only {float(np.median(shares)):.0%} of its time is on a CPU")
    return (*_shapes(np.asarray(values, dtype=np.float64).ravel()), *found)


def _shapes(runs: Floats) -> list[str]:
    """What the order and the distribution of the runs show: warm-up, drift, single slow runs."""
    if runs.size < SPREAD_RUNS or np.any(runs <= 0):
        return []
    logs = np.log(runs)
    rest = logs[1:]
    typical = float(np.median(rest))
    found = []
    if logs[0] - typical > WARM_UP_EXCESS and logs[0] >= np.max(rest):
        found.append(f"the first run took {math.expm1(logs[0] - typical):.0%} more than the others (warm-up)")
    half = rest.size // 2
    drift = float(np.median(rest[-half:]) - np.median(rest[:half]))
    deviation = float(np.median(np.abs(rest - typical)))
    if abs(drift) > max(0.02, DRIFT_SHARE * (rest.max() - rest.min())):
        found.append(f"the level moved by {math.expm1(drift):+.0%} while it was measured (drift)")
    slow = int(np.count_nonzero(rest - typical > max(0.05, OUTLIER_DEVIATIONS * MAD_TO_SIGMA * deviation)))
    if slow:
        found.append(f"{slow} of {rest.size} runs were far slower than the others (spikes)")
    return found
