"""Reads journals, whole or as they grow, and never fails on what is in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autotune_tui.errors import JournalError
from autotune_tui.journal.foreign import Translator, recognise
from autotune_tui.model.events import Record, Unreadable, from_record
from autotune_tui.model.state import SessionState, fold

_CHUNK = 1 << 17
"""Bytes whose records are in memory as JSON at the same time: some ten times as much."""
_MARK = 64
"""Bytes before the reading position that must be found again: they tell a file that grew from one that was rewritten."""
_SHOWN = 200
"""Characters of an unreadable line that are kept, to show it."""


class JournalTail:
    """Reads one file as it grows; follows it through truncation, rotation and atomic replacement.

    An unfinished last line waits for its end. A line that is no JSON object is counted in `unreadable` and handed on as an
    `Unreadable` record. When the file was truncated or replaced, reading starts over, and `restarted` is true after that
    read: the caller then folds anew. A file that is not there (yet) has no records.

    The log of another tool, which is told by its first line, is read likewise (see `foreign`); `tool` then names it, and
    `restarted` may also mean that the log has shown itself to be something else than was said before.

    With `settled_samples=False`, samples of experiments whose result is already there are checked but not handed on:
    `fold` passes over them anyway, and they are about two thirds of a long journal.
    """

    def __init__(self, path: Path, *, settled_samples: bool = True) -> None:
        self.path = path
        self.unreadable = 0
        self.restarted = False
        self._translator: Translator | None = None
        self._recognised = False
        self._settled_samples = settled_samples
        self._identity: tuple[int, int] | None = None
        self._position = 0
        self._mark = b""
        """The last bytes before the position."""
        self._rest: list[bytes] = []
        """The unfinished last line, in parts."""

    @property
    def tool(self) -> str:
        """The tool whose log this is; empty for a journal of our format, and before there is a line."""
        return self._translator.tool if self._translator else ""

    def read(self) -> list[Record]:
        """The complete records since the last call."""
        return list(self.stream())

    def stream(self) -> Iterator[Record]:
        """Like `read`, one by one, so that a long journal need not be in memory as a whole; to be taken to its end.

        Raises JournalError when the file is there and cannot be read.
        """
        self.restarted = False
        try:
            file = self.path.open("rb", buffering=0)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError("Cannot read the journal", f"{error.strerror}: {self.path}") from error
        with file:
            if not self._continues(file.fileno()):
                self._start_over()
                self.restarted = True
            status = os.fstat(file.fileno())
            self._identity = (status.st_dev, status.st_ino)
            file.seek(self._position)
            foreign: list[bytes] = []
            while chunk := file.read(_CHUNK):
                self._position += len(chunk)
                self._mark = (self._mark + chunk)[-_MARK:]
                lines = self._complete(chunk)
                if self._is_foreign(lines):
                    foreign += lines
                else:
                    yield from self._records(lines)
            if foreign and self._translator:
                said = self._translator.translate(foreign)
                self.restarted = self.restarted or said.again
                self.unreadable += said.unreadable
                yield from said.records

    def _start_over(self) -> None:
        self.unreadable = 0
        self._position = 0
        self._mark = b""
        self._rest = []
        self._translator, self._recognised = None, False

    def _continues(self, descriptor: int) -> bool:
        """Whether the open file is the one that was read before, with all of what was read."""
        if self._identity is None:
            return True
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != self._identity or status.st_size < self._position:
            return False
        before = os.pread(descriptor, len(self._mark), self._position - len(self._mark))
        return before == self._mark

    def _complete(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes; what is left waits as a list of parts, so that long lines cost linear time."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._rest.append(chunk)
            return []
        complete = b"".join((*self._rest, chunk[:end]))
        self._rest = [chunk[end + 1 :]]
        return [line for line in complete.split(b"\n") if line and not line.isspace()]

    def _is_foreign(self, lines: list[bytes]) -> bool:
        if lines and not self._recognised:
            self._translator, self._recognised = recognise(lines[0]), True
        return self._translator is not None

    def _records(self, lines: list[bytes]) -> Iterator[Record]:
        records = _parse_together(lines) or [_parse(line) for line in lines]
        ended = frozenset() if self._settled_samples else _ended(records)
        for line, record in zip(lines, records, strict=True):
            if record is None:
                self.unreadable += 1
                yield Unreadable(text=line[: 4 * _SHOWN].decode(errors="replace")[:_SHOWN])
            elif not (ended and _is_settled(record, ended)):
                yield from_record(record)


def read_journal(path: Path) -> list[Record]:
    """All complete records of a journal. Raises JournalError when the file cannot be read."""
    if not path.is_file():
        raise JournalError("There is no journal", f"{path} is not a file.")
    return JournalTail(path).read()


def load_state(path: Path) -> SessionState:
    """The state that a journal says, read in one pass. Raises JournalError when the file cannot be read."""
    if not path.is_file():
        raise JournalError("There is no journal", f"{path} is not a file.")
    return fold(JournalTail(path, settled_samples=False).stream())


def _not_a_number(_: str) -> None:
    return None


_DECODER = json.JSONDecoder(parse_constant=_not_a_number)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = _DECODER.decode(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _parse_together(lines: list[bytes]) -> list[dict[str, Any] | None] | None:
    """All lines parsed as one array, which takes a third less time than one by one; None when a line is no object."""
    if not all(line.startswith(b"{") and line.rstrip().endswith(b"}") for line in lines):
        return None
    try:
        records = _DECODER.decode(b"".join((b"[", b",".join(lines), b"]")).decode())
    except (ValueError, RecursionError):
        return None
    fits = len(records) == len(lines) and all(type(record) is dict for record in records)
    return records if fits else None


def _ended(records: list[dict[str, Any] | None]) -> frozenset[int]:
    """Numbers of the experiments whose results are among the records."""
    results = (record for record in records if record is not None and record.get("type") == "result")
    return frozenset(index for record in results if type(index := record.get("index")) is int and index > 0)


def _is_settled(record: dict[str, Any], ended: frozenset[int]) -> bool:
    return (
        record.get("type") == "sample"
        and record.get("purpose", "experiment") == "experiment"
        and type(number := record.get("experiment")) is int
        and number in ended
    )
