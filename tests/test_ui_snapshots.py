"""How every dialog, every lasting state and every kind of journal looks, in three sizes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandList
from textual.pilot import Pilot

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock
from autotune_tui.model.events import Health, Record
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.commands import COMMANDS
from autotune_tui.ui.screens.confirm import leaving
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.settings import Settings
from autotune_tui.ui.store import Store
from autotune_tui.ui.wizard.preflight import verdict
from journal_sessions import experiment
from ui_session import make_session, running, until, until_shown

SIZES = [(80, 24), (120, 40), (160, 50)]
NARROW = (40, 24)
NOW = datetime(2026, 4, 4, 10, 4, tzinfo=UTC)
in_each_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


class Quiet(AutotuneApp):
    """Without animations and blinking, so that a picture does not depend on its moment."""

    def on_mount(self) -> None:
        self.animation_level = "none"
        super().on_mount()


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path, *running(4))


@pytest.fixture
def at_work(folder: SessionFolder) -> Iterator[SessionFolder]:
    """The session while an engine holds its lock."""
    with EngineLock(folder.lock):
        yield folder


def app_of(folder: SessionFolder, *, watch: bool = False, now: datetime = NOW) -> Quiet:
    modified = NOW.timestamp()
    if folder.journal.exists():
        os.utime(folder.journal, (modified, modified))
    store = Store(folder.journal, folder, clock=lambda: now)
    root = None if watch else folder.root.parent.parent
    return Quiet(store, root=root, mode="watch" if watch else "live", settings=Settings(""))


async def still(pilot: Pilot[Any]) -> None:
    """No cursor that blinks, and everything painted, with what the profile says, which comes after the first frame."""
    store = pilot.app.store  # type: ignore[attr-defined]
    if store.look.state.config.profile and store.look.state.current is not None:
        await until(pilot, lambda: store.look.keep_looks)
    for found in pilot.app.screen.query(CommandList):  # the palette fills while one looks
        await until(pilot, lambda found=found: found.option_count == len(COMMANDS) + 1)
    for field in pilot.app.screen.query("Input"):
        field.cursor_blink = False  # type: ignore[attr-defined]
    await pilot.pause()


DIALOGS = {
    "help": ("question_mark", "esc closes"),
    "explain": ("e", "running"),
    "stop": ("x", "Stop the loop?"),
    "rebaseline": ("b", "Measure a new baseline?"),
    "quit": ("q", "Leave it running"),
    "idea": ("i", "What should be tried?"),
    "filter": ("slash", "Words that the experiments"),
    "palette": ("ctrl+p", "Loop: "),
}
"""The key that opens each dialog, and what says that it is complete."""


@in_each_size
@pytest.mark.parametrize("name", DIALOGS)
def test_each_dialog_looks_as_it_did(
    at_work: SessionFolder, snap_compare: Any, name: str, size: tuple[int, int]
) -> None:
    """V2: what asks, explains and helps, over a loop at work."""
    key, sign = DIALOGS[name]

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "p pause")
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(pilot.app.screen, LoopScreen))
        await until_shown(pilot, sign)
        await still(pilot)

    assert snap_compare(app_of(at_work), terminal_size=size, run_before=show)


def paused() -> list[Record]:
    return [
        Health(
            health="paused", previous="healing", reason="3 attempts at recovery brought no improvement",
            next="look at the lessons, add an idea (i), and resume (p)", heals=3, failure="plateau",
        ),
    ]  # fmt: skip


def healing() -> list[Record]:
    tried = [record for number in range(4, 9) for record in experiment(number)]
    return [
        *tried,
        Health(
            experiment=8, health="healing", previous="plateaued", reason="5 experiments in a row brought no improvement",
            next="the worktrees are made afresh, then the baseline is measured again", recovery="reset_worktree",
            heals=1, failure="plateau",
        ),
    ]  # fmt: skip


def plateaued() -> list[Record]:
    return [
        *healing()[:-1],
        Health(
            experiment=8, health="plateaued", previous="stable", failure="plateau",
            reason="5 experiments in a row brought no improvement", next="a playbook begins",
        ),
    ]  # fmt: skip


STATES: dict[str, tuple[Callable[[], list[Record]], str]] = {
    "paused": (paused, "‖ paused"),
    "healing": (healing, "healing"),
    "plateaued": (plateaued, "plateaued"),
}


@in_each_size
@pytest.mark.parametrize("name", STATES)
def test_each_lasting_state_looks_as_it_did(
    tmp_path: Path, snap_compare: Any, name: str, size: tuple[int, int]
) -> None:
    """H1, V2: a state is a glyph and a word, with its reason and what comes next."""
    records, sign = STATES[name]
    folder = make_session(tmp_path, *records())

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, sign, "s skip")
        await still(pilot)

    with EngineLock(folder.lock):
        assert snap_compare(app_of(folder), terminal_size=size, run_before=show)


@pytest.mark.parametrize("name", STATES)
def test_forty_columns_still_say_what_matters(tmp_path: Path, snap_compare: Any, name: str) -> None:
    """Half a screen beside an editor: the state, its reason and the keys are there."""
    records, _ = STATES[name]
    folder = make_session(tmp_path, *records())

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "? help")
        await still(pilot)

    with EngineLock(folder.lock):
        assert snap_compare(app_of(folder), terminal_size=NARROW, run_before=show)


@in_each_size
def test_a_silent_journal_looks_as_it_did(at_work: SessionFolder, snap_compare: Any, size: tuple[int, int]) -> None:
    """V4: an engine is at work, and nothing has been journalled for hours."""

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "silent for")
        await still(pilot)

    app = app_of(at_work, watch=True, now=NOW + timedelta(hours=3))
    assert snap_compare(app, terminal_size=size, run_before=show)


@in_each_size
def test_an_engine_that_is_gone_looks_as_it_did(
    folder: SessionFolder, snap_compare: Any, size: tuple[int, int]
) -> None:
    """H4: said in the status line, with the key that goes on."""

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "✗ engine gone")
        await still(pilot)

    assert snap_compare(app_of(folder, watch=True), terminal_size=size, run_before=show)


@in_each_size
def test_a_session_that_is_not_there_yet_looks_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snap_compare: Any, size: tuple[int, int]
) -> None:
    """V4: watched before it exists."""
    monkeypatch.chdir(tmp_path)

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "nothing is there yet: waiting for ")
        await still(pilot)

    app = app_of(SessionFolder.of(Path(), "001-import-speed"), watch=True)
    assert snap_compare(app, terminal_size=size, run_before=show)


@in_each_size
def test_a_journal_that_cannot_be_read_looks_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snap_compare: Any, size: tuple[int, int]
) -> None:
    """The reason comes before the path, which may be long."""
    monkeypatch.chdir(tmp_path)
    Path("autotune.jsonl").mkdir()
    os.utime("autotune.jsonl", (NOW.timestamp(), NOW.timestamp()))

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "Cannot read the journal: Is a directory: autotune.jsonl")
        await still(pilot)

    app = Quiet(Store(Path("autotune.jsonl"), clock=lambda: NOW), mode="watch", settings=Settings(""))
    assert snap_compare(app, terminal_size=size, run_before=show)


@in_each_size
def test_a_log_of_another_tool_looks_as_it_did(tmp_path: Path, snap_compare: Any, size: tuple[int, int]) -> None:
    """V4: what the tool does not record is not made up, and wide characters stay in their columns."""
    words = ["baseline", "解析を速くする 🚀", "Hold the rows in a set", "fewer copies"]
    config = {"type": "config", "name": "Faster parser", "metricName": "parse", "metricUnit": "µs",
              "bestDirection": "lower"}  # fmt: skip
    lines: list[dict[str, Any]] = [config]
    for number, (metric, status, text) in enumerate(
        zip((3818, 3402, 4063, 3120), ("keep", "keep", "discard", "keep"), words, strict=True), 1
    ):
        lines.append({
            "run": number, "commit": f"c{number:06}", "metric": metric, "metrics": {}, "status": status,
            "description": text, "timestamp": NOW.timestamp() * 1000 - 60_000 * (5 - number), "segment": 0,
        })  # fmt: skip
    log = tmp_path / "autoresearch.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(log, (NOW.timestamp(), NOW.timestamp()))
    app = Quiet(Store(log, clock=lambda: NOW), mode="watch", settings=Settings(""))

    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "Hold the rows", "解析")
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=show)


@in_each_size
def test_leaving_a_session_with_a_long_name_keeps_its_answers_in_sight(
    folder: SessionFolder, snap_compare: Any, size: tuple[int, int]
) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "✗ engine gone")
        pilot.app.push_screen(leaving("014-import-a-day-of-events-in-under-one-second-on-a-small-machine"))
        await until_shown(pilot, "Leave it running", "Stop the loop")
        await still(pilot)

    assert snap_compare(app_of(folder, watch=True), terminal_size=size, run_before=show)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((8, 0, 0), "All 8 findings are good"),
        ((7, 1, 0), "1 of 8 findings is worth"),
        ((6, 2, 0), "2 of 8 findings are"),
    ],
)
def test_one_finding_is_and_two_are(counts: tuple[int, int, int], words: str) -> None:
    assert words in verdict(*counts)
