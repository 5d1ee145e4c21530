"""The search for better knob values: one knob at a time first, then joint moves by Optuna's TPE.

Nothing is remembered between proposals: all of it is computed from the journalled history, so that a resumed session goes
on as an uninterrupted one would.

Single moves of a number: half of the way to the nearer unexplored end, in both directions (a big move tells soon whether
a knob matters, and on a log range it is a factor); after a gain, on in the same direction; between three known points, the
vertex of the parabola through them. Single moves of a choice: each value once. Joint moves: TPE over up to three knobs
that have shown an influence.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autotune_tui.agents.offline.knobs import Knob
from autotune_tui.agents.offline.marks import Range, Value
from autotune_tui.agents.offline.trials import FLAT, Curve, Setting, Trial, curve

GAIN_UNTRIED = 0.10
"""Expected gain (log metric) of a big first move; the other constants are relative to it, and all of them only rank."""
GAIN_OTHER_WAY = 0.12
GAIN_AFTER_FLAT = 0.02
GAIN_AFTER_FAILURE = 0.03
GAIN_JOINT = 0.02
LEAST_FIT = 0.005
"""A predicted gain below this is not worth an experiment."""
JOINT_KNOBS = 3
_NEAR = 0.04
"""Positions (0..1) closer than this count as explored."""


@dataclass(frozen=True, slots=True)
class KnobMove:
    """New values for one knob or a few."""

    changes: Mapping[str, Value]
    gain: float
    """Expected gain as a positive log metric."""
    why: str
    joint: bool = False


class Search:
    """The state of the search, rebuilt for one proposal."""

    def __init__(self, knobs: Sequence[Knob], trials: Sequence[Trial]) -> None:
        self.knobs = {knob.id: knob for knob in knobs}
        self.setting: dict[str, Value] = {knob.id: knob.value for knob in knobs}
        self.trials = trials
        self.curves = {knob.id: curve(knob.id, knob.value, trials) for knob in knobs}
        self._tried = {self._combination(setting) for trial in trials for setting in (trial.values, trial.base)}
        self._tried.add(self._combination(self.setting))

    def moves(self, seed: int) -> list[KnobMove]:
        """Moves not tried before, best expected gain first; empty when the search has run dry."""
        found = [move for knob in self.knobs.values() for move in self._singles(knob) if self.is_new(move.changes)]
        found.sort(key=lambda move: -move.gain)
        if not found or found[0].gain < self._joint_gain():
            joint = self._joint(seed)
            found = [*([joint] if joint else []), *found]
        return found

    def live(self) -> list[Knob]:
        """Knobs worth joint moves: neither blocked nor without effect; the most influential first."""
        knobs = [k for k in self.knobs.values() if not self.curves[k.id].blocked and not self.curves[k.id].flat]
        return sorted(knobs, key=lambda knob: -self.curves[knob.id].influence)

    def is_new(self, changes: Mapping[str, Value]) -> bool:
        """Whether the incumbent with these values is a combination that no experiment and no incumbent had."""
        return self._combination({**self.setting, **changes}) not in self._tried

    def is_open(self, changes: Mapping[str, Value]) -> bool:
        """Whether the combination is new and has no value that failed by itself."""
        return self.is_new(changes) and not any(value in self.curves[name].failed for name, value in changes.items())

    def _combination(self, setting: Setting) -> tuple[tuple[str, Value], ...]:
        return tuple((name, setting.get(name, self.setting[name])) for name in sorted(self.setting))

    def _singles(self, knob: Knob) -> Iterator[KnobMove]:
        known = self.curves[knob.id]
        if known.blocked:
            return
        domain = knob.domain
        if isinstance(domain, Range) and isinstance(knob.value, int | float):
            yield from self._range_moves(knob, domain, knob.value, known)
            return
        for value in domain.options() or ():
            if value not in known.levels and value not in known.failed:
                gain = GAIN_AFTER_FLAT if known.flat else GAIN_UNTRIED * 0.8
                yield KnobMove({knob.id: value}, gain, "a choice that was not tried yet")

    def _range_moves(self, knob: Knob, domain: Range, current: float, known: Curve) -> Iterator[KnobMove]:
        here = domain.position(current)
        slopes = {side: self._slope(domain, known, current, side) for side in (1, -1)}
        for side in (1, -1):
            move = self._outward(knob, domain, here, known, side, slopes)
            if move is not None:
                yield move
        fitted = self._fitted(knob, domain, current, known)
        if fitted is not None:
            yield fitted

    def _outward(
        self, knob: Knob, domain: Range, here: float, known: Curve, side: int, slopes: Mapping[int, float | None]
    ) -> KnobMove | None:
        """The move away from the present value towards one end, or half of the way to a value that failed there."""
        failed = [domain.position(v) for v in known.failed if isinstance(v, int | float)]
        beyond = [position for position in failed if (position - here) * side > 0]
        end = 1.0 if side > 0 else 0.0
        limit = min(beyond, key=lambda position: abs(position - here), default=end)
        if slopes[side] is not None or abs(limit - here) < _NEAR:
            return None
        position = (here + limit) / 2
        if not beyond and abs(limit - position) < 2 * _NEAR:
            position = limit
        value = domain.at(position)
        if value == knob.value or value in known.failed:
            return None
        other = slopes[-side]
        way = "up" if side > 0 else "down"
        if beyond:
            gain, why = GAIN_AFTER_FAILURE, f"half of the way {way} to a value that failed"
        elif other is None:
            gain, why = GAIN_UNTRIED, f"a big move {way}, to see whether it matters"
        elif abs(other) < FLAT:
            gain, why = GAIN_AFTER_FLAT, f"the other way made no difference, so {way} probably makes little"
        elif other > 0:
            gain, why = min(max(GAIN_OTHER_WAY, other / 2), 0.5), f"{way}, since the other way it was worse"
        else:
            gain, why = GAIN_AFTER_FLAT, f"{way} is what has not been tried"
        return KnobMove({knob.id: value}, gain, why)

    def _slope(self, domain: Range, known: Curve, current: float, side: int) -> float | None:
        """How much worse the nearest measured value on one side is than the present one; None when there is none."""
        here = domain.position(current)
        points = self._points(domain, known)
        beyond = [(abs(p - here), level) for p, level in points.items() if (p - here) * side > 0]
        return min(beyond)[1] - known.levels[current] if beyond else None

    def _fitted(self, knob: Knob, domain: Range, current: float, known: Curve) -> KnobMove | None:
        """The vertex of the parabola through the present value and its measured neighbours (Brent's interpolation)."""
        here, best = domain.position(current), known.levels[current]
        points = self._points(domain, known)
        left = max((p for p in points if p < here), default=None)
        right = min((p for p in points if p > here), default=None)
        if left is None or right is None or min(points[left], points[right]) < best:
            return None
        rise_left, rise_right = (points[left] - best) / (here - left), (points[right] - best) / (right - here)
        bend = (rise_left + rise_right) / (right - left)
        if bend <= 0:
            return None
        slope = (rise_right * (here - left) - rise_left * (right - here)) / (right - left)
        vertex = here - slope / (2 * bend)
        gain = min(slope**2 / (4 * bend), GAIN_UNTRIED)  # three noisy points can promise anything
        value = domain.at(vertex, fine=True)
        if gain < LEAST_FIT or abs(vertex - here) < _NEAR or value in known.levels or value in known.failed:
            return None
        return KnobMove({knob.id: value}, gain, "the vertex of the parabola through the three nearest measurements")

    def _points(self, domain: Range, known: Curve) -> dict[float, float]:
        return {domain.position(v): level for v, level in known.levels.items() if isinstance(v, int | float)}

    def _joint_failures(self) -> int:
        """Joint moves in a row, up to now, without a keep."""
        count = 0
        for trial in reversed(self.trials):
            if trial.verdict == "kept":
                break
            count += trial.joint
        return count

    def _joint_gain(self) -> float:
        return GAIN_JOINT * 0.8 ** self._joint_failures()

    def _joint(self, seed: int) -> KnobMove | None:
        """TPE's suggestion for a few live knobs, or, when it only repeats itself, the best guess among the last ones left."""
        live, failures = self.live(), self._joint_failures()
        if not live or failures >= 4 + 2 * len(live):
            return None
        shift = failures % len(live) if len(live) > JOINT_KNOBS else 0
        subset = (live[shift:] + live[:shift])[:JOINT_KNOBS]
        from autotune_tui.agents.offline.tpe import suggest

        changes = suggest(subset, list(self.knobs.values()), self.trials, seed, self.is_open) or self._left_over(subset)
        if changes is None:
            return None
        return KnobMove(
            changes, self._joint_gain(), f"TPE's choice after {len(self.trials)} measured settings", joint=True
        )

    def _left_over(self, subset: Sequence[Knob]) -> dict[str, Value] | None:
        """Of all untried combinations of a small space, the one whose knobs did best by themselves."""
        options = [knob.domain.options() for knob in subset]
        size = 1
        for values in options:
            size *= len(values) if values is not None else 1_000
        if size > 512:
            return None
        best: tuple[float, dict[str, Value]] | None = None
        for combination in itertools.product(*(values or () for values in options)):
            pairs = zip(subset, combination, strict=True)
            changes = {knob.id: value for knob, value in pairs if value != knob.value}
            if not changes or not self.is_open(changes):
                continue
            level = sum(self.curves[name].levels.get(value, 0.0) for name, value in changes.items())
            if best is None or level < best[0]:
                best = (level, changes)
        return best[1] if best else None
