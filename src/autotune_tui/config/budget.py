"""The table [budget]: what the session may use up, and whether reaching the target ends it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autotune_tui.config.table import Table
from autotune_tui.config.values import Limit, Moment, OptionalDuration


class Budget(Table):
    experiments: Annotated[int | None, Limit] = Field(50, ge=1, description="The most experiments", strict=True)
    time: OptionalDuration = Field(8 * 3600.0, description="The most time of work; pauses and sleep do not count")
    deadline: Moment = Field(
        "",
        description="When the session ends at the latest, such as 2026-05-01 08:00 (local, unless it says otherwise)",
    )
    tokens: Annotated[int | None, Limit] = Field(
        None, ge=1, description="The most tokens, input and output", strict=True
    )
    usd: Annotated[float | None, Limit] = Field(
        None, gt=0, description="The most money", strict=True, allow_inf_nan=False
    )
    at_target: Literal["end", "go on"] = Field(
        "end", description="What the session does once it has reached its target"
    )
