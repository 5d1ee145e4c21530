"""At start: bring journal and refs into agreement after an engine that did not end by itself."""

from __future__ import annotations

import asyncio

from autotune_tui.engine.core import Engine
from autotune_tui.engine.milestones import mend
from autotune_tui.engine.override import finish_veto
from autotune_tui.errors import EngineError
from autotune_tui.model.events import Decision, Result


async def reconcile(engine: Engine) -> None:
    """Finish a keep or a veto whose intent is on disk, and say what was interrupted.

    Raises EngineError when the branch was moved.
    """
    current, intent = engine.state.current, engine.state.intent
    if intent is not None:
        await finish_keep(engine, intent)
    elif engine.state.veto is not None:
        await finish_veto(engine, engine.state.veto)
    elif engine.died and current is not None and current.number > engine.state.last_number:
        text = f"experiment {current.number} was interrupted in phase {current.phase}; it is begun again"
        engine.note(text, "warning", current.number)
    await mend(engine)
    tip, incumbent = engine.workspace.tip(), engine.state.incumbent_sha
    if incumbent and tip != incumbent:
        raise EngineError(
            "The session's branch was moved",
            f"{engine.workspace.branch} is at {tip[:10]}, but the journal's best code is {incumbent[:10]}.",
            f"Move it back with `git branch -f {engine.workspace.branch} {incumbent[:10]}`, or start a new session.",
        )


async def finish_keep(engine: Engine, intent: Decision) -> None:
    """The intent was on disk before the ref moved, so the verdict stands: move the ref if need be, then journal it."""
    if engine.workspace.tip() == intent.from_commit:
        await asyncio.to_thread(engine.workspace.advance, intent.from_commit, intent.to_commit)
    plan = engine.state.current.plan if engine.state.current else None
    engine.record(
        Result(
            index=intent.experiment,
            commit=intent.to_commit[:10],
            sha=intent.to_commit,
            status="keep",
            reason=intent.reason,
            description=plan.description if plan else "",
            strategy=plan.strategy if plan else "",
            key=plan.key if plan else "",
            asi={"hypothesis": plan.hypothesis if plan else "", "observation": "", "next": ""},
            segment=engine.state.segment.number if engine.state.segment else 1,
            effect=intent.effect,
            interval=intent.interval,
            scale=intent.scale,
            pairs=intent.pairs,
            metric=intent.value,
            incumbent=intent.from_commit,
            detail="the engine ended between the decision and its record; finished at the next start",
        ),
        sync=True,
    )
