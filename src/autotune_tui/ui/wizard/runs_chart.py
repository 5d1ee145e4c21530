"""The preflight's runs as they come: one column each, with the band of 5 % in which they ought to lie."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from textual.content import Content

from autotune_tui.model.format import column
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.theme import CANDIDATE, DIM, GOOD, INCUMBENT, WARN

SPREAD_LIMIT = 0.05
_FIRST = 5
"""The runs whose spread counts."""
_GLYPHS = {"incumbent": ("●", INCUMBENT), "candidate": ("◆", CANDIDATE)}


@frozen
class RunsView(Value):
    """The values so far with their sides, and how many there will be."""

    values: tuple[float, ...] = ()
    sides: tuple[str, ...] = ()
    expected: int = 0
    unit: str = ""


def spread(values: Sequence[float]) -> float:
    """(largest - least) / median; 0 when that cannot be said."""
    middle = statistics.median(values) if values else 0.0
    return (max(values) - min(values)) / abs(middle) if middle else 0.0


def heading(view: RunsView) -> Content:
    """How many runs there are, and what their spread is; that of the first five is what counts."""
    number = len(view.values)
    done = f"{number} of {max(view.expected, number)} runs"
    if number < _FIRST:
        return Content.assemble((done, "bold"), (f"   the spread is known after {_FIRST}", DIM))
    first, every = spread(view.values[:_FIRST]), spread(view.values)
    glyph, word, style = ("✓", "steady", GOOD) if first <= SPREAD_LIMIT else ("!", "unsteady", WARN)
    words = f"   {glyph} {word}: the first {_FIRST} spread over {first:.1%} (limit {SPREAD_LIMIT:.0%})"
    return Content.assemble((done, "bold"), (words, style), (f", all {every:.1%}" if number > _FIRST else "", DIM))


def chart(view: RunsView, width: int, height: int) -> list[Content]:
    """`height` lines: a scale at the left, one or two cells for each run, the band dotted."""
    if not view.values or height < 3:
        return []
    middle = statistics.median(view.values)
    half = abs(middle) * SPREAD_LIMIT / 2
    low, high = min(*view.values, middle - half), max(*view.values, middle + half)
    if high <= low:
        low, high = low - 1.0, high + 1.0
    unit, labels = column([high, middle, low], view.unit)
    room = max(len(label) for label in labels) + len(unit) + 1
    step = min(max((width - room - 3) // max(view.expected, len(view.values)), 1), 3)
    shown = (width - room - 3) // step
    rows = [[" "] * (shown * step) for _ in range(height)]
    styles: list[dict[int, str]] = [{} for _ in range(height)]

    def row(value: float) -> int:
        return round((high - value) / (high - low) * (height - 1))

    for edge in {row(middle - half), row(middle + half)}:
        rows[edge] = ["┄"] * (shown * step)
    for place, (value, side) in enumerate(zip(view.values[-shown:], view.sides[-shown:], strict=True)):
        glyph, style = _GLYPHS.get(side, ("●", ""))
        rows[row(value)][place * step] = glyph
        styles[row(value)][place * step] = style
    marks = {0: f"{labels[0]} {unit}", row(middle): f"{labels[1]} {unit}", height - 1: f"{labels[2]} {unit}"}
    return [_line(marks.get(y, "").rjust(room), rows[y], styles[y]) for y in range(height)]


def _line(label: str, cells: Sequence[str], styles: dict[int, str]) -> Content:
    parts = [(f"{label} ┤ ", DIM), *((cell, styles.get(x, DIM)) for x, cell in enumerate(cells))]
    return Content.assemble(*parts)
