"""Follows a journal in a thread: reads, folds, and hands over what a screen should show, no more often than it can paint.

The file's size and identity are asked for twenty times a second, which costs 0.1 % of a core, needs nothing of the system's
that can be used up, and sees a new line within 50 ms, also on file systems that tell of no changes.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from autotune_tui.errors import JournalError
from autotune_tui.journal.lock import holder
from autotune_tui.journal.reader import JournalTail
from autotune_tui.model.events import Decision, Phase, Record, Resumption
from autotune_tui.model.state import SessionState, fold
from autotune_tui.model.value import Value, frozen

LOOK_SECONDS = 0.05
QUIET_LOOK_SECONDS = 0.25
"""While a sample is being timed, which must not be disturbed."""
PAINT_SECONDS = 0.25
ENGINE_SECONDS = 0.5
TIMED_PHASES = frozenset({"measure", "end_to_end", "holdout", "calibrate", "validate"})
SMALL = 2 << 20
"""Bytes of a journal that is read before the first frame; a larger one shows how far reading has come."""
_SLICE = 4000
"""Records that are folded before progress is shown."""


@frozen
class Look(Value):
    """What was seen of a journal at one moment."""

    state: SessionState = field(default_factory=SessionState)
    exists: bool = False
    """Whether there is a journal (yet)."""
    reading: bool = False
    """Whether there is more of the journal that is still being read for the first time."""
    tool: str = ""
    """The tool whose log this is; empty for our format, which the `autotune` tool shares."""
    crash: Exception | None = None
    """What went wrong inside the follower, which has ended with it."""
    problem: str = ""
    """Why the journal cannot be read, in words."""
    modified: float = 0.0
    """When the journal was last written, in seconds since 1970; 0 when there is none."""
    engine: dict[str, Any] | None = None
    """Who holds the session's lock."""
    engine_known: bool = False
    """Whether there is a lock to ask; a journal that lies alone has none."""
    looks: tuple[Decision, ...] = ()
    """The looks at the evidence of the running experiment, so that one sees how it closes in."""
    keep_looks: tuple[int, ...] = ()
    """The numbers of pairs at which the session's profile may decide a keep; empty until they are known."""
    most_pairs: int | None = None
    """The most pairs that the profile takes."""

    def after(self, records: list[Record]) -> Look:
        """What is seen when these records have been read as well."""
        goes_on = self.state.current is not None and self.state.current.resumed
        return replace(
            self, state=fold(records, self.state), looks=looks_after(records, self.looks, goes_on), exists=True
        )

    def with_profile(self) -> Look:
        """The same with what the session's profile says. It loads numpy, hence not before the first frame."""
        from autotune_tui.stats.rules import RULES

        rule = RULES.get(self.state.config.profile)
        return replace(self, keep_looks=rule.looks, most_pairs=rule.most_pairs) if rule else self


def is_timed(state: SessionState) -> bool:
    """Whether a sample is being timed now, as far as the journal knows."""
    current = state.current
    if current is None or state.session is None or state.end is not None or state.health == "paused":
        return False
    return current.phase_state == "start" and current.phase in TIMED_PHASES


def looks_after(records: Iterable[Record], looks: tuple[Decision, ...], goes_on: bool = False) -> tuple[Decision, ...]:
    """The looks at the evidence of the last experiment among the records, `looks` being those before them.

    `goes_on`: the last record before them said that an interrupted experiment goes on, so that its looks stay.
    """
    for record in records:
        if isinstance(record, Decision):
            if record.interval is not None and not record.to_commit:
                looks = (*looks, record)
        elif isinstance(record, Resumption):
            looks, goes_on = (looks if record.blocks else ()), True
        elif isinstance(record, Phase) and record.phase == "sync" and record.state == "start":
            looks, goes_on = (looks if goes_on else ()), False
    return looks


class Follower:
    """Reads one journal as it grows. `deliver` is called in this object's thread, with everything that was seen."""

    def __init__(self, path: Path, lock: Path | None, deliver: Callable[[Look], None]) -> None:
        self._path = path
        self._lock = lock
        self._deliver = deliver
        self._tail = JournalTail(path, settled_samples=False)
        self._seen: tuple[int, int, int] | None = None
        """Identity, size and time of the journal when it was last read."""
        self._look = Look(engine_known=lock is not None)
        self._delivered: Look | None = None
        self._delivered_at = 0.0
        self._engine_at = 0.0
        self._profile = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def first_look(self) -> Look | None:
        """What there is, when that can be read at once; None when the journal is too long for it. Before `start`."""
        try:
            size = self._path.stat().st_size
        except OSError:
            size = 0
        if size > SMALL:
            return None
        self._refresh()
        self._delivered = self._look
        return self._look

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; returns at once."""
        self._stop.set()

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:  # a thread that dies in silence would leave a screen that stands still
            self._look = replace(self._look, crash=error)
            self._hand_over()

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._refresh()
            timed = is_timed(self._look.state)
            if self._look is not self._delivered and self._may_deliver():
                self._hand_over()
            self._stop.wait(QUIET_LOOK_SECONDS if timed else LOOK_SECONDS)

    def _may_deliver(self) -> bool:
        return time.monotonic() - self._delivered_at >= PAINT_SECONDS

    def _hand_over(self) -> None:
        self._delivered, self._delivered_at = self._look, time.monotonic()
        self._deliver(self._look)

    def _refresh(self) -> None:
        """Look at the lock and the file; `self._look` becomes another when something has changed."""
        if self._lock is not None and time.monotonic() - self._engine_at >= ENGINE_SECONDS:
            self._engine_at = time.monotonic()
            engine = holder(self._lock)
            if engine != self._look.engine:
                self._look = replace(self._look, engine=engine)
        try:
            status = self._path.stat()
        except OSError:
            self._seen = None
            if self._look.exists:
                self._look = replace(self._look, exists=False)
            return
        seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        if seen != self._seen:
            self._seen = seen
            self._read(status.st_mtime)
        profile = self._look.state.config.profile
        if profile != self._profile and self._delivered is not None:
            self._profile = profile
            self._look = self._look.with_profile()

    def _read(self, modified: float) -> None:
        """Fold what is new, in slices, so that a long journal shows something early."""
        look = replace(self._look, exists=True, modified=modified, problem="")
        records = self._tail.stream()
        try:
            chunk = list(itertools.islice(records, _SLICE))
            if self._tail.restarted:
                look = replace(look, state=SessionState(), looks=())
            look = replace(look, tool=self._tail.tool)
            while chunk:
                more = len(chunk) == _SLICE
                look = self._look = replace(look.after(chunk), reading=more)
                if more and self._may_deliver():
                    self._hand_over()
                if self._stop.is_set():
                    return
                chunk = list(itertools.islice(records, _SLICE))
        except JournalError as error:
            look = replace(look, problem=f"{error.title}: {error.message}")
        self._look = replace(look, reading=False)
