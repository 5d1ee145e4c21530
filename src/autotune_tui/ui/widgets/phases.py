"""The line of phases, which fills up while an experiment goes on."""

from __future__ import annotations

from textual.content import Content

from autotune_tui.model import format as fmt
from autotune_tui.ui.lines import Piece, fit, line
from autotune_tui.ui.theme import DIM, GOOD, TITLE, WARN
from autotune_tui.ui.views import PhasesView
from autotune_tui.ui.widgets.bar import Bar

_BRIEF = 0.05
"""Phases that took fewer seconds are shown without their time, unless there is room."""


class PhasesLine(Bar[PhasesView]):
    """Which phases are done, which runs and since when, which follow."""

    DEFAULT_CSS = "PhasesLine { background: $background; }"

    def content(self, view: PhasesView, width: int) -> Content:
        if not view.title:
            return line((view.last, DIM)).truncate(width, ellipsis=True)
        if not view.done and not view.waiting:
            return self._current(view).truncate(width, ellipsis=True)
        pieces = [Piece(98, line((view.title, "bold")))]
        for place, (name, seconds) in enumerate(view.done):
            long = line(("✓ ", GOOD), name, (f" {fmt.duration(seconds)}" if seconds >= _BRIEF else "", DIM))
            pieces.append(Piece(10 + place, long, line(("✓", GOOD), name)))
        if view.running:
            pieces.append(Piece(99, self._current(view)))
        for place, name in enumerate(view.waiting):
            pieces.append(Piece(50 - place, line((name, DIM))))
        return fit(pieces, width)

    def _current(self, view: PhasesView) -> Content:
        if not view.elapsed:
            return line((f"‖ {view.running} stands still", WARN))
        return line((f"▶ {view.running} {view.elapsed}", f"bold {TITLE}"))
