"""What the course of a session asks of the next experiments: strategies to leave, a scope to stay in, something to mend, and
what to do when nothing has worked for long (L19, L20). Pure: it follows from the state alone, and an agent is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, Protocol

from autotune_tui.model import format as fmt
from autotune_tui.model.value import Value, frozen

if TYPE_CHECKING:
    from autotune_tui.model.experiment import Experiment
    from autotune_tui.model.session import SessionState

ROTATE_AFTER = 3
"""Discards of one strategy in a row, after which another kind is asked for."""
STUCK_AFTER = 5
"""Experiments in a row without a keep, after which more than another idea is asked for."""
MOST_NAMED = 5
UNNAMED = frozenset({"", "command", "manual", "acp"})
"""What stands in a plan's strategy when its agent names none: it says who, not what."""
NO_EVIDENCE = frozenset(
    {
        "skipped",
        "duplicate",
        "no_change",
        "no_proposal",
        "agent_failed",
        "agent_stalled",
        "sync_failed",
        "commit_failed",
    }
)
"""Reasons that say nothing of the strategy: it was never tried."""

StepName = Literal["read", "combine", "opposite", "simplify"]
STEPS: dict[StepName, str] = {
    "read": "read the goal, the files in scope and the log of all experiments anew, and trust nothing that you remember",
    "combine": "combine earlier wins and near misses: what was too small alone may be enough together",
    "opposite": "try the opposite of what failed: another place, a larger change instead of small ones, undo a trade-off",
    "simplify": "simplify: remove what does not pay, since less code at the same speed is a gain too",
}
"""What is to be done when nothing has worked for long, in the order of the attempts."""


class Tried(Protocol):
    """What is looked at of an experiment."""

    @property
    def status(self) -> str: ...
    @property
    def strategy(self) -> str: ...


@frozen
class Attempt(Value):
    """An earlier experiment that is worth another look."""

    index: int
    description: str
    strategy: str
    files: tuple[str, ...]
    effect: float | None


@frozen
class Stuck(Value):
    """The protocol for a search in which nothing has worked for long."""

    experiments: int
    """Without a keep, in a row."""
    step: StepName
    """What the next experiment should do above all; each gets its turn."""
    wins: tuple[Attempt, ...]
    """The keeps, the latest first."""
    near: tuple[Attempt, ...]
    """What looked better and was not proven, since the last keep, the best first."""
    failed: tuple[tuple[str, int], ...]
    """The strategies since the last keep, and how often each was tried."""


@frozen
class Guidance(Value):
    """What is asked of the next experiment."""

    avoid: tuple[str, ...] = ()
    """Strategies that may not be used: a plan that does ends its experiment."""
    tired: str = ""
    """The strategy of the last discards, which should rest."""
    scope: tuple[str, ...] = ()
    """The only files that may be changed, when the scope is narrowed."""
    repair: str = ""
    """What is to be mended, and nothing else: candidates or code."""
    findings: tuple[str, ...] = ()
    """What playbooks have found since the last keep."""
    stuck: Stuck | None = None


def guidance_of(state: SessionState) -> Guidance:
    """For the next experiment of a session."""
    past = [experiment for experiment in state.experiments if not experiment.baseline and experiment.rescues is None]
    course = state.course
    return Guidance(
        avoid=course.avoid,
        tired=tired(past),
        scope=course.scope,
        repair=course.repair,
        findings=tuple(found.found for found in state.recoveries if found.outcome == "done" and found.found),
        stuck=stuck(past, state.direction),
    )


def tired(past: Sequence[Tried]) -> str:
    """The strategy of the last three experiments when all of them had the same and none was kept, else nothing."""
    last = past[-ROTATE_AFTER:]
    strategies = {experiment.strategy for experiment in last}
    if len(last) < ROTATE_AFTER or len(strategies) > 1 or any(experiment.status == "keep" for experiment in last):
        return ""
    strategy = strategies.pop()
    return "" if strategy in UNNAMED else strategy


def failed_strategies(past: Sequence[Experiment]) -> tuple[tuple[str, int], ...]:
    """The strategies that were tried since the last keep, and how often; most often first."""
    tried = Counter(
        experiment.strategy
        for experiment in since_keep(past)
        if experiment.strategy not in UNNAMED and experiment.reason not in NO_EVIDENCE
    )
    return tuple(tried.most_common())


def since_keep(past: Sequence[Experiment]) -> list[Experiment]:
    """The experiments after the last keep, without baselines, rescues and those that somebody skipped; oldest first."""
    latest = takewhile(lambda experiment: not experiment.kept, reversed(past))
    return [
        experiment
        for experiment in reversed(list(latest))
        if not experiment.baseline and experiment.rescues is None and experiment.reason != "skipped"
    ]


def stuck(past: Sequence[Experiment], direction: str) -> Stuck | None:
    """The protocol, when it is due."""
    recent = since_keep(past)
    if len(recent) < STUCK_AFTER:
        return None
    steps = tuple(STEPS)
    near = [
        experiment
        for experiment in recent
        if experiment.status == "discard" and experiment.effect and fmt.improves(experiment.effect, direction)
    ]
    near.sort(key=lambda experiment: -abs(experiment.effect or 0.0))
    wins = [experiment for experiment in reversed(past) if experiment.kept]
    return Stuck(
        experiments=len(recent),
        step=steps[(len(recent) - STUCK_AFTER) % len(steps)],
        wins=tuple(map(_attempt, wins[:MOST_NAMED])),
        near=tuple(map(_attempt, near[:MOST_NAMED])),
        failed=failed_strategies(past)[:MOST_NAMED],
    )


def words(guidance: Guidance) -> list[str]:
    """The guidance for a person or a model, a sentence or two each."""
    lines = []
    if guidance.repair:
        what = "the code that was kept" if guidance.repair == "code" else "what made the last experiments fail"
        lines.append(f"Repair only: mend {what}, and try nothing else.")
    lines += [f"Found: {text}." for text in guidance.findings]
    if guidance.scope:
        lines.append(f"The scope is narrowed for now; only these may be changed: {', '.join(guidance.scope)}.")
    if guidance.avoid:
        lines.append(f"These strategies failed and may not be used for now: {', '.join(guidance.avoid)}.")
    if guidance.tired and guidance.tired not in guidance.avoid:
        lines.append(f"The last {ROTATE_AFTER} were all {guidance.tired} and none was kept: choose another kind.")
    return lines + (_stuck_words(guidance.stuck) if guidance.stuck else [])


def _stuck_words(stuck: Stuck) -> list[str]:
    lines = [f"Nothing was kept in {stuck.experiments} experiments in a row. Small changes have run dry."]
    lines += [f"{'Above all: ' if name == stuck.step else 'Also: '}{text}." for name, text in STEPS.items()]
    for label, attempts in (("Wins", stuck.wins), ("Near misses", stuck.near)):
        if attempts:
            lines.append(f"{label}: {'; '.join(f'#{one.index} {one.description}' for one in attempts)}.")
    if stuck.failed:
        failed = (f"{name} ({fmt.count(times, 'time')})" for name, times in stuck.failed)
        lines.append(f"Failed: {', '.join(failed)}.")
    return lines


def _attempt(experiment: Experiment) -> Attempt:
    return Attempt(experiment.index, experiment.description, experiment.strategy, experiment.files, experiment.effect)
