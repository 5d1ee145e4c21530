"""Every key that cannot do anything now says why when it is pressed (V1)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock
from autotune_tui.model.events import Session
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.commands import COMMANDS, choose
from autotune_tui.ui.replay import ReplayApp
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.store import Store
from journal_sessions import opening
from ui_session import make_session, running, shown, until_shown

ENDED = Session(event="end", outcome="stopped", reason="stopped by someone")


def watched(folder: SessionFolder) -> AutotuneApp:
    return AutotuneApp(Store(folder.journal, folder), mode="watch")


def replayed(folder: SessionFolder) -> AutotuneApp:
    return ReplayApp(folder.journal, folder)


def live(folder: SessionFolder) -> AutotuneApp:
    return AutotuneApp(Store(folder.journal, folder), root=folder.root.parent.parent)


def lone(folder: SessionFolder) -> AutotuneApp:
    return AutotuneApp(Store(folder.journal), mode="watch")


@pytest.mark.parametrize(
    ("app_of", "at_work", "least"),
    [(watched, False, 9), (lone, False, 9), (replayed, False, 9), (live, False, 7), (live, True, 4)],
    ids=["watch", "journal", "replay", "ended", "baseline"],
)
async def test_a_key_that_can_do_nothing_says_why(
    tmp_path: Path, app_of: Callable[[SessionFolder], App[Any]], at_work: bool, least: int
) -> None:
    folder = make_session(tmp_path, *(opening() if at_work else (*running(4), ENDED)))
    with EngineLock(folder.lock) if at_work else nullcontext():
        app = app_of(folder)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until_shown(pilot, "? help", "" if at_work else "stopped: stopped by someone")
            screen = app.screen
            assert isinstance(screen, LoopScreen)
            refused = {
                command.keys.partition(",")[0]: command.blocked(screen.situation())
                for command in COMMANDS
                if choose(command.id, screen.situation()).blocked(screen.situation())
            }
            if app_of is replayed:
                del refused["p"]  # plays
            assert len(refused) >= least, refused
            for key, reason in refused.items():
                app.clear_notifications()
                await pilot.press(key)
                await until_shown(pilot, reason[:40])
            assert "Something went wrong" not in shown(app)
            assert app.screen is screen, "no dialog was opened"
    assert not list(folder.inbox.glob("*.json"))
