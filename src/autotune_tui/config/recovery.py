"""The tables [health] and [recovery]: when a session counts as stuck, and what is then tried in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from autotune_tui.config.agent_acp import with_program
from autotune_tui.config.table import Table
from autotune_tui.errors import ConfigError

if TYPE_CHECKING:
    from autotune_tui.config.fields import SessionConfig

Playbook = Literal[
    "reset_worktree", "diagnose", "switch_strategy", "shrink_scope", "switch_agent", "rebaseline", "pause"
]
AgentChoice = Annotated[str, StringConstraints(pattern=r"^(offline|claude|manual|(command|acp)(:\S+)?)$")]

RivalName = Annotated[
    str,
    StringConstraints(pattern=r"^(offline|claude(@(low|medium|high|xhigh|max))?|command|acp|(command|acp):\S+)$"),
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
    agents: list[AgentChoice] = Field(
        default_factory=list,
        description="For switch_agent: who takes over on a plateau, one after the other",
        json_schema_extra={"expects": "the name of an agent, as in `agent`"},
    )


def with_agent(config: SessionConfig, name: str) -> SessionConfig:
    """The configuration with another agent, named as in `agent`. Raises ConfigError for a program that is not known."""
    tables = {"agent_acp": config.agent_acp, "agent_command": config.agent_command}
    written = with_program({"agent": name, **{key: table.model_dump() for key, table in tables.items()}})
    try:
        made = {key: type(table).model_validate(written[key]) for key, table in tables.items()}
    except ValidationError as error:
        raise ConfigError(
            f"There is no agent {name!r}", "", "`autotune-tui agents` lists those that there are."
        ) from error
    return config.model_copy(update={"agent": written["agent"], **made})
