"""What is left of the session's limits. Pure: the time of day comes in."""

from __future__ import annotations

from typing import Any

from autotune_tui.config import Budget
from autotune_tui.model.budget import seconds_until
from autotune_tui.model.session import SessionState, UsageTotals

VALIDATION_RUNS = 82
"""Forty pairs and two warm-ups: what the final figure will cost."""


def as_recorded(budget: Budget) -> dict[str, Any]:
    """The limits as the journal has them, the first by the name that other tools read."""
    return {
        "maxIterations": budget.experiments,
        "seconds": budget.time,
        "deadline": budget.deadline,
        "tokens": budget.tokens,
        "usd": budget.usd,
    }


def tokens_left(budget: Budget, state: SessionState, among: int = 1) -> int | None:
    """Tokens that each of so many agents may still use; None without a limit."""
    return None if budget.tokens is None else max(0, budget.tokens - state.usage.tokens) // among


def usd_left(budget: Budget, state: SessionState, among: int = 1) -> float | None:
    """Dollars that each of so many agents may still spend; None without a limit."""
    return None if budget.usd is None else max(0.0, budget.usd - state.usage.usd) / among


def time_left(budget: Budget, state: SessionState, now: str) -> float:
    """Seconds until the time is up or the deadline comes, less what the final re-measurement of unconfirmed keeps will take.

    `now` is a timestamp as in the journal. Infinite without a limit.
    """
    work = float("inf") if budget.time is None else budget.time - state.elapsed(now)
    until = seconds_until(budget.deadline, now)
    return min(work, float("inf") if until is None else until) - reserve(state)


def reserve(state: SessionState) -> float:
    """Seconds that the final re-measurement will take; 0 while there is nothing to confirm."""
    segment, calibration = state.segment, state.calibration
    if segment is None or calibration is None or calibration.exact:
        return 0.0
    confirmed = segment.validation.keeps if segment.validation else 0
    return VALIDATION_RUNS * calibration.seconds if segment.keeps > confirmed else 0.0


def used_up(budget: Budget, state: SessionState, now: str) -> str:
    """Which limit leaves no room for another experiment, in words; empty while there is room.

    An experiment that could not even reach its first look in time is not begun, nor one for which less is left than each of
    its predecessors has used.
    """
    if budget.experiments is not None and state.experiment_count >= budget.experiments:
        return f"all {budget.experiments} experiments are done"
    if time_left(budget, state, now) < least_seconds(state):
        return _out_of_time(budget, state, now)
    used, least = state.usage, least_usage(state)
    if budget.tokens is not None and budget.tokens - used.tokens < max(1, least.tokens):
        more = f", and no experiment has used fewer than {least.tokens}" if used.tokens < budget.tokens else ""
        return f"{used.tokens} of {budget.tokens} tokens are used{more}"
    if budget.usd is not None and (used.usd >= budget.usd or budget.usd - used.usd < least.usd):
        more = f", and no experiment has cost less than {least.usd:.2f}" if used.usd < budget.usd else ""
        return f"{used.usd:.2f} of {budget.usd:.2f} dollars are spent{more}"
    return ""


def least_seconds(state: SessionState) -> float:
    """What an experiment of this segment takes at the least: the shortest that was measured, else up to its first look."""
    first_look = state.calibration.decision_seconds[0] if state.calibration else 0.0
    measured = [
        e.seconds for e in state.experiments if e.segment == state.segment_number and e.pairs and not e.baseline
    ]
    return max(first_look, min(measured, default=0.0))


def least_usage(state: SessionState) -> UsageTotals:
    """The fewest tokens, and the fewest dollars, that an experiment which ended has used."""
    ended = [e.index for e in state.experiments if not e.baseline]
    by_number = dict.fromkeys(ended, UsageTotals())
    for (number, _), used in state.usage_by.items():
        if number in by_number:
            by_number[number] = by_number[number].plus(used)
    totals = by_number.values()
    return UsageTotals(min((t.tokens for t in totals), default=0), 0, min((t.usd for t in totals), default=0.0))


def _out_of_time(budget: Budget, state: SessionState, now: str) -> str:
    kept = reserve(state)
    reserved = f", {kept:.0f} s of it for the final measurement" if kept else ""
    until = seconds_until(budget.deadline, now)
    work = float("inf") if budget.time is None else budget.time - state.elapsed(now)
    if until is not None and until <= work:
        return f"no experiment ends before {budget.deadline}{reserved}" if until > 0 else f"it is {budget.deadline}"
    return f"the time of {budget.time:g} s is used up{reserved}"
