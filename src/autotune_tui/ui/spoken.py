"""What the agent says in the experiment that runs, followed as it is written: a line shows before it is complete."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import SEEK_END
from pathlib import Path

from autotune_tui.journal.files import SessionFolder
from autotune_tui.ui.output import log_of
from autotune_tui.ui.text import plain

POLL_SECONDS = 0.05
"""The file's size is asked for as often, which costs 0.1 % of a core."""
PAINT_SECONDS = 0.25
"""Words are painted no more often, but for the first ones: someone waits for them."""
_BYTES = 8 << 10
"""From the end of the agent's log."""


class Spoken:
    """The last words of one experiment after the other. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._number = 0
        self._path: Path | None = None
        self._size = 0
        self._painted = float("-inf")
        self.lines: tuple[str, ...] = ()
        """Made harmless; the last one may still grow."""

    def poll(self, folder: SessionFolder | None, number: int) -> bool:
        """Look whether more was said in the experiment; whether that is to be painted now. Number 0: in none."""
        if number != self._number:
            self._number, self._path, self._size, self.lines = number, None, 0, ()
            self._painted = float("-inf")
        if folder is None or not number:
            return False
        if self._path is None or not self._path.exists():  # its folder gets its whole name with the plan
            log = log_of(folder, number)
            self._path = log.with_name("agent.log") if log else None
        now = self._clock()
        try:
            size = self._path.stat().st_size if self._path else 0
            if self._path is None or size == self._size or now - self._painted < PAINT_SECONDS:
                return False
            self.lines = _last_lines(self._path)
        except OSError:
            return False
        self._size, self._painted = size, now
        return True


def _last_lines(path: Path) -> tuple[str, ...]:
    with path.open("rb") as file:
        start = max(0, file.seek(0, SEEK_END) - _BYTES)
        file.seek(start)
        lines = file.read(_BYTES).decode("utf-8", "replace").split("\n")
    return tuple(plain(line) for line in (lines[1:] if start else lines) if line.strip())
