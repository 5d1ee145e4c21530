"""Commands that an agent lets us run: each in the sandbox, in the worktree, and none outlives the call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from autotune_tui.agents.output import Stream
from autotune_tui.agents.process import Conversing, start_agent

MOST_BYTES = 1 << 20
"""Of a command's output that are kept, from its end, when the agent names no limit or a larger one."""
MOST_RUNNING = 16
_ENTER = 'cd -- "$1" && shift && exec "$@"'

Confine = Callable[[Path], Sequence[str]]
"""What to put before a command that runs in a folder, so that it can write nothing else and reach no network."""


@dataclass
class Terminal:
    """One command and the end of its output."""

    limit: int
    process: Conversing | None = None
    output: bytearray = field(default_factory=bytearray)
    truncated: bool = False

    def feed(self, stream: Stream, data: bytes) -> None:
        self.output += data
        if len(self.output) > self.limit:
            del self.output[: len(self.output) - self.limit]
            self.truncated = True

    @property
    def text(self) -> str:
        """From a character's beginning on."""
        data = bytes(self.output)
        if self.truncated:
            data = data.lstrip(bytes(range(0x80, 0xC0)))
        return data.decode("utf-8", "replace")

    @property
    def exit(self) -> int | None:
        """As `Conversing.exit`."""
        return self.process.exit if self.process is not None and self.process.ended else None


class Terminals:
    """The commands of one agent. `grace` is between SIGTERM and SIGKILL, in seconds."""

    def __init__(self, confine: Confine, grace: float) -> None:
        self._confine, self._grace = confine, grace
        self._running: dict[str, Terminal] = {}
        self._numbers = count(1)

    def __getitem__(self, id: str) -> Terminal:
        """Raises KeyError."""
        return self._running[id]

    @property
    def full(self) -> bool:
        return len(self._running) >= MOST_RUNNING

    async def start(
        self, argv: Sequence[str], tree: Path, folder: Path, env: Mapping[str, str], limit: int | None
    ) -> str:
        """Start a command in a folder of the worktree; returns its id. Raises AgentError."""
        terminal = Terminal(min(limit if limit is not None else MOST_BYTES, MOST_BYTES))
        inside = ["/bin/sh", "-c", _ENTER, "sh", str(folder), *argv]
        terminal.process = await start_agent(
            [*self._confine(tree), *inside], directory=tree, env=env, feed=terminal.feed, grace=self._grace
        )
        terminal.process.send_end()
        id = f"terminal-{next(self._numbers)}"
        self._running[id] = terminal
        return id

    async def wait(self, id: str) -> Terminal:
        """Wait for a command's end. Raises KeyError."""
        terminal = self._running[id]
        assert terminal.process is not None
        await terminal.process.over()
        return terminal

    async def kill(self, id: str) -> None:
        """End a command; its output can still be read. Raises KeyError."""
        process = self._running[id].process
        assert process is not None
        await process.stop()

    async def release(self, id: str) -> None:
        """End a command and forget it. Raises KeyError."""
        await self.kill(id)
        self._running.pop(id, None)

    async def release_all(self) -> None:
        """End all commands at once."""
        running = list(self._running)
        for ended in await asyncio.gather(*map(self.release, running), return_exceptions=True):
            if isinstance(ended, BaseException) and not isinstance(ended, KeyError):
                raise ended


def argv_of(command: str, arguments: Sequence[str] | None) -> list[str]:
    """The command to start. Some agents send a whole line for the shell, without arguments."""
    if arguments:
        return [command, *arguments]
    return ["/bin/sh", "-c", command] if set(command) & set(" \t\n|&;<>()$`\"'*?") else [command]


def signal_name(exit: int | None) -> str | None:
    """The name of the signal that ended a command."""
    if exit is None or exit >= 0:
        return None
    import signal

    with contextlib.suppress(ValueError):
        return signal.Signals(-exit).name
    return str(-exit)
