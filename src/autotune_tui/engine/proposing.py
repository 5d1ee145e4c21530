"""The phases of an experiment up to its change: both worktrees in place, a profile, the agent's plan and its edit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from autotune_tui import report
from autotune_tui.agents.base import AgentStalled, AgentUnavailable, AlreadyTried, Edit, Plan
from autotune_tui.engine import artifacts, context, outputs, override, profiling, proposals, resume
from autotune_tui.engine.experiment import Ended, Experiment
from autotune_tui.engine.ready import build as build_side
from autotune_tui.engine.ready import make_ready
from autotune_tui.engine.verifying import refuse_tried
from autotune_tui.engine.watchdog_agent import attended
from autotune_tui.errors import AgentError, WorkspaceError
from autotune_tui.measure import profilers
from autotune_tui.workspace import SIDES

T = TypeVar("T")

PROFILES = 2
"""That of the incumbent and that of the one before: each may have thousands of stacks, and there are as many as keeps."""


async def sync(x: Experiment) -> None:
    """Both worktrees at the incumbent, the candidate without anything of an earlier experiment."""
    try:
        await x.engine.place_both(x.incumbent)
    except WorkspaceError as error:
        raise Ended("crash", "sync_failed", f"{error.title}: {error.message}") from error
    for side in SIDES:
        await make_ready(x.engine, side, x.incumbent, x.log)
    await build_side(x.engine, "incumbent", x.incumbent, x.log)
    x.seen = await asyncio.to_thread(x.engine.workspace.look, files=False)
    if x.taken:
        try:
            await resume.lay(x)
        except WorkspaceError as error:
            raise Ended("crash", "sync_failed", f"{error.title}: {error.message}") from error
        refuse_tried(x)


async def profile(x: Experiment) -> None:
    """Where the incumbent spends its time. Measured once for each incumbent: it changes only with a keep."""
    known = x.engine.profiles
    if x.incumbent not in known:
        before = next(reversed(known.values()), None)
        if before is not None and before.tool == "none":  # no profiler works for this command
            known[x.incumbent] = replace(before, commit=x.incumbent)
        else:
            await outputs.put_back(x.engine, "incumbent")
            command = profiling.command(x.engine, x.folder / profilers.SCRATCH)
            known[x.incumbent] = await x.engine.waiting(
                profilers.profile(x.engine.executor, command, command.cwd, x.incumbent, x.folder)
            )
        for commit in [*known][:-PROFILES]:
            del known[commit]
        moved = profilers.moved(before, known[x.incumbent])
        if moved:
            x.engine.note(moved, experiment=x.number)
    x.profile = known[x.incumbent]
    artifacts.write(x.engine, x.folder / "profile-snapshot.txt", profilers.render(x.profile))


async def plan(x: Experiment) -> None:
    """The agent's plan: what, why, and what else there was. A rescue's is that of the experiment it tries again."""
    if x.wish is not None:
        write_plan(x, override.plan_of(x.engine, x.wish))
        return
    if x.proposal is not None:
        write_plan(x, proposals.plan_of(x.proposal))
    else:
        write_plan(x, await asked(x, x.agent.propose(await context.of(x), x.emit)))
    allowed(x)
    refuse_tried_plan(x)


def refuse_tried_plan(x: Experiment) -> None:
    """A plan that was tried before on the same code ends here."""
    assert x.plan is not None
    tried = context.tried_before(x, x.plan)
    if tried is not None:
        raise Ended("discard", "duplicate", f"tried before on the same code, in experiment {tried}")


def allowed(x: Experiment) -> None:
    """A plan whose strategy may not be used for now ends here."""
    if x.plan is not None and x.wish is None and x.plan.strategy in x.engine.state.course.avoid:
        why = f"{x.plan.strategy} may not be used for now: nothing of it was kept since the last keep"
        raise Ended("discard", "avoided", why)


def write_plan(x: Experiment, plan: Plan) -> None:
    """Journal the plan and name the experiment's folder after it."""
    x.plan = plan
    x.folder = artifacts.name_folder(x.engine, x.folder, x.number, plan.description)
    record = context.plan_record(x, plan)
    x.engine.record(record)
    artifacts.write(x.engine, x.folder / "plan.md", report.plan_text(record))


async def edit(x: Experiment) -> None:
    """The agent changes files in the candidate worktree."""
    assert x.plan is not None
    if x.wish is not None:
        x.edit = Edit(notes=f"Rescue of experiment {x.wish.experiment}, by {x.wish.by}: {x.wish.why}")
        await override.lay_rescue(x.engine, x.wish, x.incumbent)
        return
    if x.proposal is not None:
        try:
            x.edit = await proposals.lay(x, x.proposal)
        except WorkspaceError as error:
            raise Ended("crash", "sync_failed", f"{error.title}: {error.message}") from error
        return
    x.edit = await asked(x, x.agent.edit(await context.of(x), x.plan, x.emit))
    said = replace(
        x.plan,
        description=x.edit.description or x.plan.description,
        hypothesis=x.edit.hypothesis or x.plan.hypothesis,
        strategy=x.edit.strategy or x.plan.strategy,
    )
    if said != x.plan:  # an agent that plans while it edits
        write_plan(x, said)
        allowed(x)


async def asked(x: Experiment, answer: Awaitable[T]) -> T:
    """Await the agent; its failure ends the experiment, and only one that lasts the session. Raises AgentUnavailable."""
    try:
        return x.engine.redactor.deep(await attended(x, answer))
    except AgentUnavailable:
        raise
    except AlreadyTried as tried:
        raise Ended("discard", "duplicate", str(tried)) from tried
    except AgentError as error:
        reason = "agent_stalled" if isinstance(error, AgentStalled) else "agent_failed"
        raise Ended("crash", reason, f"{error.title}: {error.message}") from error
