"""How numbers look to a person, everywhere: reports, command line and screens.

Negative numbers have the minus sign (−, not a hyphen), thousands a comma, and units stand after a space. A metric in seconds
or bytes is shown in the unit of its size (ms, MiB); the values of one column share unit and decimals (`column`).
Changes are relative (−13.1 %: it fell by 13.1 %), or differences in the metric's unit where `scale` is "difference".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autotune_tui.model.events import Confirmation, Milestone, Validation

MISSING = "—"
MINUS = "−"

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_SCALED = {
    "s": _SECONDS,
    "sec": _SECONDS,
    "seconds": _SECONDS,
    "B": _BYTES,
    "byte": _BYTES,
    "bytes": _BYTES,
}
_WORD_LIMIT = 120
HARNESS_UNITS = {"wall_time": "s", "cpu_time": "s", "peak_rss": "B"}
"""Units of the metrics that the harness takes itself for every sample."""


def number(value: float, digits: int = 4) -> str:
    """`value` with that many significant digits; whole numbers below 10^15 keep all of theirs."""
    if value == int(value) and abs(value) < 1e15:
        return _signed(f"{abs(value):,.0f}", value)
    magnitude = math.floor(math.log10(abs(value)))
    if not -5 <= magnitude < 15:
        return _signed(f"{abs(value):.{digits - 1}e}", value)
    return _signed(f"{abs(value):,.{max(digits - 1 - magnitude, 0)}f}", value)


def metric(value: float | None, unit: str = "") -> str:
    """A metric's value with its unit: "131.4 ms", "12.1 MiB", "0.973"."""
    if value is None:
        return MISSING
    factor, shown = unit_for([value], unit)
    return f"{number(value / factor)} {shown}".rstrip()


def unit_for(values: Sequence[float | None], unit: str) -> tuple[float, str]:
    """The factor to divide by and the unit to show, so that the largest of the values is 1 or more."""
    largest = max((abs(value) for value in values if value), default=0.0)
    scaled = _SCALED.get(unit)
    if scaled is None or not largest:
        return 1.0, unit
    return next(((factor, name) for factor, name in scaled if largest >= factor), scaled[-1])


def column(values: Sequence[float | None], unit: str = "") -> tuple[str, list[str]]:
    """The unit and the texts of a column of values, with the same number of decimals, so that they can be compared."""
    factor, shown = unit_for(values, unit)
    scaled = [None if value is None else value / factor for value in values]
    sizes = [abs(value) for value in scaled if value]
    if all(value is None or value == int(value) for value in scaled):
        decimals = 0
    else:
        wanted = max(3 - math.floor(math.log10(max(sizes))), 2 - math.floor(math.log10(min(sizes))))
        decimals = min(max(wanted, 0), 6)
    return shown, [MISSING if v is None else _signed(f"{abs(v):,.{decimals}f}", v) for v in scaled]


def percent(change: float, *, decimals: int | None = None) -> str:
    """A relative change with its sign: "−13.1 %", "+0.04 %"."""
    return f"{_percent(change, _decimals(change) if decimals is None else decimals)} %"


def change(
    effect: float | None,
    interval: tuple[float, float] | None = None,
    scale: str = "log",
    unit: str = "",
) -> str:
    """An effect with its interval: "−13.1 % [−13.9, −12.2]", or "−0.031 loss [−0.040, −0.022]" for differences."""
    if effect is None:
        return MISSING
    if scale == "difference":
        factor, shown = unit_for([effect], unit)
        low_high = [number(bound / factor, 3) for bound in interval or ()]
        text = f"{_signed_number(effect / factor)} {shown}".rstrip()
    else:
        decimals = _decimals(effect)
        low_high = [_percent(bound, decimals, plus=False) for bound in interval or ()]
        text = percent(effect)
    return f"{text} [{', '.join(low_high)}]" if interval else text


_CONFIRMED = {
    ("holdout", True): "holdout: holds",
    ("holdout", False): "holdout: does not hold",
    ("end_to_end", True): "end-to-end: no worse",
    ("end_to_end", False): "end-to-end: contradicts",
}


def confirmed(said: Confirmation) -> str:
    """Whether a second benchmark confirms a would-be keep, in a few words: "holdout: holds"."""
    otherwise = f"{one_line(said.kind)}: {'passed' if said.passed else 'failed'}"
    return _CONFIRMED.get((said.kind, said.passed), otherwise)


def confirmation(said: Confirmation) -> str:
    """What a second benchmark says of a would-be keep: "holdout: holds, cost −19.8 % [−20.3, −19.1], 6 pairs"."""
    words = confirmed(said)
    if said.effect is None:
        return f"{words}, {one_line(said.text, 300)}" if said.text else words
    effect = change(said.effect, said.interval, scale=said.scale, unit=said.unit)
    unit, (before, after) = column([said.before, said.after], said.unit)
    values = f"{before} → {after} {unit}".rstrip()
    return f"{words}, {one_line(said.metric)} {effect}, {values}, {count(said.pairs, 'pair')}"


def milestone(mark: Milestone, validations: Sequence[Validation], unit: str) -> str:
    """A milestone with the gain that fresh pairs gave for it."""
    text = f"milestone {mark.number} after {count(mark.keeps, 'keep')}"
    about = [one for one in validations if (one.segment, one.to_commit) == (mark.segment, mark.commit)]
    if about:
        gain = change(about[-1].effect, about[-1].interval, scale=about[-1].scale, unit=unit)
        text += f": {gain}" if about[-1].confirmed else f": no confirmed improvement, {gain}"
    return f"{text}, at {one_line(mark.ref)}"


def improves(effect: float, direction: str) -> bool:
    """Whether a change of the metric in its own direction is for the better."""
    return effect > 0 if direction == "higher" else effect < 0


def times(effect: float, direction: str) -> str:
    """A relative change as a factor of improvement: "2.29x" for a time that fell by 56.3 % or a rate that rose by 129 %."""
    after = 1.0 + effect
    if after <= 0:
        return MISSING
    return f"{number(after if direction == 'higher' else 1.0 / after, 3)}x"


def direction_words(direction: str) -> str:
    return "higher is better" if direction == "higher" else "lower is better"


def direction_mark(direction: str) -> str:
    """An arrow that points to the better side, for column headings."""
    return "↑" if direction == "higher" else "↓"


def heading(name: str, unit: str, direction: str) -> str:
    """The heading of a metric's column: "time [ms] ↓"."""
    return " ".join(part for part in (name, f"[{unit}]" if unit else "", direction_mark(direction)) if part)


def duration(seconds: float) -> str:
    """A time span: "850 ms", "12.3 s", "4 min 05 s", "1 h 02 min", "2 d 03 h"."""
    sign, seconds = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    if seconds < 0.9995:
        return f"{sign}{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{sign}{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{sign}{whole // 60} min {whole % 60:02} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f"{sign}{minutes // 60} h {minutes % 60:02} min"
    hours = round(seconds / 3600)
    return f"{sign}{hours // 24} d {hours % 24:02} h"


def money(usd: float) -> str:
    """Dollars: "$0.42"."""
    return _signed(f"${abs(usd):,.2f}", round(usd, 2))


def count(amount: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 keep", "3 keeps"."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def one_line(text: str, limit: int = _WORD_LIMIT) -> str:
    """Text of others made harmless for one line of a table or terminal: no control characters, at most `limit` long."""
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def _signed(text: str, value: float) -> str:
    shown_as_zero = not any(digit in text for digit in "123456789")
    return text if value >= 0 or shown_as_zero else MINUS + text


def _signed_number(value: float) -> str:
    text = number(value, 3)
    return text if text.startswith(MINUS) or value == 0 else "+" + text


def _decimals(change: float) -> int:
    """Decimals of a percentage: as many as a change that small needs, none for one beyond tenfold."""
    size = abs(change) * 100
    if size >= 1000:
        return 0
    return 1 if size >= 0.095 or size == 0 else 2


def _percent(change: float, decimals: int, *, plus: bool = True) -> str:
    text = _signed(f"{abs(change) * 100:,.{decimals}f}", change)
    positive = plus and change > 0 and any(digit in text for digit in "123456789")
    return "+" + text if positive else text
