"""At start: bring journal, refs, files and processes into agreement after an engine that did not end by itself.

What was found and what was done about it is journalled, a note each.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

from autotune_tui.engine.core import Engine
from autotune_tui.engine.milestones import mend
from autotune_tui.engine.override import finish_veto
from autotune_tui.engine.resume import half_done
from autotune_tui.engine.strays import end_strays
from autotune_tui.errors import EngineError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.measure.profilers import SCRATCH
from autotune_tui.model.events import Decision, Result
from autotune_tui.model.format import count

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")
"""What `write_atomic` leaves when it is killed: the file that it was to replace is as it was."""


async def clear(engine: Engine) -> None:
    """Before the worktrees are made: end what the last engine's agent still runs, remove what was never finished."""
    if engine.died:
        pid = engine.before.engine.get("pid", "unknown") if engine.before else "unknown"
        engine.note(f"the engine before this one (process {pid}) ended without a word", "warning")
        if ended := await asyncio.to_thread(end_strays, engine.workspace.folder, engine.folder):
            engine.note(
                f"ended {count(len(ended), 'process', 'processes')} that it had left: {', '.join(ended)}", "warning"
            )
    if engine.found:
        engine.note(engine.found)
    if removed := await asyncio.to_thread(tidy, engine.folder):
        engine.note(f"removed what was left half written: {', '.join(removed)}")


async def reconcile(engine: Engine) -> None:
    """Finish a keep or a veto whose intent is on disk, find the experiment that can go on, and say what was interrupted.

    Raises EngineError when the branch was moved.
    """
    current, intent = engine.state.current, engine.state.intent
    if intent is not None:
        await finish_keep(engine, intent)
    elif engine.state.veto is not None:
        await finish_veto(engine, engine.state.veto)
    elif current is not None and current.number > engine.state.last_number:
        engine.half_done = await asyncio.to_thread(half_done, engine, engine.before)
        if engine.half_done is not None:
            engine.note(engine.half_done.text, "warning" if engine.died else "info", current.number)
        elif engine.died:
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


def tidy(folder: SessionFolder) -> list[str]:
    """Remove files that were never finished; their names, relative to the session's folder."""
    found = [path for path in folder.root.rglob(".*.tmp") if _UNFINISHED.fullmatch(path.name) and path.is_file()]
    scratch = [path for path in folder.experiments.glob(f"*/{SCRATCH}") if path.is_dir()]
    for path in found:
        path.unlink(missing_ok=True)
    for path in scratch:
        shutil.rmtree(path)
    return sorted(path.relative_to(folder.root).as_posix() for path in (*found, *scratch))


async def finish_keep(engine: Engine, intent: Decision) -> None:
    """The intent was on disk before the ref moved, so the verdict stands: move the ref if need be, then journal it."""
    if engine.workspace.tip() == intent.from_commit:
        await asyncio.to_thread(engine.workspace.advance, intent.from_commit, intent.to_commit)
    current, state = engine.state.current, engine.state
    plan, candidate = (current.plan, current.candidate) if current else (None, None)
    description = (candidate.description if candidate else "") or (plan.description if plan else "")
    hypothesis = (candidate.hypothesis if candidate else "") or (plan.hypothesis if plan else "")
    engine.note(f"experiment {intent.experiment} was decided as a keep; that is finished", experiment=intent.experiment)
    engine.record(
        Result(
            index=intent.experiment,
            commit=intent.to_commit[:10],
            sha=intent.to_commit,
            status="keep",
            reason=intent.reason,
            description=description,
            strategy=plan.strategy if plan else "",
            key=plan.key if plan else "",
            asi={"hypothesis": hypothesis, "observation": "", "next": ""},
            segment=state.segment.number if state.segment else 1,
            effect=intent.effect,
            interval=intent.interval,
            scale=intent.scale,
            pairs=intent.pairs,
            metric=intent.value,
            incumbent=intent.from_commit,
            files=candidate.files if candidate else (),
            change=candidate.change if candidate else "",
            rescues=candidate.rescues if candidate else None,
            folder=_folder(engine, intent.experiment, plan.description if plan else ""),
            detail="the engine ended between the decision and its record; finished at the next start",
        ),
        sync=True,
    )


def _folder(engine: Engine, number: int, description: str) -> str:
    """The experiment's folder, relative to the session's; empty when there is none."""
    found: Path = engine.folder.experiment(number, description)
    return found.relative_to(engine.folder.root).as_posix() if found.is_dir() else ""
