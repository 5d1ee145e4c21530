"""The tab that shows what the benchmark, the checks and the agent printed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from autotune_tui.model import format as fmt
from autotune_tui.ui.details.find_bar import FindBar
from autotune_tui.ui.details.line_view import LineView
from autotune_tui.ui.details.log_file import LogFile, LogLines
from autotune_tui.ui.details.pane import Context, Pane, empty_note, why_missing
from autotune_tui.ui.lines import line
from autotune_tui.ui.widgets.ends import Ends

LOGS = ("bench.log", "agent.log", "validation.log", "profile.log")
"""The logs that an experiment may have, the one that is shown first at the front."""
_MOST_COPIED = 64 << 10
_COMING = "What the checks, the benchmark and the agent print appears here as soon as they run."
_NEVER = "It ended before anything was run. Else the output of checks and benchmark would stand here."


class LogPane(Pane):
    """One log at a time; follows its end until the user scrolls up."""

    DEFAULT_CSS: ClassVar[str] = """
    LogPane > #about { height: 1; padding: 0 1; color: $text-muted; }
    LogPane > LineView { padding: 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "next_log", "next log", id="log.next", tooltip="Show the next log of the experiment", show=False),
        Binding("w", "wrap", "wrap", id="log.wrap", tooltip="Wrap long lines, or cut them", show=False),
        Binding("slash", "find", "search", id="log.find", tooltip="Search in the log", show=False),
        Binding(
            "end,g", "follow", "follow", id="log.end", tooltip="Go to the end and follow it", show=False, priority=True
        ),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._log: LogFile | None = None
        self._drawn = 0
        """Bytes of the log that are shown."""
        self._wrapped = False
        self._following = False
        self._unseen = 0
        """Lines that were added since the view stopped following."""
        self._hits: list[int] = []
        self._hit: int | None = None
        """The find that one is at, by its place among the hits."""

    def compose(self) -> ComposeResult:
        yield empty_note()
        yield Ends(id="about")
        yield LineView(id="output")
        yield FindBar()

    def on_mount(self) -> None:
        self.watch(self._view, "scroll_y", self._scrolled, init=False)

    @property
    def _view(self) -> LineView:
        return self.query_one("#output", LineView)

    def show(self, context: Context) -> None:
        same = self.context is not None and self.context.subject.folder == context.subject.folder
        self.context = context
        names = self._names()
        self.say_empty("" if names else why_missing(context.subject, "its logs", _COMING, _NEVER))
        if not names:
            self._log = None
        elif self._log is None or not same:
            known = self._log.path.name if self._log else ""
            self._open(known if known in names else names[0], following=context.subject.running is not None)
        else:
            self._read(self._log)

    def file(self) -> Path | None:
        return self._log.path if self._log else None

    def copyable(self) -> str:
        return self._log.tail(_MOST_COPIED) if self._log else ""

    def _names(self) -> list[str]:
        return [name for name in LOGS if self._path(name) is not None]

    def _open(self, name: str, *, following: bool) -> None:
        path = self._path(name)
        if path is None:
            return
        self._log, self._following, self._unseen = LogFile(path), following, 0
        self._hits, self._hit = [], None
        self._draw(top=True)
        self._read(self._log)

    @work(exclusive=True, group="read")
    async def _read(self, log: LogFile) -> None:
        await asyncio.to_thread(log.refresh)
        if log is not self._log:
            return
        source = self._view.source
        before = source.lines if isinstance(source, LogLines) else 0
        if log.size != self._drawn:
            self._unseen += 0 if self._following or not before else max(log.count - before, 0)
            self._draw()
            if self.query_one(FindBar).text:
                self._search()
        self._tell()

    def _draw(self, *, top: bool = False) -> None:
        if self._log is None:
            return
        self._drawn = self._log.size
        view = self._view
        width = max(view.scrollable_content_region.width, 20) if self._wrapped else 0
        at = self._hits[self._hit] if self._hit is not None else None
        view.following = self._following
        view.show(LogLines(self._log, width, self.query_one(FindBar).text, at), top=top)
        self._tell()

    def _tell(self) -> None:
        """The line above the log: which logs there are, and where one is."""
        log, names = self._log, self._names()
        if log is None:
            return
        parts = [(f"{name}  ", "bold $text-accent" if name == log.path.name else "") for name in names]
        new = f"{fmt.count(self._unseen, 'new line')}, end follows" if self._unseen else ""
        states = (
            log.problem,
            fmt.count(log.count, "line"),
            "wrapped" if self._wrapped else "",
            "following" if self._following else new,
        )
        left = line(*parts, " · ".join(state for state in states if state))
        right = Content("f next log  w wrap  / search" if len(names) > 1 else "w wrap  / search")
        self.query_one("#about", Ends).show(left, right)

    def _scrolled(self) -> None:
        view = self._view
        if self._following and view.scroll_y < view.max_scroll_y:
            self._following = view.following = False
            self._tell()

    def action_next_log(self) -> None:
        names = self._names()
        if self._log is not None and len(names) > 1:
            self._open(names[(names.index(self._log.path.name) + 1) % len(names)], following=self._following)

    def action_wrap(self) -> None:
        source = self._view.source
        if isinstance(source, LogLines):
            top = source.line_of(round(self._view.scroll_y))
            self._wrapped = not self._wrapped
            self._draw()
            if not self._following:
                self._go_to(top)

    def action_follow(self) -> None:
        self._following, self._unseen = True, 0
        self._draw()
        self._view.follow()

    def action_find(self) -> None:
        self.query_one(FindBar).open()

    def on_find_bar_wanted(self, event: FindBar.Wanted) -> None:
        self._hit = None
        self._search()

    def on_find_bar_closed(self, event: FindBar.Closed) -> None:
        self._view.focus()

    def on_find_bar_step(self, event: FindBar.Step) -> None:
        if self._hits:
            self._hit = ((self._hit if self._hit is not None else -event.step) + event.step) % len(self._hits)
            self._show_hit()

    @work(exclusive=True, group="search")
    async def _search(self) -> None:
        log, bar = self._log, self.query_one(FindBar)
        if log is None:
            return
        self._hits = await asyncio.to_thread(log.hits, bar.text)
        source = self._view.source
        if self._hits and self._hit is None and isinstance(source, LogLines):
            top = source.line_of(round(self._view.scroll_y))
            self._hit = next((place for place, hit in enumerate(self._hits) if hit >= top), 0)
        if self._hit is not None and self._hit >= len(self._hits):
            self._hit = None
        self._show_hit()

    def _show_hit(self) -> None:
        bar, hits = self.query_one(FindBar), self._hits
        if self._hit is not None:
            self._following = False
        place = f"{(self._hit or 0) + 1} of {len(hits):,}" if hits else "nothing found" if bar.text else ""
        bar.tell(place)
        self._draw()
        if self._hit is not None:
            self._go_to(hits[self._hit])

    def _go_to(self, number: int) -> None:
        source = self._view.source
        if isinstance(source, LogLines):
            self._view.reveal(source.row_of(number))

    def on_resize(self) -> None:
        if self._wrapped:
            self._draw()
