"""An experiment that was interrupted goes on where that is safe: with the commit that its agent has made.

What is taken up is the plan, the change and what the agent said of it, all from the journal; the commit is checked to be there
and to be made from the incumbent of now. Build, checks and oracle run again, since worktrees do not outlive an engine. Complete
blocks of samples count when they were judged before the interruption and the machine, its start and its environment are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autotune_tui import __version__
from autotune_tui.agents.base import Approach, Edit, Plan
from autotune_tui.journal.lock import identity
from autotune_tui.model.events import Candidate, Resumption, Sample, Session
from autotune_tui.model.events import Plan as PlanRecord
from autotune_tui.model.experiment import CurrentExperiment, complete_blocks
from autotune_tui.stats.order import BLOCK, PAIRS_PER_BLOCK

if TYPE_CHECKING:
    from autotune_tui.engine.core import Engine
    from autotune_tui.engine.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Saved:
    """Samples of the candidate that count."""

    blocks: tuple[tuple[Sample, ...], ...]
    seed: int
    """What their order comes from, and that of the blocks to come."""
    attempt: int
    """Of the next block: one more than was begun."""


@dataclass(frozen=True, slots=True)
class HalfDone:
    """An experiment with a candidate and without a verdict."""

    number: int
    plan: PlanRecord
    candidate: Candidate
    phase: str
    """The one in which it was interrupted."""
    saved: Saved | None
    why_not: str
    """Why samples that there are do not count; empty when there are none."""

    @property
    def text(self) -> str:
        words = f"experiment {self.number} was interrupted in phase {self.phase}; it goes on with its candidate "
        words += self.candidate.commit[:10]
        if self.saved is not None:
            blocks = len(self.saved.blocks)
            return f"{words} and the {blocks} block{'s' * (blocks > 1)} of samples that it has"
        return f"{words}; its samples do not count: {self.why_not}" if self.why_not else words


def half_done(engine: Engine, by: Session | None) -> HalfDone | None:
    """What the journal says was left by an engine that began with the record `by`, if it can go on. Runs git."""
    current = engine.state.current
    candidate = current.candidate if current else None
    if current is None or candidate is None or current.plan is None or current.number <= engine.state.last_number:
        return None
    if candidate.rescues is not None or candidate.incumbent != engine.workspace.tip():
        return None
    if not engine.workspace.commits.has(candidate.commit, candidate.incumbent):
        return None
    why_not = other_conditions(by, engine) if current.samples else ""
    saved = None if why_not else saved_of(current)
    if current.samples and saved is None:
        why_not = why_not or "no block was complete"
    return HalfDone(current.number, current.plan, candidate, current.phase, saved, why_not)


async def leave(engine: Engine, number: int) -> None:
    """Something else comes first: the experiment waits, with the candidate that it may have."""
    engine.half_done = await asyncio.to_thread(half_done, engine, engine.state.session)
    later = "goes on later with its candidate" if engine.half_done else "is begun again later"
    engine.note(f"experiment {number} is left, and {later}", experiment=number)


def saved_of(current: CurrentExperiment) -> Saved | None:
    """The blocks that were complete and judged; one that was interrupted is taken anew, with runs in another order."""
    decision = current.decision
    if decision is None or decision.seed is None:
        return None
    judged = decision.pairs // PAIRS_PER_BLOCK
    blocks = complete_blocks(current.samples, BLOCK)[:judged]
    whole = [block for number, block in enumerate(blocks) if block[0].block == number and _in_one_go(block)]
    if not whole or len(whole) != judged:
        return None
    begun = [sample.attempt for sample in current.samples if sample.block == judged]
    return Saved(tuple(whole), decision.seed, max(begun) + 1 if begun else 0)


def _in_one_go(block: tuple[Sample, ...]) -> bool:
    """Whether its runs followed each other, and each gave a number: it is not of two attempts."""
    return all(one.seq < next.seq for one, next in pairwise(block)) and all(s.value is not None for s in block)


def other_conditions(before: Session | None, engine: Engine) -> str:
    """Why samples of the last engine do not count, in words; empty when they can stand beside new ones."""
    if before is None:
        return "nothing is known of the engine that took them"
    if engine.sandbox.kind == "none":
        return "without a sandbox nobody knows what became of the worktrees"
    if engine.paused:
        return "something was amiss when the session paused"
    was, now = before.engine, identity()
    for name, words in (
        ("host", "they were taken on another machine"),
        ("boot_id", "the machine was started again since"),
    ):
        if was.get(name) != now[name]:
            return words
    if before.environment != engine.snapshot.hash:
        return "the environment has changed since"
    if before.sandbox != engine.sandbox.kind:
        return "they were taken in another sandbox"
    return "" if before.tool == __version__ else "another version took them"


def plan_of(record: PlanRecord) -> Plan:
    """The agent's plan as it was journalled."""
    return Plan(
        description=record.description, hypothesis=record.hypothesis, target=record.target, strategy=record.strategy,
        key=record.key, bottleneck=record.bottleneck, principles=record.principles,
        approaches=tuple(_approach(approach) for approach in record.approaches), expected=record.expected,
        scores=record.scores, premortem=record.premortem, data=record.data,
    )  # fmt: skip


def _approach(said: Mapping[str, Any]) -> Approach:
    return Approach(str(said.get("name", "")), str(said.get("trade_off", "")), said.get("chosen") is True)


def candidate_record(x: Experiment, commit: str) -> Candidate:
    """What is journalled of a commit, so that the experiment can go on with it."""
    current = x.engine.state.current
    return Candidate(
        experiment=x.number, commit=commit, incumbent=x.incumbent, description=x.edit.description,
        hypothesis=x.edit.hypothesis, notes=x.edit.notes, files=x.files, change=x.change_key,
        reworks=sum(name == "rework" for name, _ in current.phases) if current else 0,
        rescues=x.wish.experiment if x.wish else None,
    )  # fmt: skip


def take_up(x: Experiment) -> None:
    """Let the experiment be the one that was interrupted, if there is one and it still can be; journal that."""
    half, x.engine.half_done = x.engine.half_done, None
    if half is None or x.wish is not None or half.number != x.number or half.candidate.incumbent != x.incumbent:
        return
    current, said = x.engine.state.current, half.candidate
    if current is None or current.candidate is None:  # a new segment has begun meanwhile
        half = replace(half, saved=None)
        x.engine.record(half.plan)
        x.engine.record(said)
    blocks = len(half.saved.blocks) if half.saved else 0
    x.engine.record(Resumption(experiment=x.number, commit=said.commit, blocks=blocks))
    x.taken, x.saved, x.plan, x.commit, x.change_key = half, half.saved, plan_of(half.plan), said.commit, said.change
    x.files, x.edit = said.files, Edit(said.description, said.hypothesis, said.notes)
    named = x.engine.folder.experiment(x.number, half.plan.description)
    if named != x.folder and named.is_dir():
        with contextlib.suppress(OSError):  # it was made just now; one of an earlier attempt stays
            x.folder.rmdir()
        x.folder = named


async def lay(x: Experiment) -> None:
    """The candidate worktree as it was when the change was committed."""
    assert x.taken is not None
    workspace = x.engine.workspace
    await asyncio.to_thread(workspace.lay, x.commit, x.incumbent)
    x.changes = await asyncio.to_thread(workspace.changes)
    await asyncio.to_thread(workspace.keep, x.number, x.commit)
