"""Other agents that propose for the same experiment at the same time as the session's own (M2).

Each has a worktree of its own, in which nothing is measured. What it hands in is a commit and a record in the journal, which the
next experiments try, see `proposals`. Nothing is measured while one of them is at work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from autotune_tui.agents.base import Agent, Context, NothingToPropose, Resident
from autotune_tui.engine import context, proposals
from autotune_tui.engine.core import Engine
from autotune_tui.engine.experiment import Ended, Experiment
from autotune_tui.engine.proposing import asked, refuse_tried_plan
from autotune_tui.engine.ready import set_up
from autotune_tui.engine.verifying import scope
from autotune_tui.errors import AutotuneError
from autotune_tui.model.format import one_line

FOLDER = "rivals"
"""Below the session's: transcripts of proposals that were not tried yet, and of attempts that came to nothing."""
PATIENCE = 2
"""Failures in a row after which a rival is not asked any more."""


@dataclass(frozen=True, slots=True)
class Rival:
    """One of them at work; `x` is the experiment as it would be with it as the session's agent."""

    name: str
    x: Experiment
    work: asyncio.Task[None]


@asynccontextmanager
async def beside(x: Experiment) -> AsyncIterator[None]:
    """Whoever was invited and is still at work in the end is stopped."""
    try:
        yield
    finally:
        working = [rival.work for rival in x.rivals]
        for work in working:
            work.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        for rival in x.rivals:
            if isinstance(rival.x.agent, Resident):
                await x.engine.waiting(rival.x.agent.rest())
        x.rivals, x.beside = [], ()


def asks(x: Experiment) -> bool:
    """Whether it asks rivals: not to mend something, and not where what it tries was proposed before."""
    before = x.wish is not None or x.taken is not None or x.proposal is not None
    return bool(x.engine.config.rivals) and not before and not x.engine.state.course.repair


async def invite(x: Experiment) -> None:
    """The phase in which each gets its worktree, which may have to be set up, and begins."""
    x.rivals = await _begun(x)


async def rivals(x: Experiment) -> None:
    """The phase in which the last of them are waited for, and what they hand in is journalled."""
    await x.engine.waiting(asyncio.wait({rival.work for rival in x.rivals}))
    for rival in x.rivals:
        await _hand_in(rival)


async def _begun(x: Experiment) -> list[Rival]:
    ready: list[tuple[str, Experiment]] = []
    for number, (name, agent) in enumerate(_agents(x).items(), 1):
        try:
            ready.append((name, await _placed(x, name, agent, number)))
        except AutotuneError as error:
            _failed(x, name, f"{error.title}: {error.message}")
    names = (x.agent.name, *(name for name, _ in ready))
    x.beside = names[1:]
    given: list[Context] = []
    for name, other in ready:  # one after the other: they ask git
        other.beside = tuple(each for each in names if each != name)
        given.append(await context.of(other))
    return [
        Rival(name, other, asyncio.create_task(_work(other, told)))
        for (name, other), told in zip(ready, given, strict=True)
    ]


def _agents(x: Experiment) -> dict[str, Agent]:
    """Who is asked beside the session's agent, by name; nobody where there would be no experiment to try it."""
    engine, budget, found = x.engine, x.engine.config.budget.experiments, dict[str, Agent]()
    most = len(engine.config.rivals) if budget is None else budget - engine.state.experiment_count - 1
    for name in engine.config.rivals:
        if engine.rivals_failed[name] >= PATIENCE:
            continue
        try:
            agent = engine.make_agent(name)
        except AutotuneError as error:
            _failed(x, name, f"{error.title}: {error.message}")
            continue
        if agent is not engine.agent:  # which a playbook may have chosen
            found[name] = agent
    return dict(list(found.items())[: max(most, 0)])


async def _placed(x: Experiment, name: str, agent: Agent, number: int) -> Experiment:
    """The experiment in a worktree of the agent's own, set up. Raises AutotuneError."""
    engine = x.engine
    place = await asyncio.to_thread(engine.workspace.rival, number, x.incumbent)
    folder = engine.folder.root / FOLDER / f"{x.number:03}-{name.replace(':', '-')}"
    folder.mkdir(parents=True, exist_ok=True)
    if not engine.workspace.is_set_up(place):
        await set_up(engine, place, x.incumbent, folder / "setup.log")
    return replace(x, agent=agent, place=place, folder=folder, heard=0)


async def _work(x: Experiment, given: Context) -> None:
    """Plan and edit. Raises Ended, NothingToPropose, AgentUnavailable."""
    x.plan = await asked(x, x.agent.propose(given, x.emit))
    refuse_tried_plan(x)
    x.edit = await asked(x, x.agent.edit(context.with_budget(given, x), x.plan, x.emit))


async def _hand_in(rival: Rival) -> None:
    """Journal what it proposes, as a commit; what is none is said, and costs no experiment."""
    x, engine = rival.x, rival.x.engine
    try:
        rival.work.result()
        await scope(x)
        x.commit = await asyncio.to_thread(engine.workspace.write, x.description, {}, x.changes, x.place)
    except NothingToPropose as nothing:
        text = f"{rival.name} has nothing to propose: {one_line(str(nothing), 200)}"
        if all(note.text != text for note in engine.state.notes):
            engine.note(text, experiment=x.number)
    except Ended as ended:
        if ended.verdict.status == "crash":
            _failed(x, rival.name, ended.verdict.detail)
        else:
            engine.note(f"{rival.name} hands in nothing: {ended.verdict.detail}", experiment=x.number)
    except AutotuneError as error:
        _failed(x, rival.name, f"{error.title}: {error.message}")
    else:
        engine.rivals_failed[rival.name] = 0
        engine.record(proposals.record_of(x, rival.name), sync=True)
    with contextlib.suppress(OSError):  # there is something in it
        x.folder.rmdir()


def _failed(x: Experiment, name: str, why: str) -> None:
    engine: Engine = x.engine
    engine.rivals_failed[name] += 1
    more = "; it is not asked any more" if engine.rivals_failed[name] >= PATIENCE else ""
    engine.note(f"{name} could not propose beside {engine.agent.name}: {one_line(why, 300)}{more}", "warning", x.number)
