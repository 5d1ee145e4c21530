"""Signs that something is wrong beside the change: a benchmark that comes and goes on the incumbent, and what hangs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from autotune_tui.model.events import Calibration
from autotune_tui.model.format import count
from autotune_tui.stats.noise import MAD_TO_SIGMA

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment

UNSTEADY = 5.0
"""The incumbent's own runs vary so many times as much as when the segment was calibrated."""
DOUBLED_AT = 6
"""Pairs of a calibration that make twice of it: of so few, one noise in a hundred looks four times as small as it is."""
LEAST_SPREAD = 0.02
"""On the log scale; noise below this is no trouble, however quiet it was before."""
LEAST_RUNS = 6
STALLS = frozenset({"timeout", "agent_stalled"})
"""Reasons of experiments in which something did not come to an end."""
COMMANDS = frozenset({"build_failed", "checks_failed"})


def trouble_of(x: Experiment) -> tuple[str, str]:
    """What was wrong in an experiment beside its change, as a code and in words; empty when nothing was."""
    assert x.verdict is not None
    if x.lost_runs and (worked := _worked(x)):  # one that never works does not come and go
        failed = f"{count(len(x.lost_runs), 'run')} of the incumbent failed ({x.lost_runs[-1]})"
        return "flaky_benchmark", f"{failed} and {worked} did not"
    if x.verdict.reason in STALLS or (x.hung and x.verdict.reason in COMMANDS):
        return "stall", x.verdict.detail
    calibration = x.engine.state.calibration
    if x.measured is None or calibration is None:
        return "", ""
    words = unsteady([float(value) for value in x.measured.blocks.side("incumbent")], calibration)
    return ("flaky_benchmark", words) if words else ("", "")


def _worked(x: Experiment) -> int:
    """How many runs of the incumbent gave a number."""
    current = x.engine.state.current
    return sum(sample.side == "incumbent" for sample in current.samples) if current else 0


def unsteady(values: Sequence[float], calibration: Calibration) -> str:
    """In words, when runs of one commit vary far more than those that the calibration saw; empty when they do not.

    Neighbouring runs are compared, so that a slow drift is no sign, and by the median, so that one bad run is none.
    """
    if len(values) < LEAST_RUNS or calibration.exact or not calibration.sigma:
        return ""
    array = np.asarray(values, dtype=np.float64)
    logarithmic = calibration.scale == "log"
    if logarithmic and bool(np.any(array <= 0)):
        return ""
    steps = np.abs(np.diff(np.log(array) if logarithmic else array))
    now = float(MAD_TO_SIGMA * np.median(steps))
    least = UNSTEADY * calibration.sigma * (1 + DOUBLED_AT / max(1, calibration.pairs))
    if now < least or (logarithmic and now < LEAST_SPREAD) or not math.isfinite(now):
        return ""
    return f"runs of the same code vary {now / calibration.sigma:.0f} times as much as when the segment began"
