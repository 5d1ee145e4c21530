"""The state of a session is what its journal says: the same for everyone, however it was read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.journal.reader import read_journal
from autotune_tui.model.events import (
    Control,
    Decision,
    Health,
    Note,
    Phase,
    Record,
    Result,
    Sample,
    Session,
    Unknown,
    Usage,
)
from autotune_tui.model.experiment import complete_blocks
from autotune_tui.model.leaderboard import best
from autotune_tui.model.state import SessionState, fold
from journal_sessions import experiment, keep, opening, segment, typical, validated, write


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    return write(tmp_path / "autotune.jsonl", typical())


def foreign(tmp_path: Path, *lines: object) -> SessionState:
    path = tmp_path / "foreign.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return fold(read_journal(path))


def test_a_session_folds_to_what_happened(records: list[Record]) -> None:
    state = fold(records)
    assert [(e.index, e.status, e.baseline) for e in state.experiments] == [
        (0, "keep", True),
        (1, "keep", False),
        (2, "discard", False),
        (3, "crash", False),
        (4, "checks_failed", False),
        (5, "keep", False),
    ]
    assert (state.baseline_value, state.incumbent_value) == (1.84, 0.61)
    assert state.baseline_sha == "b" * 40
    assert state.incumbent_sha == "cccccc5" * 5
    assert [e.index for e in state.keeps] == [1, 5]
    assert state.experiment_count == 5
    assert state.next_number == 6
    assert (state.usage.tokens, state.usage.usd) == (1500, 0.04)
    assert state.validation is not None
    assert state.validation.confirmed
    assert state.intent is None
    assert state.seq == len(records)
    assert not state.target_reached()
    assert state.target_reached(0.5)


def test_what_the_plan_and_the_phases_said_stays_with_the_experiment(records: list[Record]) -> None:
    first = fold(records).experiments[1]
    assert first.hypothesis.startswith("Membership should improve time")
    assert (first.strategy, first.key, first.data) == ("rewrite:list-to-set", "key-1", {"site": 1})
    assert (first.observation, first.next) == ("seen 1", "try 2")
    assert first.phases == (("sync", 0.1), ("measure", 20.0))
    assert first.interval == pytest.approx((-0.258, -0.218))


@given(st.integers(0, 200))
def test_in_one_piece_or_in_two_the_state_is_the_same_and_the_first_piece_stays(cut: int) -> None:
    records = typical()
    first, second = records[:cut], records[cut:]
    before = fold(first)
    assert fold(second, before) == fold(records) == fold(typical())
    assert before == fold(first)


def test_record_by_record_the_state_is_the_same(records: list[Record]) -> None:
    state = SessionState()
    for record in records:
        state = fold([record], state)
    assert state == fold(records)


def test_samples_are_kept_only_for_what_runs_the_calibration_and_the_last_validation(records: list[Record]) -> None:
    state = fold([*records, *experiment(6, blocks=3)[:-3]])
    assert state.current is not None
    assert len(state.current.samples) == 12
    assert len(state.calibration_samples) == 8
    assert len(state.validation_samples) == 8
    assert len(fold([*records, *validated(-0.6, 2)]).validation_samples) == 8
    assert fold([*records, *segment(2)[:2]]).calibration_samples == []


def test_the_running_experiment_shows_phase_plan_and_evidence() -> None:
    """V1, V2."""
    running = [*opening(), *experiment(1)[:-2]]
    current = fold(running).current
    assert current is not None
    assert (current.number, current.phase, current.phase_state) == (1, "measure", "start")
    assert current.plan is not None
    assert current.decision is not None
    assert current.decision.pairs == 4
    assert fold([*running, *experiment(1)[-2:]]).current is None


def test_a_block_that_was_taken_again_counts_once_with_its_last_attempt() -> None:
    def sample(block: int, attempt: int, run: int) -> Sample:
        return Sample(experiment=1, block=block, attempt=attempt, run=run, value=float(attempt))

    taken = [sample(0, 0, run) for run in range(4)]
    disturbed = [sample(1, 0, run) for run in range(4)]
    again = [sample(1, 1, run) for run in range(4)]
    begun = [sample(2, 0, 0)]
    current = fold([*opening(), Phase(experiment=1, phase="measure"), *taken, *disturbed, *again, *begun]).current
    assert current is not None
    assert current.samples == [*taken, *again, *begun]
    assert current.retaken == 1
    assert complete_blocks(current.samples) == [tuple(taken), tuple(again)]
    assert complete_blocks([*disturbed, *again, *reversed(taken)]) == [tuple(taken), tuple(again)]


def test_an_experiment_that_begins_again_after_a_restart_begins_without_samples() -> None:
    """H4: nothing done twice."""
    state = fold([*opening(), *experiment(1)[:-2], Session(engine={"pid": 2}), Phase(experiment=1, phase="sync")])
    assert state.current is not None
    assert (state.current.samples, state.current.plan) == ([], None)


def test_a_keep_that_was_decided_but_not_journalled_is_pending() -> None:
    """H4: a keep is crash-atomic."""
    records = [*opening(), *keep(1, 1.4, -0.2)]
    state = fold(records[:-1])
    assert state.intent is not None
    assert (state.intent.experiment, state.intent.to_commit) == (1, "c" * 40)
    assert fold(records).intent is None
    look = Decision(experiment=1, state="keep", effect=-0.2)
    assert fold([*opening(), look]).intent is None


def test_each_segment_has_its_own_baseline_incumbent_and_validation() -> None:
    records = [
        *opening(),
        *keep(1, 1.4, -0.2),
        *validated(-0.2, 1),
        *segment(2, baseline=1.41),
        *experiment(2, segment=2),
    ]
    state = fold(records)
    assert [s.number for s in state.segments] == [1, 2]
    assert state.baseline_value == state.incumbent_value == 1.41
    assert state.validation is None
    assert state.segments[0].validation is not None
    assert state.segments[0].keeps == 1
    assert [e.segment for e in state.experiments] == [1, 1, 2, 2]
    assert state.streaks.no_improvement == 1


def test_time_is_counted_while_an_engine_works_not_while_paused_stopped_or_dead() -> None:
    """L23: the time budget."""

    def at(second: int) -> str:
        return f"2026-04-04T10:{second // 60:02}:{second % 60:02}.000Z"

    records: list[Record] = [
        Session(timestamp=at(0)),
        Note(timestamp=at(10)),
        Session(timestamp=at(100)),
        Health(timestamp=at(105), health="paused"),
        Note(timestamp=at(200)),
        Health(timestamp=at(300), health="running"),
        Session(timestamp=at(307), event="end", outcome="stopped"),
        Note(timestamp=at(400)),
    ]
    assert fold(records).elapsed() == 10 + 5 + 7
    assert fold(records[:6]).elapsed(at(320)) == 10 + 5 + 20
    assert fold(records[:4]).elapsed(at(250)) == 10 + 5
    assert fold([*records, Session(timestamp=at(500))]).elapsed(at(510)) == 10 + 5 + 7 + 10


def test_a_session_that_ended_completed_or_paused_says_so_and_goes_on_when_it_is_started_again() -> None:
    ended = fold([*opening(), Session(event="end", outcome="completed", reason="target reached")])
    assert (ended.health, ended.health_reason, ended.active) == ("completed", "target reached", False)
    again = fold([Session(id="001")], ended)
    assert (again.health, again.active) == ("running", True)
    stopped = fold([*opening(), Session(event="end", outcome="stopped")])
    assert (stopped.health, stopped.active) == ("running", False)


def test_recovery_attempts_are_counted_until_a_keep() -> None:
    """H2."""
    heal = Health(health="healing", recovery="reset_worktree", heals=1, failure="plateau")
    state = fold([*opening(), *experiment(1), heal, Health(health="running", heals=1)])
    assert (state.heals, state.tried_playbooks, state.streaks.no_improvement) == (1, ("reset_worktree",), 0)
    state = fold([Health(health="healing", recovery="rebaseline", heals=2), *experiment(2)], state)
    assert state.tried_playbooks == ("reset_worktree", "rebaseline")
    assert state.recovery is None
    assert fold(keep(3, 1.0, -0.1), state).tried_playbooks == ()


def test_notes_and_controls_are_the_last_hundred() -> None:
    state = fold([*(Note(text=str(n)) for n in range(150)), *(Control(id=str(n)) for n in range(101))])
    assert [note.text for note in state.notes] == [str(n) for n in range(50, 150)]
    assert [control.id for control in state.controls] == [str(n) for n in range(1, 101)]


def test_unknown_types_are_counted_and_pass() -> None:
    state = fold([Unknown(seq=7, data={"type": "novelty"}), Note()])
    assert (state.unknown, state.seq) == (1, 7)


CONFIG = {"type": "config", "name": "n", "metric_name": "ms", "metric_unit": "ms", "direction": "lower", "segment": 1}


def test_a_journal_of_autotune_folds_well(tmp_path: Path) -> None:
    """S10, V4: only config and result, the baseline is number 1, and numbers begin again with each segment."""
    state = foreign(
        tmp_path,
        CONFIG,
        {"type": "result", "index": 1, "metric": 100, "status": "keep", "description": "baseline", "commit": "a1"},
        {
            "type": "result",
            "index": 2,
            "metric": 90,
            "status": "keep",
            "commit": "a2",
            "timestamp": "2026-04-04T10:00:00Z",
        },
        {
            "type": "result",
            "index": 3,
            "metric": 0,
            "status": "crash",
            "failure": "benchmark_crash",
            "health": "crashing",
        },
        {"type": "result", "index": 4, "metric": 80, "status": "promising"},
        CONFIG,
        {"type": "result", "index": 1, "metric": 90, "status": "keep"},
        {"type": "result", "index": 2, "metric": 95, "status": "discard", "timestamp": "2026-04-04T11:00:00Z"},
    )
    assert [(e.segment, e.index, e.status, e.baseline) for e in state.experiments] == [
        (1, 1, "keep", True),
        (1, 2, "keep", False),
        (1, 3, "crash", False),
        (1, 4, "promising", False),
        (2, 1, "keep", True),
        (2, 2, "discard", False),
    ]
    assert state.segments[0].incumbent is not None
    assert state.segments[0].incumbent.metric == 90
    assert state.experiment_count == 4
    assert state.health == "crashing"
    assert not state.active
    assert state.elapsed() == 3600.0


def test_an_unknown_status_is_shown_and_is_no_keep(tmp_path: Path) -> None:
    base = {"type": "result", "metric": 100, "status": "keep"}
    state = foreign(tmp_path, CONFIG, base, {"type": "result", "metric": 50, "status": "KEEP!"})
    assert state.experiments[1].status == "KEEP!"
    assert state.keeps == []
    assert state.incumbent_value == 100
    found = best(state)
    assert found is not None
    assert found.metric == 100


def test_results_without_numbers_get_them(tmp_path: Path) -> None:
    results = [{"type": "result", "metric": value, "status": "discard"} for value in (3, 2, 1)]
    state = foreign(tmp_path, {"type": "result", "metric": 4, "status": "keep"}, *results)
    assert [e.index for e in state.experiments] == [0, 1, 2, 3]
    assert state.experiments[0].baseline


def test_what_fails_before_there_is_a_baseline_is_none(tmp_path: Path) -> None:
    crash = {"type": "result", "index": 1, "metric": 0, "status": "crash"}
    state = foreign(tmp_path, CONFIG, crash, {"type": "result", "index": 2, "metric": 100, "status": "keep"})
    assert [(e.index, e.baseline) for e in state.experiments] == [(1, False), (2, True)]
    assert state.baseline_value == 100


values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
)
names = [
    "index",
    "metric",
    "status",
    "segment",
    "metrics",
    "asi",
    "experiment",
    "phase",
    "block",
    "interval",
    "heals",
    "event",
]
kinds = [
    "config",
    "result",
    "phase",
    "sample",
    "decision",
    "health",
    "session",
    "usage",
    "validation",
    "plan",
    "control",
]
objects = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    st.sampled_from(kinds),
    st.dictionaries(st.sampled_from([*names, "health", "state", "timestamp", "recovery", "scope"]), values, max_size=6),
)


@given(st.lists(objects, max_size=8))
def test_nothing_in_a_journal_makes_the_fold_fail(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, object]]
) -> None:
    state = foreign(tmp_path_factory.mktemp("any"), *lines)
    assert state.unreadable == 0
    assert len(state.experiments) == sum(line["type"] == "result" for line in lines)


def test_a_baseline_may_be_reported_late_and_numbers_go_on(tmp_path: Path) -> None:
    assert fold([Result(index=0, metric=1.0, status="keep"), Result(index=7, status="crash")]).next_number == 8
    assert fold([Usage(input_tokens=3, output_tokens=4)]).usage.tokens == 7
