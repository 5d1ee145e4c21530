"""The leaderboard: the experiments of a segment, ranked."""

from __future__ import annotations

import itertools
from typing import Literal

from autotune_tui.model.experiment import BY_HAND, Experiment
from autotune_tui.model.state import SessionState
from autotune_tui.model.value import Value, frozen_by_thousands

Kind = Literal["baseline", "keep", "discard", "vetoed", "failure", "other"]
_ORDER: dict[Kind, int] = {"baseline": 0, "keep": 1, "discard": 2, "vetoed": 3, "other": 4, "failure": 5}


@frozen_by_thousands
class Row(Value):
    """One line of the leaderboard."""

    rank: int | None
    """1 for the best keep; None for what is no keep."""
    kind: Kind
    """other: a status that this version does not know."""
    experiment: Experiment
    change: float | None
    """Relative change of the metric's value against the baseline's (-0.13: 13 % lower). Two single values, no evidence,
    so only for keeps, of which the pairs say that they gained."""
    difference: float | None
    """The same as a difference in the metric's unit."""
    incumbent: bool
    target: bool
    """A keep or baseline whose value is at the target or better."""
    note: str = ""
    """What a person decided about it, in words."""


def rank(state: SessionState, segment: int | None = None) -> list[Row]:
    """The baseline, the keeps from the best value on, the discards likewise, and last what has failed.

    Values of different segments cannot be compared: `segment` chooses one, by default the current.
    """
    chosen = next((s for s in state.segments if s.number == segment), None) if segment is not None else state.segment
    if chosen is None:
        return []
    sign = -1.0 if chosen.config.direction == "higher" else 1.0

    def place(experiment: Experiment) -> tuple[int, bool, float, int]:
        value = experiment.metric
        return _ORDER[_kind(experiment)], value is None, sign * (value or 0.0), experiment.index

    rows: list[Row] = []
    ranks = itertools.count(1)
    base = chosen.baseline.metric if chosen.baseline else None
    for experiment in sorted((e for e in state.experiments if e.segment == chosen.number), key=place):
        kind = _kind(experiment)
        value = experiment.metric if kind != "failure" else None
        beside = vetoed_beside(state, experiment)
        compared = value is not None and base is not None and kind == "keep" and not beside
        rows.append(
            Row(
                rank=next(ranks) if kind == "keep" else None,
                kind=kind,
                experiment=experiment,
                change=(value - base) / abs(base) if compared and value is not None and base else None,
                difference=value - base if compared and value is not None and base is not None else None,
                incumbent=experiment is chosen.incumbent
                and (chosen.reverted is None or chosen.reverted.value is not None),
                note=_note(experiment, beside),
                target=kind in ("keep", "baseline") and not beside and _at_target(chosen.config.target, sign, value),
            )
        )
    return rows


def vetoed_beside(state: SessionState, experiment: Experiment) -> list[int]:
    """The vetoed keeps that were in place when this keep was measured: its value is not one of the branch as it is."""
    if not experiment.kept:
        return []
    return [veto.experiment for veto in state.vetoes if str(experiment.index) in veto.later]


def _note(experiment: Experiment, beside: list[int]) -> str:
    if experiment.veto is not None:
        return f"vetoed by {experiment.veto.by}: {experiment.veto.why}"
    words = [f"measured with {' and '.join(f'#{number}' for number in beside)} in place"] if beside else []
    if experiment.kept and experiment.reason == BY_HAND:
        words.append(f"kept by hand, by {experiment.by}: {experiment.why}")
    return "; ".join(words)


def best(state: SessionState) -> Experiment | None:
    """The keep or baseline of the current segment whose value is best; it need not be the incumbent."""
    keeps = [row.experiment for row in rank(state) if row.kind in ("baseline", "keep")]
    measured = [experiment for experiment in keeps if experiment.metric is not None]
    if not measured:
        return None
    sign = -1.0 if state.direction == "higher" else 1.0
    return min(measured, key=lambda experiment: sign * (experiment.metric or 0.0))


def _kind(experiment: Experiment) -> Kind:
    if experiment.baseline:
        return "baseline"
    if experiment.kept:
        return "keep"
    if experiment.failed:
        return "failure"
    if experiment.veto is not None:
        return "vetoed"
    return "discard" if experiment.status == "discard" else "other"


def _at_target(target: float | None, sign: float, value: float | None) -> bool:
    return target is not None and value is not None and sign * value <= sign * target
