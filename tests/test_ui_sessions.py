"""The sessions of a repository: how each stands, and what one does with them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Health, Record
from autotune_tui.model.state import SessionState, fold
from autotune_tui.ui.screens.document import DocumentScreen
from autotune_tui.ui.screens.sessions import SessionsScreen
from autotune_tui.ui.sessions import SessionRow, read_row, row, row_lines
from autotune_tui.ui.theme import DARK, THEMES
from journal_sessions import clock, experiment, keep, opening, typical, write
from ui_session import NOW, until, until_shown

UNDER_WAY = [*opening(), *keep(1, 1.402, -0.238), *experiment(2)]


class Chooser(App[None]):
    """The sessions screen alone; remembers what was chosen."""

    mode = "live"

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self._root = root
        self.chosen: list[str | None] = []
        self.asked_for_new = 0

    def on_mount(self) -> None:
        self.push_screen(SessionsScreen(self._root, lambda: NOW), self.chosen.append)

    def new_session(self) -> None:
        self.asked_for_new += 1


def add(root: Path, session: str, records: list[Record], config: str = "") -> SessionFolder:
    folder = SessionFolder.of(root, session)
    folder.create()
    if records:
        write(folder.journal, records)
    folder.config.write_text(config)
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sessions: one that completed, one whose engine died, one that was never started."""
    monkeypatch.chdir(tmp_path)
    place = Path("importer")
    add(place, "001-import-speed", typical())
    add(place, "002-row-cache", UNDER_WAY)
    add(place, "003-fresh", [], 'goal = "Import in half the memory"\n')
    return place


@pytest.mark.parametrize(
    ("records", "engine", "expected"),
    [
        (typical(), False, ("■ completed", "1.840 → 0.613 s", "−66.7 % [−67.8, −65.5]")),
        (UNDER_WAY, True, ("▶ running  engine at work", "1.840 → 1.402 s", "−23.8 % not confirmed")),
        (UNDER_WAY, False, ("✗ its engine is gone", "2 experiments, 1 kept")),
        ([*UNDER_WAY, Health(health="paused", reason="asked")], True, ("‖ paused", "engine at work")),
        ([*opening(), *experiment(1)], True, ("no gain yet", "1 experiment, 0 kept")),
        ([], False, ("○ not started", "make it fast")),
    ],
)
def test_a_row_says_state_gain_and_whether_an_engine_is_at_work(
    records: list[Record], engine: bool, expected: tuple[str, ...]
) -> None:
    made = row("001-x", fold(records), engine=engine, goal="make it fast")
    text = row_lines(made, "", 100).plain
    assert all(words in text for words in expected), text
    assert all(len(line) <= 100 for line in text.split("\n"))


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("2026-04-04T11:29:45Z", "just now"),
        ("2026-04-04T11:12:00Z", "18 min ago"),
        ("2026-04-03T11:00:00Z", "1 d ago"),
        ("2021-04-03T11:00:00Z", "2021-04-03"),
        ("yesterday", ""),
    ],
)
def test_a_row_says_how_long_ago_something_happened(then: str, words: str) -> None:
    lines = row_lines(SessionRow("001-x", last=then, counts="1 experiment"), NOW.isoformat(), 80).plain.split("\n")
    assert lines[1].endswith(words or "1 experiment")


def test_a_long_goal_and_a_narrow_terminal_leave_what_matters(tmp_path: Path) -> None:
    made = row("001-x", SessionState(), engine=False, goal="word " * 50)
    assert max(len(line) for line in row_lines(made, "", 40).plain.split("\n")) <= 40


def test_a_configuration_that_is_being_written_and_a_journal_that_cannot_be_read_do_no_harm(tmp_path: Path) -> None:
    folder = add(tmp_path, "001-x", [], "goal = ")
    assert read_row(folder).goal == ""
    folder.journal.symlink_to(folder.journal)
    assert read_row(folder).health == ""


async def test_all_sessions_are_listed_the_latest_first(root: Path) -> None:
    """The sessions screen: state, gain, when, engine alive or not."""
    app = Chooser(root)
    async with app.run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "3 sessions", "■ completed", "✗ its engine is gone", "Import in half the memory")
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.chosen == ["001-import-speed"])


async def test_a_session_is_opened_watched_or_set_up_and_escape_leaves(root: Path) -> None:
    app = Chooser(root)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "3 sessions", "its engine is gone")
        await pilot.press("n")
        await until(pilot, lambda: app.asked_for_new == 1)
        await pilot.press("down", "w")
        await until(pilot, lambda: app.chosen == ["002-row-cache"])
        assert app.mode == "watch"
        app.push_screen(SessionsScreen(root), app.chosen.append)
        await until_shown(pilot, "its engine is gone")
        await pilot.press("n")
        await until_shown(pilot, "This only watches")
        await pilot.press("escape")
        await until(pilot, lambda: app.chosen == ["002-row-cache", None])


async def test_the_report_of_a_session_is_shown_also_before_it_ended(root: Path) -> None:
    """V5: the report, from the screen of sessions."""
    app = Chooser(root)
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await until_shown(pilot, "its engine is gone")
        await pilot.press("down", "r")
        await until_shown(pilot, "Report on 002-row-cache", "No confirmed improvement: 1 keep")
        assert isinstance(app.screen, DocumentScreen)
        await pilot.press("c")
        await until(pilot, lambda: "No confirmed improvement" in app.clipboard)
        await pilot.press("escape")
        await until_shown(pilot, "3 sessions")
        await pilot.press("up", "r")
        await until_shown(pilot, "There is no journal")


async def test_what_happens_in_a_session_is_seen_while_one_looks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """H5: several sessions, one of which begins to work; a new one appears."""
    monkeypatch.setattr("autotune_tui.ui.screens.sessions._LOOK_SECONDS", 0.05)
    app = Chooser(root)
    folder = SessionFolder.of(root, "002-row-cache")
    async with app.run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "its engine is gone")
        with EngineLock(folder.lock):
            await until_shown(pilot, "engine at work")
            with JournalWriter(folder.journal, now=clock()) as journal:
                for record in keep(3, 0.9, -0.35):
                    journal.append(record)
            os.utime(folder.journal, (1e9, 1e9))
            await until_shown(pilot, "1.840 → 0.900 s")
        await until_shown(pilot, "its engine is gone")
        add(root, "004-late", [])
        await until_shown(pilot, "4 sessions", "004-late")
        assert app.screen.query_one("OptionList").highlighted == 1


async def test_an_empty_repository_says_what_to_do(tmp_path: Path) -> None:
    app = Chooser(tmp_path)
    async with app.run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "There is no session in this repository yet. Press n to set one up.")
        await pilot.press("enter", "w", "r", "escape")
        await until(pilot, lambda: app.chosen == [None])


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_sessions_look_as_they_did(snap_compare: Any, root: Path, size: tuple[int, int]) -> None:
    async def show(pilot: Any) -> None:
        await until_shown(pilot, "■ completed", "✗ its engine is gone", "Import in half the memory")

    assert snap_compare(Chooser(root), terminal_size=size, run_before=show)


def test_the_time_of_the_fixture_is_after_its_records() -> None:
    assert datetime(2026, 4, 4, 10, tzinfo=UTC) < NOW
