"""What the offline agent could do next: rewrites and knob moves on one scale, ranked by expected gain times probability."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autotune_tui.agents.base import PastExperiment
from autotune_tui.agents.offline.knobs import Knob
from autotune_tui.agents.offline.marks import Value, spell
from autotune_tui.agents.offline.search import GAIN_UNTRIED, KnobMove, Search
from autotune_tui.agents.offline.targets import Target, best_match
from autotune_tui.agents.offline.trials import describe, read_values
from autotune_tui.model.guidance import Stuck, tired

if TYPE_CHECKING:
    from autotune_tui.agents.offline.rewrites import Candidate

KNOB = "knob"
REWRITE = "rewrite:"

_PRIORS = {KNOB: 0.35, REWRITE: 0.5}
"""Probability that a move of a kind is kept, before anything is known of this repository."""
_PRIOR_WEIGHT = 3.0
"""How many experiments the prior counts for."""
_FAMILY_WEIGHT = 0.3
"""What an experiment with another rewrite says about this one, relative to one of its own."""
_ELSEWHERE = 0.3
"""The part of a knob's gain that is expected although the profile saw its Python file do nothing: constants reach far."""
_NO_TRIAL = frozenset({"no_change", "duplicate", "skipped", "no_proposal"})


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that could be tried, with everything that a plan needs."""

    strategy: str
    key: str
    description: str
    target: str
    hypothesis: str
    premortem: str
    why: str
    """Why now, in a few words."""
    gain: float
    """Expected part of the metric that is saved if it works (0..1)."""
    probability: float
    """That it is kept."""
    data: Mapping[str, Any]

    @property
    def worth(self) -> float:
        return self.gain * self.probability


def rewrite_moves(
    candidates: Iterable[tuple[str, Candidate]], targets: Sequence[Target], history: Sequence[PastExperiment]
) -> list[Move]:
    """Moves for the candidates (path, candidate) that lie in a target and were not proposed before."""
    proposed = {past.key for past in history}
    moves = []
    for path, candidate in candidates:
        key = f"{REWRITE}{path}:{candidate.key}"
        target = best_match(targets, path, candidate.function, candidate.line)
        if target is None or key in proposed:
            continue
        strategy = REWRITE + candidate.rewrite
        moves.append(
            Move(
                strategy=strategy,
                key=key,
                description=candidate.description,
                target=f"{path}:{candidate.function}",
                hypothesis=candidate.hypothesis,
                premortem=candidate.premortem,
                why=_share_words(target, candidate.function),
                gain=min(max(-candidate.expected, 0.0), 0.99) * target.share,
                probability=probability(strategy, history),
                data={"path": path, "candidate": candidate.key, "line": candidate.line},
            )
        )
    return moves


def knob_moves(
    search: Search,
    found: Iterable[KnobMove],
    targets: Sequence[Target],
    history: Sequence[PastExperiment],
    metric: str,
) -> list[Move]:
    """Moves for what the knob search found, most promising first."""
    moves = []
    for move in found:
        knobs = [search.knobs[name] for name in move.changes]
        warmth = max(_warmth(knob.path, targets) for knob in knobs)
        moves.append(
            Move(
                strategy=KNOB,
                key=f"{KNOB}:" + ",".join(f"{name}={spell(value)}" for name, value in sorted(move.changes.items())),
                description=_set_words(knobs, move.changes),
                target=", ".join(knob.id for knob in knobs),
                hypothesis=f"{_setting_words(knobs, move.changes)} should improve {metric} because this is {move.why}.",
                premortem=_knob_premortem(knobs),
                why=move.why,
                gain=(1 - math.exp(-move.gain)) * warmth,
                probability=probability(KNOB, history),
                data=describe({**search.setting, **move.changes}, search.setting, move.joint),
            )
        )
    return moves


def probability(strategy: str, history: Sequence[PastExperiment]) -> float:
    """How often a strategy is kept: a prior for its family, corrected by what this session saw of it."""
    family = KNOB if strategy == KNOB else REWRITE
    kept = tried = 0.0
    for past in history:
        if not past.strategy.startswith(family) or past.reason in _NO_TRIAL:
            continue
        weight = 1.0 if past.strategy == strategy else _FAMILY_WEIGHT
        tried += weight
        kept += weight * (past.status == "keep")
    return (_PRIORS[family] * _PRIOR_WEIGHT + kept) / (_PRIOR_WEIGHT + tried)


def tired_strategy(history: Sequence[PastExperiment]) -> str | None:
    """The strategy of the last three experiments when all of them had the same and none was kept, else None."""
    return tired(history) or None


def combined(search: Search, stuck: Stuck, history: Sequence[PastExperiment]) -> KnobMove | None:
    """The values of the two best near misses with different constants, at once; None when that is none or not new."""
    changes: dict[str, Value] = {}
    numbers: list[int] = []
    of = {past.index: past for past in history}
    for near in stuck.near:
        past = of.get(near.index)
        wanted = read_values(past.data) if past is not None and past.strategy == KNOB else {}
        if wanted and wanted.keys() <= search.knobs.keys() and not wanted.keys() & changes.keys():
            changes.update(wanted)
            numbers.append(near.index)
        if len(numbers) == 2:
            break
    changes = {name: value for name, value in changes.items() if value != search.setting[name]}
    if len(numbers) < 2 or not search.is_open(changes):
        return None
    why = f"what experiments {numbers[0]} and {numbers[1]} nearly gained, at once"
    return KnobMove(changes, GAIN_UNTRIED, why, joint=True)


def ranked(moves: Iterable[Move], history: Sequence[PastExperiment], stuck: Stuck | None = None) -> list[Move]:
    """Best first (equals as they came), each key once; moves of a tired strategy come after all others.

    When nothing has worked for long, what was tried meanwhile comes after what was not, if that is the step to take.
    """
    last = tired_strategy(history)
    failed = {name for name, _ in stuck.failed} if stuck is not None and stuck.step == "opposite" else set()
    best: dict[str, Move] = {}
    for move in sorted(moves, key=lambda move: (move.strategy == last, move.strategy in failed, -move.worth)):
        best.setdefault(move.key, move)
    return list(best.values())


def _warmth(path: str, targets: Sequence[Target]) -> float:
    """How much of a knob's expected gain the profile leaves: all where it is blind (no hot function, no Python)."""
    hot = [target for target in targets if target.function]
    if not hot or not path.endswith(".py"):
        return 1.0
    share = min(1.0, sum(target.own for target in hot if target.path == path))
    return _ELSEWHERE + (1 - _ELSEWHERE) * share


def _share_words(target: Target, function: str) -> str:
    if not target.function:
        return "nothing was profiled, so where the time goes is a guess"
    if target.via:
        return f"called by {target.via}(), which is hot"
    return f"{function}() is on the stack in {target.total:.0%} of the samples, and runs itself in {target.own:.0%}"


def _set_words(knobs: Sequence[Knob], changes: Mapping[str, Value]) -> str:
    """ "Set BATCH to 512 (was 64)"."""
    return "Set " + ", ".join(f"{knob.name} to {spell(changes[knob.id])} (was {spell(knob.value)})" for knob in knobs)


def _setting_words(knobs: Sequence[Knob], changes: Mapping[str, Value]) -> str:
    return "Setting " + " and ".join(
        f"{knob.name} from {spell(knob.value)} to {spell(changes[knob.id])}" for knob in knobs
    )


def _knob_premortem(knobs: Sequence[Knob]) -> str:
    ranges = "; ".join(f"{knob.name} may be {knob.domain}" for knob in knobs)
    return (
        f"It fails when the time does not depend on the value, or when the best value depends on the machine or the size of "
        f"the input. Within its mark: {ranges}."
    )
