"""The texts of one experiment's folder: plan.md, summary.md and reflexion.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotune_tui.model import findings
from autotune_tui.model import format as fmt
from autotune_tui.model.events import Plan
from autotune_tui.model.experiment import BY_HAND, Experiment, Segment
from autotune_tui.model.state import SessionState
from autotune_tui.report.cost import by_role
from autotune_tui.report.markdown import bullets, code, document, inline, section
from autotune_tui.report.tables import effect_of


def plan_text(plan: Plan) -> str:
    """plan.md: what the agent means to try and why."""
    facts = {
        "Agent": plan.agent,
        "Target": plan.target,
        "Strategy": plan.strategy,
        "Bottleneck": plan.bottleneck,
        "Expected": "" if plan.expected is None else fmt.percent(plan.expected),
        "Scores": ", ".join(f"{inline(name)} {score} of 10" for name, score in plan.scores.items()),
    }
    return document(
        f"Plan of experiment {plan.experiment}: {inline(plan.description)}",
        ["", *_facts(facts)],
        section("Hypothesis", _paragraph(plan.hypothesis)),
        section("Principles", bullets(inline(principle) for principle in plan.principles)),
        section("Approaches", bullets(_approach(approach) for approach in plan.approaches)),
        section("If this fails, then because", _paragraph(plan.premortem)),
        *(section(inline(name, 80), _paragraph(text)) for name, text in _sections(plan)),
    )


def _sections(plan: Plan) -> list[tuple[str, str]]:
    """What else the agent has to say about its plan: headings and texts in `data["sections"]`."""
    found = plan.data.get("sections")
    pairs = found.items() if isinstance(found, Mapping) else ()
    return [(name, text) for name, text in pairs if isinstance(name, str) and isinstance(text, str)]


def summary_text(state: SessionState, experiment: Experiment) -> str:
    """summary.md: how the experiment ended, and what that rests on."""
    segment = next((s for s in state.segments if s.number == experiment.segment), None) or Segment(0, state.config)
    unit = segment.config.metric_unit
    facts = {
        "Verdict": verdict_words(experiment),
        "Why": experiment.detail,
        fmt.heading(segment.config.metric_name or "metric", "", segment.config.direction): fmt.metric(
            experiment.metric, unit
        ),
        "Effect": effect_words(experiment, segment),
        "Expected": "" if experiment.expected is None else fmt.percent(experiment.expected),
        "Strategy": experiment.strategy,
        "Commit": experiment.sha or experiment.commit,
        "Took": fmt.duration(experiment.seconds) if experiment.seconds else "",
    }
    phases = ", ".join(f"{inline(name)} {fmt.duration(seconds)}" for name, seconds in experiment.phases)
    others = {n: fmt.metric(value, fmt.HARNESS_UNITS.get(n, "")) for n, value in sorted(experiment.metrics.items())}
    return document(
        f"Experiment {experiment.index}: {inline(experiment.description)}",
        ["", *_facts(facts)],
        section("Hypothesis", _paragraph(experiment.hypothesis)),
        section("Other metrics", _facts(others)),
        section("Second benchmarks", second_benchmarks(experiment)),
        section("What the inspector found", _findings(experiment)),
        section("Files", bullets(code(path) for path in experiment.files)),
        section("Time", [phases] if phases else []),
        section("Cost", by_role(state, experiment.index)),
    )


def reflexion_text(experiment: Experiment) -> str:
    """reflexion.md: what was learned. Read from the result's `asi`, so that it needs nothing but the journal."""
    asi = experiment.asi
    return document(
        f"Reflexion on experiment {experiment.index}: {inline(experiment.description)}",
        ["", f"It ended as {inline(verdict_words(experiment))}."],
        section("What was seen", _paragraph(_text(asi, "observation"))),
        section("What surprised", _paragraph(_text(asi, "surprises"))),
        section("What the inspector found", _findings(experiment)),
        section("Lessons", bullets(_texts(asi, "lessons"))),
        section("Directions", bullets(_texts(asi, "directions"))),
        section("Next", _paragraph(_text(asi, "next"))),
    )


def verdict_words(experiment: Experiment) -> str:
    """Status and reason; where both are the same, once."""
    status = experiment.status or "unknown"
    return f"{status}, {experiment.reason}" if experiment.reason not in ("", status) else status


def _findings(experiment: Experiment) -> list[str]:
    return bullets(inline(findings.words(finding), 400) for finding in experiment.findings)


def second_benchmarks(experiment: Experiment) -> list[str]:
    """What the end-to-end benchmark said. Not the holdout: this lies where agents are given a folder."""
    return bullets(inline(fmt.confirmation(said)) for said in experiment.confirmations if said.kind != "holdout")


def effect_words(experiment: Experiment, segment: Segment) -> str:
    """The effect as it may be said of one experiment: a keep was chosen by the same data that estimates it."""
    if experiment.effect is None:
        return ""
    words = f"about {effect_of(experiment, segment)}"
    if experiment.pairs:
        words += f", {fmt.count(experiment.pairs, 'pair')}"
    if experiment.kept and experiment.reason == BY_HAND:
        words += f"; kept by hand, by {inline(experiment.by)}: {inline(experiment.why)}; no proven gain"
    elif experiment.kept:
        words += "; selected on its own data, may be optimistic"
    if experiment.weak:
        words += "; weak evidence"
    return words


def _facts(facts: Mapping[str, str]) -> list[str]:
    return bullets(f"**{name}:** {inline(words)}" for name, words in facts.items() if words)


def _paragraph(text: str) -> list[str]:
    words = inline(text, 2000)
    return [words] if words else []


def _approach(approach: Mapping[str, Any]) -> str:
    words = f"{inline(_text(approach, 'name'))}: {inline(_text(approach, 'trade_off'))}"
    return f"{words} (chosen)" if approach.get("chosen") is True else words


def _text(mapping: Mapping[str, Any], name: str) -> str:
    value = mapping.get(name)
    return value if isinstance(value, str) else ""


def _texts(mapping: Mapping[str, Any], name: str) -> list[str]:
    value = mapping.get(name)
    return [inline(item) for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
