"""Makes the agent that a configuration names; only that agent's modules are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from autotune_tui.agents.base import Agent
from autotune_tui.config import SessionConfig
from autotune_tui.errors import ConfigError

if TYPE_CHECKING:
    from autotune_tui.agents.claude.tools.commands import Confine as ConfineTools
    from autotune_tui.agents.command import Confine

AgentName = Literal["offline", "claude", "command", "manual"]


def agent_name(config: SessionConfig) -> AgentName:
    """What `auto` means: the command agent when it has a command, Claude when there is a key, else the offline agent.

    Raises ConfigError.
    """
    match config.agent:
        case "auto" if config.agent_command.command:
            return "command"
        case "auto":
            from autotune_tui.agents.claude.key import is_there

            return "claude" if is_there(config.agent_claude) else "offline"
        case "offline" | "claude" | "command" | "manual" as name:
            return name
        case other:
            raise ConfigError(f"There is no agent {other!r}", "", "Use auto, offline, claude, command or manual.")


def make_agent(config: SessionConfig, confine: Confine | None = None, tools: ConfineTools | None = None) -> Agent:
    """The configured agent, its command behind `confine`, the commands of its tools behind `tools`.

    Raises ConfigError when its configuration cannot work, AgentError when its key cannot be had.
    """
    match agent_name(config):
        case "claude":
            from autotune_tui.agents.claude.agent import make

            return make(config, tools)
        case "command":
            from autotune_tui.agents.command import CommandAgent

            return CommandAgent(config.agent_command.command, config.agent_command.timeout, confine=confine)
        case "manual":
            from autotune_tui.agents.manual import ManualAgent

            return ManualAgent()
        case "offline":
            from autotune_tui.agents.offline.agent import OfflineAgent

            return OfflineAgent(knobs=config.agent_offline.knobs, rewrites=config.agent_offline.rewrites)
