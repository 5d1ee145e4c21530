"""What the evidence panel shows, as a frozen view, and where its dots and bars stand on their axes. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from autotune_tui.model import format as fmt
from autotune_tui.model.events import Decision, Sample
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen

Purpose = Literal["experiment", "calibration", "validation", "nothing", "unrecorded"]
"""What is measured; "unrecorded" for the journals of other tools, which have single values only."""
THEN = {"holdout": "the holdout", "end_to_end": "the end-to-end benchmark"}
"""What a would-be keep is measured on after its own pairs, by phase."""


@frozen
class EffectBar(Value):
    """One look at the evidence: an effect with its interval."""

    pairs: int
    effect: float
    low: float
    high: float


@frozen
class EvidenceView(Value):
    """The samples of both sides, what they say so far, and what is still to come."""

    purpose: Purpose
    number: int
    incumbent: tuple[float, ...]
    candidate: tuple[float, ...]
    unit: str
    direction: str
    scale: str
    bars: tuple[EffectBar, ...]
    """The looks so far, the last one last."""
    state: str
    """continue, keep or discard; once the experiment has ended, its status."""
    reason: str
    weak: bool
    next_look: int | None
    looks: tuple[int, ...]
    """The numbers of pairs at which a keep may be decided; empty when the profile is not known."""
    most: int | None
    """The most pairs that are taken."""
    profile: str
    threshold: str
    noise: str
    retaken: int
    """Blocks that were taken again because the machine was disturbed."""
    then: str = ""
    """What is measured now that these pairs have decided: the holdout, the end-to-end benchmark. Its own pairs are not shown."""

    @property
    def pairs(self) -> int:
        return (
            min(len(self.incumbent), len(self.candidate)) if self.purpose != "calibration" else len(self.incumbent) // 2
        )


def evidence(
    state: SessionState, decisions: Sequence[Decision], looks: Sequence[int] = (), most: int | None = None
) -> EvidenceView:
    """The evidence of what is measured now, else of the last validation. `looks` and `most` are those of the profile."""
    current = state.current
    if current is not None and current.number and (current.samples or current.phase == "measure"):
        return _experiment(state, decisions, tuple(looks), most)
    calibrating = state.calibration is None and state.calibration_samples
    if calibrating and (current is None or current.number == 0):
        return _view(state, "calibration", state.calibration_samples)
    if state.validation_samples and state.validation_samples[-1].timestamp >= state.exp_at:
        return _validation(state)
    foreign = state.session is None and bool(state.experiments)
    return _view(state, "unrecorded" if foreign else "nothing", ())


def concluded(view: EvidenceView, state: SessionState) -> EvidenceView:
    """The evidence of an experiment once it has ended: with its verdict, and no look to come."""
    ended = next((e for e in reversed(state.experiments) if not e.baseline and e.index == view.number), None)
    if view.purpose != "experiment" or ended is None:
        return view
    return replace(view, state=ended.status, reason=fmt.one_line(ended.reason, 40), next_look=None)


def _experiment(
    state: SessionState, decisions: Sequence[Decision], looks: tuple[int, ...], most: int | None
) -> EvidenceView:
    current = state.current
    assert current is not None
    last = current.decision
    own = [look for look in decisions if look.experiment == current.number and look.interval is not None]
    view = _view(
        state,
        "experiment",
        current.samples,
        number=current.number,
        scale=last.scale if last else "log",
        bars=tuple(EffectBar(d.pairs, d.effect, d.interval[0], d.interval[1]) for d in own if d.interval),
        state_word=last.state if last else "continue",
        reason=last.reason if last and last.state != "continue" else "",
        weak=last.weak if last else False,
        next_look=last.next_look if last else None,
        looks=looks,
        most=most,
        retaken=current.retaken,
    )
    return replace(view, then=THEN.get(current.phase, ""))


def _validation(state: SessionState) -> EvidenceView:
    """The segment's first commit against the branch; its sides are incumbent (first) and candidate (branch)."""
    done = state.validations[-1] if state.validations else None
    if done is not None and state.validation_samples and state.validation_samples[-1].seq > done.seq:
        done = None
    bars = (EffectBar(done.pairs, done.effect, *done.interval),) if done else ()
    return _view(
        state,
        "validation",
        state.validation_samples,
        number=done.keeps if done else 0,
        scale=done.scale if done else "log",
        bars=bars,
        state_word=("keep" if done.confirmed else "discard") if done else "continue",
        most=done.pairs if done else None,
    )


def _view(
    state: SessionState,
    purpose: Purpose,
    samples: Sequence[Sample],
    *,
    number: int = 0,
    scale: str = "log",
    bars: tuple[EffectBar, ...] = (),
    state_word: str = "continue",
    reason: str = "",
    weak: bool = False,
    next_look: int | None = None,
    looks: tuple[int, ...] = (),
    most: int | None = None,
    retaken: int = 0,
) -> EvidenceView:
    calibration = state.calibration
    return EvidenceView(
        purpose=purpose,
        number=number,
        incumbent=_values(samples, "incumbent"),
        candidate=_values(samples, "candidate"),
        unit=state.config.metric_unit,
        direction=state.direction,
        scale=scale,
        bars=bars,
        state=state_word,
        reason=fmt.one_line(reason, 40),
        weak=weak,
        next_look=next_look,
        looks=looks,
        most=most,
        profile=fmt.one_line(state.config.profile, 20),
        threshold=fmt.one_line(state.config.threshold, 20),
        noise=fmt.percent(calibration.sigma).lstrip("+") if calibration and calibration.scale == "log" else "",
        retaken=retaken,
    )


def _values(samples: Sequence[Sample], side: str) -> tuple[float, ...]:
    return tuple(sample.value for sample in samples if sample.side == side and sample.value is not None)


def fast_half(values: Sequence[float], direction: str) -> float | None:
    """The mean of the better half, which is what effects compare (design: decision.md, "Statistic and effect").

    On the log scale where all values are positive: the geometric mean.
    """
    if not values:
        return None
    best = sorted(values, reverse=direction == "higher")[: (len(values) + 1) // 2]
    if min(best) > 0:
        return math.exp(sum(math.log(value) for value in best) / len(best))
    return sum(best) / len(best)


@frozen
class Axis(Value):
    """A linear scale from `low` to `high` on cells 0 .. `width` - 1."""

    low: float
    high: float
    width: int

    def cell(self, value: float) -> int:
        """The cell of a value; values outside stand at the ends."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return min(max(round(share * (self.width - 1)), 0), self.width - 1)


def axis_of(values: Sequence[float], width: int) -> Axis:
    """A scale that holds the values with a little air."""
    low, high = min(values), max(values)
    air = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    return Axis(low - air, high + air, max(width, 1))


def dots(values: Sequence[float], axis: Axis) -> str:
    """The values as dots on the axis: ∘ one, ○ two, ● three and more in a cell."""
    counts = [0] * axis.width
    for value in values:
        counts[axis.cell(value)] += 1
    return "".join(" ∘○●"[min(count, 3)] for count in counts)


def bar(look: EffectBar, axis: Axis) -> str:
    """An interval with its effect: ├──◆──┤, with arrows where it leaves the axis."""
    low, high, middle = axis.cell(look.low), axis.cell(look.high), axis.cell(look.effect)
    cells = [" "] * axis.width
    cells[low : high + 1] = "─" * (high + 1 - low)
    cells[low] = "◂" if look.low < axis.low else "├"
    cells[high] = "▸" if look.high > axis.high else "┤"
    cells[middle] = "◆"
    return "".join(cells)


def effect_axis(bars: Sequence[EffectBar], width: int) -> Axis:
    """The scale of the effects: zero, the last interval, and the earlier ones as far as they are at most twice as wide."""
    last = bars[-1]
    reach = [0.0, last.low, last.high, last.effect]
    span = max(reach) - min(reach)
    for look in bars[:-1]:
        reach += [max(look.low, last.effect - span), min(look.high, last.effect + span)]
    return axis_of(reach, width)


def ticks(axis: Axis, most: int = 4) -> list[float]:
    """Round values on the axis, at most `most`, for its labels."""
    span = axis.high - axis.low
    if not span > 0 or not math.isfinite(span):
        return []
    size = 10.0 ** math.floor(math.log10(span / max(most, 1)))
    for step in (size * factor for factor in (1, 2, 5, 10, 20, 50, 100)):
        numbers = range(math.ceil(axis.low / step), math.floor(axis.high / step) + 1)
        if len(numbers) <= most:
            return [number * step for number in numbers]
    return []


def labels(axis: Axis, texts: Sequence[tuple[float, str]]) -> str:
    """The texts below their values, each centred as far as it goes; one that would touch its neighbour is left out."""
    row = [" "] * axis.width
    free = 0
    for value, text in texts:
        start = min(max(axis.cell(value) - len(text) // 2, 0), axis.width - len(text))
        if start < free or start < 0:
            continue
        row[start : start + len(text)] = text
        free = start + len(text) + 2
    return "".join(row)
