"""Veto, rescue, and the commands that can be done in two ways, from the screen; questions that go away when they are moot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Checkbox, Input

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.inbox import Command, Inbox
from autotune_tui.model.events import Control, Result, Session, Veto
from autotune_tui.model.format import MISSING
from autotune_tui.model.state import fold
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.screens.confirm import QuestionScreen
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.screens.why import WhyScreen
from autotune_tui.ui.store import Store
from autotune_tui.ui.views import headline
from autotune_tui.ui.widgets.leaderboard import Leaderboard
from journal_sessions import opening
from ui_session import make_session, running, until, until_shown
from ui_support import FakeEngine

SIZE = (120, 40)
KEPT = Result(index=4, status="keep", metric=1.4, sha="b", commit="b", incumbent="a", description="Cache the rows")
DROPPED = Result(
    index=5, status="discard", reason="inconclusive", metric=1.6, sha="c", incumbent="b", description="Sort once"
)


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path, KEPT, DROPPED)


class Recorder(FakeEngine):
    """Remembers the commands whole."""

    received: list[Command]

    def _answer(self, command: Command) -> None:
        self.received = [*getattr(self, "received", []), command]
        super()._answer(command)


@pytest.fixture
def engine(folder: SessionFolder) -> Iterator[Recorder]:
    with Recorder(folder) as engine:
        yield engine


def live(folder: SessionFolder) -> AutotuneApp:
    return AutotuneApp(Store(folder.journal, folder), root=folder.root.parent.parent)


async def select(pilot: Pilot[Any], number: int) -> None:
    """Go down the leaderboard to an experiment."""
    board = pilot.app.screen.query_one(Leaderboard)
    await pilot.press("home")
    for _ in range(10):
        if board.selected == number:
            return
        await pilot.press("down")
    raise AssertionError(f"#{number} is not on the leaderboard")


async def test_v_asks_why_and_sends_the_veto_of_the_selected_keep(folder: SessionFolder, engine: Recorder) -> None:
    """D9: an empty reason is refused; escape leaves everything as it is."""
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "Cache the rows")
        await select(pilot, 4)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await until_shown(pilot, "Veto #4", "#4: Cache the rows", "a commit that undoes it")
        await pilot.press("enter")
        await until_shown(pilot, "It needs a reason")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LoopScreen))
        assert engine.commands == []
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"too clever", "enter")
        await until(pilot, lambda: engine.commands == ["veto"])
        sent = engine.received[0]
        assert (sent.text, sent.data["experiment"]) == ("too clever", 4)
        await until_shown(pilot, "✓ veto: done at the next safe")


async def test_k_rescues_the_selected_discard_and_can_ask_to_keep_it(folder: SessionFolder, engine: Recorder) -> None:
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "Sort once")
        await select(pilot, 5)
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await until_shown(pilot, "Rescue #5", "Keep it also when no gain is proven")
        await pilot.press("tab")
        await until(pilot, lambda: isinstance(app.focused, Checkbox))
        await pilot.press("space", "shift+tab", *"reads better", "enter")
        await until(pilot, lambda: engine.commands == ["rescue"])
        assert (engine.received[0].text, dict(engine.received[0].data)) == (
            "reads better",
            {"experiment": 5, "keep": True},
        )


async def test_what_cannot_be_overridden_says_why(folder: SessionFolder, engine: Recorder) -> None:
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "Sort once")
        await select(pilot, 5)
        await pilot.press("v")
        await until_shown(pilot, "Veto: #5 was not kept.")
        await select(pilot, 4)
        await pilot.press("k")
        await until_shown(pilot, "Rescue: #4 was kept.")
        assert engine.commands == []


async def test_without_an_engine_the_veto_waits_in_the_inbox_and_that_is_said(folder: SessionFolder) -> None:
    with FakeEngine(folder) as engine:
        engine.write(Session(event="end", outcome="stopped", reason="stopped by someone"))
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "stopped: stopped by someone")
        await select(pilot, 4)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"no", "enter")
        await until_shown(pilot, "The veto waits in the inbox: g starts an engine")
        assert [(c.command, c.data["experiment"]) for c in Inbox(folder.inbox).take()] == [("veto", 4)]


def test_after_a_veto_no_gain_is_shown_until_it_is_measured_again() -> None:
    later = Result(index=2, status="keep", metric=1.4, sha="c", incumbent="b")
    veto = Veto(experiment=1, state="done", by="Ann", why="so", from_commit="c", to_commit="d", later=("2",))
    view = headline(fold([*opening(), replace(KEPT, index=1), later, veto]))
    assert (view.verdict, view.gain, view.best) == ("unmeasured", "", MISSING)


async def test_a_vetoed_keep_is_shown_with_who_and_why(folder: SessionFolder, engine: Recorder) -> None:
    app = live(folder)
    async with app.run_test(size=(160, 50), notifications=True) as pilot:
        await until_shown(pilot, "Cache the rows")
        engine.write(
            Control(id="x", command="veto", by="Ann", text="too clever", data={"experiment": 4}),
            Veto(experiment=4, state="done", by="Ann", why="too clever", from_commit="b", to_commit="d", value=1.84),
            Control(id="x", command="veto", by="Ann", state="done", reason="#4 is undone", data={"experiment": 4}),
        )
        await until_shown(pilot, "⊘ vetoed", "Cache the rows (vetoed", "Ann, from elsewhere")
        await select(pilot, 4)
        await pilot.press("enter")
        await until_shown(pilot, "⊘ vetoed by Ann: too clever")


@pytest.mark.parametrize(
    ("key", "button", "data"), [("x", "After the experiment", {"after": True}), ("b", "Now", {"now": True})]
)
async def test_stop_and_rebaseline_can_be_done_now_or_after_the_experiment(
    tmp_path: Path, key: str, button: str, data: dict[str, bool]
) -> None:
    """H3"""
    with Recorder(make_session(tmp_path, *running(4))) as engine:
        app = live(engine.folder)
        async with app.run_test(size=SIZE) as pilot:
            await until_shown(pilot, "p pause")
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.focused, Button))
            answers = [str(answer.label) for answer in app.screen.query(Button)]
            await pilot.press(*["right"] * answers.index(button), "enter")
            await until(pilot, lambda: len(engine.commands) == 1)
            assert dict(engine.received[0].data) == data


async def test_skip_means_the_experiment_that_was_seen(tmp_path: Path) -> None:
    """Of an experiment that has ended meanwhile the engine says so, and leaves the next one alone."""
    with Recorder(make_session(tmp_path, *running(4))) as engine:
        app = live(engine.folder)
        async with app.run_test(size=SIZE) as pilot:
            await until_shown(pilot, "p pause")
            await pilot.press("s")
            await until(pilot, lambda: engine.commands == ["skip"])
            assert dict(engine.received[0].data) == {"experiment": 4}


async def test_a_question_about_the_engine_goes_away_with_it(folder: SessionFolder, engine: Recorder) -> None:
    """What can no longer be done is not asked any more, and the reason is told."""
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "p pause")
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        engine.write(Session(event="end", outcome="completed", reason="the target is reached"))
        engine.die()
        await until(pilot, lambda: isinstance(app.screen, LoopScreen))
        await until_shown(pilot, "The question was withdrawn: no")


async def test_a_question_about_a_veto_goes_away_when_somebody_else_has_vetoed(
    folder: SessionFolder, engine: Recorder
) -> None:
    app = live(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "Cache the rows")
        await select(pilot, 4)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen))
        engine.write(Veto(experiment=4, state="done", by="Ann", why="too clever", from_commit="b", to_commit="d"))
        await until(pilot, lambda: isinstance(app.screen, LoopScreen))
        await until_shown(pilot, "The question was withdrawn: #4")
