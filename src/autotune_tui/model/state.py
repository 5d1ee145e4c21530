"""The fold: a session's state from its journal's records."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from autotune_tui.model.events import (
    Calibration,
    Canary,
    Candidate,
    Config,
    Confirmation,
    Control,
    Decision,
    Health,
    Inspection,
    Interruption,
    Milestone,
    Note,
    Phase,
    Plan,
    Proposal,
    Question,
    Record,
    Recovery,
    Result,
    Resumption,
    Sample,
    Session,
    Unreadable,
    Usage,
    Validation,
    Veto,
)
from autotune_tui.model.experiment import (
    FAILURES,
    KEEP,
    VETOED,
    CurrentExperiment,
    Experiment,
    Segment,
    add_sample,
    from_result,
)
from autotune_tui.model.health import Streaks, count, recovery_words
from autotune_tui.model.session import RESTING, Course, SessionState, UsageTotals

__all__ = ["CurrentExperiment", "Experiment", "Segment", "SessionState", "UsageTotals", "fold"]

DEFERRED = frozenset({"rebaseline", "repair", "veto", "rescue"})
"""Commands that are done between two experiments; a record tells when."""

_REMEMBERED = 100
"""Notes and controls that are kept; the rest is in the journal."""


def fold(events: Iterable[Record], state: SessionState | None = None) -> SessionState:
    """The state after the records; with `state`, they continue it. The given state stays as it is.

    The same records give the same state, in one piece or in many. Memory is bounded by the number of experiments:
    samples are kept only for what runs now, the current segment's calibration and the last validation.
    """
    state = SessionState() if state is None else _copy(state)
    for event in events:
        handle = _HANDLERS.get(type(event))
        if handle is not None:
            handle(state, event)
        else:
            state.unknown += 1
        if event.seq:
            state.seq = event.seq
        if event.timestamp:
            state.timestamp = event.timestamp
            state.first_timestamp = state.first_timestamp or event.timestamp
    return state


def _copy(state: SessionState) -> SessionState:
    current = state.current
    return replace(
        state,
        segments=list(state.segments),
        experiments=list(state.experiments),
        current=current and replace(current, samples=list(current.samples)),
        calibration_samples=list(state.calibration_samples),
        validation_samples=list(state.validation_samples),
        validations=list(state.validations),
        milestones=list(state.milestones),
        controls=list(state.controls),
        pending=list(state.pending),
        proposals=list(state.proposals),
        vetoes=list(state.vetoes),
        notes=list(state.notes),
        questions=list(state.questions),
        recoveries=list(state.recoveries),
    )


def _session(state: SessionState, event: Session) -> None:
    state.questions = []  # whoever asked is gone
    if event.event == "end":
        _stop_clock(state, event.timestamp)
        state.end = event
        if event.outcome in RESTING:
            _set_health(state, event.outcome, event.reason)
        return
    _stop_clock(state, state.timestamp)  # an engine that died worked until its last record
    if state.session is not None and state.session.agent != event.agent:  # another one was configured meanwhile
        state.course = replace(state.course, agent="")
    state.session, state.end = event, None
    if state.current is not None:
        state.current.resumed = False
    state.working_since = event.timestamp
    if state.health in RESTING:
        _set_health(state, "running", "the session goes on")


def _config(state: SessionState, event: Config) -> None:
    last = state.segments[-1].number if state.segments else 0
    state.segments.append(Segment(number=max(event.segment, last + 1), config=event))
    state.mode = event.mode
    state.streaks = Streaks()
    state.course = replace(state.course, repair="", base="")  # it was the last segment's first commit that worked
    _not_pending(state, "rebaseline")
    state.calibration_samples = []
    state.current = None


def _result(state: SessionState, event: Result) -> None:
    if not state.segments:
        state.segments.append(Segment(number=1, config=Config()))
    segment = state.segments[-1]
    is_baseline = segment.baseline is None and event.metric is not None and event.status not in FAILURES
    number = event.index if event.index > 0 else 0 if is_baseline else state.last_number + 1
    current = _about(state, number, event.timestamp)
    experiment = from_result(event, index=number, segment=segment.number, baseline=is_baseline, current=current)
    state.experiments.append(experiment)
    if (tried := current.plan) is not None:
        state.proposals = [proposal for proposal in state.proposals if not proposal.is_of(tried)]
    state.current = None
    state.mode = event.mode
    if state.intent is not None and state.intent.experiment == number:
        state.intent = None
    if is_baseline:
        state.segments[-1] = replace(segment, baseline=experiment)
        return
    state.experiment_count += 1
    state.last_number = max(state.last_number, number)
    state.exp_at = event.timestamp
    trouble = (event.trouble, event.trouble_text)
    state.streaks = count(state.streaks, event.status, event.reason, rescued=event.rescues is not None, trouble=trouble)
    if event.rescues is not None:
        _not_pending(state, "rescue", event.rescues)
    state.failure = event.failure
    state.recovery = event.recovery
    if event.health and event.health != state.health:
        _set_health(state, event.health, "")
    if event.status == KEEP:
        state.segments[-1] = replace(segment, keeps=segment.keeps + 1, last_keep=experiment, reverted=None)
        state.progress_at = event.timestamp
        state.heals, state.tried_playbooks, state.recoveries = 0, (), []
        state.course = Course(agent=state.course.agent)
    elif state.course.repair == "candidates" and event.status not in FAILURES:  # they work again
        state.course = replace(state.course, repair="")
    state.begun_playbook = ""


def _phase(state: SessionState, event: Phase) -> None:
    current = _about(state, event.experiment, event.timestamp)
    if event.state == "start":
        if event.phase == "sync" and not current.resumed:  # the experiment begins, or begins again after a restart
            current = state.current = CurrentExperiment(event.experiment, started=event.timestamp)
        current.resumed = False
        current.phase_started = event.timestamp
    elif event.state == "end":
        current.phases = (*current.phases, (sys.intern(event.phase), event.seconds))
    current.phase, current.phase_state, current.text = event.phase, event.state, event.text
    state.current = current


def _plan(state: SessionState, event: Plan) -> None:
    state.current = _about(state, event.experiment, event.timestamp)
    state.current.plan = event


def _proposal(state: SessionState, event: Proposal) -> None:
    state.proposals.append(event)


def _candidate(state: SessionState, event: Candidate) -> None:
    """What was measured was an earlier attempt's."""
    state.current = _about(state, event.experiment, event.timestamp)
    state.current.candidate, state.current.samples, state.current.decision = event, [], None


def _resumption(state: SessionState, event: Resumption) -> None:
    current = state.current = _about(state, event.experiment, event.timestamp)
    current.resumed = True
    current.samples = [sample for sample in current.samples if sample.block < event.blocks]
    if not event.blocks:
        current.decision = None


def _sample(state: SessionState, event: Sample) -> None:
    if event.purpose == "calibration":
        add_sample(state.calibration_samples, event)
    elif event.purpose == "validation":
        if event.block == 0 and event.run == 0:
            state.validation_samples = []
        add_sample(state.validation_samples, event)
    elif event.purpose == "experiment" and event.experiment > state.last_number:
        state.current = _about(state, event.experiment, event.timestamp)
        state.current.retaken += add_sample(state.current.samples, event)


def _decision(state: SessionState, event: Decision) -> None:
    state.current = _about(state, event.experiment, event.timestamp)
    state.current.decision = event
    if event.state == KEEP and event.to_commit:
        state.intent = event


def _inspection(state: SessionState, event: Inspection) -> None:
    state.current = _about(state, event.experiment, event.timestamp)
    others = tuple(finding for finding in state.current.findings if finding["by"] != event.by)
    state.current.findings = (*others, *({**finding, "by": event.by} for finding in event.findings))


def _calibration(state: SessionState, event: Calibration) -> None:
    if state.segments:
        state.segments[-1] = replace(state.segments[-1], calibration=event)


def _validation(state: SessionState, event: Validation) -> None:
    state.validations.append(event)
    if state.current is not None and state.current.number == 0:
        state.current = None
    for place, segment in enumerate(state.segments):
        if segment.number == event.segment:
            state.segments[place] = replace(segment, validation=event)


def _confirmation(state: SessionState, event: Confirmation) -> None:
    state.current = _about(state, event.experiment, event.timestamp)
    earlier = [c for c in state.current.confirmations if c.kind != event.kind]  # of an engine that died: measured again
    state.current.confirmations = (*earlier, event)


def _milestone(state: SessionState, event: Milestone) -> None:
    state.milestones.append(event)


def _health(state: SessionState, event: Health) -> None:
    if event.health in RESTING:
        _stop_clock(state, event.timestamp)
    elif not state.working_since and state.session is not None and state.end is None:
        state.working_since = event.timestamp
    _set_health(state, event.health, event.reason, event.next)
    state.failure, state.recovery = event.failure, event.recovery
    if event.recovery and event.heals > state.heals:
        state.heals = event.heals
        state.tried_playbooks = (*state.tried_playbooks, event.recovery)
        state.streaks = Streaks()
        state.begun_playbook = event.recovery
        state.course = Course(agent=state.course.agent)


def _recovery(state: SessionState, event: Recovery) -> None:
    """What a playbook found, and what is in force from now on. One that had nothing to do is no attempt."""
    state.recoveries.append(event)
    del state.recoveries[:-_REMEMBERED]
    _remember(state.notes, Note(timestamp=event.timestamp, experiment=event.experiment, text=recovery_words(event)))
    mine, state.begun_playbook = state.begun_playbook == event.playbook, ""
    if event.outcome == "over":
        state.course = Course()
    elif event.outcome == "nothing":
        state.heals -= mine
    else:
        course = state.course
        state.course = Course(
            scope=event.scope or course.scope,
            avoid=event.avoid or course.avoid,
            agent=event.agent or course.agent,
            repair=event.repair or course.repair,
            base=event.base or course.base,
        )


def _usage(state: SessionState, event: Usage) -> None:
    state.usage = state.usage.plus(event)
    part = (event.experiment, event.role)
    state.usage_by = {**state.usage_by, part: state.usage_by.get(part, UsageTotals()).plus(event)}


def _veto(state: SessionState, event: Veto) -> None:
    """Once the branch has moved the keep is none any more, and what was measured with it says nothing of the branch."""
    state.veto = event if event.state == "intent" else None
    if event.state != "done" or not state.segments:
        return
    state.vetoes.append(event)
    _not_pending(state, "veto", event.experiment)
    for place, experiment in enumerate(state.experiments):
        if experiment.index == event.experiment and experiment.kept:
            words = f"vetoed by {event.by}: {event.why}"
            state.experiments[place] = replace(experiment, status=VETOED, reason=VETOED, detail=words, veto=event)
            _forget_keep(state, experiment)
    state.segments[-1] = replace(state.segments[-1], reverted=event)


def _not_pending(state: SessionState, command: str, experiment: int | None = None) -> None:
    """What was done needs no doing, also when the engine died before it could say so."""
    state.pending = [
        control
        for control in state.pending
        if control.command != command or (experiment is not None and control.data.get("experiment") != experiment)
    ]


def _forget_keep(state: SessionState, experiment: Experiment) -> None:
    for place, segment in enumerate(state.segments):
        if segment.number == experiment.segment:
            left = [e for e in state.experiments if e.segment == segment.number and e.kept]
            state.segments[place] = replace(
                segment, keeps=len(left), last_keep=left[-1] if left else None, validation=None
            )


def _control(state: SessionState, event: Control) -> None:
    _remember(state.controls, event)
    if event.state:
        state.pending = [control for control in state.pending if control.id != event.id]
    elif event.accepted and event.command in DEFERRED:
        state.pending.append(event)


def _canary(state: SessionState, event: Canary) -> None:
    state.canary = event


def _note(state: SessionState, event: Note) -> None:
    _remember(state.notes, event)


def _question(state: SessionState, event: Question) -> None:
    state.questions = [question for question in state.questions if question.id != event.id]
    if event.state == "open":
        state.questions.append(event)


def _interruption(state: SessionState, event: Interruption) -> None:
    """The time since is not counted, whatever the clock says of it."""
    if state.working_since:
        state.worked = state.elapsed(event.since)
        state.working_since = event.timestamp
    _note(state, Note(seq=event.seq, timestamp=event.timestamp, level="warning", text=event.text))


def _unreadable(state: SessionState, event: Unreadable) -> None:
    state.unreadable += 1


def _about(state: SessionState, number: int, timestamp: str) -> CurrentExperiment:
    """The running experiment when it has this number, else a new one."""
    if state.current is not None and state.current.number == number:
        return state.current
    return CurrentExperiment(number, started=timestamp)


def _set_health(state: SessionState, health: str, reason: str, follows: str = "") -> None:
    state.health, state.health_reason, state.health_next = health, reason, follows


def _stop_clock(state: SessionState, timestamp: str) -> None:
    state.worked = state.elapsed(timestamp)
    state.working_since = ""


def _remember(records: list[Any], record: Record) -> None:
    records.append(record)
    if len(records) > _REMEMBERED:
        del records[0]


_HANDLERS: dict[type[Record], Callable[[SessionState, Any], None]] = {
    Session: _session,
    Config: _config,
    Result: _result,
    Phase: _phase,
    Plan: _plan,
    Proposal: _proposal,
    Candidate: _candidate,
    Resumption: _resumption,
    Calibration: _calibration,
    Inspection: _inspection,
    Sample: _sample,
    Decision: _decision,
    Validation: _validation,
    Confirmation: _confirmation,
    Milestone: _milestone,
    Control: _control,
    Veto: _veto,
    Health: _health,
    Recovery: _recovery,
    Usage: _usage,
    Canary: _canary,
    Note: _note,
    Question: _question,
    Interruption: _interruption,
    Unreadable: _unreadable,
}
