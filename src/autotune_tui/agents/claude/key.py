"""The API key: where it comes from, and how it stays out of everything that is written or started."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import MutableMapping

from autotune_tui.config.agent_claude import AgentClaude
from autotune_tui.errors import AgentError, ConfigError

VARIABLE = "ANTHROPIC_API_KEY"
COMMAND_SECONDS = 30.0
_FORM = re.compile(r"[\w.~+/=:@-]{8,}", re.ASCII)
"""A shorter text would be found in ordinary words, and quotes would be written in more than one way."""


class Key:
    """A key that shows itself to nobody: neither `repr` nor `str` has it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Key(...)"

    @property
    def secret(self) -> str:
        """The key itself, for the client alone."""
        return self._text

    def redact(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self._text, "[key removed]")


def is_there(settings: AgentClaude) -> bool:
    """Whether a key can be had, without running anything."""
    return bool(settings.key_command or os.environ.get(VARIABLE, "").strip())


def take_key(settings: AgentClaude, environment: MutableMapping[str, str] = os.environ) -> Key:
    """The key of the configured command, or else of the environment, which it is taken out of: no child is to inherit it.

    Raises ConfigError when there is none, AgentError when the command fails.
    """
    given = environment.pop(VARIABLE, "").strip()
    text = _from_command(settings.key_command) if settings.key_command else given
    if not text:
        raise ConfigError(
            "The Claude agent has no key",
            f"The environment variable {VARIABLE} is not set, and [agent_claude] key_command is empty.",
            f'Set {VARIABLE} in the shell that starts the session, or choose agent = "offline", which needs none.',
        )
    if not _FORM.fullmatch(text):
        raise ConfigError(
            "The key of the Claude agent is no key",
            "It is too short, or has characters that no key has.",
            f"Look at {'[agent_claude] key_command' if settings.key_command else VARIABLE}: one line, nothing but the key.",
        )
    return Key(text)


def _from_command(command: str | list[str]) -> str:
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    shown = command if isinstance(command, str) else shlex.join(command)
    hint = "Run it in a terminal: it should print the key and nothing else."
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as problem:
        why = (
            f"no answer in {COMMAND_SECONDS:g} s"
            if isinstance(problem, subprocess.TimeoutExpired)
            else type(problem).__name__
        )
        raise AgentError("The command for the key cannot be run", f"{shown}: {why}", hint) from None
    if done.returncode:  # its output is not shown: it may be a part of the key
        raise AgentError("The command for the key failed", f"{shown}: exit code {done.returncode}", hint)
    return done.stdout.strip()
