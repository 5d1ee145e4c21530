"""Makes the agent that a configuration names; only that agent's modules are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from autotune_tui.agents.base import Agent
from autotune_tui.config import SessionConfig
from autotune_tui.errors import ConfigError

if TYPE_CHECKING:
    from autotune_tui.agent_programs import Kind, Known
    from autotune_tui.agents.claude.tools.commands import Confine as ConfineTools
    from autotune_tui.agents.command import Confine

AgentName = Literal["offline", "claude", "acp", "command", "manual"]


def agent_name(config: SessionConfig) -> AgentName:
    """What `auto` means: the command or the ACP agent when it has a program, Claude when there is a key, else the offline
    agent. An agent that is only installed is never taken by itself: see `offers`.

    Raises ConfigError.
    """
    match config.agent.partition(":")[0]:
        case "auto" if config.agent_command.command or config.agent_command.recipe:
            return "command"
        case "auto" if config.agent_acp.command or config.agent_acp.name:
            return "acp"
        case "auto":
            from autotune_tui.agents.claude.key import is_there

            return "claude" if is_there(config.agent_claude) else "offline"
        case "offline" | "claude" | "acp" | "command" | "manual" as name:
            return name
        case other:
            raise ConfigError(f"There is no agent {other!r}", "", "Use auto, offline, claude, acp, command or manual.")


def offers(config: SessionConfig) -> str:
    """What could work in place of the offline agent that `auto` has come to, in words; empty when there is nothing."""
    if config.agent != "auto" or agent_name(config) != "offline":
        return ""
    from autotune_tui.agent_programs import installed

    found = installed("acp")
    if not found:
        return ""
    others = f" (or {', '.join(other.agent for other in found[1:])})" if found[1:] else ""
    return f'{found[0].title} is installed: agent = "{found[0].agent}" uses it{others}'


def make_agent(config: SessionConfig, confine: Confine | None = None, tools: ConfineTools | None = None) -> Agent:
    """The configured agent, its command behind `confine`, the commands of its tools behind `tools`.

    Raises ConfigError when its configuration cannot work, AgentError when its key cannot be had.
    """
    match agent_name(config):
        case "claude":
            from autotune_tui.agents.claude.agent import make

            return make(config, tools)
        case "acp":
            from autotune_tui.agents.acp.agent import AcpAgent

            known, own = _program(config, "acp", config.agent_acp.name)
            settings = config.agent_acp if own else config.agent_acp.model_copy(update={"command": ""})
            return AcpAgent(settings, known, confine=confine, terminals=tools)
        case "command":
            return _command(config, confine)
        case "manual":
            from autotune_tui.agents.manual import ManualAgent

            return ManualAgent()
        case "offline":
            from autotune_tui.agents.offline.agent import OfflineAgent

            return OfflineAgent(knobs=config.agent_offline.knobs, rewrites=config.agent_offline.rewrites)


def _command(config: SessionConfig, confine: Confine | None) -> Agent:
    table = config.agent_command
    known, own = _program(config, "command", table.recipe)
    if known is not None and not (own and table.command):
        from autotune_tui.agents.recipes import RecipeAgent

        return RecipeAgent(known, table.timeout, confine=confine)
    from autotune_tui.agents.command import CommandAgent

    return CommandAgent(table.command, table.timeout, confine=confine)


def _program(config: SessionConfig, kind: Kind, name: str) -> tuple[Known | None, bool]:
    """The known program that is meant, if one is, and whether the agent's own table says so: `agent = "acp:gemini"` beats it.

    Raises ConfigError.
    """
    from autotune_tui.agent_programs import find, names

    meant = config.agent.partition(":")[2]
    known = find(kind, meant or name)
    if meant and known is None:
        raise ConfigError(f"There is no agent {config.agent!r}", "", f"Known: {', '.join(names(kind))}.")
    return known, not meant
