"""Commands from the inbox and signals: each is answered in the journal and takes effect at the next safe point.

Only `stop` and `skip` cancel what is running; everything else waits until a phase or a block of samples is complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from autotune_tui.agents.base import Submission
from autotune_tui.engine.core import Engine
from autotune_tui.journal.inbox import Command, Inbox
from autotune_tui.model.events import Control as ControlRecord
from autotune_tui.model.events import Health

T = TypeVar("T")

POLL_SECONDS = 0.2


class Stopped(Exception):
    """The session is to end now, by the user's wish."""


class Skipped(Exception):
    """The current experiment is to end now, by the user's wish."""


class Control:
    """Reads the inbox while the loop runs. One instance per engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._inbox = Inbox(engine.folder.inbox)
        self._running = asyncio.Event()
        self._running.set()
        self._task: asyncio.Task[Any] | None = None
        self._skippable = False
        self._why = ""
        self._stop = ""
        self._skip = False
        self._submissions: asyncio.Queue[Submission] = asyncio.Queue()
        self._requests: list[str] = []
        self._commands: dict[str, Callable[[Command], tuple[bool, str]]] = {
            "pause": self._pause,
            "resume": self._resume,
            "stop": self._stop_command,
            "skip": self._skip_command,
            "rebaseline": self._rebaseline,
            "repair": self._repair,
            "propose": self._propose,
        }

    async def watch(self) -> None:
        """Answer commands until cancelled."""
        while True:
            for command in self._inbox.take():
                self.answer(command)
            await asyncio.sleep(POLL_SECONDS)

    def answer(self, command: Command) -> None:
        handler = self._commands.get(command.command)
        if handler is None:
            accepted, reason = False, f"there is no command {command.command!r}"
        else:
            accepted, reason = handler(command)
        self._engine.record(
            ControlRecord(
                id=command.id,
                command=command.command,
                by=command.by,
                text=command.text,
                accepted=accepted,
                reason=reason,
            ),
            sync=True,
        )
        if accepted and command.command in ("stop", "skip") and self._task is not None:
            self._task.cancel()

    def stop(self, reason: str) -> None:
        """End the session now (a signal)."""
        self._stop = self._stop or reason
        if self._task is not None:
            self._task.cancel()

    async def run(self, work: Coroutine[Any, Any, T], *, skippable: bool = False) -> T:
        """Await `work` so that stop (and skip, where it applies) cancels it. Raises Stopped, Skipped."""
        if self._stop:
            work.close()
            raise Stopped(self._stop)
        self._skippable, self._skip = skippable, False
        task = asyncio.ensure_future(work)
        self._task = task
        try:
            return await task
        except asyncio.CancelledError:
            if self._stop:
                raise Stopped(self._stop) from None
            if self._skip:
                raise Skipped from None
            raise
        finally:
            if not task.done():
                task.cancel()
            self._task, self._skippable = None, False

    async def safe_point(self) -> None:
        """Wait here while the session is paused."""
        if self.paused:
            before, state = self._engine.state.health, self._engine.state
            self._engine.record(Health(health="paused", previous=before, reason=self._why, next="resume or stop"))
            await self._running.wait()
            self._engine.record(
                Health(health=before, previous="paused", reason=state.health_reason, next=state.health_next)
            )

    def take_requests(self) -> list[str]:
        """The playbooks that were asked for since the last time, in order."""
        taken, self._requests = self._requests, []
        return taken

    @property
    def paused(self) -> bool:
        return not self._running.is_set()

    async def submitted(self) -> Submission:
        return await self._submissions.get()

    def _pause(self, command: Command) -> tuple[bool, str]:
        if self.paused:
            return False, "already paused"
        self._running.clear()
        self._why = f"asked for by {command.by}"
        return True, "pauses when the running phase or block of samples is complete"

    def _resume(self, command: Command) -> tuple[bool, str]:
        if not self.paused:
            return False, "not paused"
        self._running.set()
        return True, "goes on"

    def _stop_command(self, command: Command) -> tuple[bool, str]:
        self._stop = f"stopped by {command.by}"
        return True, "stops now"

    def _skip_command(self, command: Command) -> tuple[bool, str]:
        if not self._skippable:
            return False, "no experiment is running"
        self._skip = True
        self._running.set()
        return True, "the experiment ends now"

    def _rebaseline(self, command: Command) -> tuple[bool, str]:
        return self._request("rebaseline", "a new segment begins after this experiment")

    def _repair(self, command: Command) -> tuple[bool, str]:
        return self._request("reset_worktree", "the worktrees are rebuilt after this experiment")

    def request(self, playbook: str, why: str) -> None:
        """Ask for a playbook on the loop's own account."""
        if playbook not in self._requests:
            self._requests.append(playbook)
            self._engine.note(f"{playbook} follows: {why}", "warning")

    def _request(self, playbook: str, answer: str) -> tuple[bool, str]:
        if playbook in self._requests:
            return False, "already asked for"
        self._requests.append(playbook)
        return True, answer

    def _propose(self, command: Command) -> tuple[bool, str]:
        if self._engine.agent.name != "manual":
            return False, f'the agent is {self._engine.agent.name}; proposals by hand need agent = "manual"'
        self._submissions.put_nowait(Submission(description=command.text, patch=str(command.data.get("patch", ""))))
        return True, "measured next"
