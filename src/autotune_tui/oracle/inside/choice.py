"""Which calls of a function are kept: of each way through it some, as far as there is place, and none twice."""

from __future__ import annotations

import inspect
import random
import sys
from typing import Any

EAGER, LEAST = 20, 4000
"""Calls looked at, for each that may be kept and in any case, before only a share is: a hot function is not slowed for ever."""
MOST_WAYS = 4
"""Ways that are told apart, for each call that may be kept."""


class Function:
    """What was seen of one function, and the places of its calls."""

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.seen = 0
        self.digests: set[bytes] = set()
        self.sizes: dict[int, int] = {}
        """Bytes of the call at each place."""
        self.left_out: dict[str, int] = {}
        self.code: Any = None
        self._most = most
        self._taken = 0
        self._ways: dict[Any, list[int]] = {}
        """The places that calls of each way have."""
        self._counts: dict[Any, int] = {}
        self._random = random.Random(name)

    def watch(self, original: Any) -> None:
        """Take the lines that run in a function as the way through it."""
        self.code = getattr(inspect.unwrap(original), "__code__", None)

    def is_looked_at(self) -> bool:
        """Count a call; whether it may be kept. Of ever more calls ever fewer."""
        self.seen += 1
        eager = max(EAGER * self._most, LEAST)
        return self.seen <= eager or self._random.random() * self.seen < eager

    def place(self, way: Any) -> int | None:
        """The place of a call that went a way, maybe that of another call, which then goes; None when it is not kept.

        Ways with few calls take places from those with many; within a way each call has the same chance.
        """
        if way not in self._ways and len(self._ways) >= MOST_WAYS * self._most:
            way = None
        own = self._ways.setdefault(way, [])
        self._counts[way] = self._counts.get(way, 0) + 1
        if self._taken < self._most:
            own.append(self._taken)
            self._taken += 1
            return own[-1]
        largest = max(self._ways.values(), key=len)
        if len(own) < len(largest) and len(largest) > 1:
            own.append(largest.pop(self._random.randrange(len(largest))))
            return own[-1]
        chance = self._random.randrange(self._counts[way])
        return own[chance] if chance < len(own) else None


class Way:
    """Watches which lines of a function run while it is called, unless a debugger or a coverage tool watches already."""

    def __init__(self, code: Any) -> None:
        self._code = code
        self._lines: set[int] = set()
        self._on = False

    def begin(self) -> None:
        if self._code is not None and sys.gettrace() is None:
            self._on = True
            sys.settrace(self._enter)

    def end(self) -> None:
        if self._on and sys.gettrace() == self._enter:
            sys.settrace(None)

    def of(self, how: str, value: Any, arguments: Any) -> Any:
        """The way that a call went: its lines, or what its arguments are like; and what its end is like."""
        args, kwargs = arguments
        taken = frozenset(self._lines) if self._lines else (*map(likeness, args), *sorted(kwargs))
        return how, likeness(value), taken

    def _enter(self, frame: Any, event: str, argument: Any) -> Any:
        return self._line if frame.f_code is self._code else None

    def _line(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            self._lines.add(frame.f_lineno)
        return self._line


def likeness(value: Any) -> Any:
    """What values of a kind have in common, told without running any code of theirs."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind in (int, float):
        return kind.__name__, (value > 0) - (value < 0)
    if kind in (str, bytes, list, tuple, dict, set, frozenset):
        return kind.__name__, min(len(value), 2)
    return kind.__module__, kind.__qualname__
