"""Follows a journal in a thread: reads, folds, and hands over what a screen should show, no more often than it can paint.

The file's size and identity are asked for twenty times a second, which costs 0.1 % of a core, needs nothing of the system's
that can be used up, and sees a new line within 50 ms, also on file systems that tell of no changes.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autotune_tui.errors import JournalError
from autotune_tui.journal.lock import holder
from autotune_tui.journal.reader import JournalTail
from autotune_tui.model.state import SessionState, fold

LOOK_SECONDS = 0.05
QUIET_LOOK_SECONDS = 0.25
"""While a sample is being timed, which must not be disturbed."""
PAINT_SECONDS = 0.25
QUIET_PAINT_SECONDS = 1.0
ENGINE_SECONDS = 0.5
TIMED_PHASES = frozenset({"measure", "calibrate", "validate", "holdout"})
_SLICE = 4000
"""Records that are folded before progress is shown."""
SMALL = 2 << 20
"""Bytes of a journal that is read before the first frame; a larger one shows how far reading has come."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What was seen of a journal at one moment."""

    state: SessionState = field(default_factory=SessionState)
    exists: bool = False
    """Whether there is a journal (yet)."""
    reading: bool = False
    """Whether there is more of the journal that is still being read for the first time."""
    engine: dict[str, Any] | None = None
    """Who holds the session's lock."""
    problem: str = ""
    """Why the journal cannot be read, in words."""
    modified: float = 0.0
    """When the journal was last written, in seconds since 1970; 0 when there is none."""


def is_timed(state: SessionState) -> bool:
    """Whether a sample is being timed now, as far as the journal knows."""
    current = state.current
    if current is None or state.end is not None or state.health == "paused":
        return False
    return current.phase_state == "start" and current.phase in TIMED_PHASES


class Follower:
    """Reads one journal as it grows. `deliver` is called in this object's thread."""

    def __init__(self, path: Path, lock: Path | None, deliver: Callable[[Look], None]) -> None:
        self._path = path
        self._lock = lock
        self._deliver = deliver
        self._tail = JournalTail(path, settled_samples=False)
        self._seen: tuple[int, int, int] | None = None
        self._look = Look()
        self._delivered: Look | None = None
        self._delivered_at = 0.0
        self._engine_at = 0.0
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
        while not self._stop.is_set():
            self._refresh()
            timed = is_timed(self._look.state)
            spacing = QUIET_PAINT_SECONDS if timed else PAINT_SECONDS
            if self._look is not self._delivered and time.monotonic() - self._delivered_at >= spacing:
                self._hand_over()
            self._stop.wait(QUIET_LOOK_SECONDS if timed else LOOK_SECONDS)

    def _hand_over(self) -> None:
        self._delivered, self._delivered_at = self._look, time.monotonic()
        self._deliver(self._look)

    def _refresh(self) -> None:
        engine = self._look.engine
        if self._lock is not None and time.monotonic() - self._engine_at >= ENGINE_SECONDS:
            engine, self._engine_at = holder(self._lock), time.monotonic()
        try:
            status = self._path.stat()
        except OSError:
            if self._look.exists or engine != self._look.engine:
                self._look = Look(state=self._look.state, engine=engine)
            self._seen = None
            return
        seen = (status.st_ino, status.st_size, status.st_mtime_ns)
        if seen != self._seen:
            self._seen = seen
            self._read(status.st_mtime, engine)
        elif engine != self._look.engine:
            self._look = replace(self._look, engine=engine)

    def _read(self, modified: float, engine: dict[str, Any] | None) -> None:
        """Fold what is new, in slices, so that a long journal shows something early."""
        state, problem = self._look.state, ""
        records = self._tail.stream()
        try:
            first = True
            while chunk := list(itertools.islice(records, _SLICE)):
                if first and self._tail.restarted:
                    state = SessionState()
                first = False
                state = fold(chunk, state)
                self._look = Look(state, True, len(chunk) == _SLICE, engine, "", modified)
                if len(chunk) == _SLICE and time.monotonic() - self._delivered_at >= PAINT_SECONDS:
                    self._hand_over()
                if self._stop.is_set():
                    return
            if first and self._tail.restarted:
                state = SessionState()
        except JournalError as error:
            problem = f"{error.title}: {error.message}"
        self._look = Look(state, True, False, engine, problem, modified)
