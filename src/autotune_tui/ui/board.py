"""The leaderboard as text: ranked rows that become words only when they are seen, and the columns there is room for.

A session of 10,000 experiments has a leaderboard of as many rows, of which a screen shows forty: putting all of them into words
would take a quarter of a second each time an experiment ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import Experiment
from autotune_tui.model.leaderboard import Row, rank
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.views import status_mark

PAIRS = "in its pairs"
WHAT = "what"
_MOST_SECONDARY = 4


@frozen
class BoardRow(Value):
    """One experiment in words."""

    index: int
    """The experiment's number; 0 for the baseline."""
    rank: str
    value: str
    against: str
    """The change against the baseline: two single values."""
    effect: str
    """What its own pairs said, with the interval."""
    brief: str
    """The same with half the interval's width."""
    glyph: str
    status: str
    colour: str
    what: str
    secondary: tuple[str, ...]
    better: bool | None
    """Whether its own pairs are sure of an effect for the better, or for the worse; None when they are not."""
    incumbent: bool
    target: bool


class Scale:
    """Puts the values of a column into words that share unit and decimals."""

    def __init__(self, values: Iterable[float | None], unit: str) -> None:
        known = [value for value in values if value is not None]
        sizes = [abs(value) for value in known if value]
        broken = next((value for value in known if value != int(value)), None)
        # What decides unit and decimals of all: the largest, the smallest, and whether there are fractions.
        self._deciding = [max(sizes), min(sizes), broken] if sizes else []
        self._given = unit
        self.unit = fmt.column(self._deciding, unit)[0] if sizes else unit

    def text(self, value: float | None) -> str:
        return fmt.column([value, *self._deciding], self._given)[1][0]


@dataclass(frozen=True)
class BoardView:
    """The rows of the current segment, ranked."""

    ranked: tuple[Row, ...]
    metric: str
    unit: str
    direction: str
    tried: int
    kept: int
    segment: int
    """0 when there is only one."""

    @cached_property
    def values(self) -> Scale:
        return Scale((_value(row) for row in self.ranked), self.unit)

    @cached_property
    def heading(self) -> str:
        """The value's, with its unit and the better direction."""
        return fmt.heading(self.metric or "value", self.values.unit, self.direction)

    @cached_property
    def secondary(self) -> tuple[tuple[str, Scale], ...]:
        """The metrics that most rows have, beside the primary one."""
        counts = Counter(name for row in self.ranked for name in row.experiment.metrics)
        counts.pop(self.metric, None)
        return tuple(
            (name, Scale((row.experiment.metrics.get(name) for row in self.ranked), fmt.HARNESS_UNITS.get(name, "")))
            for name, _ in counts.most_common(_MOST_SECONDARY)
        )

    @cached_property
    def typical(self) -> tuple[BoardRow, ...]:
        """Rows that hold the widest text of each column: those with the extremes of its values."""
        by: tuple[Callable[[Row], float], ...] = (
            lambda row: row.experiment.index,
            lambda row: row.experiment.metric or 0.0,
            lambda row: row.change or row.difference or 0.0,
            lambda row: row.experiment.effect or 0.0,
            lambda row: (row.experiment.interval or (0.0, 0.0))[0],
            lambda row: (row.experiment.interval or (0.0, 0.0))[1],
            lambda row: len(row.experiment.status),
            lambda row: row.rank or 0,
        )
        chosen = [choose(self.ranked, key=key) for key in by for choose in (min, max)] if self.ranked else []
        return tuple(self.words(row) for row in (*chosen, *self.ranked[:50]))

    def words(self, row: Row) -> BoardRow:
        """A row in words."""
        experiment = row.experiment
        against = fmt.percent(row.change) if row.change is not None else ""
        if not against and row.difference is not None:
            against = fmt.change(row.difference, None, "difference", self.unit)
        glyph, word, colour = status_mark("baseline" if row.kind == "baseline" else experiment.status)
        effect, interval = experiment.effect, experiment.interval
        sure = interval is not None and (interval[0] > 0 or interval[1] < 0)
        return BoardRow(
            index=number_of(row),
            rank=str(row.rank or ""),
            value=self.values.text(_value(row)),
            against=against,
            effect=fmt.change(effect, interval, experiment.scale, self.unit) if effect is not None else "",
            brief=_brief(experiment, self.unit),
            glyph=glyph,
            status=word,
            colour=colour,
            what=fmt.one_line(f"{experiment.description} ({row.note})" if row.note else experiment.description, 200),
            secondary=tuple(scale.text(experiment.metrics.get(name)) for name, scale in self.secondary),
            better=fmt.improves(effect, self.direction) if sure and effect is not None else None,
            incumbent=row.incumbent,
            target=row.target,
        )


def board(state: SessionState) -> BoardView:
    """The leaderboard of the current segment."""
    config = state.config
    return BoardView(
        ranked=tuple(rank(state)),
        metric=fmt.one_line(config.metric_name, 12),
        unit=config.metric_unit,
        direction=config.direction,
        tried=state.experiment_count,
        kept=len(state.keeps),
        segment=state.segment_number if len(state.segments) > 1 else 0,
    )


def number_of(row: Row) -> int:
    """The experiment's number; 0 for the baseline."""
    return 0 if row.kind == "baseline" else row.experiment.index


def matches(row: Row, words: str) -> bool:
    """Whether every word is found in the experiment's number, status, description or strategy."""
    experiment = row.experiment
    text = f"#{experiment.index} {experiment.status} {experiment.description} {experiment.strategy}".casefold()
    return all(word in text for word in words.casefold().split())


def _value(row: Row) -> float | None:
    return row.experiment.metric if row.kind != "failure" else None


def _brief(experiment: Experiment, unit: str) -> str:
    """The effect with half the width of its interval: "−13.8 % ±7.4"."""
    effect = experiment.effect
    if effect is None:
        return ""
    text = fmt.change(effect, None, experiment.scale, unit)
    if experiment.interval is None:
        return text
    half = (experiment.interval[1] - experiment.interval[0]) / 2
    if experiment.scale == "difference":
        return f"{text} ±{fmt.number(half / fmt.unit_for([effect], unit)[0], 2)}"
    return f"{text} ±{half * 100:.{1 if half < 0.0995 else 0}f}"


@frozen
class Column(Value):
    """A column of the table: its heading, the text of a row, and its width in cells."""

    heading: str
    text: Callable[[BoardRow], str]
    width: int
    right: bool = True


def columns_for(view: BoardView, width: int) -> tuple[Column, ...]:
    """The columns that `width` cells have room for; the wider, the more for what was done."""
    first = [
        _column("", lambda row: row.rank, view),
        _column("#", lambda row: str(row.index) if row.index else "", view),
        _column(view.heading, lambda row: row.value, view),
    ]
    status = _column("status", lambda row: f"{row.glyph} {row.status}", view, right=False)
    wished = _wished(view)
    least = 16 + (width - 60) * 3 // 10 if width >= 60 else 12
    room = width - sum(column.width + 2 for column in (*first, status)) - least
    middle = next((some for some in wished if sum(column.width + 2 for column in some) <= room), [])
    columns = (*first, *middle, status)
    taken = sum(column.width + 2 for column in columns)
    return (*columns, Column(WHAT, lambda row: row.what, max(width - taken, 4), right=False))


def _wished(view: BoardView) -> list[list[Column]]:
    """What may stand between value and status, the fullest choice first."""
    brief = _column(PAIRS, lambda row: row.brief, view)
    full = _column(PAIRS, lambda row: row.effect, view)
    against = _column("vs base", lambda row: row.against, view)
    secondary = [_secondary(place, view) for place in range(len(view.secondary))]
    recorded = any(row.effect for row in view.typical)  # other tools record no evidence
    base = [against, full] if recorded else [against]
    rich = [[*base, *secondary[:count]] for count in range(len(secondary), -1, -1)]
    return [*rich, [against, brief], [brief], [against]] if recorded else rich


def _secondary(place: int, view: BoardView) -> Column:
    name, scale = view.secondary[place]
    heading = fmt.one_line(name, 16) + (f" [{scale.unit}]" if scale.unit else "")
    return _column(heading, lambda row: row.secondary[place], view)


def _column(heading: str, text: Callable[[BoardRow], str], view: BoardView, *, right: bool = True) -> Column:
    widest = max((len(text(row)) for row in view.typical), default=0)
    return Column(heading, text, max(widest, len(heading), 1), right)
