"""The tables [health] and [recovery]: when a session counts as stuck, and what is then tried in which order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autotune_tui.config.agent_names import AgentName
from autotune_tui.config.table import Table

Playbook = Literal[
    "reset_worktree", "diagnose", "switch_strategy", "shrink_scope", "switch_agent", "rebaseline", "pause"
]


class HealthLimits(Table):
    max_no_improvement: int = Field(5, ge=1, description="Experiments without a keep until plateaued", strict=True)
    max_crash_streak: int = Field(2, ge=1, description="Failures in a row until crashing", strict=True)


class Recovery(Table):
    playbooks: list[Playbook] = Field(
        default=[
            "reset_worktree", "diagnose", "switch_strategy", "shrink_scope", "switch_agent", "rebaseline", "pause"
        ],
        description="Tried in this order; one that has nothing to do in the case at hand is passed over, and not counted",
    )  # fmt: skip
    max_attempts: int = Field(
        3, ge=0, description="Recovery attempts until the session pauses with a reason", strict=True
    )
    agents: list[AgentName] = Field(
        default_factory=list,
        description="For switch_agent: who takes over on a plateau, one after the other",
        json_schema_extra={"expects": "the name of an agent, as in `agent`"},
    )
