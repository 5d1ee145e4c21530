"""What a mark such as `# autotune: 16..4096 log` allows a constant to be.

range    16..4096      0.1..0.9      16..4096 log      16..4096 step 16
choices  {1, 2, 4}     {"a", "b"}    {true, false}     {fast, slow}
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

Number = int | float
Value = bool | int | float | str
Kind = Literal["number", "text", "flag"]

FORMS = '16..4096, 16..4096 log, 16..4096 step 16, 0.1..0.9, {1, 2, 4}, {"a", "b"} or {true, false}'

_ITEM = re.compile(r"""\s*(?:"(?P<double>[^"\\]*)"|'(?P<single>[^'\\]*)'|(?P<bare>[^\s,"'{}]+))\s*(?:,|$)""")
_DIGITS = 4
"""Significant digits of a float that is proposed: finer steps than that are below any noise."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`; `step` counts from `low`, `log` spaces them by their ratio (both ends of one sign)."""

    low: Number
    high: Number
    log: bool = False
    step: Number | None = None

    @property
    def kind(self) -> Kind:
        return "number"

    @property
    def integer(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int) and not isinstance(self.step, float)

    def contains(self, value: Value) -> bool:
        return not isinstance(value, bool | str) and self.low <= value <= self.high

    def position(self, value: Number) -> float:
        """Where the value lies between the ends, 0..1, on the range's own scale; values outside count as the end."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low, self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, position: float, *, fine: bool = False) -> Number:
        """The allowed value nearest to a position (0..1).

        Unless `fine`, a log range whose ends are powers of two gives powers of two: sizes in such ranges like to be.
        """
        position = min(max(position, 0.0), 1.0)
        exact = (
            self.low * float(self.high / self.low) ** position
            if self.log
            else self.low + (self.high - self.low) * position
        )
        if self.step is not None:
            steps = round((exact - self.low) / self.step)
            return self.low + steps * self.step if self.integer else float(f"{self.low + steps * self.step:.12g}")
        if not self.integer:
            return min(max(float(f"{exact:.{_DIGITS}g}"), self.low), self.high)
        if self.log and not fine and _power_of_two(self.low) and _power_of_two(self.high):
            return (1 if exact > 0 else -1) * (1 << round(math.log2(abs(exact))))
        return round(exact)

    def options(self) -> tuple[Value, ...] | None:
        """All allowed values when they are few enough to be listed (at most 64), else None."""
        step = self.step if self.step is not None else (1 if self.integer else None)
        if step is None or (self.high - self.low) / step > 63:
            return None
        count = round((self.high - self.low) / step) + 1
        return tuple(self.low + index * step for index in range(count))

    def __str__(self) -> str:
        words = f"{self.low}..{self.high}"
        if self.log:
            words += " log"
        return words if self.step is None else f"{words} step {self.step}"


@dataclass(frozen=True, slots=True)
class Choices:
    """One of two or more values of one kind."""

    values: tuple[Value, ...]

    @property
    def kind(self) -> Kind:
        first = self.values[0]
        if isinstance(first, bool):
            return "flag"
        return "text" if isinstance(first, str) else "number"

    def contains(self, value: Value) -> bool:
        return value in self.values

    def options(self) -> tuple[Value, ...]:
        return self.values

    def __str__(self) -> str:
        return "{" + ", ".join(spell(value) for value in self.values) + "}"


Domain = Range | Choices


def spell(value: Value) -> str:
    """A value as a person writes it in a mark."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def parse(text: str) -> Domain:
    """The domain that a mark's text (what stands after `autotune:`) describes. Raises ValueError with the reason."""
    text = text.strip()
    if text.startswith("{"):
        return _choices(text)
    low, dots, rest = text.partition("..")
    if not dots:
        raise ValueError("neither a range nor a choice in braces" if text else "nothing stands after it")
    words = rest.split()
    if not words:
        raise ValueError("the range has no upper end")
    log, step = _options(words[1:])
    return _range(parse_number(low), parse_number(words[0]), log, step)


def parse_number(text: str) -> Number:
    """An int or a finite float, hexadecimal and digit groups allowed. Raises ValueError."""
    plain = text.strip().replace("_", "").replace("'", "")
    unsigned = plain.lstrip("+-").lower()
    try:
        if unsigned[:2] in {"0x", "0b", "0o"}:
            return int(plain, 0)
        return int(plain)
    except ValueError:
        try:
            value = float(plain)
        except ValueError:
            raise ValueError(f"{text.strip()!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text.strip()!r} is not a finite number")
    return value


def _options(words: list[str]) -> tuple[bool, Number | None]:
    log, step = False, None
    rest = iter(words)
    for word in rest:
        if word == "log":
            log = True
        elif word == "step":
            step = parse_number(next(rest, ""))
        else:
            raise ValueError(f"{word!r} is neither `log` nor `step N`")
    return log, step


def _range(low: Number, high: Number, log: bool, step: Number | None) -> Range:
    if not low < high:
        raise ValueError("the lower end must be below the upper end")
    if log and low <= 0 <= high:
        raise ValueError("a log range may not contain zero")
    if log and step is not None:
        raise ValueError("`log` and `step` do not go together")
    if step is not None:
        if not 0 < step <= high - low:
            raise ValueError("the step must be above zero and fit into the range")
        steps = math.floor((high - low) / step + 1e-9)
        whole = all(isinstance(number, int) for number in (low, high, step))
        high = low + steps * step if whole else float(f"{low + steps * step:.12g}")
    return Range(low, high, log, step)


def _choices(text: str) -> Choices:
    if not text.endswith("}"):
        raise ValueError("the closing brace is missing or something stands after it")
    inside, at, values = text[1:-1].strip(), 0, []
    while at < len(inside):
        item = _ITEM.match(inside, at)
        if item is None:
            raise ValueError(f"cannot read {inside[at:].strip()!r}")
        values.append(_choice(item))
        at = item.end()
    kinds = {Choices((value,)).kind for value in values}
    if len(kinds) > 1:
        raise ValueError("the choices are of different kinds")
    if len({*values}) < 2 or len({*values}) < len(values):
        raise ValueError("it takes at least two different choices, each once")
    return Choices(tuple(values))


def _choice(item: re.Match[str]) -> Value:
    bare = item["bare"]
    if bare is None:
        return item["double"] if item["double"] is not None else item["single"]
    if bare.lower() in {"true", "false"}:
        return bare.lower() == "true"
    try:
        return parse_number(bare)
    except ValueError:
        return str(bare)


def _power_of_two(value: Number) -> bool:
    size = abs(value)
    return isinstance(size, int) and size > 0 and size & (size - 1) == 0
