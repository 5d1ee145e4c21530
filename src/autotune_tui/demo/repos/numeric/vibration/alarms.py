"""Decides which windows are worth an alarm."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vibration.features import features
from vibration.novelty import novelty
from vibration.smooth import detrend

TREND = 6000
WIDTH = 256
STEP = 24


class Alarm(NamedTuple):
    first: int
    last: int
    score: float


def ranks(scores: list[float]) -> list[float]:
    """Each score as a multiple of the mean score."""
    relative: list[float] = []
    for score in scores:
        mean = sum(scores) / len(scores)
        relative = relative + [score / mean]
    return relative


def group(relative: list[float], limit: float) -> list[Alarm]:
    """Runs of windows above the limit; windows that lie next to each other are one alarm, with the highest score."""
    alarms: list[Alarm] = []
    for index, score in enumerate(relative):
        if score <= limit:
            continue
        if alarms and alarms[-1].last == index - 1:
            alarms[-1] = Alarm(alarms[-1].first, index, max(alarms[-1].score, score))
        else:
            alarms.append(Alarm(index, index, score))
    return alarms


def watch(signal: NDArray[np.float64], healthy: NDArray[np.float64], limit: float) -> list[Alarm]:
    """Alarms of a recording, given a recording of healthy running."""
    known = features(detrend(healthy, TREND), WIDTH, WIDTH)
    rows = features(detrend(signal, TREND), WIDTH, STEP)
    return group(ranks(novelty(rows, known).tolist()), limit)
