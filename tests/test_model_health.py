"""How a session is doing, as tables of what goes in and what comes out."""

from __future__ import annotations

import pytest

from autotune_tui.model.events import Config, Health, Session
from autotune_tui.model.health import (
    Limits,
    Streaks,
    choose_playbook,
    completed,
    count,
    explain,
    healing,
    limits_of,
    next_health,
    paused,
    state_file,
)
from autotune_tui.model.state import fold
from journal_sessions import experiment, keep, opening, typical

USUAL = Limits()


def after(*statuses: str) -> Streaks:
    streaks = Streaks()
    for status in statuses:
        streaks = count(streaks, *status.split(":"))
    return streaks


@pytest.mark.parametrize(
    ("statuses", "no_improvement", "failures", "keeps"),
    [
        ([], 0, 0, 0),
        (["keep", "keep"], 0, 0, 2),
        (["discard", "discard"], 2, 0, 0),
        (["keep", "discard"], 1, 0, 0),
        (["discard", "crash", "checks_failed"], 3, 2, 0),
        (["crash", "discard", "crash"], 3, 1, 0),
        (["crash", "keep"], 0, 0, 1),
        (["discard", "discard:skipped"], 1, 0, 0),
        (["keep", "discard:skipped"], 0, 0, 1),
        (["crash:agent_failed", "crash:timeout"], 2, 2, 0),
        (["discard", "crash", "promising"], 2, 0, 0),
        (["keep", "promising"], 0, 0, 0),
    ],
)
def test_streaks_are_counted(statuses: list[str], no_improvement: int, failures: int, keeps: int) -> None:
    streaks = after(*statuses)
    assert (streaks.no_improvement, streaks.failures, streaks.keeps) == (no_improvement, failures, keeps)


@pytest.mark.parametrize(
    ("statuses", "tried", "health", "failure", "recovery"),
    [
        ([], (), "running", None, None),
        (["discard"] * 4, (), "running", None, None),
        (["discard"] * 5, (), "plateaued", "plateau", "reset_worktree"),
        (["discard"] * 5, ("reset_worktree",), "plateaued", "plateau", "rebaseline"),
        (["discard"] * 5, ("reset_worktree", "rebaseline"), "paused", "plateau", None),
        (["crash"], (), "running", None, None),
        (["crash", "crash"], (), "crashing", "benchmark_crash", "reset_worktree"),
        (["crash", "checks_failed"], (), "crashing", "checks_failed", "reset_worktree"),
        (["crash:agent_failed"] * 2, ("reset_worktree",), "crashing", "benchmark_crash", "rebaseline"),
        (["crash", "crash"], ("a", "b", "c"), "paused", "benchmark_crash", None),
        (["discard", "discard", "discard", "crash", "crash"], (), "crashing", "benchmark_crash", "reset_worktree"),
        (["keep"], (), "improving", None, None),
        (["crash", "crash", "keep"], ("reset_worktree",), "improving", None, None),
        (["keep", "discard"], (), "running", None, None),
    ],
)
def test_health_follows_the_streaks(
    statuses: list[str], tried: tuple[str, ...], health: str, failure: str | None, recovery: str | None
) -> None:
    """H1."""
    change = next_health(after(*statuses), USUAL, tried)
    assert (change.health, change.failure, change.recovery) == (health, failure, recovery)
    assert change.reason
    assert change.next


@pytest.mark.parametrize(
    ("configured", "tried", "most", "chosen"),
    [
        (("reset_worktree", "rebaseline", "pause"), (), 3, "reset_worktree"),
        (("rebaseline", "reset_worktree"), (), 3, "rebaseline"),
        (("reset_worktree", "rebaseline", "pause"), ("reset_worktree",), 3, "rebaseline"),
        (("reset_worktree", "rebaseline", "pause"), ("reset_worktree", "rebaseline"), 3, "pause"),
        (("reset_worktree", "rebaseline", "pause"), ("reset_worktree",), 1, None),
        (("reset_worktree",), ("reset_worktree",), 3, None),
        ((), (), 3, None),
        (("reset_worktree",), (), 0, None),
    ],
)
def test_playbooks_come_in_the_configured_order_and_end(
    configured: tuple[str, ...], tried: tuple[str, ...], most: int, chosen: str | None
) -> None:
    """H2: bounded attempts."""
    assert choose_playbook(configured, tried, most) == chosen


def test_when_nothing_is_left_the_session_pauses_with_what_was_tried_or_goes_on_when_told_so() -> None:
    stuck = after(*["discard"] * 5)
    change = next_health(stuck, USUAL, ("reset_worktree", "rebaseline"))
    assert change.reason == "5 experiments in a row without a keep after reset_worktree, rebaseline"
    goes_on = next_health(stuck, Limits(playbooks=("rebaseline",), pause_when_exhausted=False), ("rebaseline",))
    assert (goes_on.health, goes_on.recovery) == ("plateaued", None)


def test_healing_names_its_playbook_and_counts_the_attempt() -> None:
    change = healing(next_health(after("crash", "crash"), USUAL))
    assert (change.health, change.recovery, change.heals) == ("healing", "reset_worktree", 1)
    assert "then the next experiment" in change.next
    with pytest.raises(ValueError, match="no playbook"):
        healing(completed("the target is reached"))


def test_paused_and_completed_are_said_explicitly() -> None:
    assert paused("you asked for it").health == "paused"
    assert completed("the target is reached").health == "completed"


@pytest.mark.parametrize(
    ("config", "limits"),
    [
        (Config(), USUAL),
        (Config(health={"maxNoImprovementRuns": 9, "maxCrashStreak": 4}), Limits(9, 4)),
        (Config(health={"maxNoImprovementRuns": "9", "maxCrashStreak": 0}), USUAL),
        (
            Config(recovery={"playbooks": ["pause", 3], "maxHealingAttempts": 0}),
            Limits(playbooks=("pause",), max_attempts=0),
        ),
        (
            Config(recovery={"playbooks": "pause", "pauseOnExhaustedRecovery": False}),
            Limits(pause_when_exhausted=False),
        ),
    ],
)
def test_limits_are_those_of_the_segment(config: Config, limits: Limits) -> None:
    assert limits_of(config) == limits


def test_the_state_file_has_exactly_the_shared_keys() -> None:
    """V8: status lines of other tools."""
    state = fold(
        [*opening(), *keep(1, 1.4, -0.2), *experiment(2, "crash", None), *experiment(3, "checks_failed", None)]
    )
    content = state_file(state)
    assert set(content) == {
        "active", "mode", "health", "failure", "reason", "recovery", "heals", "no_improve", "failures", "crash_streak",
        "keep_streak", "exp_at", "progress_at", "n_exp",
    }  # fmt: skip
    assert (content["active"], content["mode"], content["failure"]) == (True, "optimize", "checks_failed")
    assert (content["no_improve"], content["failures"], content["crash_streak"], content["n_exp"]) == (2, 2, 2, 3)


def test_an_explanation_says_state_reason_what_was_tried_what_follows_and_what_one_can_do() -> None:
    """H1: explain."""
    lines = explain(fold([*opening(), *experiment(1), *experiment(2)])).splitlines()
    assert [line.split()[0] for line in lines] == ["State", "Why", "Count", "Tried", "Next", "You"]
    assert lines[0] == "State  running"
    assert lines[1] == "Why    2 experiments without a keep, which is within the limit"
    assert "without a keep 2 of 5, failures 0 of 2, recovery attempts 0 of 3" in lines[2]


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health(health="paused", reason="you asked for it"), ["you asked for it", "resume"]),
        (
            Health(health="healing", reason="2 failures in a row", next="n", recovery="rebaseline", heals=1),
            ["rebaseline since"],
        ),
        (
            Session(event="end", outcome="stopped", reason="ada stopped it"),
            ["ada stopped it", "no engine", "run to go on"],
        ),
        (Session(event="end", outcome="completed", reason="target reached"), ["target reached", "merge or delete"]),
    ],
)
def test_an_explanation_fits_the_state(health: Health | Session, words: list[str]) -> None:
    text = explain(fold([*opening(), *experiment(1), health]))
    for word in words:
        assert word in text


def test_the_end_of_a_session_explains_itself() -> None:
    assert "the agent has nothing left to propose" in explain(fold(typical()))
