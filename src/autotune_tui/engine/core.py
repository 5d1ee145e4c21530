"""What every part of the engine works with: the session's parts, and one way to journal an event."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from autotune_tui.agents.base import Agent, Resident
from autotune_tui.config import Command as ConfigCommand
from autotune_tui.config import SessionConfig
from autotune_tui.config.sandbox import Job
from autotune_tui.engine import confinement, leftovers, locks, outputs
from autotune_tui.engine.watchdog_clock import Pulse
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.measure.environment import Snapshot, command_environment
from autotune_tui.measure.executors.base import Command, Executor, Run, argv_of
from autotune_tui.measure.sandbox import Sandbox
from autotune_tui.model.events import Note, Record, Session
from autotune_tui.model.profile import Profile
from autotune_tui.model.state import SessionState, fold
from autotune_tui.redaction import Redactor
from autotune_tui.workspace import SIDES, Place, Side, Workspace
from autotune_tui.workspace.leftovers import Mark

if TYPE_CHECKING:
    from autotune_tui.engine.oracle import Expected
    from autotune_tui.engine.resume import HalfDone
    from autotune_tui.engine.watchdog_places import Places

T = TypeVar("T")

BRIEF = 1.0
"""Seconds after which what was found of a worktree is not relied on: a person may have been there."""


@dataclass
class Engine:
    """The parts of one running session."""

    config: SessionConfig
    folder: SessionFolder
    journal: JournalWriter
    state: SessionState
    workspace: Workspace
    executor: Executor
    agent: Agent
    seed: int
    """Secret until journalled: orders, seeds and relabelings come from it, so no candidate can know them before."""
    on_event: Callable[[Record], None]
    snapshot: Snapshot
    sandbox: Sandbox
    redactor: Redactor
    make_agent: Callable[[str], Agent]
    """The agent of a name as in `agent` of the configuration, the same each time. Raises ConfigError, AgentError when it
    cannot work.
    """
    agents: Mapping[str, Agent]
    """Those that `make_agent` has made, by name."""
    took_over: str = ""
    """The name by which a playbook has chosen the agent; empty for the configured one."""
    died: bool = False
    """Whether the engine before this one ended without a word."""
    found: str = ""
    """What that one has left of its lock, in words."""
    before: Session | None = None
    """How that one began."""
    paused: bool = False
    """Whether it ended because something was amiss."""
    half_done: HalfDone | None = None
    """The experiment that it left, until it is gone on with."""
    outside: float = 0.0
    """Seconds spent waiting for commands and agents so far; the rest of an experiment's time is the loop's own."""
    awaited: int = 0
    """How many of them are waited for now, and since when there was one."""
    awaited_since: float = 0.0
    built: dict[Side, str] = field(default_factory=dict)
    """The commit that each worktree was last built for."""
    held: dict[Place, str] = field(default_factory=dict)
    """The commit that a worktree's tracked files were found to be a moment ago, and nothing that can write there has run
    since.
    """
    warm: dict[Side, str] = field(default_factory=dict)
    """The commit for which each worktree's bytecode was last made."""
    known: dict[Place, leftovers.Known] = field(default_factory=dict)
    """What code that is kept has left in each worktree beside its files."""
    watch: locks.Watch | None = None
    """What is locked for the segment; None until its baseline is measured."""
    kept_outputs: dict[Place, outputs.Kept] = field(default_factory=dict)
    """What each worktree's outputs hold before a run."""
    expected: Expected | None = None
    """What the oracle has captured for this segment; None until it has."""
    pulse: Pulse = field(default_factory=Pulse)
    places: Places | None = None
    """Where the repository and the session were when the loop began."""
    rivals_failed: Counter[str] = field(default_factory=Counter)
    """How often each failed in a row."""
    profiles: dict[str, Profile] = field(default_factory=dict)
    """The last profiles by commit: the incumbent's changes only with a keep."""

    def record(self, event: Record, *, sync: bool = False) -> None:
        """Journal an event, fold it and tell the listener. With `sync` it is on disk when this returns."""
        written = self.journal.append(event, sync=sync)
        self.state = fold([written], self.state)
        self.on_event(written)

    def note(self, text: str, level: Literal["info", "warning"] = "info", experiment: int = 0) -> None:
        self.record(Note(text=text, level=level, experiment=experiment))

    def tree(self, place: Place) -> Path:
        return self.workspace.folder / place

    async def command(
        self,
        command: ConfigCommand,
        place: Place,
        *,
        limit: float,
        log: Path | None,
        env: dict[str, str] | None = None,
        repeat: int = 1,
        job: Job = "benchmark",
        writable: bool = False,
        stdin: bytes = b"",
        read: tuple[Path, ...] = (),
        also: tuple[Path, ...] = (),
        sealed: bool = False,
    ) -> Run:
        """Run one of the configured commands in a worktree, confined, for at most `limit` seconds.

        The benchmark gets a tree that is read-only but for its outputs, unless `writable`. `read`: folders that are hidden
        from other commands; `also`: some that it may write, too. What is `sealed` writes no folder of the user's.
        """
        if job in ("benchmark", "checks"):
            await outputs.put_back(self, place)
        else:
            await outputs.settle(self, place)
        self.held.pop(place, None)
        run = Command(
            argv=argv_of(command),
            cwd=self.tree(place),
            env=command_environment({**self.config.benchmark.env, **(env or {})}, passed=self.config.sandbox.passed),
            timeout=limit,
            log=log,
            repeat=repeat,
            stdin=stdin,
            purpose=job,
            prefix=confinement.prefix(self, place, job, writable=writable, also=also, read=read, sealed=sealed),
            limits=confinement.limits(self.config.sandbox),
            stall=self.config.watchdogs.stall or 0.0,
        )
        with confinement.pointer_kept(self.sandbox, run.cwd):
            return await self.waiting(self.executor.run(run))

    async def waiting(self, work: Awaitable[T]) -> T:
        """Await a command or an agent, and count the time as theirs; of several at once only once."""
        if not self.awaited:
            self.awaited_since = time.monotonic()
        self.awaited += 1
        try:
            return await work
        finally:
            self.awaited -= 1
            took = time.monotonic() - self.awaited_since
            self.outside += 0.0 if self.awaited else took
            if took > BRIEF:
                self.held.clear()

    async def rest(self) -> None:
        """Send every agent away whose process lives on, also one that is not asked any more: nothing of it is to be measured."""
        for agent in self.agents.values():
            if isinstance(agent, Resident):
                await self.waiting(agent.rest())

    async def place_both(self, commit: str) -> None:
        """Bring both worktrees to a commit."""
        await asyncio.gather(*(outputs.settle(self, side) for side in SIDES))
        held = {side: self.held.pop(side) for side in SIDES if side in self.held and self.known[side].set_up}
        left = await asyncio.to_thread(self.workspace.sync_both, commit, held)
        await asyncio.gather(*(self._swept(side, commit, left[side]) for side in SIDES))

    async def place(self, side: Side, commit: str) -> None:
        """Bring a worktree to a commit, with nothing in it that a candidate left. Its build is a step of its own, see
        `build`.
        """
        await outputs.settle(self, side)
        self.held.pop(side, None)
        left = await asyncio.to_thread(self.workspace.sync, side, commit)
        await self._swept(side, commit, left)

    async def _swept(self, side: Side, commit: str, left: Mapping[str, Mark]) -> None:
        swept = await leftovers.sweep(self, side, commit, left=left)
        if swept.rebuild or swept.spoilt or self.built.get(side) != commit:
            self.built.pop(side, None)
        if swept.spoilt:
            self.note(f"{swept.spoilt[0]} is not as setup made it: the {side} worktree is made anew", "warning")
            await asyncio.to_thread(self.workspace.renew, side, commit)
            self.known[side] = self.known[side].forget()
            self.warm.pop(side, None)


def text_of(command: ConfigCommand) -> str:
    """A command as a person would type it."""
    return command if isinstance(command, str) else shlex.join(command)
