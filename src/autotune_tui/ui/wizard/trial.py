"""The last run of the benchmark, and the number that the metric reads in it; read anew without another run (S3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from autotune_tui import reading
from autotune_tui.config import Metric
from autotune_tui.errors import MeasureError
from autotune_tui.model.value import Value, frozen
from autotune_tui.text import HARMFUL, without_escapes

_LAST = 2000
"""Lines of output that are shown; the number is marked in them if it stands there."""


@frozen
class Trial(Value):
    """What `check --once` told of a run. Times are seconds, sizes bytes."""

    output: str = ""
    """Standard output and error together, as they came."""
    failure: str = ""
    stdout: str = ""
    tail: str = ""
    left_out: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    peak_rss: int = 0
    rss_floor: int = 0
    file: str = ""
    file_text: str | None = None
    source: str = ""
    """The source that was set when it ran; instructions are only counted then."""
    counted: float | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any], output: str, source: str) -> Trial:
        """Of a line of type `run`."""
        return cls(output=output, source=source, **{name: record[name] for name in _RECORDED})

    def read(self, metric: Metric) -> reading.Found:
        """The number that this metric reads in the run. Raises MeasureError."""
        if self.failure:
            raise MeasureError("The benchmark fails", f"{self.failure}.")
        if metric.source == "instructions":
            if self.counted is None:
                raise MeasureError("Instructions are counted under valgrind", hint="F5 runs it there.")
            return reading.Found(self.counted)
        return reading.find(metric, self, self._text(metric))

    def _text(self, metric: Metric) -> str:
        if metric.source not in reading.FROM_TEXT:
            return ""
        if not metric.file:
            return reading.standard_output(self)
        if metric.file != self.file or self.file_text is None:
            raise MeasureError(f"What it writes to {metric.file} is not known yet", hint="F5 runs it again.")
        return self.file_text

    def with_count(self, value: float) -> Trial:
        """The same run, with the instructions that were counted in it."""
        return dataclasses.replace(self, counted=value)

    @property
    def printed(self) -> Mapping[str, str]:
        """The metrics that it printed in METRIC lines, with their units."""
        text = without_escapes(self.stdout)
        return {
            name: text[found.end :].partition("\n")[0].strip() for name, found in reading.metric_lines(text)[0].items()
        }


_RECORDED = ("failure", "stdout", "tail", "left_out", "wall", "cpu", "peak_rss", "rss_floor", "file", "file_text")


@frozen
class Marked(Value):
    """Lines to show, and where the number stands among them: line (-1: nowhere), first and last column + 1."""

    lines: tuple[str, ...] = ()
    line: int = -1
    start: int = 0
    end: int = 0


def marked(trial: Trial, metric: Metric | None, found: reading.Found | None) -> Marked:
    """The output with the number that was read; the metric's file when it was read there."""
    if found is None or metric is None or not found.end:
        return Marked(shown_lines(trial.output))
    if metric.file:
        text, start = trial.file_text or "", found.start
    else:
        text = without_escapes(trial.output)
        start = _same_place(without_escapes(trial.stdout), text, found.start)
    if start < 0:
        return Marked(shown_lines(trial.output))
    line, column = text.count("\n", 0, start), start - text.rfind("\n", 0, start) - 1
    every = shown_lines(text)
    line -= max(text.count("\n") + (not text.endswith("\n")) - len(every), 0)
    return Marked(every, line, column, column + found.end - found.start) if line >= 0 else Marked(every)


def shown_lines(text: str) -> tuple[str, ...]:
    """The last lines of an output, safe to show; every character stays at its place."""
    lines = without_escapes(text).removesuffix("\n").split("\n")[-_LAST:]
    return tuple(HARMFUL.sub(" ", line).replace("\t", " ") for line in lines) if text else ()


def _same_place(stdout: str, together: str, at: int) -> int:
    """Where a place of standard output is in the two streams together: the same of the equal lines; -1 when it is not."""
    first = stdout.rfind("\n", 0, at) + 1
    line = stdout[first:].partition("\n")[0]
    number = stdout[:first].split("\n").count(line)
    place = 0
    for other in together.split("\n"):
        if other == line:
            if not number:
                return place + at - first
            number -= 1
        place += len(other) + 1
    return -1
