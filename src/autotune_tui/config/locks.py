"""The table [locks]: what no candidate may change, and what stops the session when it changes under it."""

from __future__ import annotations

from pydantic import Field

from autotune_tui.config.table import Table
from autotune_tui.config.values import RelativePath


class Locks(Table):
    paths: list[RelativePath] = Field(
        default_factory=list,
        description="Further files that nobody may change, such as data/**; tests and what the commands name are locked anyway",
        json_schema_extra={"expects": "a pattern, such as data/**"},
    )
