"""The fields that say what number is meant and where it is read from: the table [metric], and those of other benchmarks."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from autotune_tui.config.table import Table
from autotune_tui.config.values import Amount, Tolerance, relative_path

_METRIC_NAME = r"^[\w.\-/]+$"
_METRIC_NAME_WORDS = "a name of letters, digits and . _ - /"
MetricName = Annotated[str, StringConstraints(pattern=_METRIC_NAME)]


class Direction(StrEnum):
    LOWER = "lower"
    HIGHER = "higher"


class Source(StrEnum):
    WALL_TIME = "wall_time"
    CPU_TIME = "cpu_time"
    PEAK_RSS = "peak_rss"
    INSTRUCTIONS = "instructions"
    METRIC_LINE = "metric_line"
    REGEX = "regex"
    JSON = "json"
    LINE = "line"


_READ_BY = {
    "pattern": {Source.REGEX},
    "path": {Source.JSON},
    "line": {Source.LINE},
    "file": {Source.REGEX, Source.JSON, Source.LINE},
}
"""The sources that read a field; with any other the field would be passed over in silence, so it is refused."""


class Metric(Table):
    name: str = Field(
        "time",
        description="The metric's name, as `METRIC name=value` prints it",
        pattern=_METRIC_NAME,
        json_schema_extra={"expects": _METRIC_NAME_WORDS},
    )
    unit: str = Field("s", description="Its unit, for people")
    direction: Direction = Field(Direction.LOWER, description="Which way is better")
    source: Source = Field(Source.WALL_TIME, description="Where the number is read from")
    pattern: str = Field(
        "", description="For regex: a regular expression; group 1 (or `value`) is the number", validate_default=True
    )
    path: str = Field(
        "", description="For json: a JSONPath to the number, such as $.results[0].mean", validate_default=True
    )
    file: str = Field("", description="For json, regex and line: read this file of the worktree, not stdout")
    line: int = Field(
        0,
        description="For line: the line's number, from 1; negative counts from the end",
        strict=True,
        validate_default=True,
    )
    target: float | None = Field(
        None, description="The value at which the session ends", strict=True, allow_inf_nan=False
    )
    threshold: Tolerance = Field(Amount(value=0.01, relative=True), description="The least gain worth keeping")
    location: Literal["fast_half", "mean"] = Field(
        "fast_half",
        description="fast_half for run times and sizes, mean for losses and scores (symmetric noise)",
    )

    @field_validator("pattern", "path", "file", "line")
    @classmethod
    def _belongs_to_source(cls, value: Any, info: ValidationInfo) -> Any:
        source, name = info.data.get("source"), info.field_name or ""
        if source is None:
            return value
        if value and source not in _READ_BY[name]:
            raise ValueError(f"no value with source = {source.value}, or source = {_either(_READ_BY[name])}")
        needed = name != "file" and source in _READ_BY[name]
        if needed and not value:
            raise ValueError(_NEEDED[name])
        return value

    @field_validator("pattern")
    @classmethod
    def _has_a_number(cls, pattern: str) -> str:
        if not pattern:
            return pattern
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"a regular expression that compiles ({error})") from None
        if not compiled.groups:
            raise ValueError(_NEEDED["pattern"])
        return pattern

    @field_validator("path")
    @classmethod
    def _is_a_json_path(cls, path: str) -> str:
        if path:
            import jsonpath

            try:
                jsonpath.compile(path)
            except jsonpath.JSONPathError as error:
                raise ValueError(f"a JSONPath such as $.results[0].mean ({error})") from None
        return path

    @field_validator("file")
    @classmethod
    def _stays_inside(cls, file: str) -> str:
        return relative_path(file) if file else file


_NEEDED = {
    "pattern": "a regular expression with a group around the number, such as 'mean: ([0-9.]+)'",
    "path": "a JSONPath such as $.results[0].mean",
    "line": "a line's number other than 0, such as 1 or -1",
}


def _either(sources: set[Source]) -> str:
    return " or ".join(sorted(source.value for source in sources))
