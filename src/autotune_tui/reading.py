"""Where the metric's value stands in what a benchmark printed: pure readers of text, for the harness and for screens.

`METRIC` lines have the form `METRIC name=value`, optionally followed by a space and a unit, alone on a line of standard
output. Only finite decimal numbers count, and one metric may not have two values in one run.

Every reader takes a text without escape sequences and says where in it the number is, so that a screen can mark it.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from autotune_tui.errors import MeasureError
from autotune_tui.text import without_escapes

if TYPE_CHECKING:  # pydantic is slow to import
    from autotune_tui.config import Metric

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
METRIC_LINE = re.compile(r"\s*METRIC\s+([\w.\-/]+)\s*=\s*(\S*)(?:\s+\S+)?\s*")
UNITS = {
    "wall_time": {"s": 1.0, "ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9, "min": 1 / 60, "h": 1 / 3600},
    "peak_rss": {"kB": 1e-3, "KB": 1e-3, "MB": 1e-6, "GB": 1e-9, "KiB": 2**-10, "MiB": 2**-20, "GiB": 2**-30},
}
UNITS["cpu_time"] = UNITS["wall_time"]
FROM_TEXT = ("regex", "json", "line")
"""The sources that look into standard output or a file."""


class Output(Protocol):
    """What a run left behind, as far as a reader needs it. Times are seconds, sizes bytes."""

    @property
    def stdout(self) -> str: ...
    @property
    def tail(self) -> str: ...
    @property
    def left_out(self) -> int: ...
    @property
    def wall(self) -> float: ...
    @property
    def cpu(self) -> float: ...
    @property
    def peak_rss(self) -> int: ...
    @property
    def rss_floor(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A number, and where in the text it stands; `end` is 0 when it is a figure of the harness."""

    value: float
    start: int = 0
    end: int = 0


def find(metric: Metric, output: Output, text: str = "") -> Found:
    """The metric's value in a successful run. Raises MeasureError.

    `text` is what regex, json and line look into. Times are in the metric's unit when it is one of s, ms, us, ns, min, h,
    else in seconds; peak RSS likewise in B, kB, MB, GB, KiB, MiB, GiB, else in bytes. Instructions are counted elsewhere.
    """
    match metric.source.value:
        case "metric_line":
            return printed(metric.name, output)
        case "regex":
            return by_regex(metric.pattern, text)
        case "json":
            return by_json_path(metric.path, text)
        case "line":
            return by_line(metric.line, text)
        case source:
            value = figures(output)[source]
            if source == "peak_rss" and output.peak_rss <= output.rss_floor:
                raise _too_small(output)
            return Found(value * UNITS[source].get(metric.unit, 1.0))


def figures(output: Output) -> dict[str, float]:
    """What the harness takes itself for every sample."""
    return {"wall_time": output.wall, "cpu_time": output.cpu, "peak_rss": float(output.peak_rss)}


def standard_output(output: Output) -> str:
    """Standard output to look into. Raises MeasureError when there is none."""
    if not output.stdout.strip():
        raise MeasureError(
            "The benchmark printed nothing", said(output), "Print the metric to standard output, or set metric.file."
        )
    return without_escapes(output.stdout)


def metric_lines(text: str) -> tuple[dict[str, Found], dict[str, str]]:
    """The values of all `METRIC` lines by name, and for the names that have none, why."""
    values: dict[str, Found] = {}
    problems: dict[str, str] = {}
    for start, line in _lines(text) if "METRIC" in text else ():
        match = METRIC_LINE.fullmatch(line)
        if not match:
            continue
        name, word = match.groups()
        if not NUMBER.fullmatch(word) or not math.isfinite(float(word)):
            problems.setdefault(name, f"its value {word!r} is {_what(word)}")
        else:
            found = Found(float(word), start + match.start(2), start + match.end(2))
            if (first := values.setdefault(name, found)).value != found.value:
                problems.setdefault(name, f"it has two different values, {first.value:g} and {found.value:g}")
    return {name: found for name, found in values.items() if name not in problems}, problems


def printed(name: str, output: Output) -> Found:
    """The value of the `METRIC` line with that name on standard output. Raises MeasureError."""
    values, problems = metric_lines(without_escapes(output.stdout))
    if name in values:
        return values[name]
    if name in problems:
        raise MeasureError(
            f"The metric {name} cannot be used",
            f"In the benchmark's output {problems[name]}.",
            f"Print one line of the form: METRIC {name}=1.25",
        )
    others = sorted({*values, *problems})
    if others:
        near = difflib.get_close_matches(name, others, 1)
        found = f"It printed {', '.join(others[:12])}." + (f" Is it {near[0]}?" if near else "")
    else:
        found = said(output)
    raise MeasureError(
        f"The metric {name} was never printed",
        found,
        f"Print a line of the form METRIC {name}=1.25, or correct metric.name.",
    )


def by_regex(pattern: str, text: str) -> Found:
    """The number that group `value`, else group 1, of a valid regular expression matches. Raises MeasureError."""
    expression = re.compile(pattern, re.MULTILINE)
    group: str | int = "value" if "value" in expression.groupindex else 1
    matches = list(expression.finditer(text))
    if not matches:
        raise MeasureError(
            "The metric's pattern matches nothing",
            f"{pattern!r} was not found in {_excerpt(text)}.",
            "Run the benchmark yourself and compare its output with metric.pattern.",
        )
    where = f"what {pattern!r} matches"
    numbers = (Found(_number(match[group] or "", where), *match.span(group)) for match in matches)
    return _one(numbers, "Make metric.pattern match one place.")


def by_json_path(path: str, text: str) -> Found:
    """The number at a valid JSONPath of a JSON text, or of the last line that is JSON. Raises MeasureError."""
    import jsonpath

    start, data = _json(text)
    matches = list(jsonpath.finditer(path, data))
    if not matches:
        keys = f" Its top level has {', '.join(map(str, list(data)[:12]))}." if isinstance(data, dict) else ""
        raise MeasureError(
            "The metric's path leads nowhere", f"The JSON has nothing at {path!r}.{keys}", "Correct metric.path."
        )
    numbers = (Found(_json_number(match.obj, path), *_json_place(text, start, match.parts)) for match in matches)
    return _one(numbers, "Make metric.path lead to one number.")


def by_line(line: int, text: str) -> Found:
    """The number alone on a line but for a unit. Lines count from 1, or from -1 for the last. Raises MeasureError."""
    lines = list(_lines(text.rstrip()))
    if not 1 <= abs(line) <= len(lines):
        found = f"The output has {len(lines)} lines; they count from 1, or from -1 for the last."
        raise MeasureError(f"There is no line {line}", found, "Correct metric.line.")
    start, shown = lines[line - 1 if line > 0 else line]
    words = shown.split()
    word = words[0] if len(words) in (1, 2) else shown.strip()
    start += shown.find(word)
    return Found(_number(word, f"line {line}"), start, start + len(word))


def said(output: Output) -> str:
    """What the benchmark printed instead, for an error's message."""
    lines = [line for line in output.tail.splitlines() if line.strip()]
    if not lines:
        return "Its output is empty."
    missing = f" ({output.left_out} bytes in the middle of its output were not kept)" if output.left_out else ""
    return f"Its last line is {lines[-1][:120]!r}{missing}."


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its place in the text."""
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line.splitlines()[0]
        start += len(line)


def _json(text: str) -> tuple[int, Any]:
    """Where the JSON begins in the text, and its content."""
    try:
        return 0, json.loads(text)
    except ValueError as error:
        for start, line in reversed(list(_lines(text))):
            if line.lstrip().startswith(("{", "[")):
                try:
                    return start, json.loads(line)
                except ValueError:
                    break
        raise MeasureError(
            "The benchmark's output is no JSON",
            f"{error}, in {_excerpt(text)}.",
            "Print JSON alone, or as the last line; or write it to a file and set metric.file.",
        ) from None


_BLANK = re.compile(r"\s*")
_AFTER_KEY = re.compile(r"\s*:\s*")
_BETWEEN = re.compile(r"\s*,\s*")


def _json_place(text: str, start: int, parts: Iterable[str | int]) -> tuple[int, int]:
    """From where to where the value at `parts` stands in the valid JSON that begins at `start`."""
    decode = json.JSONDecoder().raw_decode
    at = _past(_BLANK, text, start)
    for part in parts:
        at = _past(_BLANK, text, at + 1)
        position, place = 0, at
        while text[at] not in "]}":
            key: object = position
            if isinstance(part, str):
                key, at = decode(text, at)
                at = _past(_AFTER_KEY, text, at)
            if key == part:
                place = at  # the last of two equal keys counts, as it does for the parser
                if isinstance(part, int):
                    break
            at = _past(_BLANK, text, decode(text, at)[1])
            at = _past(_BETWEEN, text, at)
            position += 1
        at = place
    return at, decode(text, at)[1]


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


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


def _one(numbers: Iterable[Found], hint: str) -> Found:
    """The first; all must have its value."""
    first, *others = numbers
    different = next((other.value for other in others if other.value != first.value), None)
    if different is not None:
        raise MeasureError(
            "The metric has two different values", f"{first.value:g} and {different:g} were found in one run.", hint
        )
    return first


def _what(word: str) -> str:
    return "not finite" if NOT_FINITE.fullmatch(word) or NUMBER.fullmatch(word) else "not a number"


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= 120 else f"{words[:60]} ... {words[-60:]}") if words else "an empty output"


def _too_small(output: Output) -> MeasureError:
    return MeasureError(
        "The benchmark's memory is too small to be seen",
        f"Its peak is below the {output.rss_floor / 1e6:.0f} MB that the process has which starts it.",
        "Measure a larger input, or let the benchmark print its own figure as a METRIC line.",
    )
