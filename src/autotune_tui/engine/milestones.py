"""Milestones (L18): after some keeps the whole gain is measured again, and a ref marks the code that it was measured for.

The record is on disk before the ref is set, and a ref that is missing at a start is set then: a crash between the two is mended.
"""

from __future__ import annotations

import asyncio

from autotune_tui.engine.core import Engine
from autotune_tui.model.events import Milestone
from autotune_tui.model.format import milestone as milestone_text
from autotune_tui.model.state import SessionState


async def set_if_due(engine: Engine, keeps: int) -> None:
    """Mark the code that was last measured against the segment's first commit, when at least `keeps` keeps are new in it."""
    state, validation = engine.state, engine.state.validation
    if validation is None or validation.keeps - marked(state) < keeps:
        return
    number = len(state.milestones) + 1
    milestone = Milestone(
        number=number,
        ref=engine.workspace.milestone(number),
        commit=validation.to_commit,
        segment=validation.segment,
        keeps=validation.keeps,
        experiment=state.last_number,
    )
    engine.record(milestone, sync=True)
    await asyncio.to_thread(engine.workspace.set_milestone, number, validation.to_commit)
    engine.note(milestone_text(milestone, state.validations, state.config.metric_unit))


def marked(state: SessionState) -> int:
    """The keeps of the current segment that its last milestone has."""
    return max((m.keeps for m in state.milestones if m.segment == state.segment_number), default=0)


async def mend(engine: Engine) -> None:
    """Set the refs of milestones that are journalled and were not set."""
    for milestone in engine.state.milestones:
        await asyncio.to_thread(engine.workspace.set_milestone, milestone.number, milestone.commit)
