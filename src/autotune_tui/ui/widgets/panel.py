"""The base of all panels: a border with a title, and lines made from a frozen view, drawn again only when it changes."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

V = TypeVar("V")


class Panel(ScrollView, Generic[V]):
    """Shows a view. Subclasses say what its lines are; lines beyond the height can be scrolled to."""

    DEFAULT_CSS = """
    Panel {
        border: round $border-blurred;
        border-title-color: $text-accent;
        border-title-style: bold;
        border-title-background: $background;
        border-subtitle-color: $text-muted;
        border-subtitle-background: $background;
        background: $background;
        padding: 0 1;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-color: $border;
        scrollbar-background: $background;
        scrollbar-color-hover: $accent;
        scrollbar-background-hover: $background;
    }
    Panel:focus { border: round $accent 70%; }
    """

    heading: ClassVar[str] = ""
    """The name on the border."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.view: V | None = None
        self._strips: list[Strip] = []
        self._drawn: tuple[V | None, Size] | None = None

    def on_mount(self) -> None:
        self.border_title = self.heading

    def show(self, view: V) -> None:
        """Draw this view, if it is another than before."""
        if view != self.view:
            self.view = view
            self.redraw()

    def lines(self, view: V, width: int, height: int) -> list[Content]:
        """The lines of the view. `height` is the room; more lines than that can be scrolled to."""
        raise NotImplementedError

    def title(self, view: V) -> str:
        """What stands on the upper border."""
        return self.heading

    def subtitle(self, view: V) -> str:
        """What stands on the lower border, at the right."""
        return ""

    def redraw(self) -> None:
        """Make the lines anew."""
        view, region = self.view, self.scrollable_content_region
        if view is None or not region.width:
            return
        self.border_title = Content(self.title(view))
        self.border_subtitle = Content(self.subtitle(view))
        bar = self.styles.scrollbar_size_vertical
        width = region.width + (bar if self.show_vertical_scrollbar else 0)
        lines = self.lines(view, width, region.height)
        if len(lines) > region.height:
            width -= bar
            lines = self.lines(view, width, region.height)
        content = Content("\n").join(line.truncate(width) for line in lines)
        self._strips = Visual.to_strips(self, content, width, None, self.visual_style)
        self.virtual_size = Size(width, len(self._strips))
        self.refresh()

    def notify_style_update(self) -> None:
        """The theme or the focus changed: colours have to be looked up again."""
        super().notify_style_update()
        if self.is_attached:
            self.call_later(self.redraw)

    def on_resize(self, event: events.Resize) -> None:
        self.redraw()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        number = y + round(self.scroll_y)
        style = self.rich_style
        if number >= len(self._strips):
            return Strip.blank(width, style)
        return self._strips[number].adjust_cell_length(width, style)
