"""What agents have proposed beside the session's own (`rivals`) is tried by an experiment each, on the best code by then.

What fits on the keeps since is laid on top of them. What does not fit is tried in their place: so the best of all is kept, and
what can be had together is.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from autotune_tui.agents.base import Edit, Plan
from autotune_tui.engine import context, resume
from autotune_tui.errors import AutotuneError
from autotune_tui.model import events
from autotune_tui.model.session import SessionState

if TYPE_CHECKING:
    from autotune_tui.agents.base import Agent
    from autotune_tui.engine.experiment import Experiment

_ENVELOPE = ("type", "seq", "timestamp", "experiment")


def next_one(state: SessionState) -> events.Proposal | None:
    """What the next experiment tries instead of asking an agent; nothing while something is to be mended."""
    return state.proposals[0] if state.proposals and not state.course.repair else None


def record_of(x: Experiment, name: str) -> events.Proposal:
    """What a rival hands in."""
    assert x.plan is not None
    plan = events.to_record(context.plan_record(x, x.plan))
    return events.Proposal(
        experiment=x.number, agent=name, plan={key: plan[key] for key in plan if key not in _ENVELOPE},
        commit=x.commit, incumbent=x.incumbent, description=x.description, hypothesis=x.edit.hypothesis,
        notes=x.edit.notes, folder=x.folder.relative_to(x.engine.folder.root).as_posix(),
    )  # fmt: skip


def take_up(x: Experiment) -> None:
    """Let the experiment try the next proposal, if there is one. Whoever made it reworks it and reflects on it."""
    state = x.engine.state
    if x.taken is not None:
        if x.taken.plan.beside:
            x.agent = _agent(x, x.taken.plan.agent)
        return
    if x.wish is not None or (proposal := next_one(state)) is None:
        return
    x.proposal, x.agent = proposal, _agent(x, proposal.agent)
    transcript = x.engine.folder.root / proposal.folder
    with contextlib.suppress(OSError):  # taken over before
        for path in transcript.iterdir():
            path.replace(x.folder / path.name)
        transcript.rmdir()


def plan_of(proposal: events.Proposal) -> Plan:
    """Its agent's plan."""
    record = events.from_record({**proposal.plan, "type": events.Plan.type})
    assert isinstance(record, events.Plan)
    return resume.plan_of(record)


async def lay(x: Experiment, proposal: events.Proposal) -> Edit:
    """Put the change into the candidate worktree. Raises WorkspaceError when its commit is gone."""
    workspace = x.engine.workspace
    merged = await asyncio.to_thread(workspace.commits.merged, proposal.incumbent, x.incumbent, proposal.commit)
    tree = f"{proposal.commit}^{{tree}}" if merged.conflicts else merged.tree
    laid = await asyncio.to_thread(workspace.commits.of_tree, tree, x.incumbent, "Proposal", {})
    await asyncio.to_thread(workspace.lay, laid, x.incumbent)
    notes = [proposal.notes]
    if merged.conflicts:
        since = [f"#{keep.index}" for keep in x.engine.state.keeps if keep.index >= proposal.experiment]
        other = ", ".join(since) or "what has changed since"  # by a veto
        notes.append(f"In the place of {other}, with which it does not fit.")
        x.engine.note(f"{proposal.agent}'s proposal is tried in the place of {other}", experiment=x.number)
    return Edit(proposal.description, proposal.hypothesis, "\n\n".join(note for note in notes if note))


def _agent(x: Experiment, name: str) -> Agent:
    try:
        return x.engine.make_agent(name)
    except AutotuneError:  # it is gone since: somebody else may rework it
        return x.engine.agent
