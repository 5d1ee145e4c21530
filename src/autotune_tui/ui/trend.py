"""The trend chart: every experiment as a mark, the best value so far as a line of braille dots. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.content import Content, Span

from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import Experiment
from autotune_tui.model.leaderboard import vetoed_beside
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen, frozen_by_thousands
from autotune_tui.ui.evidence import Axis, labels, ticks
from autotune_tui.ui.theme import BAD, CANDIDATE, DIM, GOOD, WARN

Mark = Literal["baseline", "keep", "discard", "failure"]

_GLYPHS: dict[Mark | Literal["best", "above", "below"], tuple[str, str]] = {
    "best": ("◆", f"bold {WARN}"),
    "keep": ("●", GOOD),
    "baseline": ("○", ""),
    "failure": ("×", BAD),
    "discard": ("·", ""),
    "above": ("▴", DIM),
    "below": ("▾", DIM),
}
_RANK: dict[Mark, int] = {"keep": 3, "baseline": 2, "failure": 1, "discard": 0}
"""Which mark is seen where several fall on one cell."""
LEGEND = "◆ best  ● kept  · discarded  × failed"
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each of a braille character's dots, by column and row."""


@frozen_by_thousands
class Point(Value):
    """An experiment: its number, its value, how it ended, and the best value of its segment up to and with it."""

    number: int
    value: float | None
    mark: Mark
    best: float | None
    segment: int


@frozen
class TrendView(Value):
    """The chart: every experiment in order, the target, the unit of its values."""

    points: tuple[Point, ...]
    target: float | None
    unit: str
    direction: str


def trend(state: SessionState) -> TrendView:
    """All experiments of all segments, in the order of the journal."""
    points: list[Point] = []
    directions = {segment.number: segment.config.direction for segment in state.segments}
    best: float | None = None
    segment = 0
    for experiment in state.experiments:
        if experiment.segment != segment:
            best, segment = None, experiment.segment
        mark = _mark(experiment)
        value = None if mark == "failure" else experiment.metric
        if value is not None and mark in ("keep", "baseline") and not vetoed_beside(state, experiment):
            choose = max if directions.get(segment) == "higher" else min
            best = value if best is None else choose(best, value)
        points.append(Point(experiment.index, value, mark, best, segment))
    return TrendView(tuple(points), state.config.target, state.config.metric_unit, state.direction)


def _mark(experiment: Experiment) -> Mark:
    if experiment.baseline:
        return "baseline"
    if experiment.failed:
        return "failure"
    return "keep" if experiment.kept else "discard"


def value_axis(view: TrendView, rows: int) -> Axis:
    """The values of keeps and baselines and the target, and of the discards what is not far outside; four dots to a row."""
    firm = [p.value for p in view.points if p.value is not None and p.mark in ("keep", "baseline")]
    loose = [p.value for p in view.points if p.value is not None and p.mark == "discard"]
    if view.target is not None:
        firm.append(view.target)
    firm = firm or loose or [0.0, 1.0]
    low, high = min(firm), max(firm)
    reach = (high - low) * 0.2 or abs(high) * 0.1 or 1.0
    low = max(low - reach, min([*loose, low]))
    high = min(high + reach, max([*loose, high]))
    air = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return Axis(low - air, high + air, max(4 * rows, 1))


def _dot_row(axis: Axis, value: float) -> int:
    """The row of dots of a value, from the top."""
    return axis.width - 1 - axis.cell(value)


class _Canvas:
    """Cells with a character and a style each, and braille dots below the characters."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = [[0] * width for _ in range(height)]
        self._characters = [[" "] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]

    def dot(self, x: int, y: int, style: str) -> None:
        """A braille dot; there are two of them to a cell across, four down."""
        column, row = x // 2, y // 4
        self._dots[row][column] |= _BITS[x % 2][y % 4]
        self._styles[row][column] = style

    def put(self, column: int, row: int, character: str, style: str) -> None:
        self._characters[row][column] = character
        self._styles[row][column] = style

    def row(self, number: int) -> Content:
        text = "".join(
            character if character != " " else chr(0x2800 + dots) if dots else " "
            for character, dots in zip(self._characters[number], self._dots[number], strict=True)
        )
        styles = self._styles[number]
        spans: list[Span] = []
        start = 0
        for end in range(1, self.width + 1):
            if end == self.width or styles[end] != styles[start]:
                if styles[start]:
                    spans.append(Span(start, end, styles[start]))
                start = end
        return Content(text, spans=spans)


def chart(view: TrendView, width: int, height: int) -> list[Content]:
    """The chart in `height` lines: values at the left, experiments' numbers below."""
    rows = max(height - 1, 2)
    failures = any(point.mark == "failure" for point in view.points)
    axis = value_axis(view, rows - failures)  # those without a value have a row of their own at the bottom
    marked = ticks(axis, max(rows // 2, 2))
    unit, texts = fmt.column(marked, view.unit) if marked else (view.unit, [])
    left = max([len(text) for text in texts] + [len(unit) + 2]) + 1
    columns = max(width - left, 4)
    canvas = _Canvas(columns, rows)
    xs = _positions(len(view.points), columns)
    _lines(canvas, view, axis, xs)
    _marks(canvas, view, axis, xs)
    names = {_dot_row(axis, value) // 4: text for value, text in zip(marked, texts, strict=True)}
    head = f"{unit} {fmt.direction_mark(view.direction)}".strip()
    if 0 not in names and len(head) < left:
        names[0] = head
    lines = [Content.assemble((names.get(row, "").rjust(left - 1) + " ", DIM), canvas.row(row)) for row in range(rows)]
    return [*lines, Content.assemble((" " * left + _numbers(view, columns, xs), DIM))]


def _positions(count: int, columns: int) -> list[int]:
    """The dot column of each point, two to a cell: spread over the width, few points not wider than they need."""
    last = 2 * columns - 2
    gap = min(last / max(count - 1, 1), 16.0)
    return [round(number * gap) for number in range(count)]


def _lines(canvas: _Canvas, view: TrendView, axis: Axis, xs: Sequence[int]) -> None:
    if view.target is not None:
        y = _dot_row(axis, view.target)
        for x in range(0, canvas.width * 2, 4):
            canvas.dot(x, y, WARN)
    for place, point in enumerate(view.points):
        before = view.points[place - 1] if place else None
        if before is not None and before.segment != point.segment:
            column = min((xs[place - 1] + xs[place]) // 4, canvas.width - 1)
            for row in range(canvas.height):
                canvas.put(column, row, "┊", DIM)
        if point.best is None:
            continue
        y = _dot_row(axis, point.best)
        end = xs[place + 1] if place + 1 < len(xs) else canvas.width * 2 - 1
        follows = view.points[place + 1] if place + 1 < len(view.points) else None
        if follows is not None and follows.segment != point.segment:
            end = (xs[place] + end) // 2
        for x in range(xs[place], end + 1):
            canvas.dot(x, y, CANDIDATE)
        if before is not None and before.best is not None and before.segment == point.segment:
            other = _dot_row(axis, before.best)
            for step in range(min(y, other), max(y, other) + 1):
                canvas.dot(xs[place], step, CANDIDATE)


def _marks(canvas: _Canvas, view: TrendView, axis: Axis, xs: Sequence[int]) -> None:
    bottom = canvas.height - 1
    last = view.points[-1].segment if view.points else 0
    best = next((p for p in reversed(view.points) if p.mark in ("keep", "baseline") and p.value == p.best), None)
    shown: dict[tuple[int, int], int] = {}
    for point, x in zip(view.points, xs, strict=True):
        column = min(x // 2, canvas.width - 1)
        glyph, style = _GLYPHS[point.mark]
        row = bottom
        if point.value is not None:
            row = _dot_row(axis, point.value) // 4
            if not axis.low <= point.value <= axis.high:
                glyph, style = _GLYPHS["above" if point.value > axis.high else "below"]
        rank = _RANK[point.mark]
        if point is best and point.segment == last and point.mark == "keep":
            (glyph, style), rank = _GLYPHS["best"], 4
        if rank >= shown.get((column, row), -1):
            shown[column, row] = rank
            canvas.put(column, row, glyph, style)


def _numbers(view: TrendView, columns: int, xs: Sequence[int]) -> str:
    """The experiments' numbers below the chart."""
    axis = Axis(0.0, float(columns - 1), columns)
    texts: list[tuple[float, str]] = []
    for point, x in zip(view.points, xs, strict=True):
        if point.mark != "baseline" and (not texts or x // 2 - texts[-1][0] >= 8):
            texts.append((x / 2, str(point.number)))
    return labels(axis, texts)
