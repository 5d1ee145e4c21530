"""The tab that shows what the time of an experiment was spent on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from autotune_tui.ui.details.pane import Context, Pane, empty_note
from autotune_tui.ui.details.phases import TimeView, lines, time_view
from autotune_tui.ui.widgets.panel import Panel


class PhaseBars(Panel[TimeView]):
    """A bar for each phase."""

    DEFAULT_CSS: ClassVar[str] = """
    PhaseBars { border: none; padding: 1 1; height: 1fr; }
    PhaseBars:focus { border: none; }
    """

    def lines(self, view: TimeView, width: int, height: int) -> list[Content]:
        return lines(view, width) if view.phases else []


class TimePane(Pane):
    """The phases of the experiment with their times."""

    def compose(self) -> ComposeResult:
        yield empty_note()
        yield PhaseBars(id="phases")

    def show(self, context: Context) -> None:
        self.context = context
        view = time_view(context.subject, context.now)
        self.say_empty(view.empty)
        self.query_one(PhaseBars).show(view)

    def copyable(self) -> str:
        view = self.query_one(PhaseBars).view
        return "".join(f"{name}\t{seconds!r}\n" for name, seconds in view.phases) if view else ""
