"""What the agent says while it plans is on the screen as it is written, and costs few paints."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Phase, Plan
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.settings import Settings
from autotune_tui.ui.spoken import Spoken
from autotune_tui.ui.store import Store
from journal_sessions import opening
from ui_session import make_session, until_shown


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    folder = make_session(tmp_path, *opening(), Phase(experiment=7, phase="plan"))
    (folder.experiments / "007").mkdir(parents=True)
    return folder


def say(folder: SessionFolder, words: str) -> None:
    with next(folder.experiments.glob("007*")).joinpath("agent.log").open("a") as log:
        log.write(words)


def test_the_first_words_are_shown_at_once_and_later_ones_four_times_a_second(folder: SessionFolder) -> None:
    """V1: also a line that is not complete yet."""
    clock = Clock()
    spoken = Spoken(clock)
    assert not spoken.poll(folder, 7)
    say(folder, "I look at")
    assert spoken.poll(folder, 7)
    assert spoken.lines == ("I look at",)
    say(folder, " the loop.\n\x1b[31mIt is")
    clock.now += 0.05
    assert not spoken.poll(folder, 7)
    clock.now += 0.25
    assert spoken.poll(folder, 7)
    assert spoken.lines == ("I look at the loop.", "It is")
    clock.now += 9
    assert not spoken.poll(folder, 7), "nothing new was said"


def test_only_the_end_of_much_is_read_and_a_folder_may_get_its_name(folder: SessionFolder) -> None:
    clock = Clock()
    spoken = Spoken(clock)
    say(folder, "".join(f"line {number}\n" for number in range(5000)))
    assert spoken.poll(folder, 7)
    assert len(spoken.lines) < 1000 and spoken.lines[-1] == "line 4999" and spoken.lines[0].startswith("line ")
    (folder.experiments / "007").rename(folder.experiments / "007-halve")
    say(folder, "more\n")
    clock.now += 1
    assert spoken.poll(folder, 7)
    assert spoken.lines[-1] == "more"
    assert not spoken.poll(folder, 0)
    assert spoken.lines == ()
    assert not spoken.poll(None, 7)


async def test_the_words_stand_in_the_plan_panel_until_there_is_a_plan(folder: SessionFolder) -> None:
    """V1, A2."""
    app = AutotuneApp(Store(folder.journal, folder), mode="watch", settings=Settings(""))
    async with app.run_test(size=(160, 50)) as pilot:
        say(folder, "Where is the cost")
        await until_shown(pilot, "Where is the cost")
        with JournalWriter(folder.journal, now=lambda: datetime.now(UTC)) as journal:
            journal.append(Plan(experiment=7, agent="claude", description="Halve the value", hypothesis="Less."))
        await until_shown(pilot, "Halve the value")
