"""The table [agent_acp]: a program that speaks the Agent Client Protocol, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from autotune_tui.agent_programs import Kind, names
from autotune_tui.config.table import Table
from autotune_tui.config.values import Command, Duration

Permission = Literal["allow", "ask", "deny"]


def known_name(kind: Kind, name: str) -> str:
    """The name of a known program, or none. Raises ValueError with those that there are."""
    if name and name not in names(kind):
        raise ValueError(f"one of {', '.join(names(kind))}")
    return name


def _acp(name: str) -> str:
    return known_name("acp", name)


def _command(name: str) -> str:
    return known_name("command", name)


RecipeName = Annotated[str, AfterValidator(_command)]
"""A known program that takes one task and ends, or none."""


class AgentAcp(Table):
    name: Annotated[str, AfterValidator(_acp)] = Field(
        "", description="A known program that speaks ACP; `autotune-tui agents` lists them"
    )
    command: Command = Field("", description="Another program that speaks ACP; comes before the name")
    timeout: Duration = Field(1800.0, description="An answer that takes longer is stopped")
    edits: Permission = Field("allow", description="When it asks to read, or to edit files in scope")
    others: Permission = Field("ask", description="When it asks for anything else: commands, the network")
    answer_timeout: Duration = Field(600.0, description="A question that waits longer is answered with no")


def with_program(data: Any) -> Any:
    """A configuration in which `agent = "acp:gemini"` is written out: the agent, and the program in the agent's own table."""
    if not isinstance(data, Mapping) or not isinstance(data.get("agent"), str):
        return data
    kind, colon, name = data["agent"].partition(":")
    field = {"acp": "name", "command": "recipe"}.get(kind)
    if not colon or field is None:
        return data
    table = data.get(f"agent_{kind}", {})
    own = {**table, field: name, "command": ""} if isinstance(table, Mapping) else table
    return {**data, "agent": kind, f"agent_{kind}": own}
