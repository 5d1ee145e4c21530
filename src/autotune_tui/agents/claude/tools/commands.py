"""Tools that run something: a command of the model's, the session's checks, and its benchmark once. All in the sandbox."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from autotune_tui.agents.claude.tools.base import AnyTool, Input, Refused, Tool
from autotune_tui.agents.claude.tools.worktree import Worktree
from autotune_tui.agents.process import run_agent
from autotune_tui.config import Command

LOG = "commands.log"
GRACE = 0.3
"""Seconds between SIGTERM and SIGKILL: a cancelled experiment ends at once."""
MOST_BYTES = 1 << 20

Confine = Callable[[Path], Sequence[str]]
"""What to put before a command that runs in a folder, so that it can write nothing else and reach no network."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The session's own commands, and how commands are confined; without `confine` none is run. `seconds` is what the
    benchmark and the build may take.
    """

    build: Command
    checks: Command
    benchmark: Command
    seconds: float
    checks_seconds: float
    confine: Confine | None
    shell: bool = True


class Shell(Input):
    command: str = Field(description="For /bin/sh, in the worktree's root", min_length=1)
    seconds: int = Field(120, ge=1, le=900, description="It is killed when it takes longer")


class Nothing(Input):
    pass


class Runner:
    """The tools of one step on one worktree."""

    def __init__(self, worktree: Worktree, commands: Commands) -> None:
        self._worktree, self._commands = worktree, commands

    def tools(self) -> list[AnyTool]:
        commands = self._commands
        found: list[AnyTool] = []
        if commands.confine is None:
            return found
        if commands.shell:
            about = "Runs a shell command in a sandbox without a network; only the worktree can be written."
            found.append(Tool("shell", about, Shell, self._shell))
        if commands.checks or commands.build:
            about = "Builds and runs the session's checks on the worktree as it is now."
            found.append(Tool("run_checks", about, Nothing, self._checks))
        if not commands.benchmark:
            return found
        about = (
            "Runs the benchmark once. One run is no evidence: noise hides small effects. Use it to see that it works."
        )
        return [*found, Tool("try_benchmark", about, Nothing, self._benchmark)]

    async def _shell(self, given: Shell) -> str:
        output = await self.run(given.command, given.seconds)
        outside = [name for name in await self._worktree.changed() if not self._worktree.allows(name)]
        if outside:
            output += f"\n[Files that may not be changed were: {', '.join(outside[:10])}. Undo that.]"
        return output

    async def _checks(self, given: Nothing) -> str:
        parts = []
        for name, command, seconds in (
            ("build", self._commands.build, self._commands.seconds),
            ("checks", self._commands.checks, self._commands.checks_seconds),
        ):
            if command:
                said = await self.run(command, seconds)
                parts.append(f"{name}: {said}")
                if not said.startswith("exit code 0"):
                    break
        return "\n".join(parts)

    async def _benchmark(self, given: Nothing) -> str:
        await self.built()
        said = await self.run(self._commands.benchmark, self._commands.seconds, {"AUTOTUNE_SEED": "0"})
        return f"One run, which is no evidence. {said}"

    async def built(self) -> None:
        """The worktree as it is now, built. Raises Refused."""
        if self._commands.build:
            said = await self.run(self._commands.build, self._commands.seconds)
            if not said.startswith("exit code 0"):
                raise Refused(f"The build failed. {said}")

    async def run(self, command: Command, seconds: float, env: dict[str, str] | None = None) -> str:
        """How the command ended, how long it took, and its output."""
        context = self._worktree.context
        own = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        assert self._commands.confine is not None
        before = self._commands.confine(context.directory)
        log = context.artifacts / LOG
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"$ {command if isinstance(command, str) else shlex.join(command)}\n")
        start = log.stat().st_size
        finished = await run_agent(
            [*before, *own],
            directory=context.directory,
            env={**context.environment, **(env or {})},
            stdin=b"",
            seconds=seconds,
            log=log,
            show=lambda line: None,
            grace=GRACE,
        )
        with log.open("rb") as output:
            output.seek(start)
            text = output.read(2 * MOST_BYTES).decode("utf-8", "replace").strip()
        how = f"killed after {seconds:g} s" if finished.exit is None else f"exit code {finished.exit}"
        return f"{how}\n{text}" if text else f"{how}, no output"
