"""The lines of a file from its end: what stands last in a journal is found without reading all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

CHUNK = 1 << 16


def lines_backwards(descriptor: int) -> Iterator[bytes]:
    """What stands behind the last line end, which may be nothing; then the lines, last to first, without their ends.

    Raises OSError.
    """
    position = os.fstat(descriptor).st_size
    parts: list[bytes] = []
    """The line under way, last part first."""
    while position > 0:
        size = min(CHUNK, position)
        position -= size
        *lines, last = os.pread(descriptor, size, position).split(b"\n")
        parts.append(last)
        while lines:
            yield b"".join(reversed(parts))
            parts = [lines.pop()]
    yield b"".join(reversed(parts))
