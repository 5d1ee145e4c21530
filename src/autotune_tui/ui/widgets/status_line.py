"""The status line: what lasts and should be known while one looks at the rest."""

from __future__ import annotations

from textual.content import Content

from autotune_tui.ui.lines import Piece, fit, line
from autotune_tui.ui.theme import BAD, TITLE, WARN
from autotune_tui.ui.views import Standing
from autotune_tui.ui.widgets.bar import Bar

_MARKS = {"info": ("i", TITLE), "warning": ("!", WARN), "bad": ("✗", BAD)}


class StatusLine(Bar[tuple[Standing, ...]]):
    """Not there at all while there is nothing to say."""

    DEFAULT_CSS = "StatusLine { display: none; } StatusLine.-said { display: block; }"

    def show(self, view: tuple[Standing, ...]) -> None:
        super().show(view)
        self.set_class(bool(view), "-said")

    def content(self, view: tuple[Standing, ...], width: int) -> Content:
        pieces = []
        for place, standing in enumerate(view):
            mark, colour = _MARKS[standing.level]
            short = line((f"{mark} {standing.short}", colour)) if standing.short else None
            pieces.append(Piece(-place, line((f"{mark} {standing.text}", colour)), short))
        return fit(pieces, width, "   ")
