"""Plays a journal through the loop screen, as if it were written now (V4)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from autotune_tui.errors import JournalError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import JournalTail
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.follower import PAINT_SECONDS, Look
from autotune_tui.ui.screens.ask import AskScreen
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.settings import Settings
from autotune_tui.ui.store import Store
from autotune_tui.ui.timeline import Player, Timeline
from autotune_tui.ui.widgets.evidence import EvidencePanel
from autotune_tui.ui.widgets.keys import KeysLine
from autotune_tui.ui.widgets.scrubber import Scrubber, ScrubberView


class ReplayApp(AutotuneApp):
    """The application on a replay of one journal; with `folder`, the artifacts of its experiments can be looked at."""

    def __init__(
        self,
        journal: Path,
        folder: SessionFolder | None = None,
        *,
        speed: float = 20.0,
        settings: Settings | None = None,
        settings_path: Path | None = None,
    ) -> None:
        self.player = Player(Timeline(()), speed)
        store = Store(None, folder, clock=self.player.now)
        super().__init__(store, mode="replay", settings=settings, settings_path=settings_path)
        self.journal = journal

    def get_default_screen(self) -> ReplayScreen:
        return ReplayScreen(self.store, self.player)

    def on_mount(self) -> None:
        self._open()

    @work(exclusive=True)
    async def _open(self) -> None:
        """Read the journal in a thread: a long one takes seconds."""
        try:
            self.player.timeline = await asyncio.to_thread(_read, self.journal)
        except JournalError as error:
            self.store.show(Look(exists=True, problem=f"{error.title}: {error.message}"))
            return
        screen = self.screen_stack[-1]
        if isinstance(screen, ReplayScreen):
            screen.begin()


def _read(journal: Path) -> Timeline:
    if not journal.is_file():
        raise JournalError("There is no journal", f"{journal} is not a file.")
    tail = JournalTail(journal)
    return Timeline(tail.read(), tail.tool)


class ReplayScreen(LoopScreen):
    """The loop screen with a scrubber.

    | key | what |
    | --- | --- |
    | space | play, or pause |
    | [ and ] | to the end of the experiment before, or of the next |
    | - and + | slower, faster |
    | , and . | one record back, or on |
    | j | to an experiment by its number |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "play", id="replay.play", tooltip="Play, or pause", show=False, priority=True),
        Binding("left_square_bracket", "experiment(-1)", "experiment before", id="replay.previous", show=False),
        Binding("right_square_bracket", "experiment(1)", "next experiment", id="replay.next", show=False),
        Binding("minus", "speed(-1)", "slower", id="replay.slower", show=False),
        Binding("plus,equals_sign", "speed(1)", "faster", id="replay.faster", show=False),
        Binding("comma", "step(-1)", "one record back", id="replay.back", show=False),
        Binding("full_stop", "step(1)", "one record on", id="replay.on", show=False),
        Binding("j", "jump", "jump", id="replay.jump", tooltip="To an experiment by its number", show=False),
    ]

    def __init__(self, store: Store, player: Player) -> None:
        super().__init__(store)
        self._player = player
        self._played_at: float | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Scrubber()

    def on_mount(self) -> None:
        self.move_child(self.query_one(Scrubber), before=self.query_one(KeysLine))
        self.set_interval(PAINT_SECONDS, self._play)

    def begin(self) -> None:
        """Play from here: the journal has been read."""
        self._played_at = time.monotonic()
        self._paint()

    def on_scrubber_sought(self, event: Scrubber.Sought) -> None:
        self._player.seek(event.seconds)
        self._jumped()

    def _play(self) -> None:
        if self._played_at is None:
            return
        before, self._played_at = self._played_at, time.monotonic()
        if self._player.playing and self.is_current:
            self._player.advance(self._played_at - before)
            self._paint()

    def _jumped(self) -> None:
        """Paint after a jump: the evidence that stands there is of another experiment."""
        self.query_one(EvidencePanel).view = None
        self._paint()

    def _paint(self) -> None:
        player = self._player
        look = player.look()
        if look is not self.store.look:
            self.store.show(look)
        self.query_one(Scrubber).show(
            ScrubberView(player.position, player.timeline.duration, player.speed, player.playing, player.timeline.marks)
        )

    def action_play(self) -> None:
        self._player.toggle()
        self._paint()

    def action_experiment(self, step: int) -> None:
        self._player.experiment(step)
        self._jumped()

    def action_speed(self, step: int) -> None:
        self._player.faster(step)
        self._paint()

    def action_step(self, records: int) -> None:
        self._player.step(records)
        self._paint()

    @work(exclusive=True, group="jump")
    async def action_jump(self) -> None:
        numbers = [mark.number for mark in self._player.timeline.marks]
        if not numbers:
            return
        about = f"The number of an experiment, {min(numbers)} to {max(numbers)}:"
        answer = await self.app.push_screen_wait(AskScreen("Jump", about, empty="Type a number."))
        if answer is None:
            return
        if not (answer.isdecimal() and self._player.go_to(int(answer))):
            self.notify(f"There is no experiment {answer} in this journal.", severity="warning")
        self._jumped()
