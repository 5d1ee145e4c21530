"""What is left of a session's limits, in words: a fold of the journal, like all that is shown."""

from __future__ import annotations

from datetime import datetime

from autotune_tui.model.format import count, duration, money
from autotune_tui.model.session import SessionState


def left(state: SessionState, now: str = "") -> tuple[str, ...]:
    """A text for each limit that there is. `now` is a timestamp; without it the time stands at the last record."""
    budget, used = state.budget, state.usage
    found: list[str] = []
    if (most := _number(budget.get("maxIterations"))) is not None:
        found.append(count(max(0, int(most) - state.experiment_count), "experiment"))
    if (seconds := _number(budget.get("seconds"))) is not None:
        found.append(duration(max(0.0, seconds - state.elapsed(now))))
    if (until := seconds_until(str(budget.get("deadline") or ""), now or state.timestamp)) is not None:
        found.append(f"{duration(max(0.0, until))} until {budget['deadline']}")
    if (tokens := _number(budget.get("tokens"))) is not None:
        found.append(count(max(0, int(tokens) - used.tokens), "token"))
    if (usd := _number(budget.get("usd"))) is not None:
        found.append(money(max(0.0, usd - used.usd)))
    return tuple(found)


def seconds_until(deadline: str, now: str) -> float | None:
    """From the timestamp `now` to a deadline; None where there is none, or one of them cannot be read."""
    try:
        return (datetime.fromisoformat(deadline) - datetime.fromisoformat(now)).total_seconds()
    except (ValueError, TypeError):
        return None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
