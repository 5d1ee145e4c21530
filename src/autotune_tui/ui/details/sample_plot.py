"""Draws the samples of an experiment: in their order, as two distributions, and the effect with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from textual.content import Content

from autotune_tui.model import format as fmt
from autotune_tui.ui.details.samples import Run, SamplesView, Side
from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import BAD, CANDIDATE, DIM, GOOD, INCUMBENT, WARN

GLYPHS: dict[Side, tuple[str, str]] = {"incumbent": ("○", INCUMBENT), "candidate": ("●", CANDIDATE)}
DISTURBED = "✕"
_LEAST_ROWS = 5


def plot(view: SamplesView, width: int, height: int) -> list[Content]:
    """All of it in `width` cells and about `height` rows."""
    effect = effect_lines(view, width)
    rows = max(height - len(effect) - 5, _LEAST_ROWS)
    return [legend(view), Content.empty(), *strips(view, width, rows), Content.empty(), *effect]


def legend(view: SamplesView) -> Content:
    """Which glyph is which side, with the level that each is judged by."""
    levels = [view.level("incumbent"), view.level("candidate")]
    unit, texts = fmt.column(levels, view.unit)
    parts: list[Content] = []
    for side, text in zip(GLYPHS, texts, strict=True):
        glyph, colour = GLYPHS[side]
        parts.append(line((f"{glyph} {side} ", colour), (f"{text} {unit}".rstrip(), "bold")))
    words = "mean of its better half"
    parts.append(line(("◂ ", ""), (words, DIM)))
    if view.retaken:
        parts.append(line((f"{fmt.count(view.retaken, 'block')} taken again", WARN)))
    return Content("   ").join(parts)


def strips(view: SamplesView, width: int, rows: int) -> list[Content]:
    """Both sides over the order of their runs, and beside it how often each value came."""
    values = [run.value for run in view.runs]
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    low, high = (low, high) if high > low else (low - span / 2, high + span / 2)
    ticks = [high - (high - low) * row / (rows - 1) for row in range(rows)]
    unit, labels = fmt.column(ticks, view.unit)
    gutter = max(len(label) for label in labels)
    bars = max((width - gutter - 8) // 6, 6)
    room = width - gutter - 4 - 2 * (bars + 2)

    def row_of(value: float) -> int:
        return min(max(round((high - value) / (high - low) * (rows - 1)), 0), rows - 1)

    order = _order(view.runs, room, rows, row_of)
    sides = {side: _distribution(view, side, bars, rows, row_of) for side in GLYPHS}
    every = max(rows // 5, 2)
    head = line(
        (f"{f'[{unit}]' if unit else '':>{gutter}}   ", DIM), (f"{'in the order they were taken':<{room + 1}}", DIM),
        ("incumbent".ljust(bars + 2)[: bars + 2], INCUMBENT), ("candidate"[: bars + 2], CANDIDATE),
    )  # fmt: skip
    body = [
        line(
            (f"{labels[row] if row % every == 0 or row == rows - 1 else '':>{gutter}} ", DIM), ("│ ", DIM),
            order[row], " ", sides["incumbent"][row], sides["candidate"][row],
        )
        for row in range(rows)
    ]  # fmt: skip
    arrow = "↓ better" if view.direction == "lower" else "↑ better"
    return [head, *body, line((f"{'':>{gutter}} ╰{'─' * room}", DIM), (f" {arrow}", DIM))]


def _order(runs: tuple[Run, ...], room: int, rows: int, row_of: Callable[[float], int]) -> list[Content]:
    grid: dict[tuple[int, int], tuple[str, str]] = {}
    for number, run in enumerate(runs):
        column = int((number + 0.5) * room / len(runs))
        grid[row_of(run.value), column] = (DISTURBED, WARN) if run.disturbed else GLYPHS[run.side]
    return [Content.assemble(*(grid.get((row, column), " ") for column in range(room))) for row in range(rows)]


def _distribution(
    view: SamplesView, side: Side, width: int, rows: int, row_of: Callable[[float], int]
) -> list[Content]:
    """A bar for each row, as long as values of the side came there; both sides have the same scale."""
    counts = {each: Counter(row_of(value) for value in view.values(each)) for each in GLYPHS}
    most = max((count for counter in counts.values() for count in counter.values()), default=1)
    level = view.level(side)
    at = row_of(level) if level is not None else -1
    bars: list[Content] = []
    for row in range(rows):
        text = bar(counts[side][row] / most, width)
        bars.append(line((text, GLYPHS[side][1]), "◂" if row == at else " ", " " * (width + 1 - len(text))))
    return bars


def bar(share: float, width: int) -> str:
    """A bar in half cells; what is more than nothing shows."""
    halves = max(round(share * width * 2), 1) if share > 0 else 0
    return "━" * (halves // 2) + "╸" * (halves % 2)


def effect_lines(view: SamplesView, width: int) -> list[Content]:
    """The effect with its interval on a scale that shows where nothing would be, and the other metrics."""
    lines: list[Content] = []
    if view.effect is not None:
        good = fmt.improves(view.effect, view.direction)
        colour = GOOD if good else BAD
        if view.interval is not None and view.interval[0] <= 0 <= view.interval[1]:
            colour = ""  # it may be nothing
        words = fmt.change(view.effect, view.interval, view.scale, view.unit)
        after = f"  {fmt.count(view.pairs, 'pair')}" + (", weak evidence" if view.weak else "")
        lines.append(line(("effect    ", DIM), (words, f"bold {colour}".strip()), (after, DIM)))
        if view.interval is not None:
            lines += _scale(view.effect, view.interval, view, colour, max(width - 12, 20))
    if view.metrics:
        shown = [f"{name} {fmt.metric(value, fmt.HARNESS_UNITS.get(name, ''))}" for name, value in view.metrics]
        lines.append(line(("also      ", DIM), " · ".join(fmt.one_line(text, 60) for text in shown)))
    lines += [line(("confirm   ", DIM), fmt.one_line(text, 300)) for text in view.confirmations]
    return lines


def _scale(effect: float, interval: tuple[float, float], view: SamplesView, colour: str, width: int) -> list[Content]:
    low, high = min(interval[0], effect, 0.0), max(interval[1], effect, 0.0)
    span = (high - low) or 1.0
    room = min(width, 64)

    def column(value: float) -> int:
        return round((value - low) / span * (room - 9)) + 4

    left, right = column(interval[0]), column(interval[1])
    cells: list[tuple[str, str]] = [(" ", "")] * room
    for place in range(left, right + 1):
        cells[place] = ("━", colour)
    cells[left], cells[right] = ("┣", colour), ("┫", colour)
    cells[column(0.0)] = ("┃" if left <= column(0.0) <= right else "│", BAD)
    cells[column(effect)] = ("◆", colour)
    labels = [" "] * (room + 10)
    for value in (effect, 0.0, interval[0], interval[1]):  # the first to come has the place
        text = "0" if value == 0 else fmt.change(value, None, view.scale, view.unit)
        start = max(column(value) - len(text) // 2, 0)
        if "".join(labels[max(start - 1, 0) : start + len(text) + 1]).isspace():
            labels[start : start + len(text)] = text
    return [line(" " * 10, *cells), line(" " * 10, ("".join(labels).rstrip(), DIM))]
