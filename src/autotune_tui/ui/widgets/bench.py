"""The benchmark panel: the output of what runs now, in its own colours, following as it grows."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.visual import Visual

from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.lines import line
from autotune_tui.ui.output import OutputTail
from autotune_tui.ui.text import coloured
from autotune_tui.ui.theme import DIM
from autotune_tui.ui.widgets.panel import Panel

KEPT_LINES = 5000


@frozen
class BenchView(Value):
    """What is running, and where its output goes."""

    path: Path | None
    doing: str
    """The experiment and its phase."""
    command: str
    alone: bool = False
    """Whether the journal lies alone, without the artifacts of its experiments."""


class BenchPanel(Panel[BenchView]):
    """Follows the end of the output until one scrolls up; then it stands still and counts what is new. End follows again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("end", "follow", "Follow", show=False, id="output-end"),
    ]
    heading = "Benchmark"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._tail: OutputTail | None = None
        self._cache: dict[int, Strip] = {}
        self._first = 0
        """The number of the first line that is kept; lines count from 0 in the file."""
        self._new = 0
        """Lines that came since following stopped."""
        self.following = True

    def title(self, view: BenchView) -> str:
        return f"Benchmark · {view.doing}" if view.doing else "Benchmark"

    def subtitle(self, view: BenchView) -> str:
        if not self.following:
            return f"{self._new:,} new lines · End follows" if self._new else "not following · End follows"
        return "following" if self._lines else ""

    def redraw(self) -> None:
        view = self.view
        if view is None:
            return
        if self._tail is None or self._tail.path != view.path:
            self._tail = OutputTail(view.path) if view.path else None
            self._forget()
        self._cache.clear()
        self.poll()
        self._arrange()

    def poll(self) -> None:
        """Take over what has been written since the last time."""
        if self._tail is None:
            return
        lines, skipped = self._tail.read()
        if skipped:
            lines.insert(0, f"… {skipped:,} bytes passed over, faster than one can read …")
        if not lines:
            return
        dropped = max(len(self._lines) + len(lines) - KEPT_LINES, 0)
        self._lines.extend(lines)
        self._first += dropped
        self._cache = {number: strip for number, strip in self._cache.items() if number >= self._first}
        if not self.following:
            self._new += len(lines)
            self.set_reactive(Panel.scroll_y, max(self.scroll_y - dropped, 0))
            self.set_reactive(Panel.scroll_target_y, max(self.scroll_target_y - dropped, 0))
        self._arrange()

    def _forget(self) -> None:
        self._lines.clear()
        self._cache.clear()
        self._first = self._new = 0
        self.following = True

    def _arrange(self) -> None:
        if self.view is None:
            return
        self.border_title, self.border_subtitle = Content(self.title(self.view)), Content(self.subtitle(self.view))
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))
        if self.following and self.scroll_target_y >= self.scroll_y:  # else the user has just begun to scroll up
            self._to_end()
        self.refresh()

    def _to_end(self) -> None:
        self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        at_end = new_value >= self.max_scroll_y - 0.5
        if at_end != self.following and (at_end or new_value < old_value):
            self.following = at_end
            self._new = 0 if at_end else self._new
            if self.view is not None:
                self.border_subtitle = Content(self.subtitle(self.view))

    def action_follow(self) -> None:
        """Go to the end and follow it again."""
        self.following, self._new = True, 0
        self._arrange()
        self._to_end()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if not self._lines:
            return self._strip(self._empty() if y == 0 else Content(""), width)
        number = y + round(self.scroll_y)
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        known = self._first + number
        strip = self._cache.get(known)
        if strip is None or strip.cell_length != width:
            strip = self._cache[known] = self._strip(coloured(self._lines[number]), width)
        return strip

    def _strip(self, content: Content, width: int) -> Strip:
        content = content.truncate(width, ellipsis=True)
        strips = Visual.to_strips(self, content, width, 1, self.visual_style, pad=True)
        return strips[0] if strips else Strip.blank(width, self.rich_style)

    def _empty(self) -> Content:
        if self.view is not None and self.view.alone:
            return line(("This journal lies alone: the output of its benchmark is elsewhere.", DIM))
        if self.view is None or self.view.path is None:
            return line(("What the benchmark prints appears here.", DIM))
        command = self.view.command or "the command"
        return line((f"$ {command}", DIM))
