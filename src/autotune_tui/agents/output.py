"""What an agent's process prints: into a bounded log, line by line to the screen, and its last words kept."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from autotune_tui.agents.text import harmless, one_line
from autotune_tui.redaction import Redactor

Stream = Literal["stdout", "stderr"]

LOG_HEAD = 1 << 20
"""Bytes of an agent's output that the log keeps from its beginning, and (`LOG_TAIL`) from its end."""
LOG_TAIL = 1 << 18
LONGEST_LINE = 1 << 18
"""Bytes of one line that are kept; the JSON object on the last line fits, a gigabyte without a newline does not."""
LINES_A_SECOND = 200
"""Lines shown at most; more than a person can follow only costs time."""


class Output:
    """Takes the chunks of both streams as they come. `clock` gives seconds, for the limit of lines shown.

    Secrets of the environment are neither in the log, which people watch, nor in the lines shown.
    """

    def __init__(self, log: Path, show: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._log = log.open("ab", buffering=0)
        self._redactor = Redactor(os.environ)
        self._mask = self._redactor.mask()
        self._closed = False
        self.log_error = ""
        """Why the log is incomplete (a full disk); the agent's work is good all the same."""
        self._show, self._clock = show, clock
        self._decoders = {s: codecs.getincrementaldecoder("utf-8")("replace") for s in ("stdout", "stderr")}
        self._pending: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self._last = b""
        self._recent = b""
        self._room = LOG_HEAD
        self._end = bytearray()
        self._ended = 0
        self._second, self._shown, self._hidden = -1.0, 0, 0

    def feed(self, stream: Stream, data: bytes) -> None:
        """Take a chunk; one that asyncio delivers after the end is dropped."""
        if self._closed:
            return
        self._write(stream, data)
        pending = self._pending[stream]
        if b"\n" not in data:
            self._pending[stream] = pending if len(pending) >= LONGEST_LINE else (pending + data)[:LONGEST_LINE]
            return
        lines = (pending + data).split(b"\n")
        self._pending[stream] = lines.pop()[:LONGEST_LINE]
        self._take(stream, lines)

    def close(self) -> None:
        """Take what had no newline at its end, and finish the log."""
        for stream in ("stdout", "stderr"):
            if self._pending[stream]:
                self._take(stream, [self._pending[stream]])
        self._say_hidden()
        left_out = self._ended - len(self._end)
        if left_out:
            self._append(f"\n[... {left_out:,} bytes left out ...]\n")
        self._append(harmless(self._end.decode("utf-8", "replace")))
        self._put(self._mask.flush())
        self._closed = True
        self._log.close()

    @property
    def last_line(self) -> str:
        """The last line of stdout that is not blank."""
        return self._last.decode("utf-8", "replace").strip()

    def tail(self, lines: int = 20) -> str:
        """The last lines of both streams together, for an error."""
        kept = self._recent.decode("utf-8", "replace").split("\n")
        shown = [one_line(line, 300) for line in kept if line.strip()]
        return "\n".join(shown[-lines:])

    def _write(self, stream: Stream, data: bytes) -> None:
        self._recent = (self._recent + data[-8192:])[-8192:]
        head, rest = data[: self._room], data[self._room :]
        if head:
            self._room -= len(head)
            self._append(harmless(self._decoders[stream].decode(head)))
        if rest:
            self._ended += len(rest)
            self._end += rest[-LOG_TAIL:]
            if len(self._end) > 2 * LOG_TAIL:
                del self._end[:-LOG_TAIL]

    def _append(self, text: str) -> None:
        self._put(self._mask.feed(text.encode()))

    def _put(self, text: bytes) -> None:
        if not self.log_error:
            data = memoryview(text)
            try:
                while data:  # unbuffered, so that nothing is left to fail at the end; one write may take a part only
                    data = data[self._log.write(data) or 0 :]
            except OSError as error:
                self.log_error = error.strerror or str(error)

    def _take(self, stream: str, lines: list[bytes]) -> None:
        if stream == "stdout":
            self._last = next((line for line in reversed(lines) if line.strip()), self._last)[:LONGEST_LINE]
        second = self._clock() // 1
        if second != self._second:
            self._second, self._shown = second, 0
            self._say_hidden()
        allowed = max(0, LINES_A_SECOND - self._shown)
        for line in lines[:allowed]:
            text = one_line(self._redactor.text(line[:8192].decode("utf-8", "replace")))
            if text:
                self._shown += 1
                self._show(text)
        self._hidden += len(lines[allowed:])

    def _say_hidden(self) -> None:
        if self._hidden:
            self._show(f"[{self._hidden:,} more lines, see {Path(self._log.name).name}]")
            self._hidden = 0
