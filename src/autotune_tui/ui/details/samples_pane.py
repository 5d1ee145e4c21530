"""The tab that shows every sample of an experiment."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from autotune_tui.errors import JournalError
from autotune_tui.ui.details.pane import Context, Pane, empty_note
from autotune_tui.ui.details.sample_plot import plot
from autotune_tui.ui.details.samples import SamplesView, find_runs, samples_view
from autotune_tui.ui.widgets.panel import Panel


class SamplePlot(Panel[SamplesView]):
    """The samples in their order, both distributions, and the effect."""

    DEFAULT_CSS: ClassVar[str] = """
    SamplePlot { border: none; padding: 0 1; height: 1fr; }
    SamplePlot:focus { border: none; }
    """

    def lines(self, view: SamplesView, width: int, height: int) -> list[Content]:
        return plot(view, width, height) if view.runs else []


class SamplesPane(Pane):
    """Reads the samples, from the state while the experiment runs, else from its folder or the journal."""

    artifact = "result.txt"

    def compose(self) -> ComposeResult:
        yield empty_note()
        yield SamplePlot(id="samples")

    def show(self, context: Context) -> None:
        plotted = self.query_one(SamplePlot).view
        same = self.context is not None and self.context.subject == context.subject
        self.context = context
        if not (same and plotted is not None):
            self.load(partial(_read, context), self._show)

    def copyable(self) -> str:
        view = self.query_one(SamplePlot).view
        if view is None or not view.runs:
            return ""
        return "side\tvalue\n" + "".join(f"{run.side}\t{run.value!r}\n" for run in view.runs)

    def _show(self, view: SamplesView) -> None:
        self.say_empty(view.empty)
        self.query_one(SamplePlot).show(view)


def _read(context: Context) -> SamplesView:
    try:
        runs, retaken = find_runs(context.subject, context.journal, context.calibration)
    except JournalError:
        runs, retaken = (), 0
    return samples_view(context.subject, runs, retaken)
