"""One experiment: the phases of design.md as a list of small functions, each journalled with its duration."""

from __future__ import annotations

import contextlib
import shutil
import time

from autotune_tui.agents.base import (
    AgentUnavailable,
    BudgetReached,
    Edit,
    Failure,
    NothingToPropose,
    Outcome,
    Reflection,
)
from autotune_tui.engine import artifacts, context, override, proposals, resume
from autotune_tui.engine.control import Control, Skipped
from autotune_tui.engine.core import Engine
from autotune_tui.engine.deciding import confirm, decide, guard, inspect, measure
from autotune_tui.engine.experiment import Ended, Experiment, Failed, Step
from autotune_tui.engine.inspect import audit
from autotune_tui.engine.override import Wish
from autotune_tui.engine.proposing import edit, plan, profile, sync
from autotune_tui.engine.rivals import asks, beside, invite, rivals
from autotune_tui.engine.verdict import Verdict
from autotune_tui.engine.verifying import build, check, commit, oracle, scope, sweep
from autotune_tui.engine.watchdog_agent import attended
from autotune_tui.engine.watchdog_places import no_fault_of
from autotune_tui.errors import AgentError
from autotune_tui.model import events

MOST_REWORKS = 2


async def run(engine: Engine, control: Control, number: int, wish: Wish | None = None) -> Experiment:
    """Run one experiment to its verdict and journal it. Raises NothingToPropose, Stopped, GivenUp."""
    folder = artifacts.open_folder(engine, number)
    experiment = Experiment(
        engine, control, number, engine.workspace.tip(), folder, engine.outside, engine.agent, wish=wish
    )
    resume.take_up(experiment)
    proposals.take_up(experiment)
    try:
        await control.run(_attempt(experiment), skippable=True)
    except Skipped:
        experiment.verdict = Verdict("discard", "skipped", "skipped by the user")
    except NothingToPropose as nothing:
        if not isinstance(nothing, BudgetReached):  # that was paid for
            shutil.rmtree(experiment.folder)
        raise
    finally:  # it may have ended before it was measured, and a validation come next
        await engine.rest()
    await no_fault_of(experiment)
    try:
        await control.run(_step(experiment, reflect))
    finally:  # it has its verdict: also when the session ends here
        conclude(experiment)
    control.done("skip", f"experiment {number} has ended")
    return experiment


async def _attempt(x: Experiment) -> None:
    try:
        for step in _beginning(x):
            await _step(x, step)
        if not x.taken:
            await _change(x)
        await verify(x)
        for gate in (measure, guard, inspect, *confirm(x), decide):
            await _step(x, gate)
    except Ended as end:
        x.verdict = end.verdict
    except override.Refused as refused:
        x.verdict = Verdict("discard", "conflict", str(refused))


def _beginning(x: Experiment) -> tuple[Step, ...]:
    """The phases before the plan; what was planned before needs no agent that reads a profile."""
    planned = x.taken is not None or x.wish is not None or x.proposal is not None
    return (sync, profile) if x.engine.config.benchmark.profile and not planned else (sync,)


async def _change(x: Experiment) -> None:
    """From the plan to a commit, which outlives the engine. What rivals propose meanwhile is waited for, also where the
    session's own agent had nothing.
    """
    ended: Ended | NothingToPropose | None = None
    async with beside(x):
        if asks(x):
            await _step(x, invite)
        try:
            for step in (plan, edit, scope, commit):
                await _step(x, step)
        except (Ended, NothingToPropose) as end:
            ended = end
        if x.rivals:
            await _step(x, rivals)
    if ended:
        raise ended


async def _step(x: Experiment, step: Step) -> None:
    """Run one phase between its two records."""
    name = step.__name__
    await x.control.safe_point()
    x.engine.record(events.Phase(experiment=x.number, phase=name))
    began, outcome = time.monotonic(), "interrupted"
    try:
        await step(x)
        outcome = ""
    except (Ended, Failed) as end:
        outcome = end.verdict.reason
        raise
    except NothingToPropose:
        outcome = "no_proposal"
        raise
    finally:
        x.engine.record(
            events.Phase(
                experiment=x.number, phase=name, state="end", seconds=time.monotonic() - began, outcome=outcome
            )
        )


async def verify(x: Experiment) -> None:
    """Build, check and oracle, with at most two reworks by the agent after one of them failed."""
    gates: tuple[Step, ...] = (build, check, *((oracle,) if x.engine.config.oracle.asked_for else ()))
    steps = gates
    for attempt in range(min(x.taken.candidate.reworks, MOST_REWORKS) if x.taken else 0, MOST_REWORKS + 1):
        try:
            for step in steps:
                await _step(x, step)
            return
        except Failed as failed:
            steps = (scope, commit, *gates)
            if x.wish or attempt == MOST_REWORKS or not await rework_after(x, failed, attempt + 1):
                raise Ended(failed.verdict.status, failed.verdict.reason, failed.verdict.detail) from None


async def rework_after(x: Experiment, failed: Failed, attempt: int) -> bool:
    """Hand the failure's text to the agent; whether it had an answer. What the commands left is not taken for its change."""
    await sweep(x, "a command")
    failure = x.engine.redactor.deep(Failure(failed.phase, failed.verdict.detail, failed.output, attempt))
    answers: list[Edit] = []

    async def rework(x: Experiment) -> None:
        assert x.plan is not None
        try:
            answer = await attended(x, x.agent.rework(await context.of(x), x.plan, failure, x.emit))
            answer = x.engine.redactor.deep(answer)
        except AgentUnavailable:
            raise
        except AgentError as error:  # the verdict stays what it was: the first failure
            x.engine.note(f"no rework: {error.title}: {error.message}", "warning", x.number)
            return
        if answer:
            answers.append(answer)

    await _step(x, rework)
    x.edit = answers[0] if answers else x.edit
    return bool(answers)


async def reflect(x: Experiment) -> None:
    """What was learned, also from a failure. An agent that cannot say loses nothing but its words."""
    assert x.verdict is not None
    if x.verdict.status == "keep":
        await audit(x)
    if x.plan is None or x.wish is not None:
        x.reflection = Reflection(x.verdict.detail, "")
        return
    measured = x.measured
    outcome = Outcome(
        status=x.verdict.status,
        reason=x.verdict.reason,
        effect=measured.effect if measured else None,
        interval=measured.interval if measured else None,
        pairs=measured.evidence.pairs if measured else 0,
        detail=x.verdict.detail,
        scale=measured.scale if measured else "log",
    )
    try:
        answer = x.agent.reflect(await context.of(x), x.plan, x.engine.redactor.deep(outcome), x.emit)
        x.reflection = await attended(x, answer)
    except AgentError as error:
        x.engine.note(f"no reflection: {error.title}: {error.message}", "warning", x.number)
        x.reflection = Reflection(x.verdict.detail, "")


def conclude(x: Experiment) -> None:
    """Journal the result and write the experiment's artifacts."""
    x.engine.record(context.result_record(x), sync=True)
    artifacts.write_experiment(x)
    with contextlib.suppress(OSError):  # what an agent has written there by itself
        x.engine.redactor.folder(x.folder)
