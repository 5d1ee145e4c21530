"""What a command prints: kept as far as it is wanted, and never waited for."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autotune_tui.mask import Mask


class Capped:
    """What is written to it goes to a file: the first `head` bytes at once, the last `tail` bytes at the end."""

    def __init__(self, fd: int | None, head: int, tail: int, mask: Mask | None = None) -> None:
        """What `mask` takes out is not in the file at any time; `last` gives it as it came."""
        self.fd, self.head, self.tail, self.mask = fd, head, tail, mask
        self.total = 0
        self.ring = memoryview(bytearray(tail))
        self.error = ""

    def write(self, chunk: memoryview) -> None:
        if self.total < self.head:
            self.put(chunk[: self.head - self.total])
        end = self.total + len(chunk)
        chunk = chunk[-self.tail :]
        start = (end - len(chunk)) % self.tail
        first = chunk[: self.tail - start]
        self.ring[start : start + len(first)] = first
        self.ring[: len(chunk) - len(first)] = chunk[len(first) :]
        self.total = end

    def last(self, count: int) -> bytes:
        """The last `count` bytes written, or as many of them as there are."""
        end = self.total % self.tail
        whole = bytes(self.ring[end:]) + bytes(self.ring[:end])
        return whole[len(whole) - min(count, self.total, self.tail) :]

    def finish(self) -> None:
        """Write the tail, with one line before it that says how much is missing."""
        if self.left_out:
            self.put(memoryview(f"\n[... {self.left_out} bytes left out ...]\n".encode()))
        if self.total > self.head:
            self.put(memoryview(self.last(self.total - self.head)))
        if self.mask is not None:
            self.put_as_it_is(self.mask.flush())

    @property
    def left_out(self) -> int:
        return max(0, self.total - self.head - self.tail)

    def put(self, data: memoryview) -> None:
        self.put_as_it_is(data if self.mask is None else self.mask.feed(bytes(data)))

    def put_as_it_is(self, data: memoryview | bytes) -> None:
        """A full disk must not spoil the sample: after the first error nothing more is written, and the reply says so."""
        while data and self.fd is not None:
            try:
                data = data[os.write(self.fd, data) :]
            except OSError as error:
                self.error, self.fd = error.strerror or str(error), None
