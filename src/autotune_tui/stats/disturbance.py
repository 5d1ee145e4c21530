"""Was the machine disturbed while a block was measured? Then the block is taken again, both sides.

The candidate's values are not looked at: whether a block counts must not depend on how well the candidate did in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from autotune_tui.stats.relabel import Labels
from autotune_tui.stats.scale import Floats

LEVEL_SIGMAS = 5.0
LEAST_REFERENCE = 4
"""Incumbent runs before its level means anything."""

STEAL_SHARE = 0.10
CLOCK_STEP = 0.05
SUSPENDED = 0.05
OTHERS_SHARE = 0.25
"""By how much more of the machine others may use than in the blocks before; a load that is always there is its normal."""


def disturbed(
    reference_scores: ArrayLike,
    block_scores: Floats,
    candidate: Labels,
    sigma: float,
    steal_share: float,
    clock_step: float,
    suspended: float,
    *,
    others: float = 0.0,
    others_before: float | None = None,
    throttled: int = 0,
    speed: str = "",
    interrupted: bool = False,
) -> tuple[str, ...]:
    """What disturbed a block, in words; empty when nothing did.

    `reference_scores`: the incumbent's scores in the experiment's earlier blocks. `block_scores`, `candidate`: (4,), the
    block's scores and labels. `sigma`: pair noise. `steal_share`: the largest share of a run's time that the hypervisor gave
    to others. `clock_step`: seconds by which the wall clock jumped; `suspended`: seconds that the machine slept. `others`: the
    largest share of the machine that other programs used during a run, and usually in earlier blocks (None: there are none).
    `throttled`: how often a processor was slowed for its heat. `speed`: how the processors' limits changed. `interrupted`: the
    engine itself was stopped.
    """
    flags = []
    if _level_shifted(np.asarray(reference_scores, dtype=np.float64), block_scores[~candidate], sigma):
        flags.append("the incumbent's own level shifted")
    if steal_share > STEAL_SHARE:
        flags.append(f"the hypervisor took {steal_share:.0%} of the time")
    if abs(clock_step) > CLOCK_STEP:
        flags.append(f"the clock was set by {clock_step:+.2f} s")
    if suspended > SUSPENDED:
        flags.append(f"the machine was suspended for {suspended:.1f} s")
    elif interrupted:
        flags.append("the engine was stopped meanwhile")
    if others_before is not None and others - others_before > OTHERS_SHARE:
        flags.append(f"other programs took {others:.0%} of the processors, {others_before:.0%} before")
    if throttled:
        flags.append("a processor was slowed down for its heat")
    if speed:
        flags.append(f"the processors' limit was {speed}")
    return tuple(flags)


def excuse(*, timed_out: bool, steal_share: float, interrupted: bool) -> str:
    """Why a run that failed says nothing about the code, in words; empty when it does."""
    if interrupted:
        return "the machine did not go on meanwhile"
    if timed_out and steal_share > STEAL_SHARE:
        return f"the hypervisor took {steal_share:.0%} of the time"
    return ""


def _level_shifted(reference: Floats, incumbent: Floats, sigma: float) -> bool:
    """Whether both incumbent runs lie far from the earlier ones on the same side; one slow run is ordinary noise."""
    if reference.size < LEAST_REFERENCE:
        return False
    away = incumbent - np.median(reference)
    return bool(np.all(away > LEVEL_SIGMAS * sigma) or np.all(away < -LEVEL_SIGMAS * sigma))
