"""The base of the one-line widgets: a frozen view that is fitted into the width."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.content import Content
from textual.widget import Widget

V = TypeVar("V")


class Bar(Widget, Generic[V]):
    """One line; subclasses say what it is."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; padding: 0 1; background: $panel; text-wrap: nowrap; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.view: V | None = None

    def show(self, view: V) -> None:
        """Draw this view, if it is another than before."""
        if view != self.view:
            self.view = view
            self.refresh()

    def content(self, view: V, width: int) -> Content:
        raise NotImplementedError

    def render(self) -> Content:
        width = self.content_size.width
        return Content("") if self.view is None or not width else self.content(self.view, width)
