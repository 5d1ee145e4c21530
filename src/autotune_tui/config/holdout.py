"""The table [holdout]: a benchmark that no agent ever sees."""

from __future__ import annotations

from pydantic import Field

from autotune_tui.config.second import SecondBenchmark
from autotune_tui.config.values import Command


class Holdout(SecondBenchmark):
    command: Command = Field(
        "", description="A benchmark on data that no agent sees; only a candidate that wins there as well is kept"
    )
    folders: list[str] = Field(
        default_factory=list,
        description="Folders outside the repository, such as ~/holdout, with what the command needs; nothing else sees them",
        json_schema_extra={"expects": "a path"},
    )
