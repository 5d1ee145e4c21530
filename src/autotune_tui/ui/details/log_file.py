"""A log file of any size: its lines are found once, and read only when they are to be seen."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from threading import Lock

from textual.content import Content
from textual.geometry import clamp

from autotune_tui.ui.text import coloured, plain

_CHUNK = 1 << 20
_LONGEST = 8000
"""Bytes of a line that are read; `text` shows the first 2,000 characters."""


class LogFile:
    """The index of one growing file. `refresh` reads it, and is to be called in a thread; all else is quick."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.problem = ""
        """Why it cannot be read, in words."""
        self._identity: tuple[int, int] = (0, 0)
        self._starts = array("q", [0])
        """Where each line begins; the last is where the file ends so far, or its unfinished line begins."""
        self._cells = array("L")
        """Cells of each line."""
        self._rest = b""
        self._reading = Lock()

    @property
    def count(self) -> int:
        """Lines, with an unfinished last one."""
        return len(self._cells) + bool(self._rest)

    @property
    def width(self) -> int:
        """Cells of the longest line."""
        return max(max(self._cells, default=0), _cells(self._rest))

    def refresh(self) -> None:
        """Read what is new. A file that was cut or replaced is read afresh."""
        try:
            with self._reading, self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                if identity != self._identity or status.st_size < self.size:
                    self._start_over(identity)
                file.seek(self.size)
                while chunk := file.read(_CHUNK):
                    self._take(chunk)
        except FileNotFoundError:
            return
        except OSError as error:
            self.problem = f"{self.path.name} cannot be read: {error.strerror}"

    def read(self, number: int) -> str:
        """The line as it stands in the file; empty when it is gone."""
        if number == len(self._cells):
            return self._rest[:_LONGEST].decode(errors="replace")
        start, end = self._starts[number], self._starts[number + 1]
        try:
            with self.path.open("rb") as file:
                return os.pread(file.fileno(), min(end - start - 1, _LONGEST), start).decode(errors="replace")
        except OSError:
            return ""

    def cells(self, number: int) -> int:
        return self._cells[number] if number < len(self._cells) else _cells(self._rest)

    def rows(self, width: int) -> list[int]:
        """For each line the number of rows before it when lines are wrapped at `width` cells, and then all rows."""
        sizes = [*self._cells, *([_cells(self._rest)] if self._rest else [])]
        return [0, *accumulate(max(-(-cells // width), 1) for cells in sizes)]

    def hits(self, text: str) -> list[int]:
        """All lines that hold `text`, whatever the case of its ASCII letters. Reads the file: to be called in a thread."""
        needle = text.encode().lower()
        if not needle:
            return []
        found: list[int] = []
        try:
            content = self.path.read_bytes()[: self.size].lower()
        except OSError:
            return []
        position = content.find(needle)
        while position >= 0:
            line = min(bisect_right(self._starts, position) - 1, self.count - 1)
            found.append(line)
            after = self._starts[line + 1] if line + 1 < len(self._starts) else len(content)
            position = content.find(needle, after)
        return found

    def tail(self, most: int) -> str:
        """The last bytes as text, from the beginning of a line."""
        try:
            with self.path.open("rb") as file:
                start = max(self.size - most, 0)
                content = os.pread(file.fileno(), most, start)
        except OSError:
            return ""
        return (content.partition(b"\n")[2] if start else content).decode(errors="replace")

    def _start_over(self, identity: tuple[int, int]) -> None:
        self._identity, self.size, self.problem = identity, 0, ""
        self._starts, self._cells, self._rest = array("q", [0]), array("L"), b""

    def _take(self, chunk: bytes) -> None:
        position = self.size - len(self._rest)
        self.size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            position += len(line) + 1
            self._starts.append(position)
            self._cells.append(_cells(line))


def _cells(line: bytes) -> int:
    """The cells that a line takes on the screen."""
    line = line[:_LONGEST]
    if line.isascii() and b"\x1b" not in line and b"\t" not in line and b"\r" not in line:
        return min(len(line), 2000)
    return Content(plain(line.decode(errors="replace"))).cell_length


class LogLines:
    """A log's lines for a `LineView`, wrapped at `wrap` cells when that is not 0, with `marked` text marked."""

    def __init__(self, file: LogFile, wrap: int = 0, marked: str = "", current: int | None = None) -> None:
        self._file = file
        self.wrap = wrap
        self._marked = marked.lower()
        self._current = current
        self._before = file.rows(wrap) if wrap else []
        self._folded: tuple[int, list[Content]] = (-1, [])
        self.lines = file.count
        self.count = self._before[-1] if wrap else file.count
        self.width = wrap or file.width

    def row_of(self, line: int) -> int:
        """The first row of a line."""
        return self._before[clamp(line, 0, len(self._before) - 1)] if self.wrap else line

    def line_of(self, row: int) -> int:
        """The line that a row belongs to."""
        return max(bisect_right(self._before, row) - 1, 0) if self.wrap else row

    def line(self, y: int, width: int) -> Content:
        if not self.wrap:
            return self._content(y, width)
        line = self.line_of(y)
        if self._folded[0] != line:
            self._folded = (line, self._content(line, 0).fold(self.wrap))
        rows = self._folded[1]
        place = y - self._before[line]
        return rows[place] if place < len(rows) else Content.empty()

    def _content(self, line: int, width: int) -> Content:
        content = coloured(self._file.read(line))
        if self._marked:
            text = content.plain.lower()
            position = text.find(self._marked)
            while position >= 0:
                content = content.stylize("reverse", position, position + len(self._marked))
                position = text.find(self._marked, position + len(self._marked))
        if line == self._current:
            content = content.pad_right(max(width - content.cell_length, 0)).stylize_before("on $panel")
        return content
