"""Notices that time did not go by as usual: the machine slept, the engine was stopped, the clock was set.

Three clocks are compared at each beat: the wall clock, the time since the machine started with its sleep, and without. What
passed between two beats around an interruption counts neither as time of work nor as part of a good sample.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from autotune_tui.journal.writer import timestamp
from autotune_tui.model.events import Interruption, Record
from autotune_tui.model.format import duration

BEAT_SECONDS = 0.5
ASLEEP = 1.0
"""Seconds of sleep that are worth a record; a disturbed sample is noticed by less (`stats.disturbance`)."""
SET = 1.0
"""Seconds by which the wall clock must jump."""
STOPPED = 2.0
"""Seconds without a beat, when the engine was continued by a signal since."""
STILL = 60.0
"""Seconds without a beat and without work, when nobody says why: a frozen container, or a machine that was paused."""
IDLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Moment:
    """What the clocks said. All are seconds; only differences of two moments mean anything, but for `wall`."""

    wall: float
    """Since the epoch."""
    whole: float
    """With the time that the machine slept."""
    awake: float
    worked: float
    """Processor time of this process."""


def now() -> Moment:
    awake = time.monotonic()
    whole = time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else awake
    return Moment(time.time(), whole, awake, time.process_time())


def interruption(before: Moment, after: Moment, *, continued: bool, watched: bool = True) -> Interruption | None:
    """What lies between two beats beside ordinary time; None when nothing does. `continued`: SIGCONT has come since.

    Unless `watched`, beats come now and then only, and a long time between two of them means nothing.
    """
    passed = after.awake - before.awake
    asleep = (after.whole - before.whole) - passed
    set_by = (after.wall - before.wall) - (after.whole - before.whole)
    missing = passed - BEAT_SECONDS if watched else 0.0
    idle = after.worked - before.worked < IDLE_SHARE * passed
    said: list[tuple[str, float, str]] = []
    if asleep >= ASLEEP:
        said.append(("suspended", asleep, f"the machine was suspended for {duration(asleep)}"))
    if (missing >= STOPPED and continued) or (missing >= STILL and idle):
        how = "was stopped" if continued else "stood still"
        said.append(("stopped", passed, f"the engine {how} for {duration(passed)}"))
    if abs(set_by) >= SET:
        direction = "forward" if set_by > 0 else "back"
        said.append(("clock", set_by, f"the clock was set {direction} by {duration(abs(set_by))}"))
    if not said:
        return None
    kind, seconds, _ = said[0]
    text = "; ".join(words for _, _, words in said)
    since = timestamp(datetime.fromtimestamp(before.wall, UTC))
    return Interruption(kind=kind, seconds=seconds, since=since, text=f"{text}. This is no time of work")


class Pulse:
    """Looks at the clocks, as often as it is asked to. One instance per engine."""

    def __init__(self, clock: Callable[[], Moment] = now) -> None:
        self._clock = clock
        self._last = clock()
        self._continued = False
        self._watched = False
        self.count = 0
        """Interruptions so far."""

    def beat(self, record: Callable[[Record], None]) -> None:
        """Journal an interruption since the last beat, if there was one."""
        moment, continued = self._clock(), self._continued
        found = interruption(self._last, moment, continued=continued, watched=self._watched)
        self._last, self._continued = moment, False
        if found is not None:
            self.count += 1
            record(found)

    async def watch(self, record: Callable[[Record], None]) -> None:
        """Beat until cancelled."""
        self.beat(record)
        self._watched = True
        try:
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                self.beat(record)
        finally:
            self._watched = False

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Within, SIGCONT is taken note of. It comes before anything else when a stopped process goes on."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGCONT, self._heed)
        try:
            yield
        finally:
            signal.signal(signal.SIGCONT, before)

    def _heed(self, number: int, frame: FrameType | None) -> None:
        self._continued = True
