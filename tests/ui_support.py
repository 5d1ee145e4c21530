"""An engine for the tests of screens: it holds the lock, answers the inbox and writes the journal, as the real one does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.inbox import Command, Inbox
from autotune_tui.journal.lock import EngineLock
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Control, Health, Record, Session


class FakeEngine:
    """At work on a session from `with` on, until it is told to stop or `die` is called."""

    def __init__(self, folder: SessionFolder) -> None:
        self.folder = folder
        self.commands: list[str] = []
        self._lock = EngineLock(folder.lock)
        self._journal = JournalWriter(folder.journal, now=lambda: datetime.now(UTC))
        self._inbox = Inbox(folder.inbox)
        self._paused = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def write(self, *records: Record) -> None:
        for record in records:
            self._journal.append(record)

    def die(self) -> None:
        """Leave without a word, as a killed process does."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._journal.close()
        self._lock.release()

    def __enter__(self) -> FakeEngine:
        self._lock.acquire()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            for command in self._inbox.take():
                self.commands.append(command.command)
                self._answer(command)

    def _answer(self, command: Command) -> None:
        accepted, reason = True, "done at the next safe point"
        if command.command == "pause":
            accepted, reason = (False, "already paused") if self._paused else (True, "pauses soon")
            self._paused = True
        elif command.command == "resume":
            self._paused = False
        self.write(Control(id=command.id, command=command.command, by=command.by, accepted=accepted, reason=reason))
        if command.command in ("pause", "resume") and accepted:
            self.write(Health(health="paused" if self._paused else "running", reason=f"asked for by {command.by}"))
        if command.command == "stop":
            self.write(Session(event="end", outcome="stopped", reason=f"stopped by {command.by}"))
            self._over.set()
            self._lock.release()


def everything_in(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder with its identity, size and time of change, to see whether anything was touched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found
