"""Stops an agent that says nothing for too long; what it says is anything that it emits, words or a tool's use."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from autotune_tui.agents.base import AgentStalled
from autotune_tui.model.format import duration

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment

T = TypeVar("T")

LOOK_SECONDS = 1.0


class Silence:
    """Counts how long nothing was heard. Time in which nobody could listen, as while the engine was stopped, does not count."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._looked = clock()
        self._heard = 0
        self.seconds = 0.0

    def look(self, heard: int, pace: float) -> None:
        """Take note of what was `heard` so far, a number that grows; looks are meant to be `pace` seconds apart."""
        now = self._clock()
        passed, self._looked = now - self._looked, now
        self.seconds = self.seconds + min(passed, 2 * pace) if heard == self._heard else 0.0
        self._heard = heard


async def attended(x: Experiment, work: Awaitable[T]) -> T:
    """Await an agent. Raises AgentStalled when it was stopped because it said nothing for [watchdogs] agent_silence.

    Cancelling passes on to the agent, which stops its own processes first. The manual agent is a person, who may take time, as
    may one who is asked something.
    """
    engine = x.engine
    limit = engine.config.watchdogs.agent_silence
    if limit is None or x.agent.name == "manual":
        return await engine.waiting(work)
    task = asyncio.ensure_future(engine.waiting(work))
    pace = min(LOOK_SECONDS, limit / 5)
    silence, warned = Silence(asyncio.get_running_loop().time), False
    try:
        while not (await asyncio.wait({task}, timeout=pace))[0]:
            silence.look(x.heard, pace)
            if x.control.asking.waiting:
                silence.seconds = 0.0
            warned = warned and silence.seconds > 0
            if silence.seconds >= limit:
                raise _stalled(limit)
            if silence.seconds >= limit / 2 and not warned:
                warned = True
                words = (
                    f"the agent has said nothing for {duration(silence.seconds)}; after {duration(limit)} it is stopped"
                )
                engine.note(words, "warning", x.number)
        return task.result()
    finally:
        await _end(task)


async def _end(task: asyncio.Task[T]) -> None:
    """Cancel what still runs, and wait until it is gone; whoever cancels again is heard there, too."""
    again = False
    while not task.done():
        task.cancel()
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            again = True
    if not task.cancelled():
        with contextlib.suppress(Exception):  # it has been given up: what it would have failed with does not matter
            task.result()
    if again:
        raise asyncio.CancelledError


def _stalled(limit: float) -> AgentStalled:
    return AgentStalled(
        f"The agent said nothing for {duration(limit)} and was stopped",
        "It may wait for an answer that nobody gives, or for its provider.",
        "If it needs longer without a word, set [watchdogs] agent_silence.",
    )
