"""What a person decides against the loop: a keep is vetoed, a discard is rescued (D9).

A veto is a revert commit on the branch, so that no history is lost. Like a keep it is crash-atomic: the commit is made, the
intent is on disk, the branch moves by compare-and-swap, the journal says so; a restart finishes what it finds.

A rescue is an experiment without an agent: the old change on the code of today, verified and measured like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotune_tui.agents.base import Plan
from autotune_tui.config import Command
from autotune_tui.config.sandbox import Job
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.engine.verdict import Verdict
from autotune_tui.errors import WorkspaceError
from autotune_tui.model.events import Veto
from autotune_tui.model.experiment import BY_HAND, Experiment
from autotune_tui.model.override import find, later_keeps, rescue_refusal, veto_refusal, waiting
from autotune_tui.stats.estimate import GuardVerdict
from autotune_tui.workspace.merge import Merged

if TYPE_CHECKING:
    from autotune_tui.engine.control import Control
    from autotune_tui.engine.measuring import Measured


class Refused(Exception):
    """It cannot be done; the reason is for the one who asked."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of an experiment, and why."""

    experiment: int
    by: str
    why: str
    id: str = ""
    """Of the command."""
    keep: bool = False
    """Of a rescue: keep it also when it proves no gain, unless it is worse."""


async def try_veto(engine: Engine, number: int) -> str:
    """Why experiment `number` cannot be vetoed on the code of now; empty when it can. Moves and writes nothing."""
    refusal = veto_refusal(engine.state, number) or waiting(engine.state, number)
    if refusal:
        return refusal
    try:
        await _undone(engine, number)
    except Refused as refused:
        return str(refused)
    return ""


async def try_rescue(engine: Engine, number: int) -> str:
    """Why experiment `number` cannot be rescued on the code of now; empty when it can."""
    refusal = rescue_refusal(engine.state, number) or waiting(engine.state, number)
    if refusal:
        return refusal
    merged = await _again(engine, number, engine.workspace.tip())
    return _conflict(number, merged) if merged.conflicts else ""


async def veto(engine: Engine, control: Control, wish: Wish) -> str:
    """Take a keep back; what was done, in words. Raises Refused, and then the branch is where it was."""
    refusal = veto_refusal(engine.state, wish.experiment)
    if refusal:
        raise Refused(refusal)
    workspace, tip = engine.workspace, engine.workspace.tip()
    merged = await _undone(engine, wish.experiment)
    keep = _known(engine, wish.experiment)
    message = f'Revert "{keep.description}"\n\n{wish.why}\n\nThis reverts commit {keep.sha}.'
    trailers = {"Autotune-Veto": f"{engine.folder.id}/{keep.index}", "Autotune-Vetoed-By": wish.by}
    commit = await asyncio.to_thread(workspace.commits.of_tree, merged.tree, tip, message, trailers)
    await _verify(engine, commit, keep.index)
    intent = Veto(
        experiment=keep.index, by=wish.by, why=wish.why, from_commit=tip, to_commit=commit,
        later=tuple(str(e.index) for e in later_keeps(engine.state, keep.index) if e.segment == keep.segment),
        value=await asyncio.to_thread(_value, engine, commit),
    )  # fmt: skip
    engine.record(intent, sync=True)
    try:
        await control.whole(asyncio.to_thread(workspace.advance, tip, commit))
    except WorkspaceError as error:
        engine.record(_ended(intent, "failed", f"{error.title}: {error.message}"), sync=True)
        raise Refused(f"{error.title}: {error.message} {error.hint}".rstrip()) from error
    engine.record(_ended(intent, "done"), sync=True)
    await engine.place_both(commit)
    return f"#{keep.index} is undone by commit {commit[:10]}"


async def finish_veto(engine: Engine, intent: Veto) -> None:
    """After an engine that died between the intent and the record: the veto stands. A branch that somebody moved is left."""
    if engine.workspace.tip() == intent.from_commit:
        await asyncio.to_thread(engine.workspace.advance, intent.from_commit, intent.to_commit)
    moved = engine.workspace.tip() == intent.to_commit
    engine.record(_ended(intent, "done" if moved else "failed", "" if moved else "the branch was moved"), sync=True)


def plan_of(engine: Engine, wish: Wish) -> Plan:
    """The plan of the experiment that is tried again."""
    old = _known(engine, wish.experiment)
    return Plan(
        description=f"rescue of #{old.index}: {old.description}", hypothesis=old.hypothesis, target=old.target,
        strategy=old.strategy, key=old.key, expected=old.expected, data=dict(old.data),
    )  # fmt: skip


def trailers(engine: Engine, wish: Wish | None, verdict: Verdict | None) -> dict[str, str]:
    """What the commit of a rescue that is kept says of it."""
    if wish is None or verdict is None:
        return {}
    by = {"Autotune-Kept-By": f"{wish.by}, without a proven gain"} if verdict.reason == BY_HAND else {}
    return {"Autotune-Rescue": f"{engine.folder.id}/{wish.experiment}", **by}


async def lay_rescue(engine: Engine, wish: Wish, incumbent: str) -> None:
    """Put the rescued change on the incumbent's code into the candidate worktree. Raises Refused on a conflict."""
    merged = await _again(engine, wish.experiment, incumbent)
    if merged.conflicts:
        raise Refused(_conflict(wish.experiment, merged))
    laid = await asyncio.to_thread(engine.workspace.commits.of_tree, merged.tree, incumbent, "Rescue", {})
    await asyncio.to_thread(engine.workspace.lay, laid, incumbent)


def by_hand(verdict: Verdict, wish: Wish, measured: Measured, guards: Mapping[str, GuardVerdict]) -> Verdict:
    """The verdict on a rescue that a person wants kept: also without a proven gain, never when it is worse or breaks a guard."""
    if not wish.keep or verdict.reason not in ("no_improvement", "inconclusive") or measured.worse:
        return verdict
    vetoes = [f"{name} {guard.text}" for name, guard in guards.items() if guard.vetoed]
    if vetoes:
        return Verdict("discard", "guard", f"{measured.text}, but {'; '.join(vetoes)}")
    pairs = measured.evidence.pairs
    return Verdict("keep", BY_HAND, f"kept by hand, by {wish.by}: {measured.text} after {pairs} pairs, no proven gain")


def _known(engine: Engine, number: int) -> Experiment:
    found = find(engine.state, number)
    if found is None:
        raise Refused(f"there is no experiment {number}")
    return found


async def _undone(engine: Engine, number: int) -> Merged:
    """The branch's tip without one keep. Raises Refused and names the later keeps that stand on it."""
    keep = _known(engine, number)
    try:
        merged = await asyncio.to_thread(
            engine.workspace.commits.merged, keep.sha, engine.workspace.tip(), keep.incumbent
        )
        if not merged.conflicts:
            return merged
        names = ", ".join(f"#{e.index}" for e in await asyncio.to_thread(_built_on, engine, keep))
    except WorkspaceError as error:
        raise Refused(f"{error.title}: {error.message}") from error
    where = ", ".join(merged.conflicts[:3])
    if not names:
        raise Refused(f"later commits of the branch changed the same lines ({where})")
    raise Refused(f"{names} changed the same lines ({where}); veto {names} first")


def _built_on(engine: Engine, keep: Experiment) -> list[Experiment]:
    """The later keeps that cannot be had without this one: those that do not fit when the branch is made anew without it."""
    workspace, without = engine.workspace, keep.incumbent
    built: list[Experiment] = []
    for later in later_keeps(engine.state, keep.index):
        merged = workspace.commits.merged(workspace.commits.parent(later.sha), without, later.sha)
        if merged.conflicts:
            built.append(later)
        else:
            without = merged.tree
    return built


async def _again(engine: Engine, number: int, incumbent: str) -> Merged:
    """The change of an experiment on other code than it was made for."""
    old = _known(engine, number)
    try:
        return await asyncio.to_thread(engine.workspace.commits.merged, old.incumbent, incumbent, old.sha)
    except WorkspaceError as error:
        raise Refused(f"{error.title}: {error.message}") from error


def _conflict(number: int, merged: Merged) -> str:
    return f"#{number} does not fit on the code of now: {', '.join(merged.conflicts[:3])} has changed in the same lines"


async def _verify(engine: Engine, commit: str, number: int) -> None:
    """Build and check the branch as it would be. Raises Refused when it would not work without the keep."""
    config, log = engine.config, engine.folder.baseline / "veto.log"
    await engine.place("candidate", commit)
    steps: tuple[tuple[Command | None, float, Job], ...] = (
        (config.benchmark.build, config.benchmark.timeout, "build"),
        (config.checks.command, config.checks.timeout, "checks"),
    )
    for command, limit, job in steps:
        if command:
            engine.built.pop("candidate", None)
            run = await engine.command(command, "candidate", limit=limit, log=log, job=job)
            if not run.ok:
                raise Refused(f"without #{number} `{text_of(command)}` fails: {run.failure}")


def _value(engine: Engine, commit: str) -> float | None:
    """What the baseline or a keep measured whose code is that of the commit."""
    segment = engine.state.segment
    if segment is None:
        return None
    measured = [e for e in engine.state.experiments if e.segment == segment.number and (e.kept or e.baseline) and e.sha]
    same = (e.metric for e in reversed(measured) if engine.workspace.commits.same_files(e.sha, commit))
    return next(same, None)


def _ended(intent: Veto, state: str, reason: str = "") -> Veto:
    return Veto(
        experiment=intent.experiment, state=state, by=intent.by, why=intent.why, from_commit=intent.from_commit,
        to_commit=intent.to_commit, later=intent.later, value=intent.value, reason=reason,
    )  # fmt: skip
