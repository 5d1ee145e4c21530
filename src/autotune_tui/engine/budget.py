"""What is left of the session's limits. Pure: the time of day comes in."""

from __future__ import annotations

from autotune_tui.config import Budget
from autotune_tui.model.session import SessionState

VALIDATION_RUNS = 82
"""Forty pairs and two warm-ups: what the final figure will cost."""


def tokens_left(budget: Budget, state: SessionState) -> int | None:
    """Tokens that agents may still use; None without a limit."""
    return None if budget.tokens is None else max(0, budget.tokens - state.usage.tokens)


def usd_left(budget: Budget, state: SessionState) -> float | None:
    """Dollars that agents may still spend; None without a limit."""
    return None if budget.usd is None else max(0.0, budget.usd - state.usage.usd)


def time_left(budget: Budget, state: SessionState, now: str) -> float:
    """Seconds of work until the time is up, less what the final re-measurement of unconfirmed keeps will take.

    `now` is a timestamp as in the journal. Infinite without a limit.
    """
    if budget.time is None:
        return float("inf")
    return budget.time - state.elapsed(now) - reserve(state)


def reserve(state: SessionState) -> float:
    """Seconds that the final re-measurement will take; 0 while there is nothing to confirm."""
    segment, calibration = state.segment, state.calibration
    if segment is None or calibration is None or calibration.exact:
        return 0.0
    confirmed = segment.validation.keeps if segment.validation else 0
    return VALIDATION_RUNS * calibration.seconds if segment.keeps > confirmed else 0.0


def used_up(budget: Budget, state: SessionState, now: str) -> str:
    """Which limit leaves no room for another experiment, in words; empty while there is room.

    An experiment that could not even reach its first look in time is not begun.
    """
    if budget.experiments is not None and state.experiment_count >= budget.experiments:
        return f"all {budget.experiments} experiments are done"
    shortest = state.calibration.decision_seconds[0] if state.calibration else 0.0
    if time_left(budget, state, now) < shortest:
        kept = reserve(state)
        reserved = f", {kept:.0f} s of it for the final measurement" if kept else ""
        return f"the time of {budget.time:g} s is used up{reserved}"
    if budget.tokens is not None and state.usage.tokens >= budget.tokens:
        return f"{state.usage.tokens} of {budget.tokens} tokens are used"
    if budget.usd is not None and state.usage.usd >= budget.usd:
        return f"{state.usage.usd:.2f} of {budget.usd:.2f} dollars are spent"
    return ""
