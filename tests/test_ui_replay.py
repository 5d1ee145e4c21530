"""A journal is played through the loop screen, as fast and from where one likes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from autotune_tui.cli.replay import replay, what_to_play
from autotune_tui.errors import UsageError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.model.events import Note, Record, Result, Sample
from autotune_tui.model.state import fold
from autotune_tui.ui.replay import ReplayApp
from autotune_tui.ui.screens.details import DetailsScreen
from autotune_tui.ui.timeline import LONGEST_GAP, Mark, Player, Timeline
from autotune_tui.ui.widgets.scrubber import Scrubber, ScrubberView, track
from journal_sessions import typical, write
from ui_session import make_session, shown, until, until_shown

START = datetime(2026, 4, 4, 10, tzinfo=UTC)


def at(*seconds: float) -> list[Record]:
    return [Note(text=str(second), timestamp=(START + timedelta(seconds=second)).isoformat()) for second in seconds]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "autotune.jsonl"
    write(path, typical())
    return path


def test_records_come_at_the_seconds_at_which_they_were_written() -> None:
    timeline = Timeline(at(0, 1, 1, 4))
    assert timeline.duration == 4
    assert [timeline.count_at(second) for second in (-1, 0, 0.9, 1, 3.9, 4, 99)] == [0, 1, 1, 3, 3, 4, 4]
    assert [timeline.time_of(count) for count in (0, 1, 3, 4, 9)] == [0, 0, 1, 4, 4]


def test_a_long_silence_is_cut_short_and_the_time_of_day_goes_on_in_it() -> None:
    timeline = Timeline(at(0, 8 * 3600))
    assert timeline.duration == LONGEST_GAP
    assert timeline.moment(LONGEST_GAP / 2) == START + timedelta(hours=4)
    assert timeline.moment(LONGEST_GAP) == START + timedelta(hours=8)


def test_a_clock_that_was_set_back_and_records_without_a_time_do_not_stop_it() -> None:
    records = [*at(10, 0), Note(text="no time"), Note(timestamp="yesterday"), Note(timestamp="2026-04-04T10:00:30")]
    timeline = Timeline(records)
    assert timeline.duration == 30
    assert Timeline(()).moment(5) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("order", [range(0, 60, 7), reversed(range(60)), (30, 5, 55, 54, 56, 0, 59)])
def test_what_is_seen_is_what_the_fold_says_from_wherever_one_comes(
    order: Sequence[int], journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V4: replay; going back and forth shows what was."""
    monkeypatch.setattr("autotune_tui.ui.timeline._STRIDE", 10)
    records = read_journal(journal)
    player = Player(Timeline(records))
    for count in order:
        player.seek(player.timeline.time_of(count))
        reached = player.timeline.count_at(player.position)
        assert player.look().state == fold(records[:reached])


def test_the_player_goes_as_fast_as_it_is_told_and_stops_at_the_end() -> None:
    player = Player(Timeline(at(0, 10, 20)), speed=2)
    player.advance(3)
    assert (player.position, player.playing) == (6, True)
    player.toggle()
    player.advance(3)
    assert player.position == 6
    player.toggle()
    player.advance(100)
    assert (player.position, player.playing, player.at_end) == (20, False, True)
    player.toggle()
    assert (player.position, player.playing) == (0, True)


def test_speeds_go_up_and_down_in_steps_from_any_speed() -> None:
    player = Player(Timeline(at(0)), speed=30)
    player.faster(1)
    assert player.speed == 50
    player.faster(-1)
    player.faster(-1)
    assert player.speed == 10
    for _ in range(20):
        player.faster(-1)
    assert player.speed == 1
    for _ in range(20):
        player.faster(1)
    assert player.speed == 1000


def test_one_steps_by_records_and_by_experiments_and_jumps_to_a_number(journal: Path) -> None:
    player = Player(Timeline(read_journal(journal)))
    player.step(3)
    assert (player.timeline.count_at(player.position), player.playing) == (4, False)
    player.step(-10)
    assert player.position == 0
    seen: list[int] = []
    for _ in range(7):
        player.experiment(1)
        seen.append(len(player.look().state.experiments))
    assert seen == [1, 2, 3, 4, 5, 6, 6]
    player.experiment(-1)
    player.experiment(-1)
    assert len(player.look().state.experiments) == 5
    assert player.go_to(2) and player.look().state.last_number == 1
    assert not player.go_to(77)


def test_the_track_shows_where_experiments_ended_and_how_far_it_has_come() -> None:
    marks = (Mark(0, 0, "baseline"), Mark(50, 1, "keep"), Mark(50.1, 2, "discard"), Mark(90, 3, "crash"))
    content = track(ScrubberView(60, 100, 20, True, marks), 101)
    assert content.plain[50] == "●" and content.plain[90] == "×" and content.plain[60] == "┃"
    assert content.plain[1:50] == "━" * 49 and content.plain[61:90] == "─" * 29
    assert [track(ScrubberView(x, 0, 1, True, ()), 5).plain for x in (0, 0)] == ["┃────"] * 2


async def test_a_journal_is_played_to_its_end_on_the_loop_screen(journal: Path) -> None:
    """V4: replay through the same panels."""
    app = ReplayApp(journal, speed=1000)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "1000x", "■", "completed", "5 tried · 2 kept")
        assert app.store.state == load_state(journal)


async def test_one_plays_pauses_changes_the_speed_and_jumps(journal: Path) -> None:
    """V4: the scrubber."""
    app = ReplayApp(journal, speed=1)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "▶ 1x")
        await pilot.press("space")
        await until_shown(pilot, "‖ 1x")
        await pilot.press("plus", "plus", "minus")
        await until_shown(pilot, "‖ 2x")
        await pilot.press(*["right_square_bracket"] * 2)
        await until_shown(pilot, "1 tried · 1 kept", "−23.8 %")
        before = app.player.position
        await pilot.press("full_stop")
        await until(pilot, lambda: app.player.position > before)
        await pilot.press("j", "5", "enter")
        await until_shown(pilot, "4 tried · 1 kept")
        await pilot.press("j", "9", "enter")
        await until_shown(pilot, "There is no experiment 9 in this journal.")
        await pilot.press("left_square_bracket")
        await until_shown(pilot, "3 tried · 1 kept")


async def test_a_click_on_the_track_goes_there(journal: Path) -> None:
    app = ReplayApp(journal, speed=1)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "▶ 1x")
        await pilot.press("space")
        await pilot.click(Scrubber, offset=(78, 0))
        await until(pilot, lambda: app.player.at_end)
        await until_shown(pilot, "■ 1x")
        await pilot.click(Scrubber, offset=(2, 0))
        assert app.player.at_end


async def test_details_can_be_looked_at_while_the_replay_waits(tmp_path: Path) -> None:
    """V3, V4: the artifacts of a journal that lies in its session's folder."""
    folder = make_session(tmp_path)
    app = ReplayApp(folder.journal, folder, speed=1000)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 tried · 1 kept")
        app.show_details(1)
        await until_shown(pilot, "Hypothesis")
        assert isinstance(app.screen, DetailsScreen)
        await pilot.press("escape")
        await until_shown(pilot, "1000x")


async def test_commands_to_an_engine_are_refused_with_the_reason(journal: Path) -> None:
    app = ReplayApp(journal)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "20x")
        await pilot.press("x")
        await until(pilot, lambda: "replay" in shown(app))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_a_journal_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    app = ReplayApp(tmp_path / "missing.jsonl")
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "There is no journal")


async def test_the_log_of_another_tool_is_played_too(tmp_path: Path) -> None:
    """V4: other tools' logs, also those that keep no time."""
    path = tmp_path / "results.tsv"
    rows = [
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription",
        "a1\t0.99\t44\tkeep\tbaseline",
        "b2\t0.95\t44\tkeep\traise LR",
    ]
    path.write_text("\n".join(rows) + "\n")
    app = ReplayApp(path, speed=1000)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "val_bpb", "raise LR")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_replay_looks_as_it_did(snap_compare: Any, journal: Path, size: tuple[int, int]) -> None:
    app = ReplayApp(journal, speed=1)
    app.animation_level = "none"
    app.player.playing = False

    async def show(pilot: Any) -> None:
        await until(pilot, lambda: app.player.timeline.duration)
        await pilot.press(*["right_square_bracket"] * 3)
        await until_shown(pilot, "2 tried · 1 kept")

    assert snap_compare(app, terminal_size=size, run_before=show)


def test_a_long_journal_is_sought_in_without_reading_all_of_it_again() -> None:
    """Going back in a long journal folds no more than some thousand records."""
    records: list[Record] = []
    for number in range(1, 401):
        records += [
            Sample(experiment=number, block=b, run=r, side="incumbent", value=1.0) for b in range(10) for r in range(4)
        ]
        records.append(Result(index=number, status="discard", metric=1.0))
    timeline = Timeline(records)
    whole = timeline.look(len(records))
    assert whole.state.last_number == 400
    assert timeline.look(len(records) - 1).state.last_number == 399
    assert len(timeline._known) == len(records) // 2000 + 1


def test_what_to_play_is_found_from_a_file_a_session_or_a_repository(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "repo")
    assert what_to_play(folder.journal, "") == (folder.journal, folder)
    assert what_to_play(folder.root, "") == (folder.journal, folder)
    assert what_to_play(tmp_path / "repo", "") == (folder.journal, folder)
    assert what_to_play(tmp_path / "repo", "1") == (folder.journal, folder)
    other = tmp_path / "other"
    other.mkdir()
    log = other / "autoresearch.jsonl"
    log.write_text("{}\n")
    assert what_to_play(other, "") == (log, None)
    assert what_to_play(log, "") == (log, None)
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        what_to_play(tmp_path / "missing", "")
    SessionFolder.of(tmp_path / "repo", "002-new").create()
    (tmp_path / "repo" / ".autotune" / "002-new" / "autotune.toml").write_text("")
    with pytest.raises(UsageError, match="no journal yet"):
        what_to_play(tmp_path / "repo", "2")


def test_without_a_terminal_a_replay_is_refused_with_what_would_do(journal: Path) -> None:
    result = CliRunner().invoke(replay, [str(journal)], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert "autotune-tui log" in result.exception.hint
