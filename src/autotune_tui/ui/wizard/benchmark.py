"""Step 2: the benchmark and its metric. The command is run, and the number that is read is marked in what it printed (S3)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.worker import Worker

from autotune_tui.config import Metric
from autotune_tui.errors import AutotuneError, MeasureError
from autotune_tui.model.format import duration, improves, percent
from autotune_tui.model.format import metric as metric_text
from autotune_tui.reading import Found
from autotune_tui.ui.theme import BAD, GOOD, WARN
from autotune_tui.ui.wizard.draft import about
from autotune_tui.ui.wizard.form import Entry, FieldRow, propose
from autotune_tui.ui.wizard.output_view import OutputView
from autotune_tui.ui.wizard.process import json_lines
from autotune_tui.ui.wizard.step import Step
from autotune_tui.ui.wizard.text import Text
from autotune_tui.ui.wizard.trial import Marked, Trial, marked, shown_lines

SOURCES = {
    "cpu_time": "CPU time",
    "peak_rss": "peak memory",
    "metric_line": "METRIC line",
    "regex": "regular expression",
    "json": "JSON path",
    "line": "line number",
}
"""How the sources are called where their names would not be understood."""
USUAL = {
    "wall_time": ("time", "s"),
    "cpu_time": ("cpu_time", "s"),
    "peak_rss": ("peak_rss", "MiB"),
    "instructions": ("instructions", ""),
}
"""Name and unit that a source has as long as nobody typed another."""
ASKED_FOR = {"regex": "pattern", "json": "path", "line": "line"}
"""The field that says where a source finds its number."""


class BenchmarkStep(Step):
    title: ClassVar[str] = "Benchmark"
    owns: ClassVar[tuple[str, ...]] = ("benchmark", "metric")
    can_run: ClassVar[bool] = True

    DEFAULT_CSS = """
    BenchmarkStep #reading { height: auto; padding: 0 0 0 13; }
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.trial: Trial | None = None
        self._output = ""
        self._failure: AutotuneError | None = None
        self._work: Worker[None] | None = None
        self._busy = False
        self._doing = "starting"
        self._began = 0.0
        self.number_read = False
        self._held = ""

    def compose(self) -> ComposeResult:
        yield FieldRow(Entry("benchmark.command", placeholder="such as: python3 bench.py"), draft=self.draft)
        yield FieldRow(Entry("benchmark.build", placeholder="nothing has to be built"), draft=self.draft)
        yield FieldRow(Entry("metric.source", "Read from", words=SOURCES), draft=self.draft)
        yield FieldRow(
            Entry("metric.pattern", placeholder="such as: mean: ([0-9.]+)"), draft=self.draft, id="ask-regex"
        )
        yield FieldRow(
            Entry("metric.path", "JSON path", placeholder="such as: $.results[0].mean"), draft=self.draft, id="ask-json"
        )
        yield FieldRow(Entry("metric.line", "Line", placeholder="-1 is the last"), draft=self.draft, id="ask-line")
        yield FieldRow(
            Entry("metric.file", "In the file", placeholder="standard output"), draft=self.draft, id="ask-file"
        )
        yield FieldRow(Entry("metric.name", "Metric", 32), Entry("metric.unit", "Unit", 14, placeholder="none"),
                       Entry("metric.direction", "Better"), draft=self.draft)  # fmt: skip
        yield FieldRow(Entry("metric.target", "Target", 32, placeholder="a number"),
                       Entry("metric.threshold", "Worth keeping"), draft=self.draft)  # fmt: skip
        yield Text(id="reading")
        yield OutputView(id="output", empty="F5 runs the command once and shows here what it prints.")

    @property
    def running(self) -> bool:
        return self._busy

    def bring(self) -> None:
        super().bring()
        look = self.setup.look
        nothing = "no benchmark was found: type the command; `autotune-tui prepare` has one written"
        propose(self._row("benchmark.command"), look.benchmarks, self.draft, nothing)
        propose(self._row("benchmark.build"), look.builds, self.draft)
        self._show_asked()
        self.read_again()

    def typed(self, name: str) -> None:
        if name == "metric.source":
            self._take_usual()
            self._show_asked()
        elif name in ("benchmark.command", "benchmark.build"):
            row = self._row(name)
            propose(row, self.setup.look.benchmarks if name.endswith("command") else self.setup.look.builds, self.draft)
        if name.startswith("metric."):
            self.read_again()

    def hold(self) -> str:
        toml = self.draft.trial_toml()
        if self.number_read or self._held == toml:
            return ""
        self._held = toml
        return "no number was read yet: F5 runs the command; ctrl+n again goes on without"

    def say_held(self, words: str) -> None:
        reading = self.query_one("#reading", Text)
        reading.show(Content.styled(f"✗ {words}", BAD))
        reading.display = True

    def run_it(self) -> None:
        """Run the command once; again: stop it."""
        if self._busy and self._work:
            self._work.cancel()
            return
        wrong = about(("benchmark", "workspace"), self.draft.problems())
        if wrong:
            self.insisted = True
            self.show_errors(wrong)
            return
        self._work = self._try()

    @work(exclusive=True, group="trial")
    async def _try(self) -> None:
        source = self.draft.value("metric.source")
        self.trial, self._output, self._failure = None, "", None
        self._set_busy(True)
        try:
            lines = json_lines(
                "check", "--once", "--json", "--file", "-", str(self.setup.root), text=self.draft.trial_toml()
            )
            async with contextlib.aclosing(lines):
                async for record in lines:
                    self._hear(record, source)
        except AutotuneError as error:
            self._failure = error
        finally:
            self._set_busy(False)

    def on_mount(self) -> None:
        self._clock = self.set_interval(1.0, self._tick, pause=True)

    def _tick(self) -> None:
        self._view.border_title = Content(f"{self._doing}   {duration(time.monotonic() - self._began)}")

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self._began = time.monotonic()
        if busy:
            self._clock.resume()
        else:
            self._clock.pause()
        if self.is_attached:
            self.post_message(self.Running())
            self.read_again()

    def _hear(self, record: Mapping[str, Any], source: str) -> None:
        match record["type"]:
            case "doing":
                self._doing = str(record["text"])
                self._tick()
            case "output":
                self._output += str(record["text"])
                self._view.show(Marked(shown_lines(self._output)))
            case "run":
                self.trial = Trial.of(record, self._output, source)
                self._take_printed()
                self.setup.trial_seconds = self.trial.wall
            case "reading" if source == "instructions" and self.trial:
                self.trial = self.trial.with_count(record["value"])
            case "error" if self.trial is None:
                self._failure = AutotuneError(*(str(record[part]) for part in ("title", "message", "hint")))

    def read_again(self) -> None:
        """Read the last output with the metric as it is now, and show where the number stands."""
        if not self.is_mounted:
            return
        metric = self.draft.metric()
        found, words = self._read(metric)
        self.number_read = found is not None
        self.query_one("#reading", Text).show(words)
        self.query_one("#reading", Text).display = bool(words.plain)
        if self.trial and not self.running:
            self._view.show(marked(self.trial, metric, found))
            self._view.border_title = Content(f"Output of the last run, {duration(self.trial.wall)}")
            self._row("metric.name").propose("metric.name", tuple(self.trial.printed))
        elif not self.running:
            self._view.show(Marked())
            self._view.border_title = "Output"
        self._compare_target(metric, found)

    def _read(self, metric: Metric | None) -> tuple[Found | None, Content]:
        if self._failure:
            return None, _error(self._failure)
        if self.trial is None:
            return None, Content("")
        if metric is None:
            return None, Content.styled("✗ the metric's fields are not right yet", BAD)
        try:
            found = self.trial.read(metric)
        except MeasureError as error:
            return None, _error(error)
        return found, Content.styled(f"✓ read as {metric.name} = {metric_text(found.value, metric.unit)}", GOOD)

    def _compare_target(self, metric: Metric | None, found: Found | None) -> None:
        row = self._row("metric.target")
        if self.draft.no_target:
            row.say("no target: the session goes on until a limit of its budget")
        elif metric is None or found is None or self.draft.target is None or not found.value:
            row.say("")
        else:
            row.say(target_words(self.draft.target, found.value, metric.direction))

    def _take_usual(self) -> None:
        """Name and unit that go with the source, unless they were typed."""
        source = self.draft.value("metric.source")
        of_harness = self.draft.value("metric.name") in {name for name, _ in USUAL.values()}
        if source in USUAL:
            if of_harness or self.draft.origin("metric.name") != "you":
                self._take(*USUAL[source])
        elif of_harness:
            self._take("", "")
            self._take_printed()

    def _take_printed(self) -> None:
        """The name and unit of a METRIC line, unless they were typed."""
        if self.draft.value("metric.source") != "metric_line":
            return
        command = self.draft.text("benchmark.command").strip()
        said = next((each.fields for each in self.setup.look.benchmarks if each.command == command), {})
        printed = self.trial.printed if self.trial else {said["metric.name"]: ""} if "metric.name" in said else {}
        name = self.draft.value("metric.name")
        if self.draft.origin("metric.name") == "default" and name not in printed:
            name = next(iter(printed), "")
        if self.draft.origin("metric.unit") != "you" and name in printed:
            self._take(name, printed[name])

    def _take(self, name: str, unit: str) -> None:
        for field, text in (("metric.name", name), ("metric.unit", unit)):
            self.draft.take({field: text})
            self._row(field).set(field, text)

    def _show_asked(self) -> None:
        source = self.draft.value("metric.source")
        for name in ASKED_FOR:
            self.query_one(f"#ask-{name}").display = name == source
        self.query_one("#ask-file").display = source in ASKED_FOR

    @property
    def _view(self) -> OutputView:
        return self.query_one("#output", OutputView)

    def _row(self, name: str) -> FieldRow:
        return next(row for row in self.rows() if name in row.names)


def _error(error: AutotuneError) -> Content:
    words = " ".join(part for part in (f"{error.title.rstrip('.')}.", error.message, error.hint) if part)
    return Content.styled(f"✗ {words}", BAD)


def target_words(target: float, value: float, direction: str) -> Content:
    """How far the target is from what the last run gave."""
    change = target / value - 1.0
    if not improves(change, direction):
        return Content.styled("! the last run reaches it already", WARN)
    return Content.styled(f"✓ {percent(change)} from the last run", GOOD)
