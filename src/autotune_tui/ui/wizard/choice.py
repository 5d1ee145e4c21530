"""One of a few words, chosen with left and right: all of them are seen, the chosen one has a full circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from autotune_tui.ui.theme import DIM

_GAP = 2


def rows_of(labels: Sequence[str], width: int) -> list[list[int]]:
    """Which options stand in which row, so that none is wider than `width` cells where that can be."""
    rows: list[list[int]] = [[]]
    used = 0
    for place, label in enumerate(labels):
        length = len(label) + 2
        if rows[-1] and used + _GAP + length > width:
            rows.append([])
            used = 0
        used += length + (_GAP if rows[-1] else 0)
        rows[-1].append(place)
    return rows


class Choice(Widget, can_focus=True):
    """A row of options.

    | key | what it does |
    | --- | --- |
    | left, right | the option before, after |
    | space | the next option, the first after the last |
    """

    DEFAULT_CSS = """
    Choice { height: auto; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Before", show=False),
        Binding("right", "step(1)", "After", show=False),
        Binding("space", "around", "Next", show=False),
        Binding("up", "app.focus_previous", "Up", show=False),
        Binding("down,enter", "app.focus_next", "Down", show=False),
    ]

    chosen: reactive[int] = reactive(0)

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, choice: Choice, value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str, *, id: str) -> None:
        """`options` are values with their labels."""
        super().__init__(id=id)
        self.options = tuple(options)
        self.set_reactive(Choice.chosen, self._place(value))

    @property
    def value(self) -> str:
        return self.options[self.chosen][0]

    @value.setter
    def value(self, value: str) -> None:
        self.chosen = self._place(value)

    def _place(self, value: str) -> int:
        return next((place for place, (known, _) in enumerate(self.options) if known == value), 0)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(rows_of(self._labels, width))

    @property
    def _labels(self) -> list[str]:
        return [label for _, label in self.options]

    def render(self) -> Content:
        rows = rows_of(self._labels, self.content_size.width)
        return Content("\n").join(Content(" " * _GAP).join(self._option(place) for place in row) for row in rows)

    def _option(self, place: int) -> Content:
        label = self.options[place][1]
        if place != self.chosen:
            return Content.styled(f"○ {label}", DIM)
        return Content.styled(
            f"● {label}", "bold $block-cursor-foreground on $block-cursor-background" if self.has_focus else "bold"
        )

    def watch_chosen(self) -> None:
        self.post_message(self.Changed(self, self.value))

    def action_step(self, by: int) -> None:
        self.chosen = min(max(self.chosen + by, 0), len(self.options) - 1)

    def action_around(self) -> None:
        self.chosen = (self.chosen + 1) % len(self.options)

    def on_click(self, event: events.Click) -> None:
        rows = rows_of(self._labels, self.content_size.width)
        left = 0
        for place in rows[min(event.y, len(rows) - 1)]:
            left += len(self.options[place][1]) + 2 + _GAP
            if event.x < left:
                self.chosen = place
                return
