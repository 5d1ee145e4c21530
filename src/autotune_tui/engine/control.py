"""Commands from the inbox and signals: each is answered in the journal, and a second record tells when it took effect.

Nothing that runs is cancelled but by `stop`, by `skip`, and by a command that is to be done now; everything else waits until a
phase, a block of samples or the experiment is complete. Commands are answered one after the other, so that of two people who
ask at once each is told what the other has asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from autotune_tui.agents.base import Submission
from autotune_tui.engine import override
from autotune_tui.engine.asking import Asking
from autotune_tui.engine.core import Engine
from autotune_tui.engine.override import Wish
from autotune_tui.journal.inbox import Command, Inbox
from autotune_tui.model.events import Control as ControlRecord
from autotune_tui.model.events import Health
from autotune_tui.model.state import DEFERRED

T = TypeVar("T")
Answer = tuple[bool, str]

POLL_SECONDS = 0.2
PLAYBOOKS = {"rebaseline": "rebaseline", "repair": "reset_worktree"}
"""The playbook that a command asks for."""
_JOURNALLED = ("experiment", "why", "keep", "now", "after", "question", "option")
"""What of a command's data is journalled: patches are too large."""


class Stopped(Exception):
    """The session is to end now, by the user's wish."""


class Skipped(Exception):
    """The current experiment is to end now, by the user's wish."""


class GivenUp(Exception):
    """The current experiment is to be left, and begun again later: something else is to be done now."""


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
        self._before = Health(health="running", previous="paused")
        """What the session's health is again after a pause."""
        self._stop = ""
        self._last = ""
        """Why the session ends after this experiment."""
        self._cancel: type[Exception] | None = None
        self._submissions: asyncio.Queue[Submission] = asyncio.Queue()
        self._requests: list[str] = []
        self._wishes: list[ControlRecord] = []
        self._open: dict[str, ControlRecord] = {}
        """Commands that were accepted and have not taken effect yet."""
        self._known = {control.id for control in engine.state.controls}
        self._commands: dict[str, Callable[[Command], Answer | Awaitable[Answer]]] = {
            "pause": self._pause,
            "resume": self._resume,
            "stop": self._stop_command,
            "skip": self._skip_command,
            "rebaseline": self._playbook,
            "repair": self._playbook,
            "propose": self._propose,
            "veto": self._veto,
            "rescue": self._rescue,
            "answer": self._answer,
        }
        self.asking = Asking(engine)
        for control in engine.state.pending:
            self._defer(control)

    async def watch(self) -> None:
        """Answer commands until cancelled. A command that an engine answered before it died is not done twice."""
        while True:
            for command in self._inbox.waiting():
                if command.id not in self._known:
                    await self.answer(command)
                self._inbox.forget(command)
            await asyncio.sleep(POLL_SECONDS)

    async def answer(self, command: Command) -> None:
        handler = self._commands.get(command.command)
        if handler is None:
            accepted, reason = False, f"there is no command {command.command!r}"
        elif self._stop and command.command != "stop":
            accepted, reason = False, f"the session ends: {self._stop}"
        else:
            answer = handler(command)
            accepted, reason = answer if isinstance(answer, tuple) else await answer
        record = ControlRecord(
            id=command.id,
            command=command.command,
            by=command.by,
            text=command.text,
            accepted=accepted,
            reason=reason,
            data={name: command.data[name] for name in _JOURNALLED if command.data.get(name)},
        )
        self._engine.record(record, sync=True)
        self._known.add(command.id)
        if accepted:
            self._accepted(record)

    def _accepted(self, record: ControlRecord) -> None:
        if record.command not in ("propose", "answer"):
            self._open[record.id] = record
        self._defer(record)
        if record.command == "resume":
            self.failed("pause", f"{record.by} resumed before")
            if self._engine.state.health != "paused":
                self.done("resume", "goes on")
        now = record.command in ("stop", "skip") or record.data.get("now")
        if now and self._task is not None and (self._stop or self._cancel):
            self._task.cancel()

    def _defer(self, record: ControlRecord) -> None:
        """Put off until the experiment has ended; also what an earlier engine accepted and did not come to do."""
        if record.command in PLAYBOOKS:
            self._requests.append(PLAYBOOKS[record.command])
        elif record.command in ("veto", "rescue"):
            self._wishes.append(record)
        else:
            return
        self._open[record.id] = record

    def done(self, command: str, words: str) -> None:
        """Journal that a command took effect; nothing when nobody had asked for it."""
        self._settle(lambda record: record.command == command, "done", words)

    def failed(self, command: str, words: str) -> None:
        """Journal that a command which was accepted could not be done."""
        self._settle(lambda record: record.command == command, "failed", words)

    def fulfilled(self, wish: Wish, words: str) -> None:
        self._settle(lambda record: record.id == wish.id, "done", words)

    def refused(self, wish: Wish, words: str) -> None:
        self._settle(lambda record: record.id == wish.id, "failed", words)

    def _settle(self, meant: Callable[[ControlRecord], bool], state: str, words: str) -> None:
        for record in [record for record in self._open.values() if meant(record)]:
            del self._open[record.id]
            self._engine.record(
                ControlRecord(
                    id=record.id, command=record.command, by=record.by, state=state, reason=words, data=record.data
                ),
                sync=True,
            )

    def stop(self, reason: str) -> None:
        """End the session now (a signal)."""
        self._stop = self._stop or reason
        if self._task is not None:
            self._task.cancel()

    def ended(self, outcome: str) -> None:
        """The session ends: what took effect by that, and what cannot any more. What was put off waits for the next engine."""
        self.done("stop", outcome)
        for record in list(self._open.values()):
            if record.command not in DEFERRED:
                self.failed(record.command, f"the session ended before: {outcome}")

    @property
    def awaited(self) -> bool:
        """Whether something was put off that is still to be done."""
        return bool(self._requests or self._wishes)

    def end_here(self) -> None:
        """Between two experiments: end the session when somebody asked for that. Raises Stopped."""
        if self._last:
            self._stop = self._last
            raise Stopped(self._stop)

    async def run(self, work: Coroutine[Any, Any, T], *, skippable: bool = False) -> T:
        """Await `work` so that stop (and, where it is an experiment, skip and others) cancels it.

        Raises Stopped, Skipped, GivenUp.
        """
        if self._stop:
            work.close()
            raise Stopped(self._stop)
        self._skippable, self._cancel = skippable, None
        task = asyncio.ensure_future(work)
        self._task = task
        try:
            return await task
        except asyncio.CancelledError:
            if self._stop:
                raise Stopped(self._stop) from None
            if self._cancel is not None:
                raise self._cancel from None
            raise
        finally:
            if not task.done():
                task.cancel()
            self._task, self._skippable = None, False

    async def whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Await what must not be done by half: from here on the experiment cannot be ended, and a stop waits."""
        self._skippable = False
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await task
            raise

    async def safe_point(self) -> None:
        """Wait here while the session is paused."""
        if not self.paused:
            return
        state = self._engine.state
        if state.health != "paused":
            self._before = Health(
                health=state.health, previous="paused", reason=state.health_reason, next=state.health_next
            )
            self.done("pause", "paused")
            self._engine.record(Health(health="paused", previous=state.health, reason=self._why, next="resume or stop"))
        await self._running.wait()
        self._engine.held.clear()
        self.done("resume", "goes on")
        self._engine.record(self._before)

    def take_requests(self) -> list[str]:
        """The playbooks that were asked for since the last time, in order."""
        taken, self._requests = self._requests, []
        return taken

    def asks_for(self, playbook: str) -> bool:
        """Whether somebody has asked for a playbook that is not done yet."""
        return playbook in self._requests

    def answered(self, playbook: str, words: str) -> None:
        """A playbook that was asked for was done in another way than by `take_requests`."""
        self._requests.remove(playbook)
        for command in (command for command, name in PLAYBOOKS.items() if name == playbook):
            self.done(command, words)

    def take_wish(self) -> tuple[str, Wish] | None:
        """The next veto or rescue that was asked for and is not done yet."""
        waiting = {control.id for control in self._engine.state.pending}
        while self._wishes:
            record = self._wishes.pop(0)
            if record.id in waiting:
                number, keep = record.data.get("experiment"), record.data.get("keep")
                return record.command, Wish(
                    number if type(number) is int else 0, record.by, record.text, record.id, keep is True
                )
        return None

    def put_off(self, wish: Wish) -> None:
        """Something else comes first: the wish is taken up again after it."""
        self._wishes += [record for record in self._open.values() if record.id == wish.id]

    @property
    def paused(self) -> bool:
        return not self._running.is_set()

    async def submitted(self) -> Submission:
        return await self._submissions.get()

    def request(self, playbook: str, why: str) -> None:
        """Ask for a playbook on the loop's own account."""
        if playbook not in self._requests:
            self._requests.append(playbook)
            self._engine.note(f"{playbook} follows: {why}", "warning")

    def _pause(self, command: Command) -> Answer:
        now = bool(command.data.get("now")) and self._skippable
        if self.paused and (not now or self._engine.state.health == "paused"):
            return (
                False,
                "already paused" if self._engine.state.health == "paused" else f"already asked for{self._by('pause')}",
            )
        self._running.clear()
        self._why = f"asked for by {command.by}"
        if now:
            self._cancel = GivenUp
            return True, f"pauses now; experiment {self._number} is left and begun again later"
        return True, "pauses when the running phase or block of samples is complete"

    def _resume(self, command: Command) -> Answer:
        if self._last:
            self.failed("stop", f"{command.by} took it back")
            self._last = ""
            self._running.set()
            return True, "goes on, also after this experiment"
        if not self.paused:
            return False, "not paused"
        self._running.set()
        return True, "goes on"

    def _stop_command(self, command: Command) -> Answer:
        if command.data.get("after") and self._skippable:
            if self._last or self._stop:
                return False, f"already asked for{self._by('stop')}"
            self._last = f"stopped by {command.by}"
            return True, f"stops after experiment {self._number}{self._on_resume}"
        if self._stop:
            return False, f"it stops already: {self._stop}"
        self._stop = f"stopped by {command.by}"
        return True, "stops now"

    def _skip_command(self, command: Command) -> Answer:
        if not self._skippable:
            return False, "no experiment is running"
        wanted = command.data.get("experiment")
        if wanted and wanted != self._number:
            return False, f"experiment {wanted} has ended; {self._number} is running"
        if self._cancel is not None:
            return False, f"it ends already{self._by('skip')}"
        self._cancel = Skipped
        self._running.set()
        return True, "the experiment ends now"

    def _playbook(self, command: Command) -> Answer:
        if PLAYBOOKS[command.command] in self._requests:
            return False, f"already asked for{self._by(command.command)}"
        words = "a new segment begins" if command.command == "rebaseline" else "the worktrees are rebuilt"
        return True, self._when(command, words)

    async def _veto(self, command: Command) -> Answer:
        return await self._override(command, override.try_veto, "the branch goes back")

    async def _rescue(self, command: Command) -> Answer:
        return await self._override(command, override.try_rescue, "it is measured again")

    async def _override(self, command: Command, trial: Callable[[Engine, int], Awaitable[str]], words: str) -> Answer:
        number = command.data.get("experiment")
        if type(number) is not int:
            return False, "no experiment was named"
        if not command.text.strip():
            return False, "it needs a reason, which is journalled with it"
        refusal = await trial(self._engine, number)
        return (False, refusal) if refusal else (True, self._when(command, words))

    def _answer(self, command: Command) -> Answer:
        return self.asking.answer(
            str(command.data.get("question", "")), str(command.data.get("option", "")), command.by
        )

    def _propose(self, command: Command) -> Answer:
        if self._engine.agent.name != "manual":
            return False, f'the agent is {self._engine.agent.name}; proposals by hand need agent = "manual"'
        self._submissions.put_nowait(Submission(description=command.text, patch=str(command.data.get("patch", ""))))
        return True, "measured next"

    @property
    def _number(self) -> int:
        """Of the experiment that runs."""
        return self._engine.state.last_number + 1

    @property
    def _on_resume(self) -> str:
        return ", once somebody resumes" if self.paused else ""

    def _when(self, command: Command, words: str) -> str:
        if command.data.get("now") and self._skippable:
            self._cancel = GivenUp
            return f"{words} now{self._on_resume}; experiment {self._number} is left and begun again later"
        if self._skippable:
            return f"{words} after experiment {self._number}{self._on_resume}"
        return f"{words} before the next experiment{self._on_resume}"

    def _by(self, command: str) -> str:
        asked = [record.by for record in self._open.values() if record.command == command]
        return f" by {asked[0]}" if asked else ""
