"""The leaderboard ranks what was kept, and shows the rest."""

from __future__ import annotations

import pytest

from autotune_tui.model.events import Config, Result
from autotune_tui.model.leaderboard import best, rank
from autotune_tui.model.state import SessionState, fold
from journal_sessions import experiment, keep, opening, segment, typical


def test_the_baseline_then_keeps_by_value_then_discards_then_failures() -> None:
    """V5."""
    state = fold([*typical()[:-1], *keep(6, 0.7, 0.1), *experiment(7, metric=0.5), *experiment(8, "novel", 0.1)])
    assert [(row.rank, row.kind, row.experiment.index) for row in rank(state)] == [
        (None, "baseline", 0),
        (1, "keep", 5),
        (2, "keep", 6),
        (3, "keep", 1),
        (None, "discard", 7),
        (None, "discard", 2),
        (None, "other", 8),
        (None, "failure", 3),
        (None, "failure", 4),
    ]


def test_higher_is_better_where_it_is() -> None:
    state = fold(
        [*opening("higher", 200.0, 100.0), *keep(1, 150.0, 0.5), *keep(2, 220.0, 0.4), *experiment(3, metric=90.0)]
    )
    rows = rank(state)
    assert [row.experiment.index for row in rows] == [0, 2, 1, 3]
    assert [row.change for row in rows] == [None, pytest.approx(1.2), pytest.approx(0.5), None]
    assert [row.target for row in rows] == [False, True, False, False]


def test_the_incumbent_and_the_target_are_marked() -> None:
    rows = rank(fold([*opening(target=1.5), *keep(1, 1.4, -0.2), *keep(2, 1.45, 0.0), *experiment(3, metric=1.0)]))
    assert [(row.experiment.index, row.incumbent, row.target) for row in rows] == [
        (0, False, False),
        (1, False, True),
        (2, True, True),
        (3, False, False),
    ]


def test_each_segment_has_a_leaderboard_of_its_own() -> None:
    state = fold([*opening(), *keep(1, 1.4, -0.2), *segment(2, baseline=1.41), *experiment(2, segment=2)])
    assert [row.experiment.index for row in rank(state)] == [0, 2]
    assert [row.experiment.index for row in rank(state, 1)] == [0, 1]
    assert rank(state, 3) == []
    assert rank(SessionState()) == []


def test_the_best_need_not_be_the_incumbent_and_is_never_a_discard() -> None:
    state = fold([*opening(), *keep(1, 1.4, -0.2), *keep(2, 1.45, 0.0), *experiment(3, metric=1.0)])
    found = best(state)
    assert found is not None
    assert found.index == 1
    assert best(SessionState()) is None


def test_a_baseline_of_zero_has_differences_and_no_relative_changes() -> None:
    state = fold([Config(), Result(metric=0, status="keep"), Result(index=1, metric=-2.5, status="keep")])
    assert [(row.change, row.difference) for row in rank(state)] == [(None, None), (None, -2.5)]
