"""A line with words at both of its ends."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from autotune_tui.ui.lines import spread


class Ends(Widget):
    """Lays its words out when it is drawn: their width is not known before the first layout, and changes."""

    DEFAULT_CSS = "Ends { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left = self._right = Content.empty()

    def show(self, left: Content, right: Content) -> None:
        self._left, self._right = left, right
        self.refresh()

    def render(self) -> Content:
        return spread(self._left, self._right, self.content_size.width)
