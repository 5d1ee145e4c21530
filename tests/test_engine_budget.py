"""What is left of a session's limits, as tables."""

from __future__ import annotations

import pytest

from autotune_tui.config import Budget
from autotune_tui.engine.budget import VALIDATION_RUNS, reserve, time_left, used_up
from autotune_tui.model.events import Calibration, Config, Record, Result, Session, Usage, Validation
from autotune_tui.model.session import SessionState
from autotune_tui.model.state import fold

START, NOW = "2026-01-01T00:00:00.000Z", "2026-01-01T00:10:00.000Z"
KEEP = Result(index=1, metric=1.0, status="keep", reason="improvement")
USED = Usage(input_tokens=900, output_tokens=100, usd=1.5)


def state(*more: Record, exact: bool = False) -> SessionState:
    """A session that has worked for ten minutes at NOW; a sample takes one second."""
    return fold(
        [
            Session(timestamp=START),
            Config(segment=1),
            Calibration(seconds=1.0, decision_seconds=(12.0, 80.0), exact=exact),
            Result(index=0, metric=2.0, status="keep", reason="baseline"),
            *more,
        ]
    )


def test_the_final_measurement_is_kept_time_for() -> None:
    """D5, L23: as soon as there is a keep to confirm, and until it is."""
    assert reserve(state()) == 0
    assert reserve(state(KEEP)) == VALIDATION_RUNS
    assert reserve(state(KEEP, Validation(segment=1, keeps=1))) == 0
    assert reserve(state(KEEP, exact=True)) == 0
    assert time_left(Budget(time=1000), state(KEEP), NOW) == pytest.approx(1000 - 600 - VALIDATION_RUNS)
    assert time_left(Budget(time="unlimited"), state(KEEP), NOW) == float("inf")


@pytest.mark.parametrize(
    ("budget", "records", "words"),
    [
        (Budget(), (), ""),
        (Budget(experiments=1), (), ""),
        (Budget(experiments=1), (KEEP,), "all 1 experiments are done"),
        (Budget(time=613), (), ""),
        (Budget(time=611), (), "the time of 611 s is used up"),
        (Budget(time=690), (KEEP,), "the time of 690 s is used up, 82 s of it for the final measurement"),
        (Budget(time=700), (KEEP,), ""),
        (Budget(tokens=1001), (USED,), ""),
        (Budget(tokens=1000), (USED,), "1000 of 1000 tokens are used"),
        (Budget(usd=1.51), (USED,), ""),
        (Budget(usd=1.5), (USED,), "1.50 of 1.50 dollars are spent"),
    ],
)
def test_a_limit_that_is_used_up_is_said(budget: Budget, records: tuple[Record, ...], words: str) -> None:
    """L23: an experiment that could not reach its first look in time is not begun."""
    assert used_up(budget, state(*records), NOW) == words
