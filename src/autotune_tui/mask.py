"""Takes values out of a stream of bytes as it passes, also one that comes in two pieces. Imports nothing: the launcher has it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Mask:
    """Replaces each value by its mark. What could be the beginning of a value waits until more comes, or the end."""

    def __init__(self, marks: Mapping[bytes, bytes]) -> None:
        self._marks = [(value, marks[value]) for value in sorted(marks, key=len, reverse=True) if value]
        self._lines = all(b"\n" not in value for value, _ in self._marks)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may be shown of what came until now."""
        data = self._held + data
        cut = self._cut(data)
        self._held = data[cut:]
        return self._masked(data[:cut])

    def flush(self) -> bytes:
        """The rest, at the end of the stream."""
        data, self._held = self._held, b""
        return self._masked(data)

    def _masked(self, data: bytes) -> bytes:
        for value, mark in self._marks:
            data = data.replace(value, mark)
        return data

    def _cut(self, data: bytes) -> int:
        """Where something begins that could become a value; never within one that is whole."""
        if self._lines and data.endswith(b"\n"):
            return len(data)
        cut = min((self._begins(data, value) for value, _ in self._marks), default=len(data))
        for value, _ in self._marks:
            at = data.find(value, max(0, cut - len(value) + 1))
            if 0 <= at < cut < at + len(value):
                return at + len(value)
        return cut

    @staticmethod
    def _begins(data: bytes, value: bytes) -> int:
        """The place from which on the data is a beginning of the value; its length when there is none."""
        at = data.find(value[:1], max(0, len(data) - len(value) + 1))
        while at >= 0 and not value.startswith(data[at:]):
            at = data.find(value[:1], at + 1)
        return at if at >= 0 else len(data)
