"""Milestones and the gain that is measured again: after crashes, resumes and rebaselines as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from autotune_tui.cli import command_line
from autotune_tui.engine.milestones import marked
from autotune_tui.journal.inbox import send
from autotune_tui.model.events import Config, Milestone, Record, Validation
from autotune_tui.model.state import fold
from autotune_tui.report import final_report
from engine_support import EXACT, Session, configure, git, make_repo

STEP = "echo $(( $(cat src/value.txt) - 5 )) > src/value.txt"
"""Each experiment is a gain."""


class Died(Exception):
    """As if the engine had been killed after a record was on disk."""


class Listener(list[Record]):
    """Hears every record, and may do something about it."""

    def __init__(self, then: Callable[[Record], None]) -> None:
        super().__init__()
        self._then = then

    def append(self, record: Record) -> None:
        super().append(record)
        self._then(record)


def session_of(folder: Path, experiments: int, milestone: int = 2) -> Session:
    repo = folder / "repo" if (folder / "repo").is_dir() else make_repo(folder, bench=EXACT)
    more = f"[budget]\nexperiments = {experiments}\n[decision]\nmilestone = {milestone}\n"
    return Session(repo, configure(folder / "cache", STEP, more))


def dies_at(session: Session, wanted: Callable[[Record], bool]) -> Session:
    def die(record: Record) -> None:
        if wanted(record):
            raise Died

    session.events = Listener(die)
    return session


def milestones(repo: Path) -> dict[str, str]:
    lines = git(repo, "for-each-ref", "--format=%(refname) %(objectname)", "refs/autotune/001-test/milestone-*")
    return dict(line.split(" ") for line in lines.splitlines())


@pytest.mark.parametrize(
    ("segment", "before", "expected"),
    [
        (1, [], 0),
        (1, [(1, 2), (1, 4)], 4),
        (2, [(1, 2), (1, 4)], 0),
        (2, [(1, 4), (2, 2)], 2),
    ],
)
def test_keeps_are_counted_from_the_last_milestone_of_the_segment(
    segment: int, before: list[tuple[int, int]], expected: int
) -> None:
    segments = [Config(segment=number) for number in range(1, segment + 1)]
    assert marked(fold([*segments, *(Milestone(segment=number, keeps=keeps) for number, keeps in before)])) == expected


async def test_every_few_keeps_the_gain_is_measured_again_and_the_code_is_marked(tmp_path: Path) -> None:
    """Shown by log, status, the notes of the screen, and the report (L18)."""
    session = session_of(tmp_path, experiments=5)
    await session.run()
    state, repo = session.state, session.repo
    assert [m.keeps for m in state.milestones] == [2, 4]
    keeps = {number: keep.sha for number, keep in enumerate(state.keeps, 1)}
    ref = "refs/autotune/001-test/milestone-"
    assert milestones(repo) == {f"{ref}1": keeps[2], f"{ref}2": keeps[4]}
    # The last keep is in the final figure, which is no milestone.
    assert [v.keeps for v in state.validations] == [2, 4, 5]
    assert state.validations[-1].effect == pytest.approx(-0.25)
    words = f"milestone 2 after 4 keeps: −20.0 % [−20.0, −20.0], at {ref}2"
    assert words in [note.text for note in state.notes]
    assert words in final_report(state)
    logged = CliRunner().invoke(command_line, ["log", str(repo)]).output.splitlines()
    assert words in logged and logged.index(words) == 1 + [line[:2] for line in logged].index("#4")
    assert f'"ref": "{ref}2"' in CliRunner().invoke(command_line, ["status", "--json", str(repo)]).output


async def test_the_record_is_on_disk_before_the_ref_and_a_restart_sets_one_that_is_missing(tmp_path: Path) -> None:
    session = dies_at(session_of(tmp_path, experiments=3), lambda record: isinstance(record, Milestone))
    with pytest.raises(Died):
        await session.run()
    assert [m.number for m in session.state.milestones] == [1]
    assert milestones(session.repo) == {}
    again = session_of(tmp_path, experiments=3)
    await again.run()
    assert milestones(again.repo) == {m.ref: m.commit for m in again.state.milestones}
    assert [m.keeps for m in again.state.milestones] == [2]


async def test_a_milestone_that_a_crash_kept_from_being_written_follows(tmp_path: Path) -> None:
    """The engine dies after the gain was measured again and before the milestone's record."""
    session = dies_at(session_of(tmp_path, experiments=3), lambda record: isinstance(record, Validation))
    with pytest.raises(Died):
        await session.run()
    assert session.state.validations and not session.state.milestones
    again = session_of(tmp_path, experiments=3)
    await again.run()
    (milestone,) = again.state.milestones
    assert (milestone.keeps, milestone.commit) == (2, again.state.keeps[1].sha)


async def test_the_final_figure_is_measured_after_a_crash_in_the_middle_of_it(tmp_path: Path) -> None:
    """All experiments are done, so a restart has nothing to do but that (D5)."""
    session = session_of(tmp_path, experiments=2, milestone=9)
    dies_at(session, lambda record: getattr(record, "purpose", "") == "validation")
    with pytest.raises(Died):
        await session.run()
    assert session.state.validation is None and len(session.state.keeps) == 2
    again = session_of(tmp_path, experiments=2, milestone=9)
    end = await again.run()
    assert end.outcome == "completed" and len(again.state.keeps) == 2
    validation = again.state.validation
    assert validation is not None and validation.to_commit == again.state.incumbent_sha
    assert validation.from_commit == again.state.baseline_sha and validation.effect == pytest.approx(-0.1)
    assert "cost fell: −10.0 %" in final_report(again.state).lower()


async def test_each_segment_has_a_figure_against_its_own_first_commit(tmp_path: Path) -> None:
    """A rebaseline measures the gain of the segment that it ends, and the session's end that of the last (D5)."""
    session = session_of(tmp_path, experiments=3, milestone=9)

    def rebaseline(record: Record) -> None:
        if record.type == "result" and getattr(record, "index", 0) == 1:
            send(session.folder.inbox, "rebaseline", by="test")

    session.events = Listener(rebaseline)
    await session.run()
    first, second = session.state.segments[:2]
    assert first.validation is not None and second.validation is not None
    assert first.validation.to_commit == second.validation.from_commit == second.config.baseline_commit
    assert [v.confirmed for v in session.state.validations] == [True, True]
    assert second.validation.to_commit == session.state.incumbent_sha
    kept = [e.sha for e in session.state.keeps]
    assert {first.validation.to_commit, second.validation.to_commit} <= set(kept)


async def test_milestones_of_a_later_segment_go_on_counting(tmp_path: Path) -> None:
    session = session_of(tmp_path, experiments=4)

    def rebaseline(record: Record) -> None:
        if record.type == "result" and getattr(record, "index", 0) == 2:
            send(session.folder.inbox, "rebaseline", by="test")

    session.events = Listener(rebaseline)
    await session.run()
    assert [(m.number, m.segment, m.keeps) for m in session.state.milestones] == [(1, 1, 2), (2, 2, 2)]
    assert set(milestones(session.repo)) == {m.ref for m in session.state.milestones}
