"""Makes the agent that a configuration names; only that agent's modules are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from autotune_tui.agents.base import Agent
from autotune_tui.config import SessionConfig
from autotune_tui.errors import ConfigError

if TYPE_CHECKING:
    from autotune_tui.agents.command import Confine

AgentName = Literal["offline", "command", "manual"]


def agent_name(config: SessionConfig) -> AgentName:
    """What `auto` means: the command agent when it has a command, else the offline agent. Raises ConfigError."""
    match config.agent:
        case "auto":
            return "command" if config.agent_command.command else "offline"
        case "offline" | "command" | "manual" as name:
            return name
        case other:
            raise ConfigError(f"There is no agent {other!r}", "", "Use auto, offline, command or manual.")


def make_agent(config: SessionConfig, confine: Confine | None = None) -> Agent:
    """The configured agent, its command behind `confine`. Raises ConfigError when its configuration cannot work."""
    match agent_name(config):
        case "command":
            from autotune_tui.agents.command import CommandAgent

            return CommandAgent(config.agent_command.command, config.agent_command.timeout, confine=confine)
        case "manual":
            from autotune_tui.agents.manual import ManualAgent

            return ManualAgent()
        case "offline":
            from autotune_tui.agents.offline.agent import OfflineAgent

            return OfflineAgent(knobs=config.agent_offline.knobs, rewrites=config.agent_offline.rewrites)
