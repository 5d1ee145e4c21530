"""Where a metric's value is read from: the harness's own figures, or what the benchmark printed or wrote.

`METRIC` lines have the form `METRIC name=value`, optionally followed by a space and a unit, alone on a line of standard
output. Only finite decimal numbers count, and one metric may not have two values in one run.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune_tui.errors import MeasureError
from autotune_tui.measure import instructions
from autotune_tui.measure.executors.base import Run
from autotune_tui.measure.text import without_escapes

if TYPE_CHECKING:  # pydantic is slow to import
    from autotune_tui.config import Metric

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
METRIC_LINE = re.compile(r"\s*METRIC\s+([\w.\-/]+)\s*=\s*(\S*)(?:\s+\S+)?\s*")
HARNESS = ("wall_time", "cpu_time", "peak_rss")
UNITS = {
    "wall_time": {"s": 1.0, "ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9, "min": 1 / 60, "h": 1 / 3600},
    "peak_rss": {"kB": 1e-3, "KB": 1e-3, "MB": 1e-6, "GB": 1e-9, "KiB": 2**-10, "MiB": 2**-20, "GiB": 2**-30},
}
UNITS["cpu_time"] = UNITS["wall_time"]
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
    """The metric's value and all others of a successful run in `cwd`. Raises MeasureError.

    Times are in the metric's unit when it is one of s, ms, us, ns, min, h, else in seconds; peak RSS likewise in B, kB, MB,
    GB, KiB, MiB, GiB, else in bytes.
    """
    printed, problems = metric_lines(run.stdout)
    metrics = {"wall_time": run.wall, "cpu_time": run.cpu, "peak_rss": float(run.peak_rss)}
    match metric.source.value:
        case "wall_time" | "cpu_time" | "peak_rss" as source:
            if source == "peak_rss" and run.peak_rss <= run.rss_floor:
                raise _too_small(run)
            value = metrics[source] * UNITS[source].get(metric.unit, 1.0)
        case "instructions":
            value = instructions.read(run, cwd)
        case "metric_line":
            value = _printed(metric.name, printed, problems, run)
        case "regex":
            value = by_regex(metric.pattern, _text(metric, run, cwd))
        case "json":
            value = by_json_path(metric.path, _text(metric, run, cwd))
        case _:
            value = by_line(metric.line, _text(metric, run, cwd))
    others = {name: number for name, number in printed.items() if name not in HARNESS and name != metric.name}
    return Reading(value, metrics | others, problems)


def wrap(metric: Metric, argv: tuple[str, ...], cwd: Path) -> tuple[str, ...]:
    """The command that has to be run in `cwd` for `read` to find the metric. Raises MeasureError when a tool is missing."""
    return instructions.wrap(argv, cwd) if metric.source.value == "instructions" else argv


def metric_lines(text: str) -> tuple[dict[str, float], dict[str, str]]:
    """The values of all `METRIC` lines by name, and for the names that have none, why."""
    values: dict[str, float] = {}
    problems: dict[str, str] = {}
    for line in text.splitlines() if "METRIC" in text else ():
        match = METRIC_LINE.fullmatch(without_escapes(line))
        if not match:
            continue
        name, word = match.groups()
        if not NUMBER.fullmatch(word) or not math.isfinite(float(word)):
            problems.setdefault(name, f"its value {word!r} is {_what(word)}")
        elif values.setdefault(name, float(word)) != float(word):
            problems.setdefault(name, f"it has two different values, {values[name]:g} and {float(word):g}")
    return {name: value for name, value in values.items() if name not in problems}, problems


def by_regex(pattern: str, text: str) -> float:
    """The number that group `value`, else group 1, of a valid regular expression matches. Raises MeasureError."""
    expression = re.compile(pattern, re.MULTILINE)
    group: str | int = "value" if "value" in expression.groupindex else 1
    words = [match[group] or "" for match in expression.finditer(text)]
    if not words:
        raise MeasureError(
            "The metric's pattern matches nothing",
            f"{pattern!r} was not found in {_excerpt(text)}.",
            "Run the benchmark yourself and compare its output with metric.pattern.",
        )
    return _one((_number(word, f"what {pattern!r} matches") for word in words), "Make metric.pattern match one place.")


def by_json_path(path: str, text: str) -> float:
    """The number at a valid JSONPath of a JSON text, or of the last line that is JSON. Raises MeasureError."""
    import jsonpath

    data = _json(text)
    found = jsonpath.findall(path, data)
    if not found:
        keys = f" Its top level has {', '.join(map(str, list(data)[:12]))}." if isinstance(data, dict) else ""
        raise MeasureError(
            "The metric's path leads nowhere", f"The JSON has nothing at {path!r}.{keys}", "Correct metric.path."
        )
    return _one((_json_number(value, path) for value in found), "Make metric.path lead to one number.")


def by_line(line: int, text: str) -> float:
    """The number alone on a line but for a unit. Lines count from 1, or from -1 for the last. Raises MeasureError."""
    lines = text.rstrip().splitlines()
    if not 1 <= abs(line) <= len(lines):
        found = f"The output has {len(lines)} lines; they count from 1, or from -1 for the last."
        raise MeasureError(f"There is no line {line}", found, "Correct metric.line.")
    text = lines[line - 1 if line > 0 else line]
    words = text.split()
    return _number(words[0] if len(words) in (1, 2) else text, f"line {line}")


def _printed(name: str, printed: dict[str, float], problems: dict[str, str], run: Run) -> float:
    if name in printed:
        return printed[name]
    if name in problems:
        raise MeasureError(
            f"The metric {name} cannot be used",
            f"In the benchmark's output {problems[name]}.",
            f"Print one line of the form: METRIC {name}=1.25",
        )
    others = sorted({*printed, *problems})
    if others:
        near = difflib.get_close_matches(name, others, 1)
        found = f"It printed {', '.join(others[:12])}." + (f" Is it {near[0]}?" if near else "")
    else:
        found = _said(run)
    raise MeasureError(
        f"The metric {name} was never printed",
        found,
        f"Print a line of the form METRIC {name}=1.25, or correct metric.name.",
    )


def _text(metric: Metric, run: Run, cwd: Path) -> str:
    """What to look into: standard output, or the configured file if this run wrote it."""
    if not metric.file:
        if not run.stdout.strip():
            raise MeasureError(
                "The benchmark printed nothing", _said(run), "Print the metric to standard output, or set metric.file."
            )
        return without_escapes(run.stdout)
    path = cwd / metric.file
    hint = "Make the benchmark write it anew in each run, or correct metric.file."
    try:
        written = path.stat().st_mtime
        if written < run.started_at - CLOCK_GRAIN:
            raise MeasureError(f"{metric.file} is old", "The benchmark did not write it in this run.", hint)
        with path.open("rb") as file:
            return without_escapes(file.read(FILE_LIMIT).decode(errors="replace"))
    except FileNotFoundError:
        raise MeasureError(f"{metric.file} is missing", f"The benchmark did not write it. {_said(run)}", hint) from None
    except OSError as error:
        raise MeasureError(f"{metric.file} cannot be read", str(error), hint) from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        for line in reversed(text.splitlines()):
            if line.lstrip().startswith(("{", "[")):
                try:
                    return json.loads(line)
                except ValueError:
                    break
        raise MeasureError(
            "The benchmark's output is no JSON",
            f"{error}, in {_excerpt(text)}.",
            "Print JSON alone, or as the last line; or write it to a file and set metric.file.",
        ) from None


def _json_number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MeasureError(
            "The metric is not a number", f"At {path!r} there is {json.dumps(value)[:80]}.", "Correct metric.path."
        )
    if not math.isfinite(value):
        raise MeasureError("The metric is not finite", f"At {path!r} there is {value}.", "Only finite numbers count.")
    return float(value)


def _number(word: str, where: str) -> float:
    word = word.strip()
    if NUMBER.fullmatch(word) and math.isfinite(float(word)):
        return float(word)
    if NOT_FINITE.fullmatch(word):
        raise MeasureError("The metric is not finite", f"{where} is {word!r}.", "Only finite numbers count.")
    raise MeasureError(
        "The metric is not a number", f"{where} is {word[:80]!r}.", "A number looks like 1250, 1.25 or 1.25e-3."
    )


def _one(values: Iterable[float], hint: str) -> float:
    """The value that all of them have."""
    first, *others = values
    different = next((value for value in others if value != first), None)
    if different is not None:
        raise MeasureError(
            "The metric has two different values", f"{first:g} and {different:g} were found in one run.", hint
        )
    return first


def _what(word: str) -> str:
    return "not finite" if NOT_FINITE.fullmatch(word) or NUMBER.fullmatch(word) else "not a number"


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= 120 else f"{words[:60]} ... {words[-60:]}") if words else "an empty output"


def _said(run: Run) -> str:
    """What the benchmark printed instead, for an error's message."""
    lines = [line for line in run.tail.splitlines() if line.strip()]
    if not lines:
        return "Its output is empty."
    missing = f" ({run.left_out} bytes in the middle of its output were not kept)" if run.left_out else ""
    return f"Its last line is {lines[-1][:120]!r}{missing}."


def _too_small(run: Run) -> MeasureError:
    return MeasureError(
        "The benchmark's memory is too small to be seen",
        f"Its peak is below the {run.rss_floor / 1e6:.0f} MB that the process has which starts it.",
        "Measure a larger input, or let the benchmark print its own figure as a METRIC line.",
    )
