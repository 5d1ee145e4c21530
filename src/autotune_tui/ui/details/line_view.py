"""A view of many lines, of which only those in sight are made."""

from __future__ import annotations

from typing import ClassVar, Protocol

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual


class Lines(Protocol):
    """What a `LineView` shows."""

    @property
    def count(self) -> int:
        """How many lines there are."""

    @property
    def width(self) -> int:
        """Cells of the longest line."""

    def line(self, y: int, width: int) -> Content:
        """The line `y`; `width` is what a background may be drawn over."""


class NoLines:
    """Nothing to show."""

    count = 0
    width = 0

    def line(self, y: int, width: int) -> Content:
        return Content.empty()


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows `Lines`; scrolls in both directions; text can be selected with the mouse.

    Left and right are left to the screen, which goes to other experiments by them; a line that is cut ends with "…".
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "up", show=False),
        Binding("down", "scroll_down", "down", show=False),
        Binding("pageup", "page_up", "page up", show=False),
        Binding("pagedown,space", "page_down", "page down", show=False),
        Binding("home", "scroll_home", "top", show=False),
        Binding("end", "scroll_end", "end", show=False),
        Binding("shift+left", "scroll_left", "left", show=False),
        Binding("shift+right", "scroll_right", "right", show=False),
    ]

    DEFAULT_CSS: ClassVar[str] = """
    LineView { height: 1fr; background: $background; scrollbar-size: 0 1; scrollbar-color: $border;
               scrollbar-background: $background; scrollbar-corner-color: $background; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._source: Lines = NoLines()
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(1024)
        self.following = False
        """Whether the last line is kept in sight, whatever the size of the view becomes."""

    @property
    def source(self) -> Lines:
        return self._source

    def show(self, source: Lines, *, top: bool = True) -> None:
        """Show these lines from the top, or stay where the view is."""
        self._source = source
        self._strips.clear()
        self.virtual_size = Size(source.width, source.count)
        if self.following:
            if self.scroll_target_y >= self.scroll_y:  # else the user has just begun to scroll up
                self._to_end()
        elif top:
            self.scroll_to(0, 0, animate=False)
        self.refresh()

    def follow(self) -> None:
        """Keep the last line in sight from now on."""
        self.following = True
        self._to_end()

    def on_resize(self) -> None:
        if self.following:
            self._to_end()

    def _to_end(self) -> None:
        # At once: a scroll that waits for the next refresh comes after one that the user made meanwhile.
        # By force: before the first layout there is no scrollbar, and without one Textual scrolls nothing.
        self.scroll_end(animate=False, x_axis=False, immediate=True, force=True)

    def reveal(self, y: int) -> None:
        """Scroll so that line `y` is in sight, a third from the top when it was not."""
        if not self.scroll_offset.y <= y < self.scroll_offset.y + self.size.height:
            self.scroll_to(y=max(y - self.size.height // 3, 0), animate=False)

    def redraw(self, y: int) -> None:
        """Make the line anew."""
        for key in [key for key in self._strips.keys() if key[0] == y]:  # noqa: SIM118
            self._strips.discard(key)
        self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))

    @property
    def allow_select(self) -> bool:
        return True

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self._source.count - 1
        lines: list[str] = []
        for y in range(max(first, 0), min(last + 1, self._source.count)):
            start, end = selection.get_span(y) or (0, -1)
            text = self._source.line(y, 0).plain
            lines.append(text[start : None if end == -1 else end])
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width, style = self.size.width, self.visual_style
        if top + y >= self._source.count:
            return Strip.blank(width, style.rich_style)
        strip = self._strip(top + y, max(width, self.virtual_size.width), style)
        shown = strip.crop_extend(left, left + width, style.rich_style)
        if strip.cell_length > left + width and strip.crop(left + width, strip.cell_length).text.strip():
            shown = Strip.join([shown.crop(0, width - 1), Strip([Segment("…", style.rich_style)])])
        return shown.apply_offsets(left, top + y)

    def _strip(self, y: int, width: int, style: Style) -> Strip:
        known = self._strips.get((y, width))
        if known is not None:
            return known
        content = self._source.line(y, width)
        selection = self.text_selection
        span = selection.get_span(y) if selection else None
        if span is not None:
            start, end = span
            chosen = Style.from_styles(self.screen.get_component_styles("screen--selection"))
            content = content.stylize(chosen, start, len(content) if end == -1 else end)
        cells = max(content.cell_length, 1)
        strips = Visual.to_strips(self, content, cells, 1, style, apply_selection=False)
        strip = strips[0] if strips else Strip.blank(0)
        self._strips[y, width] = strip
        return strip
