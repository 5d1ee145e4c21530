"""The table [watchdogs]: when something that goes on outside of the loop is taken for trouble."""

from __future__ import annotations

from pydantic import Field

from autotune_tui.config.table import Table
from autotune_tui.config.values import OptionalDuration


class Watchdogs(Table):
    agent_silence: OptionalDuration = Field(
        900.0, description="An agent that says nothing for so long is stopped; the manual agent may take its time"
    )
    stall: OptionalDuration = Field(
        300.0, description="A command that neither prints nor uses the processor for so long is killed"
    )
    free_disk: int = Field(
        512,
        ge=0,
        description="MB that must be free (a tenth of a smaller disk), or the session pauses before its next experiment",
        strict=True,
    )
