"""The sessions screen: all sessions of a repository, to open, to watch, to report on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from autotune_tui.errors import AutotuneError
from autotune_tui.journal.files import SessionFolder, find_sessions, read_text
from autotune_tui.model import format as fmt
from autotune_tui.ui.lines import line, spread
from autotune_tui.ui.sessions import SessionRow, read_row, row_lines
from autotune_tui.ui.store import wall_clock
from autotune_tui.ui.theme import DIM
from autotune_tui.ui.widgets.keys import Key, KeysLine, KeysView

if TYPE_CHECKING:
    from autotune_tui.ui.app import AutotuneApp

_LOOK_SECONDS = 2.0
_KEYS = (
    Key("⏎", "open", "screen.open"),
    Key("w", "watch", "screen.watch"),
    Key("n", "new", "screen.new"),
    Key("r", "report", "screen.report"),
    Key("esc", "back", "screen.back"),
)
_NO_SESSIONS = "There is no session in this repository yet. Press n to set one up."


class SessionsScreen(Screen[str | None]):
    """The result is the id of the session to open, or None.

    Journals are read in a thread, one after the other, and again when they change; a row says what is known so far.
    """

    CSS_PATH = "sessions.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="sessions.open", tooltip="Open the session", show=False),
        Binding(
            "w", "watch", "watch", id="sessions.watch", tooltip="Open it to look only: no command is sent", show=False
        ),
        Binding("n", "new", "new", id="sessions.new", tooltip="Set up a new session", show=False),
        Binding("r", "report", "report", id="sessions.report", tooltip="What it achieved so far", show=False),
        Binding("escape,q", "back", "back", id="sessions.back", show=False),
    ]

    def __init__(self, root: Path, clock: Callable[[], datetime] = wall_clock) -> None:
        super().__init__()
        self._root = root
        self._clock = clock
        self._folders: dict[str, SessionFolder] | None = None
        """By id, oldest first; None before they were looked for."""
        self._rows: dict[str, SessionRow] = {}
        self._seen: dict[str, tuple[float, bool]] = {}
        """What each row was made from."""

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield Static(_NO_SESSIONS, id="none")
        yield OptionList()
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeysLine).show(KeysView(_KEYS))
        self.look()
        self.set_interval(_LOOK_SECONDS, self.look)

    def on_resize(self) -> None:
        self._draw()

    @work(exclusive=True)
    async def look(self) -> None:
        """Read what has changed; the latest session first, as it is the one most asked for."""
        folders = await asyncio.to_thread(find_sessions, self._root)
        if self._folders is None or [folder.id for folder in folders] != list(self._folders):
            self._folders = {folder.id: folder for folder in folders}
            self._draw()
        for folder in reversed(folders):
            seen = await asyncio.to_thread(_stamp, folder)
            if seen != self._seen.get(folder.id):
                self._rows[folder.id] = await asyncio.to_thread(read_row, folder)
                self._seen[folder.id] = seen
                self._draw()

    def _draw(self) -> None:
        if self._folders is None:
            return
        options = self.query_one(OptionList)
        chosen = self._chosen()
        width = max(self.size.width - 3, 20)
        now = self._clock().isoformat()
        names = list(reversed(self._folders))
        if [option.id for option in options.options] != names:
            options.clear_options()
            options.add_options(Option(Content.empty(), id=name) for name in names)
            options.highlighted = names.index(chosen) if chosen in names else 0 if names else None
        for name in names:
            row = self._rows.get(name)
            reading = line((name, "bold"), ("   reading its journal", DIM), "\n\n")
            options.replace_option_prompt(name, row_lines(row, now, width) if row else reading)
        about = line(("Sessions", "bold"), (f"  {self._root}", DIM))
        count = fmt.count(len(names), "session")
        title = self.query_one("#title", Static)
        title.update(spread(about, line((count, DIM)), max(self.size.width - 2, 0)))
        self.query_one("#none").display = not names
        options.display = bool(names)

    def _chosen(self) -> str | None:
        options = self.query_one(OptionList)
        return options.get_option_at_index(options.highlighted).id if options.highlighted is not None else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.action_open()

    @property
    def _application(self) -> AutotuneApp:
        return cast("AutotuneApp", self.app)

    def action_open(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self.dismiss(chosen)

    def action_watch(self) -> None:
        if self._chosen() is not None:
            self._application.mode = "watch"
            self.action_open()

    def action_new(self) -> None:
        if self._application.mode == "watch":
            self.notify("This only watches; `autotune-tui` without --watch sets up a session.", severity="warning")
        else:
            self._application.new_session()

    def action_back(self) -> None:
        self.dismiss(None)

    @work(exclusive=True, group="report")
    async def action_report(self) -> None:
        from autotune_tui.ui.screens.document import DocumentScreen

        chosen = self._chosen()
        if chosen is None or self._folders is None:
            return
        try:
            text = await asyncio.to_thread(_report, self._folders[chosen])
        except AutotuneError as error:
            self.notify(error.message or error.title, title=error.title, severity="error")
            return
        self.app.push_screen(DocumentScreen(f"Report on {chosen}", text))


def _stamp(folder: SessionFolder) -> tuple[float, bool]:
    from autotune_tui.journal.lock import holder

    try:
        modified = folder.journal.stat().st_mtime
    except OSError:
        modified = 0.0
    return modified, holder(folder.lock) is not None


def _report(folder: SessionFolder) -> str:
    """The session's final report; before it has one, what it would say now. Raises JournalError."""
    from autotune_tui.journal.reader import load_state
    from autotune_tui.report import final_report

    return read_text(folder.final_report) or final_report(load_state(folder.journal))
