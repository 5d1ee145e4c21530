"""The trend panel: all experiments over time."""

from __future__ import annotations

from textual.content import Content

from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import DIM
from autotune_tui.ui.trend import LEGEND, TrendView, chart
from autotune_tui.ui.widgets.panel import Panel


class TrendPanel(Panel[TrendView]):
    """The value of every experiment, and the best so far."""

    heading = "Trend"

    def subtitle(self, view: TrendView) -> str:
        if not view.points or self.size.width < len(LEGEND) + 14:
            return ""
        return LEGEND + ("  ⠒ target" if view.target is not None else "")

    def lines(self, view: TrendView, width: int, height: int) -> list[Content]:
        if not view.points:
            return line(("The baseline comes first, then a mark for every experiment.", DIM)).wrap(width)
        return chart(view, width, height)
