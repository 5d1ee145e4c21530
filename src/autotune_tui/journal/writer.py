"""Appends records to the journal, one write for each, so that a crash can tear at most the last line."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from autotune_tui.errors import JournalError
from autotune_tui.journal.backwards import lines_backwards
from autotune_tui.journal.files import cannot_write
from autotune_tui.model.events import Record, from_record, to_record

_LINE_BREAKS = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}
"""Characters that JSON allows inside text and some readers take for the end of a line."""


class JournalWriter:
    """The one writer of a journal.

    Opening mends the last line of a journal whose writer died: a whole record that lacks its line end gets it, anything
    else is cut off; `mended` says what was done, in words, or is empty. `now` gives the time for the stamps, `clean` takes
    out of a record, as JSON, what nobody may read.
    All methods raise JournalError when the system refuses; a failed append leaves no trace in the file.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime], clean: Callable[[str], str] = str) -> None:
        self.path = path
        self.mended = ""
        self._now = now
        self._clean = clean
        self._seq = 0
        self._end = 0
        """Where the last whole record ends, in bytes."""
        self._torn = False
        """Whether a part of a record may stand behind that."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            self._mend()
        except OSError as error:
            self.close()
            raise cannot_write(path, error) from error
        except JournalError:
            self.close()
            raise

    def append(self, event: Record, *, sync: bool = False) -> Record:
        """Write the record with the next `seq` and the time; returns it as readers will read it.

        `sync` also forces it to disk.
        """
        if self._fd < 0:
            raise ValueError("the journal is closed")
        stamped = replace(event, seq=self._seq + 1, timestamp=timestamp(self._now()))
        line = _encode(stamped, self._clean)
        self._write(line)
        self._seq += 1
        if sync:
            self.sync()
        return from_record(json.loads(line))

    def sync(self) -> None:
        """Force everything appended so far to disk."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def restore(self) -> str:
        """Put the journal back where somebody has removed or replaced it; says so in words, empty when all is well.

        The file is still open here, so nothing is lost; one that has taken its place is kept under another name. Where its
        whole folder is gone, it may have gone along, and is left alone.
        """
        if not self.path.parent.is_dir():
            return ""
        try:
            if os.path.samestat(self.path.stat(), os.fstat(self._fd)):
                return ""
            aside = self.path.with_name(f"{self.path.name}.replaced")
            self.path.replace(aside)
            words = f"The journal was replaced by another file, which is now {aside.name}"
        except FileNotFoundError:
            words = "The journal was removed"
        except OSError as error:
            raise cannot_write(self.path, error) from error
        unfinished = self.path.with_name(f"{self.path.name}.restored")
        try:
            copy = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
            try:
                _copy(self._fd, copy, self._end)
                os.fsync(copy)
                unfinished.replace(self.path)
            except BaseException:
                os.close(copy)
                raise
        except OSError as error:
            raise cannot_write(self.path, error) from error
        os.close(self._fd)
        self._fd, self._torn = copy, False
        return f"{words}; it was written again, with all of its records"

    def fileno(self) -> int:
        """The descriptor, by which the system knows where the file is now."""
        return self._fd

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        """All of `line` or nothing of it."""
        try:
            if self._torn:
                os.ftruncate(self._fd, self._end)
            self._torn = True
            written = os.write(self._fd, line)
            while written < len(line):  # a full disk takes a part first and says so only at the next write
                written += os.write(self._fd, line[written:])
        except OSError as error:
            self._undo()
            raise cannot_write(self.path, error) from error
        self._torn = False
        self._end += len(line)

    def _undo(self) -> None:
        """Cut off what a failed write has left; if even that fails, the next append tries it again first."""
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            return
        self._torn = False

    def _mend(self) -> None:
        lines = lines_backwards(self._fd)
        rest = next(lines)
        size = os.fstat(self._fd).st_size
        self._end = size - len(rest)
        if _parse(rest) is not None:
            lines = chain((rest,), lines)
            self._end = size
            self._write(b"\n")
            self.mended = "The last record lacked its line end, which was added."
        elif rest:
            os.ftruncate(self._fd, self._end)
            self.mended = f"The last record was torn after {len(rest)} bytes and was cut off."
        self._seq = _last_seq(lines)


def _copy(source: int, target: int, size: int) -> None:
    """The first `size` bytes of one file to another."""
    done = 0
    while done < size and (chunk := os.pread(source, min(size - done, 1 << 20), done)):
        written = 0
        while written < len(chunk):
            written += os.write(target, chunk[written:])
        done += written


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-04-04T10:11:12.345Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encode(event: Record, clean: Callable[[str], str]) -> bytes:
    """The line of a record."""
    record = to_record(event)
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError):
        record = _plain(record)
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = clean(text)
    for character, escaped in _LINE_BREAKS.items():
        text = text.replace(character, escaped)
    try:
        line = text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as file names that are not UTF-8 have
        line = clean(json.dumps(record, allow_nan=False, separators=(",", ":"))).encode()
    return line + b"\n"


def _plain(value: Any) -> Any:
    """`value` in types that JSON knows: NaN and infinity become None, numpy numbers plain ones, paths text."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    raise TypeError(f"a journal record cannot hold {type(value).__name__}")


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _last_seq(lines: Iterator[bytes]) -> int:
    """The `seq` of the last record that has one, of lines from the last to the first; the number of lines in a journal of a
    tool that does not count.
    """
    passed = 0
    for line in lines:
        record = _parse(line)
        seq = record.get("seq") if record else None
        if type(seq) is int:
            return seq
        passed += 1
    return passed
