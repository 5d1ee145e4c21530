"""The offline agent's words: a move as a full plan, and an outcome as a reflection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from autotune_tui.agents import words
from autotune_tui.agents.base import Approach, Context, Outcome, PastExperiment, Plan, Reflection
from autotune_tui.agents.offline.moves import KNOB, Move
from autotune_tui.agents.offline.targets import Target
from autotune_tui.model.format import percent
from autotune_tui.model.profile import Profile

MOST_APPROACHES = 5
_REWRITE_PRINCIPLES = (
    "Where the time goes decides what is changed: a function with a share s of the run can save s at most (Amdahl)",
    "The result stays the same: a rewrite is proposed only where its safety conditions were checked",
    "One focused change, so that its effect can be told from noise and from other changes",
)
_KNOB_PRINCIPLES = (
    "A constant that was once guessed is rarely the best: measure instead",
    "Big moves first: they tell soon whether a constant matters at all",
    "What was measured before, discards included, chooses what is tried next",
)
_FILLERS = (
    Approach("leave it as it is", "costs nothing and gains nothing; right when the time is spent elsewhere"),
    Approach(
        "a change of algorithm or data layout",
        "could gain more than any rule can; needs someone who understands the program, which this agent does not",
    ),
)


def make_plan(ranked: Sequence[Move], targets: Sequence[Target], context: Context) -> Plan:
    """The plan for the first of the ranked moves (one at least); the others are the approaches it was preferred to."""
    move = ranked[0]
    return Plan(
        description=move.description,
        hypothesis=move.hypothesis,
        target=move.target,
        strategy=move.strategy,
        key=move.key,
        bottleneck=bottleneck(context.profile, targets, context.metric),
        principles=_KNOB_PRINCIPLES if move.strategy == KNOB else _REWRITE_PRINCIPLES,
        approaches=_approaches(ranked),
        expected=_expected(move.gain, context.direction),
        scores=scores(move, context.history),
        premortem=move.premortem,
        data=move.data,
    )


def bottleneck(profile: Profile | None, targets: Sequence[Target], metric: str) -> str:
    """The step back: what the run is spent on, as far as the profile says."""
    if profile is None or not profile.samples:
        note = f" ({profile.note})" if profile is not None and profile.note else ""
        return f"There is no profile{note}: what limits {metric} is a guess, and each trial tells something about it."
    hot = [target for target in targets if target.function and not target.via]
    if not hot:
        return (
            f"None of the functions that {profile.tool} saw is in scope: the time is spent elsewhere or below Python."
        )
    first, rest = hot[0], hot[1:3]
    text = (
        f"CPU in {first.function}() ({first.path}:{first.line}): on the stack in {first.total:.0%} of {profile.samples:,} "
        f"samples, running itself in {first.own:.0%}."
    )
    if rest:
        text += " Then " + " and ".join(f"{target.function}() with {target.total:.0%}" for target in rest) + "."
    return text


def scores(move: Move, history: Sequence[PastExperiment]) -> dict[str, int]:
    """impact: expected gain, 10 from a third up; feasibility: probability; novelty: how little its kind was tried."""
    tried = sum(past.strategy == move.strategy for past in history)
    return {
        "impact": _score(30 * move.gain),
        "feasibility": _score(10 * move.probability),
        "novelty": _score(10 - 2 * tried),
    }


def reflect(context: Context, plan: Plan, outcome: Outcome) -> Reflection:
    """What the outcome says, in words; the directions are the approaches that this plan was preferred to."""
    others = tuple(approach.name for approach in plan.approaches if not approach.chosen and approach not in _FILLERS)
    step = _knob_next(outcome) if plan.strategy == KNOB else _rewrite_next(plan, outcome)
    return Reflection(
        observation=words.observation(outcome, context.metric, context.direction),
        next=f"{step}; next: {others[0]}" if others else f"{step}.",
        surprises=_surprise(plan, outcome, context.direction),
        lessons=_lessons(plan, outcome),
        directions=others,
    )


def _approaches(ranked: Sequence[Move]) -> tuple[Approach, ...]:
    shown = [
        Approach(
            move.description,
            f"{move.why}; {move.probability:.0%} likely to be kept, and then about {move.gain:.1%} to gain",
            chosen=move is ranked[0],
        )
        for move in ranked[:MOST_APPROACHES]
    ]
    return (*shown, *_FILLERS[: max(0, 3 - len(shown))])


def _expected(gain: float, direction: Literal["lower", "higher"]) -> float:
    """A saved part of the run as relative change of the metric: of a time, or of a rate (its inverse)."""
    return round(-gain if direction == "lower" else gain / (1 - gain), 4)


def _score(value: float) -> int:
    return min(10, max(1, round(value)))


def _rewrite_next(plan: Plan, outcome: Outcome) -> str:
    function = plan.target.rpartition(":")[2]
    if outcome.status == "keep":
        return f"{function}() has become cheaper, so the profile decides anew"
    if outcome.reason == "no_improvement" and words.conclusive(outcome):
        return f"this part of {function}() is not where the time goes"
    if outcome.status == "checks_failed" or outcome.reason == "output_changed":
        return f"{function}() relies on something that the safety conditions do not see; this place is left alone"
    if outcome.reason == "regression":
        return f"the new form costs more than it saves for the sizes that {function}() sees"
    return "this place is left alone"


def _knob_next(outcome: Outcome) -> str:
    if outcome.status == "keep":
        return "further in the same direction while it pays"
    if outcome.status in {"checks_failed", "crash"} or outcome.reason in {"output_changed", "guard"}:
        return "values beyond this one are avoided"
    if outcome.reason == "regression":
        return "the other direction is the more promising one"
    if words.conclusive(outcome):
        return "the value hardly matters here"
    return "the value matters less than the noise shows"


def _surprise(plan: Plan, outcome: Outcome, direction: Literal["lower", "higher"]) -> str:
    if plan.expected is None or outcome.effect is None:
        return ""
    sign = -1 if direction == "lower" else 1
    if outcome.effect * sign < -0.02:
        return f"Expected {percent(plan.expected)}, but it went the wrong way: {percent(outcome.effect)}."
    if outcome.effect * sign > 3 * plan.expected * sign:
        return f"Much better than the expected {percent(plan.expected)}: {percent(outcome.effect)}."
    return ""


def _lessons(plan: Plan, outcome: Outcome) -> tuple[str, ...]:
    if outcome.effect is None:
        return ()
    kept = "was worth keeping" if outcome.status == "keep" else "was not kept"
    return (f"{plan.description}: {percent(outcome.effect)}, {kept}",)
