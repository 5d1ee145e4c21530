"""What an agent is told, and how an experiment is put into records and words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from autotune_tui.agents.base import Context, PastExperiment, Plan, Reflection
from autotune_tui.engine import override, profiling, signs
from autotune_tui.engine.budget import tokens_left, usd_left
from autotune_tui.engine.core import text_of
from autotune_tui.journal.files import read_text
from autotune_tui.measure.environment import command_environment
from autotune_tui.model import events
from autotune_tui.model.format import metric as metric_text
from autotune_tui.model.guidance import guidance_of
from autotune_tui.model.health import count, limits_of, next_health
from autotune_tui.model.state import Experiment as Summary
from autotune_tui.scope import pattern_of

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment

FAILURES = {"crash": "benchmark_crash", "checks_failed": "checks_failed"}
"""The shared `failure` field of a result, by status."""


async def of(x: Experiment) -> Context:
    """Everything the agent is given for this experiment."""
    engine = x.engine
    config, state = engine.config, engine.state
    context = Context(
        experiment=x.number,
        goal=config.goal,
        constraints=tuple(config.constraints),
        metric=config.metric.name,
        unit=config.metric.unit,
        direction=config.metric.direction.value,
        benchmark=text_of(config.benchmark.command),
        include=tuple(map(pattern_of, state.course.scope)) or tuple(config.scope.include),
        exclude=tuple(config.scope.exclude),
        files=await asyncio.to_thread(engine.workspace.files),
        directory=engine.tree(x.place),
        artifacts=x.folder,
        incumbent=x.incumbent,
        baseline_value=state.baseline_value,
        incumbent_value=state.incumbent_value,
        target=config.metric.target,
        profile=x.profile,
        history=tuple(past(summary) for summary in state.experiments if not summary.baseline),
        ideas=read_text(engine.folder.ideas),
        health=state.health,
        guidance=guidance_of(state),
        environment=command_environment(config.benchmark.env, passed=config.sandbox.passed),
        submitted=x.control.submitted,
        ask=partial(x.control.asking.ask, x.number, x.agent.name),
        beside=x.beside,
        profile_before=profiling.before(engine, x.incumbent),
        profiled=partial(profiling.of_candidate, x),
    )
    return replace(engine.redactor.deep(with_budget(context, x)), environment=context.environment)


def with_budget(context: Context, x: Experiment) -> Context:
    """The context with what is left of the budget by now."""
    budget, state = x.engine.config.budget, x.engine.state
    agents = 1 + len(x.beside)
    return replace(context, tokens_left=tokens_left(budget, state, agents), usd_left=usd_left(budget, state, agents))


def past(summary: Summary) -> PastExperiment:
    return PastExperiment(
        index=summary.index,
        status=summary.status,
        reason=summary.reason,
        description=summary.description,
        strategy=summary.strategy,
        key=summary.key,
        effect=summary.effect,
        interval=summary.interval,
        hypothesis=summary.hypothesis,
        observation=summary.detail if summary.veto else summary.observation,
        next=summary.next,
        data=summary.data,
        scale="difference" if summary.scale == "difference" else "log",
        lessons=tuple(text for text in listed(summary.asi.get("lessons")) if isinstance(text, str)),
    )


def listed(value: object) -> Sequence[object]:
    """A list of a record, which may be anything in another tool's journal."""
    return value if isinstance(value, list | tuple) else ()


def plan_record(x: Experiment, plan: Plan) -> events.Plan:
    return events.Plan(
        experiment=x.number,
        agent=x.proposal.agent if x.proposal else x.agent.name,
        beside=x.proposal.experiment if x.proposal else 0,
        description=plan.description,
        hypothesis=plan.hypothesis,
        target=plan.target,
        strategy=plan.strategy,
        key=plan.key,
        bottleneck=plan.bottleneck,
        principles=plan.principles,
        approaches=tuple(asdict(approach) for approach in plan.approaches),
        expected=plan.expected,
        scores=dict(plan.scores),
        premortem=plan.premortem,
        data=dict(plan.data),
    )


def result_record(x: Experiment) -> events.Result:
    """The experiment's end, in the shared form."""
    assert x.verdict is not None
    measured, plan, state = x.measured, x.plan, x.engine.state
    trouble = signs.trouble_of(x)
    streaks = count(state.streaks, x.verdict.status, x.verdict.reason, rescued=x.wish is not None, trouble=trouble)
    change = next_health(streaks, limits_of(state.config), state.tried_playbooks, state.heals)
    hypothesis = x.edit.hypothesis or (plan.hypothesis if plan else "")
    return events.Result(
        index=x.number,
        commit=x.commit[:10],
        sha=x.commit,
        metric=measured.value if measured else None,
        status=x.verdict.status,
        description=x.description,
        segment=state.segment.number if state.segment else 1,
        metrics=secondary(x),
        asi=side_information(hypothesis, x.reflection),
        failure=change.failure or FAILURES.get(x.verdict.status),
        mode="repair" if state.course.repair and x.wish is None else "optimize",
        trouble=trouble[0],
        trouble_text=trouble[1],
        health=change.health,
        recovery=change.recovery,
        reason=x.verdict.reason,
        detail=x.verdict.detail,
        files=x.files,
        strategy=plan.strategy if plan else "",
        key=plan.key if plan else "",
        effect=measured.effect if measured else None,
        interval=measured.interval if measured else None,
        scale=measured.scale if measured else "log",
        pairs=measured.evidence.pairs if measured else 0,
        seconds=x.seconds,
        folder=x.folder.relative_to(x.engine.folder.root).as_posix(),
        environment=x.engine.snapshot.hash,
        incumbent=x.incumbent,
        reference="" if x.reference == x.incumbent else x.reference,
        change=x.change_key,
        own_seconds=x.own_seconds,
        rescues=x.wish.experiment if x.wish else None,
        by=x.wish.by if x.wish else "",
        why=x.wish.why if x.wish else "",
        locks=x.engine.watch.locks.digest if x.engine.watch else "",
    )


def side_information(hypothesis: str, reflection: Reflection) -> dict[str, Any]:
    """What was learned, in a form that the next plan can use (L25)."""
    return {
        "hypothesis": hypothesis,
        "observation": reflection.observation,
        "next": reflection.next,
        "surprises": reflection.surprises,
        "lessons": list(reflection.lessons),
        "directions": list(reflection.directions),
    }


def secondary(x: Experiment) -> dict[str, float]:
    """The candidate's median of every metric that all its runs reported."""
    if x.measured is None:
        return {}
    blocks = x.measured.blocks
    names = set.intersection(*(set(sample.metrics) for block in blocks.taken for sample in block))
    return {name: float(np.median(blocks.side("candidate", name))) for name in sorted(names)}


def tried_before(x: Experiment, plan: Plan) -> int | None:
    """The number of the experiment that tried this plan on the same code."""
    for summary in x.engine.state.experiments:
        again = summary.incumbent == x.incumbent or summary.veto is not None  # what a person took back stays back
        if plan.key and summary.key == plan.key and again:
            return summary.index
    return None


def same_change(x: Experiment) -> int | None:
    """The number of the experiment that made this very change to the same code and was measured or failed by itself."""
    for summary in x.engine.state.experiments:
        again = summary.incumbent == x.incumbent or summary.veto is not None
        if summary.change == x.change_key and again and summary.reason != "skipped":
            return summary.index
    return None


def keep_message(x: Experiment) -> str:
    """Subject and body of a keep's commit."""
    hypothesis = x.edit.hypothesis or (x.plan.hypothesis if x.plan else "")
    body = "\n\n".join(part for part in (hypothesis, x.edit.notes) if part)
    return f"{x.description}\n\n{body}" if body else x.description


def trailers(x: Experiment) -> dict[str, str]:
    """What a reader of `git log` needs to trust a keep."""
    assert x.measured is not None
    metric = x.engine.config.metric
    weak = ", weak evidence" if x.measured.evidence.weak else ""
    return {
        "Autotune-Metric": f"{metric.name} {metric_text(x.measured.value, metric.unit)}",
        "Autotune-Effect": f"{x.measured.text} ({x.measured.evidence.pairs} pairs{weak})",
        "Autotune-Experiment": f"{x.engine.folder.id}/{x.number}",
        **override.trailers(x.engine, x.wish, x.verdict),
    }
