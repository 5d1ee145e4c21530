"""The leaderboard's rows as text, and which columns there is room for. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import Experiment
from autotune_tui.model.leaderboard import Row, rank
from autotune_tui.model.session import SessionState
from autotune_tui.ui.views import status_mark

PAIRS = "in its pairs"
WHAT = "what"


@dataclass(frozen=True, slots=True)
class BoardRow:
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
    strategy: str
    secondary: tuple[str, ...]
    better: bool | None
    """Whether its own pairs are sure of an effect for the better, or for the worse; None when they are not."""
    incumbent: bool
    target: bool

    def matches(self, words: str) -> bool:
        """Whether every word is found somewhere in the row."""
        text = f"#{self.index} {self.status} {self.what} {self.strategy}".casefold()
        return all(word in text for word in words.casefold().split())


@dataclass(frozen=True, slots=True)
class BoardView:
    """The rows of the current segment, ranked, and their headings."""

    rows: tuple[BoardRow, ...]
    metric: str
    """The value's heading, with its unit and the better direction."""
    secondary: tuple[str, ...]
    """Names of the secondary metrics, with their units."""
    tried: int
    kept: int
    segment: int
    """0 when there is only one."""


def board(state: SessionState) -> BoardView:
    """The leaderboard of the current segment."""
    rows = rank(state)
    config = state.config
    unit, values = fmt.column(
        [row.experiment.metric if row.kind != "failure" else None for row in rows], config.metric_unit
    )
    names = _secondary_names(rows, config.metric_name)
    columns = [_secondary_column(rows, name) for name in names]
    return BoardView(
        rows=tuple(
            _row(row, value, tuple(texts[place] for _, texts in columns), state)
            for place, (row, value) in enumerate(zip(rows, values, strict=True))
        ),
        metric=fmt.heading(fmt.one_line(config.metric_name, 12) or "value", unit, config.direction),
        secondary=tuple(heading for heading, _ in columns),
        tried=state.experiment_count,
        kept=len(state.keeps),
        segment=state.segment_number if len(state.segments) > 1 else 0,
    )


def _row(row: Row, value: str, secondary: tuple[str, ...], state: SessionState) -> BoardRow:
    experiment = row.experiment
    unit = state.config.metric_unit
    against = fmt.percent(row.change) if row.change is not None else ""
    if not against and row.difference is not None:
        against = fmt.change(row.difference, None, "difference", unit)
    glyph, word, colour = status_mark("baseline" if row.kind == "baseline" else experiment.status)
    interval = experiment.interval
    sure = interval is not None and (interval[0] > 0 or interval[1] < 0)
    return BoardRow(
        index=0 if row.kind == "baseline" else experiment.index,
        rank=str(row.rank or ""),
        value=value,
        against=against,
        effect=fmt.change(experiment.effect, interval, experiment.scale, unit) if experiment.effect is not None else "",
        brief=_brief(experiment, unit),
        glyph=glyph,
        status=word,
        colour=colour,
        what=fmt.one_line(experiment.description, 200),
        strategy=fmt.one_line(experiment.strategy, 60),
        secondary=secondary,
        better=fmt.improves(experiment.effect, state.direction) if sure and experiment.effect is not None else None,
        incumbent=row.incumbent,
        target=row.target,
    )


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


def _secondary_names(rows: Sequence[Row], primary: str) -> list[str]:
    """The metrics that most rows have, beside the primary one."""
    counts: dict[str, int] = {}
    for row in rows:
        for name in row.experiment.metrics:
            if name != primary:
                counts[name] = counts.get(name, 0) + 1
    return [name for name, _ in sorted(counts.items(), key=lambda item: -item[1])][:4]


def _secondary_column(rows: Sequence[Row], name: str) -> tuple[str, list[str]]:
    unit, texts = fmt.column([row.experiment.metrics.get(name) for row in rows], fmt.HARNESS_UNITS.get(name, ""))
    return fmt.one_line(name, 16) + (f" [{unit}]" if unit else ""), texts


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its heading, the text of a row, and its width in cells."""

    heading: str
    text: Callable[[BoardRow], str]
    width: int
    right: bool = True


def columns_for(view: BoardView, width: int) -> tuple[Column, ...]:
    """The columns that `width` cells have room for; what the experiment did always gets a share."""
    brief = _column(PAIRS, lambda row: row.brief, view)
    full = _column(PAIRS, lambda row: row.effect, view)
    against = _column("vs base", lambda row: row.against, view)
    first = [
        _column("", lambda row: row.rank, view),
        _column("#", lambda row: str(row.index) if row.index else "", view),
        _column(view.metric, lambda row: row.value, view),
    ]
    status = _column("status", lambda row: f"{row.glyph} {row.status}", view, right=False)
    secondary = [_column(name, _secondary(place), view) for place, name in enumerate(view.secondary)]
    wished = (
        [against, full, *secondary],
        *([against, full, *secondary[:count]] for count in range(len(secondary) - 1, -1, -1)),
        [against, brief],
        [brief],
        [against],
        [],
    )
    room = width - sum(column.width + 2 for column in (*first, status)) - (20 if width >= 60 else 12)
    middle = next((some for some in wished if sum(column.width + 2 for column in some) <= room), [])
    columns = (*first, *middle, status)
    taken = sum(column.width + 2 for column in columns)
    return (*columns, Column(WHAT, lambda row: row.what, max(width - taken, 4), right=False))


def _secondary(place: int) -> Callable[[BoardRow], str]:
    return lambda row: row.secondary[place]


def _column(heading: str, text: Callable[[BoardRow], str], view: BoardView, *, right: bool = True) -> Column:
    widest = max((len(text(row)) for row in view.rows), default=0)
    return Column(heading, text, max(widest, len(heading), 1), right)
