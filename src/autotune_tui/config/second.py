"""What the tables of benchmarks beside the session's own have in common: [holdout] and [end_to_end]."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from autotune_tui.config.metric import Metric
from autotune_tui.config.table import Table
from autotune_tui.config.values import Command, Duration

_OF_THE_SESSION = ("target", "threshold")


class SecondBenchmark(Table):
    """A benchmark that only a would-be keep is measured by, in pairs of incumbent and candidate."""

    command: Command = ""
    metric: Metric | None = Field(
        None,
        description="Where its number is read from: a table with the fields of [metric]; default: as the session's",
    )
    least_pairs: int = Field(6, ge=4, description="The pairs after which it is looked at first", strict=True)
    most_pairs: int = Field(
        40, ge=4, description="The pairs after which it is decided", strict=True, validate_default=True
    )
    confidence: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="How sure what it says must be, one-sided",
        strict=True,
        json_schema_extra={"expects": "a number between 0.5 and 1, such as 0.95"},
    )
    timeout: Duration = Field(600.0, description="A run that takes longer is killed")

    @field_validator("metric")
    @classmethod
    def _is_printed(cls, metric: Metric | None) -> Metric | None:
        if metric is None:
            return metric
        if metric.file:
            raise ValueError("a number that is printed: a file would lie in the worktree")
        if given := [name for name in _OF_THE_SESSION if name in metric.model_fields_set]:
            raise ValueError(f"no {given[0]}, which only the session's own metric has")
        return metric

    @field_validator("most_pairs")
    @classmethod
    def _is_most(cls, most: int, info: ValidationInfo) -> int:
        least = info.data.get("least_pairs")
        if least is not None and most < least:
            raise ValueError(f"least_pairs ({least}) or more")
        return most


def metric_of(table: SecondBenchmark, own: Metric) -> Metric:
    """What a second benchmark's number is read from; `own` is the session's metric."""
    return table.metric or own


def is_readable(table: SecondBenchmark, own: Metric | None) -> SecondBenchmark:
    """The table, when its number can be read. Raises ValueError when it would be looked for in a file of the worktree."""
    if table.command and table.metric is None and own is not None and own.file:
        raise ValueError("a table `metric` of its own: the session's number is read from a file of the worktree")
    return table
