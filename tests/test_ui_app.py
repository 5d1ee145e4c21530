"""The live screen: each key, each refusal, leaving and coming back, and what is left when something goes wrong (H3, H5)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Button

from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.events import Phase, Session
from autotune_tui.ui.app import AutotuneApp, wants_engine
from autotune_tui.ui.follower import Look
from autotune_tui.ui.screens.ask import AskScreen
from autotune_tui.ui.screens.confirm import QuestionScreen
from autotune_tui.ui.screens.details import DetailsScreen
from autotune_tui.ui.screens.help import TextScreen
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.screens.sessions import SessionsScreen
from autotune_tui.ui.screens.wizard import WizardScreen
from autotune_tui.ui.settings import Settings
from autotune_tui.ui.store import Store
from journal_sessions import opening
from ui_session import make_session, running, shown, until, until_shown
from ui_support import FakeEngine

SIZE = (100, 30)


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path, *running(4))


@pytest.fixture
def engine(folder: SessionFolder) -> Iterator[FakeEngine]:
    with FakeEngine(folder) as engine:
        yield engine


def live(folder: SessionFolder, settings: Settings | None = None, settings_path: Path | None = None) -> AutotuneApp:
    root = folder.root.parent.parent
    return AutotuneApp(Store(folder.journal, folder), root=root, settings=settings, settings_path=settings_path)


async def test_p_pauses_and_resumes_and_the_answers_are_told(folder: SessionFolder, engine: FakeEngine) -> None:
    """H3: the key goes into the inbox, and what the engine answers is shown."""
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "p pause")
        await pilot.press("p")
        await until_shown(pilot, "✓ pause: pauses soon", "paused: asked for by", "‖ paused", "p resume")
        await pilot.press("p")
        await until_shown(pilot, "✓ resume", "p pause")
        assert engine.commands == ["pause", "resume"]


@pytest.mark.parametrize(("key", "command"), [("s", "skip"), ("r", "repair")])
async def test_a_key_that_destroys_nothing_acts_at_once(
    folder: SessionFolder, engine: FakeEngine, key: str, command: str
) -> None:
    """H3"""
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: engine.commands == [command])
        await until_shown(pilot, f"✓ {command}: done at the next safe point")


@pytest.mark.parametrize(("key", "command"), [("x", "stop"), ("b", "rebaseline")])
async def test_stop_and_rebaseline_ask_first_and_cancel_has_the_focus(
    folder: SessionFolder, engine: FakeEngine, key: str, command: str
) -> None:
    """H3: enter on the question, and escape, do nothing; the other button does it."""
    app = live(folder)
    async with app.run_test(size=SIZE) as pilot:
        for answer in ("enter", "escape"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, QuestionScreen) and isinstance(app.focused, Button))
            assert app.focused is not None and app.focused.id == "cancel"
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, LoopScreen))
        assert engine.commands == []
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.focused, Button))
        await pilot.press("right", "enter")
        await until(pilot, lambda: engine.commands == [command])


async def test_a_refusal_of_the_engine_is_told_with_its_reason(folder: SessionFolder, engine: FakeEngine) -> None:
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "p pause")
        app.send("pause")
        app.send("pause")
        await until_shown(pilot, "✗ refused, pause: already paused")


async def test_without_an_engine_a_key_says_so_and_sends_nothing(folder: SessionFolder) -> None:
    with FakeEngine(folder) as engine:
        engine.write(Session(event="end", outcome="stopped", reason="stopped by someone"))
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "stopped: stopped by someone", "g go on")
        for key in "psrbx":
            await pilot.press(key)
        await until_shown(pilot, "no engine is at work; g starts one.")
        assert list(folder.inbox.glob("*.json")) == []


async def test_i_adds_an_idea_to_the_backlog_and_refuses_an_empty_one(folder: SessionFolder) -> None:
    """L24: the file that the agent reads, whatever stands in it already."""
    folder.ideas.write_text("# Ideas\n\n- an old one, without a line end")
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter")
        await until_shown(pilot, "An empty idea is not added.")
        await pilot.press(*"cache rows", "enter")
        await until_shown(pilot, "Added to autotune.ideas.md.")
        assert folder.ideas.read_text() == "# Ideas\n\n- an old one, without a line end\n- cache rows\n"


async def test_e_explains_and_question_mark_helps(folder: SessionFolder, engine: FakeEngine) -> None:
    """H1"""
    app = live(folder)
    async with app.run_test(size=(120, 50)) as pilot:
        await pilot.press("e")
        await until_shown(pilot, "Why the session is in this state", "Count", "3 experiments, 1 keep")
        await pilot.press("escape")
        for key in ("question_mark", "f1"):
            await pilot.press(key)
            await until_shown(pilot, "Help", "add an idea", "Not now: it is not paused.")
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, TextScreen))


async def test_every_command_is_in_the_palette_and_says_why_it_cannot_be_done(folder: SessionFolder) -> None:
    app = live(folder)
    with FakeEngine(folder):
        async with app.run_test(size=(100, 60)) as pilot:
            await until_shown(pilot, "p pause")
            await pilot.press("ctrl+p")
            await until_shown(pilot, "Loop: pause", "Loop: resume", "Not now: it is not paused.", "View: help")
            await pilot.press(*"rebase")
            await until_shown(pilot, "Loop: rebaseline", "Measure the incumbent as a new baseline")
            await pilot.press("enter")
            await until_shown(pilot, "Measure a new baseline?")


@pytest.mark.parametrize(("key", "tab"), [("enter", "plan"), ("d", "diff"), ("l", "log")])
async def test_the_selected_experiment_opens_at_the_tab_that_was_asked_for(
    folder: SessionFolder, engine: FakeEngine, key: str, tab: str
) -> None:
    """V3"""
    app = live(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "Compile the p")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        await until_shown(pilot, "#1 Compile the pattern once")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LoopScreen))


async def test_leaving_asks_and_can_leave_the_loop_running(folder: SessionFolder, engine: FakeEngine) -> None:
    """H5"""
    app = live(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "p pause")
        await pilot.press("q")
        await until_shown(pilot, "001-import-speed is being worked on.")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LoopScreen))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.focused, Button))
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)
    assert engine.commands == []
    assert app.return_value == 0


async def test_leaving_can_stop_the_loop_and_waits_for_it(folder: SessionFolder, engine: FakeEngine) -> None:
    """H5"""
    app = live(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "p pause")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.focused, Button))
        await pilot.press("right", "enter")
        await until(pilot, lambda: engine.commands == ["stop"])
        await until(pilot, lambda: not app.is_running)
    assert app.return_value == 0


async def test_without_an_engine_q_leaves_at_once(folder: SessionFolder) -> None:
    with FakeEngine(folder) as engine:
        engine.write(Session(event="end", outcome="stopped", reason="x"))
    app = live(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "g go on")
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_value == 0


@pytest.mark.parametrize(
    ("look", "wanted"),
    [
        (Look(), True),
        (Look(engine={"pid": 1}), False),
        (Look().after(opening()), True),
        (Look().after([*opening(), Session(event="end", outcome="stopped")]), False),
        (Look().after([*opening(), Session(event="end", outcome="completed")]), False),
    ],
)
def test_an_engine_is_started_for_a_new_session_and_for_one_whose_engine_died(look: Look, wanted: bool) -> None:
    """H4, H5: one that somebody stopped, or that is done, goes on when a key says so."""
    assert wants_engine(look) == wanted


async def test_an_engine_that_cannot_go_on_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own words, from engine.log: here there is no configuration. It starts when the gate is opened."""
    folder = SessionFolder.of(tmp_path, "001-x")
    folder.create()
    (tmp_path / ".git").mkdir()
    gate, python = tmp_path / "gate", tmp_path / "python"
    os.mkfifo(gate)
    python.write_text(f'#!/bin/sh\nread word < {gate}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    app = live(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "the engine is starting", "○ not started")
        await asyncio.to_thread(gate.write_text, "go\n")
        await until_shown(pilot, "✗ the engine has failed: No such session.")
        assert folder.engine_log.read_text()


async def test_several_sessions_are_listed_and_the_chosen_one_is_opened(tmp_path: Path) -> None:
    """S9"""
    folder = make_session(tmp_path, Session(event="end", outcome="stopped", reason="x"))
    other = SessionFolder.of(tmp_path, "002-other")
    other.create()
    other.journal.write_bytes(folder.journal.read_bytes())
    app = AutotuneApp(root=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        await until_shown(pilot, "001-import-speed", "002-other")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, LoopScreen))
        assert app.store.folder is not None and app.store.folder.id == "001-import-speed"
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LoopScreen))


async def test_one_session_is_opened_at_once_and_none_leads_to_the_wizard(tmp_path: Path) -> None:
    """S1"""
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    app = AutotuneApp(root=tmp_path / "empty")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WizardScreen))
    make_session(tmp_path / "one", Session(event="end", outcome="stopped", reason="x"))
    app = AutotuneApp(root=tmp_path / "one")
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "001-import-speed", "Leaderboard")


async def test_keys_of_the_settings_file_replace_ours(folder: SessionFolder, engine: FakeEngine) -> None:
    app = live(folder, Settings(keymap={"pause": "f5"}))
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "f5 pause")
        await pilot.press("p", "f5")
        await until(pilot, lambda: engine.commands == ["pause"])


async def test_a_theme_that_is_chosen_is_remembered_but_not_while_watching(
    folder: SessionFolder, tmp_path: Path
) -> None:
    path = tmp_path / "config" / "settings.toml"
    for mode, kept in (("watch", False), ("live", True)):
        app = live(folder, settings_path=path)
        app.mode = "watch" if mode == "watch" else "live"
        with FakeEngine(folder):
            async with app.run_test(size=SIZE) as pilot:
                await until_shown(pilot, "Leaderboard")
                app.theme = "autotune-light"
                await pilot.pause()
        assert path.exists() == kept


async def test_what_goes_wrong_ends_the_application_with_1_and_prints_nothing_of_its_own(
    folder: SessionFolder, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Textual's own traceback has local variables in it; ours is written by the one place that words errors."""

    def fail(*_: object) -> None:
        api_key = "secret-value"
        raise RuntimeError(f"no {len(api_key)}")

    app = live(folder)
    with pytest.raises(RuntimeError):
        async with app.run_test(size=SIZE) as pilot:
            await until_shown(pilot, "Leaderboard")
            monkeypatch.setattr("autotune_tui.ui.views.phases", fail)
            await until(pilot, lambda: app.crash is not None)
    assert app.return_code == 1
    assert str(app.crash) == "no 12"
    assert "secret-value" not in "".join(capsys.readouterr())
    assert engine.commands == [], "the engine goes on"


async def test_an_answer_given_before_this_screen_is_not_told_again(folder: SessionFolder, engine: FakeEngine) -> None:
    from autotune_tui.model.events import Control

    engine.write(Control(command="pause", by="me", reason="an old answer"))
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "Leaderboard")
        engine.write(Control(command="resume", by="me", reason="a new answer"), Phase(experiment=4, phase="guard"))
        await until_shown(pilot, "a new answer")
        await asyncio.sleep(0)
        assert "an old answer" not in shown(app)
