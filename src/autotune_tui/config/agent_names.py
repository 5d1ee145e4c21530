"""The names by which further agents are chosen: in `rivals`, and in [recovery] for one that takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

from pydantic import StringConstraints, ValidationError

from autotune_tui.config.agent_acp import with_program
from autotune_tui.config.agent_claude import Effort
from autotune_tui.errors import ConfigError

if TYPE_CHECKING:
    from autotune_tui.config.fields import SessionConfig

_PROGRAM = r"(command|acp)(:\S+)?"
_EFFORTS = "|".join(filter(None, get_args(Effort)))

AgentName = Annotated[str, StringConstraints(pattern=rf"^(offline|claude|manual|{_PROGRAM})$")]
RivalName = Annotated[str, StringConstraints(pattern=rf"^(offline|claude(@({_EFFORTS}))?|{_PROGRAM})$")]


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
