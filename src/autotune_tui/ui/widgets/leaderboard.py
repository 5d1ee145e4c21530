"""The leaderboard panel: the experiments ranked, one of them selected."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual

from autotune_tui.model.leaderboard import Row
from autotune_tui.ui.board import PAIRS, WHAT, BoardRow, BoardView, Column, columns_for, matches, number_of
from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import BAD, DIM, GOOD, WARN
from autotune_tui.ui.widgets.panel import Panel


class Leaderboard(Panel[BoardView]):
    """A table that draws only the rows that are seen. The selection follows its experiment when ranks change.

    | key | what |
    | --- | --- |
    | up, down, page up, page down, home, end | select a row |
    | enter, click on the selected row | details of the experiment |
    """

    DEFAULT_CSS = """
    Leaderboard > .board--selected { background: $block-cursor-blurred-background; }
    Leaderboard:focus > .board--selected {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"board--selected"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Row up", show=False, id="row-up"),
        Binding("down", "move(1)", "Row down", show=False, id="row-down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="rows-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="rows-down"),
        Binding("home", "first", "First row", show=False, id="row-first"),
        Binding("end", "last", "Last row", show=False, id="row-last"),
    ]
    heading = "Leaderboard"

    class Selected(Message):
        """Another experiment was selected."""

        def __init__(self, index: int | None) -> None:
            super().__init__()
            self.index = index

    class Opened(Message):
        """The selected experiment is to be shown whole."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.selected: int | None = None
        """The number of the selected experiment; 0 is the baseline, None when there is no row."""
        self.filter = ""
        self._rows: list[Row] = []
        self._columns: tuple[Column, ...] = ()

    def title(self, view: BoardView) -> str:
        title = "Leaderboard" + (f" · segment {view.segment}" if view.segment else "")
        return f"{title} · filter: {self.filter}" if self.filter else title

    def subtitle(self, view: BoardView) -> str:
        if not view.ranked:
            return ""
        shown = f"{len(self._rows)} of {len(view.ranked)} shown · " if self.filter else ""
        return f"{shown}{view.tried} tried · {view.kept} kept"

    def set_filter(self, words: str) -> None:
        """Show only the rows in which all the words are found."""
        self.filter = words.strip()
        self.redraw()

    def redraw(self) -> None:
        view, region = self.view, self.scrollable_content_region
        if view is None or not region.width:
            return
        self._rows = [row for row in view.ranked if not self.filter or matches(row, self.filter)]
        bar = self.styles.scrollbar_size_vertical
        width = region.width + (bar if self.show_vertical_scrollbar else 0)
        width -= bar if len(self._rows) + 1 > region.height else 0
        self._columns = columns_for(view, width)
        self.border_title, self.border_subtitle = Content(self.title(view)), Content(self.subtitle(view))
        self.virtual_size = Size(width, len(self._rows) + 1)
        if all(number_of(row) != self.selected for row in self._rows):
            first = next((row for row in self._rows if row.incumbent), self._rows[0] if self._rows else None)
            self._select(None if first is None else number_of(first))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, style = self.scrollable_content_region.width, self.visual_style
        if self.view is None or not self._rows:
            return self._strip(self._empty() if y == 0 else Content(""), width)
        if y == 0:
            return self._strip(self._head(), width)
        number = y - 1 + round(self.scroll_y)
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self.view.words(self._rows[number])
        content = self._line(row)
        if row.index == self.selected:
            style = style + self.get_visual_style("board--selected")
        strips = Visual.to_strips(self, content, width, 1, style, pad=True)
        return strips[0]

    def _strip(self, content: Content, width: int) -> Strip:
        strips = Visual.to_strips(self, content.truncate(width, ellipsis=True), width, 1, self.visual_style, pad=True)
        return strips[0] if strips else Strip.blank(width)

    def _empty(self) -> Content:
        if self.filter:
            return line((f"No experiment matches {self.filter!r}. Press / to change the filter.", DIM))
        return line(("The baseline and every experiment that ends appear here, the best first.", DIM))

    def _head(self) -> Content:
        cells = [_cell(column.heading, column) for column in self._columns]
        return line(("  ".join(cells), DIM))

    def _line(self, row: BoardRow) -> Content:
        parts: list[tuple[str, str] | str] = []
        for column in self._columns:
            text = column.text(row)
            if column.heading == WHAT:
                marks = [("◎ ", WARN)] if row.target else []
                marks += [("◆ ", WARN)] if row.incumbent else []
                room = column.width - 2 * len(marks)
                parts += [*marks, (Content(text).truncate(max(room, 1), ellipsis=True).plain, _words_style(row))]
                break
            parts += [(_cell(text, column), _style(column, row)), "  "]
        return Content.assemble(*parts)

    def _select(self, index: int | None) -> None:
        if index != self.selected:
            self.selected = index
            self.post_message(self.Selected(index))

    def _place(self) -> int:
        return next((place for place, row in enumerate(self._rows) if number_of(row) == self.selected), 0)

    def action_move(self, by: int) -> None:
        self._go(self._place() + by)

    def action_page(self, by: int) -> None:
        self._go(self._place() + by * max(self.scrollable_content_region.height - 2, 1))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._rows) - 1)

    def _go(self, place: int) -> None:
        if self._rows:
            place = min(max(place, 0), len(self._rows) - 1)
            self._select(number_of(self._rows[place]))
            self.scroll_to_region(Region(0, place, 1, 2), animate=False, force=True)
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset_capture(self).y - 1 + round(self.scroll_y)
        if event.get_content_offset_capture(self).y > 0 and place < len(self._rows):
            if number_of(self._rows[place]) == self.selected:
                self.post_message(self.Opened())
            self._go(place)


def _cell(text: str, column: Column) -> str:
    return text.rjust(column.width) if column.right else text.ljust(column.width)


def _words_style(row: BoardRow) -> str:
    return "" if row.status in ("keep", "baseline") else DIM


def _style(column: Column, row: BoardRow) -> str:
    if column.heading == "status":
        return row.colour
    if column.heading == PAIRS and row.better is not None:
        return GOOD if row.better else BAD
    return _words_style(row)
