"""autotune.md, the living document: enough for a fresh agent or a person to go on from, and never long."""

from __future__ import annotations

from collections import Counter

from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import Experiment, Segment
from autotune_tui.model.state import SessionState
from autotune_tui.report.experiment import effect_words, verdict_words
from autotune_tui.report.final import headlines
from autotune_tui.report.learnings import lessons
from autotune_tui.report.markdown import bullets, cell, code, document, inline, section, table
from autotune_tui.report.tables import name_of

_MOST_WINS = 40
_MOST_DEAD_ENDS = 40
_MOST_STRATEGIES = 30
_MOST_LESSONS = 15


def living_document(state: SessionState) -> str:
    """Objective, current best, wins, dead ends, what was tried and what was learned; at most some 150 lines."""
    goal = state.session.goal if state.session else ""
    segments = {segment.number: segment for segment in state.segments}
    attempts = [experiment for experiment in state.experiments if not experiment.baseline]
    wins = [experiment for experiment in attempts if experiment.kept]
    others = [experiment for experiment in attempts if not experiment.kept]
    return document(
        inline(goal or name_of(state)),
        section("Objective", _objective(state)),
        section("Current best", _best(state)),
        section("Wins", _listed([_win(e, segments[e.segment]) for e in wins], _MOST_WINS)),
        section("Dead ends", _listed([_dead_end(e) for e in others], _MOST_DEAD_ENDS)),
        section("Tried, by strategy", strategies(attempts, _MOST_STRATEGIES)),
        section("Learned", _listed(_lessons(attempts), _MOST_LESSONS)),
        section("Now", _now(state)),
    )


def strategies(attempts: list[Experiment], most: int) -> list[str]:
    """A table of what was tried how often with what success, most tried first."""
    tried = Counter(_strategy(experiment) for experiment in attempts)
    kept = Counter(_strategy(experiment) for experiment in attempts if experiment.kept)
    failed = Counter(_strategy(experiment) for experiment in attempts if experiment.failed)
    rows = [[cell(name), str(number), str(kept[name]), str(failed[name])] for name, number in tried.most_common(most)]
    if not rows:
        return []
    rest = len(tried) - len(rows)
    lines = table(["strategy", "tried", "kept", "failed"], rows, right=(1, 2, 3))
    return [*lines, "", f"{rest} more were tried less often."] if rest else lines


def _objective(state: SessionState) -> list[str]:
    config = state.config
    words = [f"Metric: {inline(config.metric_name or 'metric')}, {fmt.direction_words(config.direction)}"]
    if config.target is not None:
        words.append(f"Target: {fmt.metric(config.target, config.metric_unit)}")
    if config.threshold:
        words.append(f"Least gain worth keeping: {inline(config.threshold)}")
    if config.command:
        words.append(f"Benchmark: {code(config.command)}")
    for name, title in (("include", "In scope"), ("exclude", "Out of scope")):
        patterns = config.scope.get(name)
        if isinstance(patterns, list | tuple) and patterns:
            words.append(f"{title}: {', '.join(code(str(pattern)) for pattern in patterns)}")
    return bullets(words)


def _best(state: SessionState) -> list[str]:
    unit = state.config.metric_unit
    best = state.incumbent
    if best is None:
        return ["No baseline was measured yet."]
    words = [f"Baseline: {fmt.metric(state.baseline_value, unit)}"]
    reverted = state.segment.reverted if state.segment else None
    if reverted is not None:
        value = fmt.metric(state.incumbent_value, unit)
        words.append(
            f"Incumbent: {value}, after the veto of #{reverted.experiment}, commit {code(reverted.to_commit[:10])}"
        )
    elif best.baseline:
        words.append("Nothing better was found yet.")
    else:
        words.append(
            f"Incumbent: {fmt.metric(best.metric, unit)}, experiment {best.index}, commit {code(best.commit or best.sha)}"
        )
    return [*bullets([*words, *headlines(state)])]


def _win(experiment: Experiment, segment: Segment) -> str:
    words = effect_words(experiment, segment) or fmt.metric(experiment.metric, segment.config.metric_unit)
    return f"#{experiment.index} {inline(experiment.description)}: {words}"


def _dead_end(experiment: Experiment) -> str:
    why = verdict_words(experiment)
    detail = f": {inline(experiment.detail, 160)}" if experiment.detail else ""
    return f"#{experiment.index} {inline(experiment.description)} ({inline(why)}{detail})"


def _lessons(attempts: list[Experiment]) -> list[str]:
    learned = ((e.index, _learned(e)) for e in attempts)
    return [f"#{index} {inline(words, 600)}" for index, words in learned if words]


def _learned(experiment: Experiment) -> str:
    """The observation, what follows from it for later plans, and what should come next."""
    following = f"Next: {experiment.next}" if experiment.next else ""
    return " ".join(part for part in (experiment.observation, *lessons([experiment]), following) if part)


def _now(state: SessionState) -> list[str]:
    words = [f"Health: {inline(state.health)}{f', {inline(state.health_reason)}' if state.health_reason else ''}"]
    if state.health_next:
        words.append(f"Next: {inline(state.health_next)}")
    return bullets(words)


def _listed(items: list[str], most: int) -> list[str]:
    """The last items; the earlier ones are counted."""
    earlier = len(items) - most
    return [*([f"{earlier} earlier ones are in results.tsv.", ""] if earlier > 0 else []), *bullets(items[-most:])]


def _strategy(experiment: Experiment) -> str:
    return experiment.strategy or "not named"
