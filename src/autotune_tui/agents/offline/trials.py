"""What the session's history says about knobs: each measured setting, and each knob's own curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from autotune_tui.agents.base import PastExperiment
from autotune_tui.agents.offline.marks import Value

Setting = Mapping[str, Value]
"""Knob id -> value."""

FLAT = 0.01
"""Effects below this (log metric) on every move tried make a knob not worth more moves."""

_LEARNED_NOTHING = frozenset(
    {"no_change", "duplicate", "out_of_scope", "skipped", "no_proposal", "agent_failed", "sync_failed", "commit_failed"}
)
_REJECTED = frozenset({"guard", "end_to_end", "holdout", "output_changed", "inspector", "timeout"})


@dataclass(frozen=True, slots=True)
class Trial:
    """One knob experiment."""

    values: Setting
    """All knobs of the candidate, also those left as they were."""
    base: Setting
    """All knobs of the incumbent that it was measured against."""
    changed: frozenset[str]
    effect: float | None
    """Log metric of the candidate relative to its incumbent, below zero is better; None when nothing was measured."""
    level: float | None
    """Log metric relative to the knobs' first setting: the kept knob effects before it plus its own; other changes'
    effects are left out, so that a gain of theirs is not taken for a gain of the values that were set then."""
    verdict: Literal["kept", "measured", "failed", "unknown"]
    joint: bool
    """TPE's proposal, as against a move of one knob by rule."""


@dataclass(slots=True)
class Curve:
    """One knob's effect by itself, pieced together from the moves in which only it changed (log effects add up)."""

    levels: dict[Value, float] = field(default_factory=dict)
    failed: set[Value] = field(default_factory=set)
    failures: int = 0
    moves: int = 0
    """Measured moves among `levels`."""

    @property
    def blocked(self) -> bool:
        """Checks or output broke repeatedly: the knob is not as free as its mark says."""
        return self.failures >= 2

    @property
    def influence(self) -> float:
        """The largest difference that it was seen to make."""
        return max(self.levels.values()) - min(self.levels.values()) if self.levels else 0.0

    @property
    def flat(self) -> bool:
        return self.moves >= 2 and self.influence < FLAT and not self.failed


def read_trials(history: Sequence[PastExperiment], direction: Literal["lower", "higher"]) -> list[Trial]:
    """The knob experiments of the history, oldest first. Entries whose data is not of this agent's making are passed over."""
    sign = 1.0 if direction == "lower" else -1.0
    trials, level = [], 0.0
    for past in history:
        setting = _setting(past.data)
        if setting is None:
            continue
        values, base = setting
        verdict = _verdict(past)
        effect = None
        if past.effect is not None and verdict in {"kept", "measured"}:
            effect = sign * (past.effect if past.scale == "difference" else math.log1p(past.effect))
        changed = frozenset(name for name in values if values[name] != base[name])
        joint = past.data["knobs"].get("joint") is True
        total = None if effect is None else level + effect
        trials.append(Trial(values, base, changed, effect, total, verdict, joint))
        if verdict == "kept" and effect is not None:
            level += effect
    return trials


def curve(knob: str, current: Value, trials: Sequence[Trial]) -> Curve:
    """What is known of one knob by itself, its present value included (at level 0 when nothing else is known)."""
    known = Curve({current: 0.0})
    for trial in trials:
        if trial.changed != {knob}:
            continue
        start, value = trial.base[knob], trial.values[knob]
        if trial.verdict == "failed":
            known.failures += 1
            known.failed.add(value)
        elif trial.effect is not None:
            if start not in known.levels:
                known.levels, known.moves = {start: 0.0}, 0
            known.moves += 1
            known.levels[value] = known.levels[start] + trial.effect
    if current not in known.levels:
        known.levels, known.moves = {current: 0.0}, 0
    return known


def describe(values: Setting, base: Setting, joint: bool) -> dict[str, Any]:
    """The JSON-able `data` of a knob plan, from which `read_trials` learns later."""
    return {"knobs": {"values": dict(values), "base": dict(base), "joint": joint}}


def read_values(data: Mapping[str, Any]) -> Setting:
    """The knobs that a plan's `data` changes, with their new values; empty when it is no knob plan's."""
    setting = _setting(data)
    if setting is None:
        return {}
    values, base = setting
    return {name: value for name, value in values.items() if value != base[name]}


def _setting(data: Mapping[str, Any]) -> tuple[Setting, Setting] | None:
    knobs = data.get("knobs")
    if not isinstance(knobs, Mapping):
        return None
    values, base = knobs.get("values"), knobs.get("base")
    if not isinstance(values, Mapping) or not isinstance(base, Mapping) or values.keys() != base.keys():
        return None
    if not all(isinstance(value, bool | int | float | str) for value in (*values.values(), *base.values())):
        return None
    return values, base


def _verdict(past: PastExperiment) -> Literal["kept", "measured", "failed", "unknown"]:
    if past.reason in _LEARNED_NOTHING:
        return "unknown"
    if past.status == "keep":
        return "kept"
    if past.status in {"crash", "checks_failed"} or past.reason in _REJECTED:
        return "failed"
    return "measured" if past.effect is not None else "unknown"
