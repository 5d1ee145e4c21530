"""What playbooks have put in force, and its end: an experiment follows it, and is measured as it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from autotune_tui.engine.core import Engine
from autotune_tui.engine.ready import build, make_ready
from autotune_tui.errors import AutotuneError
from autotune_tui.model.events import Recovery
from autotune_tui.model.format import one_line

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment
    from autotune_tui.engine.verdict import Verdict


@asynccontextmanager
async def in_force(engine: Engine) -> AsyncIterator[None]:
    """During an experiment the scope is as narrow, and the agent the one, that the course says."""
    _take_over(engine)
    engine.workspace.narrow(engine.state.course.scope)
    try:
        yield
    finally:
        engine.workspace.narrow(())


def _take_over(engine: Engine) -> None:
    """After a restart: the agent that a playbook had chosen."""
    name = engine.state.course.agent
    if not name or engine.took_over == name:
        return
    try:
        agent = engine.make_agent(name)
    except AutotuneError as error:
        end(engine, "switch_agent", f"{name} cannot work any more: {one_line(error.title, 120)}")
        return
    engine.agent, engine.took_over = agent, name


def lift(engine: Engine, why: str) -> bool:
    """Where something is in force that may keep the agent from a proposal, it ends; whether there was something."""
    course = engine.state.course
    if not (course.scope or course.avoid or course.agent):
        return False
    if course.agent:
        engine.agent, engine.took_over = engine.make_agent(engine.config.agent), ""
    playbook = "shrink_scope" if course.scope else "switch_strategy" if course.avoid else "switch_agent"
    end(engine, playbook, f"nothing was left to propose with it: {one_line(why, 200)}")
    return True


def end(engine: Engine, playbook: str, why: str) -> None:
    """What is in force is over before its time."""
    engine.record(Recovery(experiment=engine.state.last_number, playbook=playbook, outcome="over", found=why))


async def place_reference(x: Experiment) -> None:
    """Bring the incumbent's worktree to what the experiment is measured against, where that is not the incumbent."""
    commit = x.reference
    if commit != x.incumbent:
        await x.engine.place("incumbent", commit)
        await make_ready(x.engine, "incumbent", commit, x.log)
        await build(x.engine, "incumbent", commit, x.log)


def as_repair(x: Experiment, verdict: Verdict) -> Verdict:
    """A repair of the code need not be better than the last that worked: that it is not worse is enough."""
    if x.reference == x.incumbent or verdict.status != "keep":
        return verdict
    assert x.measured is not None
    return replace(
        verdict, reason="repaired", detail=f"it works again; against the last code that did: {x.measured.text}"
    )
