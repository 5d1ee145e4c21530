"""The table [canary]: whether benchmark or checks notice when the code in scope is broken on purpose."""

from __future__ import annotations

from pydantic import Field

from autotune_tui.config.table import Table
from autotune_tui.config.values import Duration


class Canary(Table):
    files: int = Field(
        12, ge=0, description="Files that are broken one by one, in a worktree of ours; 0: no canary", strict=True
    )
    time: Duration = Field(20.0, description="The most time for that, or a tenth of what a decision takes if longer")
    accept: bool = Field(
        False, description="Start although nothing notices when the code in scope is broken", strict=True
    )
