"""The table [oracle]: what a change must leave as it is, beside what the checks test."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from autotune_tui.config.table import Table
from autotune_tui.config.values import Amount, Command, Duration, RelativePath, Tolerance

_NAME = r"[^\W\d]\w*"
FunctionName = Annotated[str, StringConstraints(pattern=rf"^{_NAME}(\.{_NAME})*:{_NAME}(\.{_NAME})*$")]


class Oracle(Table):
    command: Command = Field(
        "", description="Its output must be the same before and after a change; lines `METRIC ..` are passed over"
    )
    files: list[RelativePath] = Field(
        default_factory=list, description="Files of the worktree that the command writes, compared as its output is"
    )
    compare: Literal["exact", "json", "csv", "text"] = Field(
        "exact", description="exact, or by their numbers: json, csv, or text with numbers in it"
    )
    functions: list[FunctionName] = Field(
        default_factory=list,
        description="Python functions whose recorded calls must give the same, such as package.module:Class.method",
        json_schema_extra={"expects": "package.module:function or package.module:Class.method"},
    )
    record: Command = Field(
        "", description="Runs code that calls the functions; default: the checks, else the benchmark"
    )
    calls: int = Field(200, ge=1, description="The most calls that are kept of each function", strict=True)
    size: int = Field(64, ge=1, description="MB that the recorded calls may have together", strict=True)
    tolerance: Tolerance = Field(
        Amount(value=1e-9, relative=True),
        description='How far numbers that are not whole may be apart, such as "0.01%" or 0.001; not with exact output',
    )
    timeout: Duration = Field(600.0, description="The command, the recording or all calls made again may take so long")

    @property
    def asked_for(self) -> bool:
        return bool(self.command or self.functions)

    @field_validator("files")
    @classmethod
    def _are_written_by_something(cls, files: list[str], info: ValidationInfo) -> list[str]:
        if files and not info.data.get("command"):
            raise ValueError("a command beside it that writes the files")
        return files
