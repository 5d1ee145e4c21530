"""A folded profile as a tree of calls and as a table of functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePath

from autotune_tui.model.value import Value, frozen

_FRAME = re.compile(r"^(?P<name>.*) \((?P<file>.*):(?P<line>\d+)\)$")
_SAMPLES = re.compile(r"^.*?\b([\d,]+) samples\b", re.MULTILINE)
LEAST_SHARE = 0.005
"""What takes less of the time is counted together."""


@frozen
class Function(Value):
    """A frame as the profiler wrote it."""

    name: str
    file: str = ""
    line: int = 0

    @property
    def where(self) -> str:
        """File and line; of a file outside the worktree its last two parts."""
        if not self.file:
            return ""
        path = PurePath(self.file)
        shown = str(PurePath("…", *path.parts[-2:])) if path.is_absolute() else self.file
        return f"{shown}:{self.line}"

    @property
    def ours(self) -> bool:
        """Whether it is in the worktree."""
        return bool(self.file) and not self.file.startswith(("/", "<"))


@dataclass(slots=True)
class Call:
    """A function where it was called: samples on the stack there, and samples in itself."""

    function: Function
    total: int = 0
    alone: int = 0
    calls: dict[Function, Call] = field(default_factory=dict)

    def heaviest(self) -> list[Call]:
        return sorted(self.calls.values(), key=lambda call: (-call.total, call.function.name))


@frozen
class Row(Value):
    """A function with all its calls together. Shares are of all samples."""

    function: Function
    alone: float
    total: float


@frozen
class ProfileView(Value):
    """All stacks of a profile. The root is no function."""

    root: Call
    rows: tuple[Row, ...]
    samples: int
    """All that were taken, also those in which the interpreter was busy with itself, such as with starting."""


def parse(text: str, samples: int = 0) -> ProfileView:
    """The profile of a file in the folded format: frames with ";" between them, outermost first, and a count.

    `samples` is how many were taken, when that is known to be more than the file holds.
    """
    root = Call(Function(""))
    alone, total = Counter[Function](), Counter[Function]()
    for frames, count in _stacks(text):
        root.total += count
        call = root
        for function in frames:
            call = call.calls.setdefault(function, Call(function))
            call.total += count
        call.alone += count
        alone[frames[-1]] += count
        total.update(dict.fromkeys(frames, count))
    samples = max(samples, root.total)
    rows = [Row(function, alone[function] / samples, count / samples) for function, count in total.items()]
    rows.sort(key=lambda row: (-row.alone, -row.total, row.function.name))
    return ProfileView(root, tuple(row for row in rows if row.total >= LEAST_SHARE), samples)


def samples_of(snapshot: str) -> int:
    """How many samples profile-snapshot.txt says were taken; 0 when it does not say."""
    found = _SAMPLES.search(snapshot)
    return int(found[1].replace(",", "")) if found else 0


def _stacks(text: str) -> Iterator[tuple[list[Function], int]]:
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        if stack and count.isdigit() and int(count):
            yield [_function(frame) for frame in stack.split(";")], int(count)


@lru_cache(maxsize=20_000)
def _function(frame: str) -> Function:
    found = _FRAME.match(frame)
    return Function(found["name"], found["file"], int(found["line"])) if found else Function(frame)
