"""The loop: experiments until the target, a limit, the user or the agent's last idea ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from autotune_tui.agents.base import AgentUnavailable, BudgetReached, NothingToPropose
from autotune_tui.engine import (
    artifacts,
    attempt,
    canary,
    fidelity,
    locks,
    override,
    proposals,
    resume,
    watchdog_places,
)
from autotune_tui.engine.budget import used_up
from autotune_tui.engine.control import PLAYBOOKS as ASKED
from autotune_tui.engine.control import Control, GivenUp
from autotune_tui.engine.core import Engine
from autotune_tui.engine.measuring import validate
from autotune_tui.engine.milestones import set_if_due
from autotune_tui.engine.override import Wish
from autotune_tui.engine.ready import prepare_both
from autotune_tui.engine.recovery import Exhausted, Found
from autotune_tui.engine.recovery.course import in_force, lift
from autotune_tui.engine.recovery.playbooks import play
from autotune_tui.engine.sampling import SampleFailed
from autotune_tui.engine.segment import open_segment, step
from autotune_tui.errors import WorkspaceError
from autotune_tui.journal.writer import timestamp
from autotune_tui.model.events import Health
from autotune_tui.model.health import (
    Failure,
    HealthChange,
    completed,
    failure_named,
    healing,
    limits_of,
    next_health,
    paused,
    playbook_after,
)
from autotune_tui.model.override import find


@dataclass(frozen=True, slots=True)
class End:
    """How the loop ended: completed, paused or stopped, and why."""

    outcome: str
    reason: str


async def run(engine: Engine, control: Control) -> End:
    """Run the loop to its end, and measure what it has gained. Raises Stopped, and errors of the user's making."""
    engine.places = watchdog_places.Places.of(engine)
    try:
        await _begin(engine, control)
        reason = await _to_the_end(engine, control)
    except Exhausted as exhausted:
        record_health(engine, paused(str(exhausted), failure=exhausted.failure))
        return End("paused", str(exhausted))
    except (WorkspaceError, OSError) as error:
        if not (why := await watchdog_places.explanation(engine, error)):
            raise
        record_health(engine, paused(why))
        return End("paused", why)
    record_health(engine, completed(reason))
    return End("completed", reason)


async def _begin(engine: Engine, control: Control) -> None:
    """Open the first segment, or go on with the last one, if what is locked is as it was. Raises Exhausted, Stopped."""
    number = engine.state.segment_number
    if engine.state.calibration is None or engine.state.baseline is None:
        await control.run(open_segment(engine, number + 1))
        return
    changed = await locks.differences_at_start(engine)
    if changed and not control.asks_for("rebaseline"):
        raise Exhausted(locks.paused_text(changed))
    if changed:
        engine.note(f"a new segment, as asked for: {locks.shortened(changed)}")
        await control.run(open_segment(engine, number + 1, again=engine.config.canary.files > 0))
        control.answered("rebaseline", f"segment {number + 1} begins with what has changed")
        return
    log, tip = engine.folder.baseline / "bench.log", engine.workspace.tip()
    await control.run(prepare_both(engine, tip, log))
    if engine.state.canary is not None and canary.is_due(engine):  # it failed after a keep
        await control.run(canary.require(engine, tip, log))
        await control.run(prepare_both(engine, tip, log))
    if engine.watch is None:  # begun by an earlier version
        await locks.lock(engine, number)


async def _to_the_end(engine: Engine, control: Control) -> str:
    """The experiments, what was gained by them, and what somebody has asked for meanwhile."""
    while True:
        reason = await _experiments(engine, control)
        await validate_if_due(engine, control, keeps=1)
        if not control.awaited:
            return reason


async def _experiments(engine: Engine, control: Control) -> str:
    """One experiment after another; returns why there is no next one. Raises Exhausted, Stopped."""
    artifacts.write_documents(engine)
    await settle(engine, control)
    await go_on_healing(engine, control)
    unfinished = engine.half_done is not None
    while True:
        await control.run(control.safe_point())
        control.end_here()
        if changed := await locks.differences(engine, data=not control.asks_for("rebaseline")):
            raise Exhausted(locks.paused_text(changed, engine.sandbox.kind))
        await watchdog_places.check(engine, rebaseline=control.asks_for("rebaseline"))
        if not unfinished:  # what was asked for during an experiment is done after it
            await obey(engine, control)
        unfinished = False
        over = enough(engine) or used_up(engine.config.budget, engine.state, timestamp(datetime.now(UTC)))
        if over:
            return over
        number = engine.state.last_number + 1
        try:
            async with in_force(engine):
                tried = await attempt.run(engine, control, number)
        except AgentUnavailable as gone:  # begun again once it is back
            raise Exhausted(" ".join(f"{gone.title}: {gone.message} {gone.hint}".split())) from gone
        except NothingToPropose as nothing:
            why = str(nothing) or "the agent has nothing left to propose"
            if proposals.next_one(engine.state):  # by others, and paid for
                continue
            if not isinstance(nothing, BudgetReached) and lift(engine, why):
                continue
            return why
        except GivenUp:
            await resume.leave(engine, number)
            continue
        await control.run(fidelity.after(engine, tried))
        await heal(engine, control, number)
        await validate_if_due(engine, control, keeps=engine.config.decision.milestone)
        await set_if_due(engine, engine.config.decision.milestone)
        if engine.state.target_reached():  # by the samples that chose it; the claim needs fresh ones
            await validate_if_due(engine, control, keeps=1)
        artifacts.write_documents(engine)


async def obey(engine: Engine, control: Control) -> None:
    """Do what people asked for between two experiments."""
    while asked := control.take_wish():
        command, wish = asked
        try:
            words = await (_veto if command == "veto" else _rescue)(engine, control, wish)
        except override.Refused as refused:
            control.refused(wish, str(refused))
        except GivenUp:
            control.put_off(wish)
            return
        else:
            control.fulfilled(wish, words)
            await settle(engine, control)
            artifacts.write_documents(engine)
    for playbook in control.take_requests():
        await apply(engine, control, playbook, "asked for")


async def _veto(engine: Engine, control: Control, wish: Wish) -> str:
    vetoed = find(engine.state, wish.experiment)
    if vetoed is not None and vetoed.segment != engine.state.segment_number:  # its baseline has what goes
        await validate_if_due(engine, control, keeps=1)
    return await control.run(override.veto(engine, control, wish))


async def _rescue(engine: Engine, control: Control, wish: Wish) -> str:
    ended = await attempt.run(engine, control, engine.state.last_number + 1, wish)
    assert ended.verdict is not None
    return f"as #{ended.number}, {ended.verdict.status}: {ended.verdict.detail}"


async def settle(engine: Engine, control: Control) -> None:
    """After a veto the branch is measured again: against the segment's baseline, or as a new one where that one had what was
    vetoed.
    """
    segment = engine.state.segment
    if segment is None or segment.reverted is None:
        return
    vetoed = find(engine.state, segment.reverted.experiment)
    if vetoed is not None and vetoed.segment != segment.number:
        await control.run(open_segment(engine, segment.number + 1))
    elif segment.validation is None:
        await validate_if_due(engine, control, keeps=1)


async def heal(engine: Engine, control: Control, number: int) -> None:
    """The session's health after an experiment, and the playbook it asks for. Raises Exhausted.

    A playbook that has nothing to do is followed by the next one at once.
    """
    state, limits = engine.state, limits_of(engine.state.config)
    change = next_health(state.streaks, limits, state.tried_playbooks, state.heals)
    if change.health != "paused" and (change.health != state.health or change.recovery):
        record_health(engine, change, number)
    while change.recovery:
        record_health(engine, healing(change), number)
        found = await apply(engine, control, change.recovery, change.reason, change.failure)
        if found.outcome != "nothing":
            return
        state = engine.state
        change = playbook_after(change, limits, state.tried_playbooks, state.heals)
    if change.health == "paused":
        raise Exhausted(change.reason, change.failure)


async def go_on_healing(engine: Engine, control: Control) -> None:
    """A playbook that had begun when the last engine ended is done again: each may be. Raises Exhausted."""
    state = engine.state
    if state.begun_playbook:
        await apply(engine, control, state.begun_playbook, state.health_reason, failure_named(state.failure))


async def apply(engine: Engine, control: Control, playbook: str, why: str, failure: Failure | None = None) -> Found:
    """Run one playbook, which journals what it found. `failure`: what it is to mend. Raises Exhausted."""
    if playbook == "rebaseline":  # a segment's gain is claimed against its own baseline
        await validate_if_due(engine, control, keeps=1)
    found: Found = await control.run(play(engine, playbook, why, failure))
    for command in (command for command, name in ASKED.items() if name == playbook):
        control.done(command, found.text)
    return found


def record_health(engine: Engine, change: HealthChange, number: int = 0) -> None:
    engine.record(
        Health(
            experiment=number,
            health=change.health,
            previous=engine.state.health,
            reason=change.reason,
            next=change.next,
            recovery=change.recovery if change.health == "healing" else None,
            heals=change.heals,
            failure=change.failure,
        )
    )


async def validate_if_due(engine: Engine, control: Control, keeps: int) -> None:
    """Measure the branch against the segment's first commit when at least `keeps` keeps are new since the last time (D5)."""
    segment = engine.state.segment
    if segment is None:
        return
    known = segment.validation.keeps if segment.validation else 0
    if segment.keeps - known < keeps:
        return
    try:
        with step(engine, "validate"):
            validation = await control.run(validate(engine, control))
        engine.record(validation, sync=True)
    except SampleFailed as failure:
        engine.note(f"the gain could not be measured again: {failure.side}: {failure.detail}", "warning")


def enough(engine: Engine) -> str:
    """In words, when the target is reached and that is to end the session; said once when it is not."""
    words = target_reached(engine)
    if not words or engine.config.budget.at_target == "end":
        return words
    text = f"{words}; the session goes on, as [budget] at_target asks for"
    if all(note.text != text for note in engine.state.notes):
        engine.note(text)
    return ""


def target_reached(engine: Engine) -> str:
    """In words, when the re-measured value is at the target; one lucky set of samples does not end a session."""
    state = engine.state
    validation = state.validation
    if validation is None or validation.to_commit != state.incumbent_sha:
        return ""
    if not validation.confirmed or not state.target_reached(validation.after):
        return ""
    return f"the target of {state.config.target:g} {state.config.metric_unit} is reached".replace("  ", " ")
