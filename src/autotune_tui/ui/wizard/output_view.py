"""What the benchmark printed, with the number that was read marked in it. Only lines that are seen are drawn."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from autotune_tui.ui.wizard.trial import Marked


class OutputView(ScrollView, can_focus=True):
    """Lines that can be scrolled; follows the end until something is marked."""

    DEFAULT_CSS = """
    OutputView {
        border: round $border-blurred;
        border-title-color: $text-accent;
        border-title-background: $background;
        border-subtitle-color: $text-muted;
        border-subtitle-background: $background;
        padding: 0 1;
        min-height: 4;
        height: 1fr;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    OutputView:focus { border: round $accent; }
    OutputView > .output--mark { background: $accent; color: $background; text-style: bold; }
    OutputView > .output--empty { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"output--mark", "output--empty"}

    def __init__(self, *, id: str, empty: str) -> None:
        """`empty` is what stands there before anything was printed."""
        super().__init__(id=id)
        self._empty = empty
        self._view = Marked()
        self._strips: LRUCache[int, Strip] = LRUCache(256)

    @property
    def view(self) -> Marked:
        return self._view

    def show(self, view: Marked) -> None:
        """Show these lines and go to the mark, or to the end when there is none."""
        if view == self._view:
            return
        self._view = view
        self._strips.clear()
        width = max((view.end, *(len(line) for line in view.lines)), default=0) + 1
        self.virtual_size = Size(width, len(view.lines))
        self.refresh()
        if view.line >= 0:
            mark = Region(view.start, view.line, view.end - view.start, 1)
            self.call_after_refresh(self.scroll_to_region, mark, animate=False, force=True, immediate=True)
        else:
            self.call_after_refresh(self.scroll_end, animate=False, force=True, immediate=True, x_axis=False)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        left, top = self.scroll_offset
        if not self._view.lines:
            style = self.get_component_rich_style("output--empty")
            text = self._empty if y == 0 else ""
            return Strip([Segment(text, style)]).adjust_cell_length(width, self.rich_style)
        return self._strip(y + top).crop_extend(left, left + width, self.rich_style)

    def _strip(self, number: int) -> Strip:
        if number >= len(self._view.lines):
            return Strip.blank(self.size.width, self.rich_style)
        if (strip := self._strips.get(number)) is None:
            strip = self._strips[number] = Strip(self._segments(number))
        return strip

    def _segments(self, number: int) -> list[Segment]:
        text, plain = self._view.lines[number], self.rich_style
        if number != self._view.line:
            return [Segment(text, plain)]
        start, end = self._view.start, self._view.end
        mark = plain + self.get_component_rich_style("output--mark")
        return [Segment(text[:start], plain), Segment(text[start:end], mark), Segment(text[end:], plain)]
