"""Step 6: everything is tried on the unchanged code, and shown while it runs (S7)."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.worker import Worker

from autotune_tui.errors import AutotuneError
from autotune_tui.model.format import duration, one_line
from autotune_tui.ui.lines import labelled
from autotune_tui.ui.theme import BAD, DIM, GOOD, WARN
from autotune_tui.ui.wizard.process import json_lines
from autotune_tui.ui.wizard.runs_chart import RunsView, chart, heading
from autotune_tui.ui.wizard.step import Step
from autotune_tui.ui.wizard.text import Text

MARKS = {"pass": ("✓", GOOD), "warn": ("!", WARN), "fail": ("✗", BAD)}
_TITLE = 23


class RunsChart(Widget):
    """The samples, drawn as they come."""

    DEFAULT_CSS = """
    RunsChart { height: 7; display: none; }
    WizardScreen.-roomy RunsChart { height: 12; }
    """

    view = RunsView()

    def show(self, view: RunsView) -> None:
        self.view = view
        self.display = bool(view.values)
        self.refresh()

    def render(self) -> Content:
        width, height = self.content_size
        return Content("\n").join([heading(self.view), *chart(self.view, width, height - 1)])


def finding(line: Mapping[str, Any], width: int) -> list[Content]:
    """One line of the preflight: mark, what was looked at, what was found, and what to do about it; wrapped."""
    mark, style = MARKS[line["status"]]
    detail = "\n".join(one_line(part, 400) for part in str(line["detail"]).split("\n") if part.strip())
    title = one_line(str(line["title"]), 60)
    hint = one_line(str(line["hint"]), 400)
    rows = labelled(f"{mark} {title}", Content(detail), width, label_width=_TITLE, style=style)
    if len(title) > _TITLE - 3:  # the title of an error is a sentence
        rows = [Content.styled(f"{mark} {title}", style), *labelled("", Content(detail), width, label_width=2)]
    return rows + (labelled("", Content.styled(hint, DIM), width, label_width=_TITLE) if hint else [])


class Findings(Widget):
    """The preflight's lines."""

    DEFAULT_CSS = "Findings { height: auto; }"

    lines: tuple[Mapping[str, Any], ...] = ()

    def show(self, lines: Sequence[Mapping[str, Any]]) -> None:
        self.lines = tuple(lines)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return sum(len(finding(line, width)) for line in self.lines)

    def render(self) -> Content:
        width = self.content_size.width
        return Content("\n").join(row for line in self.lines for row in finding(line, width))


class PreflightStep(Step):
    title: ClassVar[str] = "Preflight"
    can_run: ClassVar[bool] = True

    DEFAULT_CSS = """
    PreflightStep #about { height: auto; }
    PreflightStep VerticalScroll { height: 1fr; margin: 1 0 0 0; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._work: Worker[None] | None = None
        self._busy = False
        self._began = 0.0
        self._lines: list[Mapping[str, Any]] = []
        self._samples: list[Mapping[str, Any]] = []

    def compose(self) -> ComposeResult:
        yield Text(id="about")
        with VerticalScroll():
            yield Findings()
        yield RunsChart()

    @property
    def running(self) -> bool:
        return self._busy

    def bring(self) -> None:
        super().bring()
        self._show()

    def entered(self) -> None:
        self._show()

    def run_it(self) -> None:
        """Run it; again: stop it."""
        if self._busy and self._work:
            self._work.cancel()
        elif not self.draft.problems():
            self._work = self._check()

    @work(exclusive=True, group="trial")
    async def _check(self) -> None:
        toml = self.draft.toml()
        self._lines, self._samples, self.setup.checked = [], [], ""
        self._set_busy(True)
        try:
            async with contextlib.aclosing(
                json_lines("check", "--json", "--file", "-", str(self.setup.root), text=toml)
            ) as lines:
                async for record in lines:
                    (self._lines if "status" in record else self._samples).append(record)
                    self._show()
            self.setup.checked = toml
        except AutotuneError as error:
            self._lines.append({"status": "fail", "title": error.title, "detail": error.message, "hint": error.hint})
        finally:
            self._set_busy(False)

    def on_mount(self) -> None:
        self._clock = self.set_interval(1.0, self._show, pause=True)

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._began = time.monotonic()
        if busy:
            self._clock.resume()
        else:
            self._clock.pause()
        found = Counter(line["status"] for line in self._lines)
        self.setup.findings = (found["pass"], found["warn"], found["fail"])
        if self.is_attached:
            self.post_message(self.Running())
            self._show()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self.query_one("#about", Text).show(self._about())
        self.query_one(Findings).show(self._lines)
        last = self._samples[-1] if self._samples else {}
        self.query_one(RunsChart).show(
            RunsView(
                tuple(float(sample["value"]) for sample in self._samples),
                tuple(str(sample.get("side", "")) for sample in self._samples),
                int(last.get("expected", 0)) if self._busy else len(self._samples),
                self.draft.value("metric.unit"),
            )
        )

    def _about(self) -> Content:
        wrong = self.draft.problems()
        if wrong:
            return Content.styled(f"✗ First: {', '.join(wrong)}. The steps with ! say what is missing.", BAD)
        if self.running:
            so_far = duration(time.monotonic() - self._began)
            return Content.styled(
                f"It runs on the unchanged code, in worktrees of its own. {so_far} so far; F5 stops it.", DIM
            )
        if self.setup.checked == self.draft.toml():
            passed, warned, failed = self.setup.findings
            return Content(verdict(passed, warned, failed))
        took = f" The last one took {duration(self.setup.trial_seconds)}." if self.setup.trial_seconds else ""
        changed = "Something was changed since it ran. " if self._lines else ""
        return Content(
            f"{changed}F5 tries everything on the unchanged code: git, scope, build, checks, and then up to 20 runs of the "
            f"benchmark, which show how steady it is and what a decision costs.{took}"
        )


def verdict(passed: int, warned: int, failed: int) -> str:
    """What the preflight came to, in words."""
    if failed:
        return f"✗ {failed} of {passed + warned + failed} findings would keep the session from working."
    if warned:
        verb = "is" if warned == 1 else "are"
        return f"! It works; {warned} of {passed + warned} findings {verb} worth knowing before you go on."
    return f"✓ All {passed} findings are good."
