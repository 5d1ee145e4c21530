"""The numbers of one sample: the harness's own figures, and what the benchmark printed or wrote (see `reading`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui import reading
from autotune_tui.errors import MeasureError
from autotune_tui.measure import instructions
from autotune_tui.measure.executors.base import Run
from autotune_tui.text import without_escapes

if TYPE_CHECKING:  # pydantic is slow to import
    from autotune_tui.config import Metric

FILE_LIMIT = 64 * 1024 * 1024
CLOCK_GRAIN = 0.05
"""Seconds by which a file's time may lie before the moment that it was written."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers of one sample."""

    value: float
    """The metric, in its own unit."""
    metrics: dict[str, float]
    """wall_time and cpu_time (s), peak_rss (bytes), and every other `METRIC` line that could be read."""
    problems: dict[str, str] = field(default_factory=dict)
    """Of `METRIC` lines that could not: name and why."""


def read(metric: Metric, run: Run, cwd: Path) -> Reading:
    """The metric's value and all others of a successful run in `cwd`. Raises MeasureError. Units: see `reading.find`."""
    printed, problems = reading.metric_lines(without_escapes(run.stdout))
    metrics = reading.figures(run)
    value = find(metric, run, cwd, text_of(metric, run, cwd)).value
    others = {name: found.value for name, found in printed.items() if name not in metrics and name != metric.name}
    return Reading(value, metrics | others, problems)


def find(metric: Metric, run: Run, cwd: Path, text: str) -> reading.Found:
    """The metric's value and its place in `text`, which is that of `text_of`. Raises MeasureError."""
    if metric.source == "instructions":
        return reading.Found(instructions.read(run, cwd))
    return reading.find(metric, run, text)


def wrap(metric: Metric, argv: tuple[str, ...], cwd: Path) -> tuple[str, ...]:
    """The command that has to be run in `cwd` for `read` to find the metric. Raises MeasureError when a tool is missing."""
    return instructions.wrap(argv, cwd) if metric.source == "instructions" else argv


def text_of(metric: Metric, run: Run, cwd: Path) -> str:
    """What to look into: standard output, or the configured file if this run wrote it; empty for other sources.

    Raises MeasureError.
    """
    if metric.source not in reading.FROM_TEXT:
        return ""
    if not metric.file:
        return reading.standard_output(run)
    path = cwd / metric.file
    hint = "Make the benchmark write it anew in each run, or correct metric.file."
    try:
        found = path.stat()
        if found.st_mtime < run.started_at - CLOCK_GRAIN:
            if not found.st_size:  # made by us, so that it could be written
                raise FileNotFoundError
            raise MeasureError(f"{metric.file} is old", "The benchmark did not write it in this run.", hint)
        with path.open("rb") as file:
            return without_escapes(file.read(FILE_LIMIT).decode(errors="replace"))
    except FileNotFoundError:
        message = f"The benchmark did not write it. {reading.said(run)}"
        raise MeasureError(f"{metric.file} is missing", message, hint) from None
    except OSError as error:
        raise MeasureError(f"{metric.file} cannot be read", str(error), hint) from None
