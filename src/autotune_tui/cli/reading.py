"""`status`, `explain`, `log`, `show` and `diff`: what a session's files say. They need no engine and start none."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotune_tui.cli.places import json_option, session_folder, session_options
from autotune_tui.errors import UsageError

if TYPE_CHECKING:
    from autotune_tui.journal.files import SessionFolder
    from autotune_tui.model.experiment import Experiment
    from autotune_tui.model.state import SessionState


@click.command(short_help="Where the session stands")
@session_options
@json_option
def status(path: Path, session: str, as_json: bool) -> None:
    """Where the session stands: what is being done, the best so far, and what the gain is."""
    folder = session_folder(path, session)
    state, engine = _state(folder), _engine(folder)
    if as_json:
        _print_json(status_data(folder, state, engine))
    else:
        click.echo("\n".join(status_lines(folder, state, engine)))


@click.command(short_help="Why the session is in the state it is in")
@session_options
@json_option
def explain(path: Path, session: str, as_json: bool) -> None:
    """The session's health, why it is so, and what happens next (H1)."""
    folder = session_folder(path, session)
    state = _state(folder)
    if as_json:
        from autotune_tui.model.health import in_force, recovery_words, state_file

        found = [recovery_words(event) for event in state.recoveries]
        _print_json({**state_file(state), "next": state.health_next, "found": found, "holds": in_force(state.course)})
    else:
        click.echo("\n".join(explain_lines(state)))


@click.command(short_help="All experiments, a line each")
@session_options
@json_option
def log(path: Path, session: str, as_json: bool) -> None:
    """All experiments in the order they were made, a line each; with --json, an object each."""
    from autotune_tui.headless import verdict
    from autotune_tui.model.format import metric, milestone

    state = _state(session_folder(path, session))
    units = {segment.number: segment.config.metric_unit for segment in state.segments}
    for experiment in state.experiments:
        unit = units.get(experiment.segment, "")
        if as_json:
            _print_json(_data(experiment))
        elif experiment.baseline:
            click.echo(f"segment {experiment.segment}, baseline: {metric(experiment.metric, unit)}")
        else:
            click.echo(verdict(experiment, unit))
            for mark in state.milestones:
                if mark.experiment == experiment.index:
                    click.echo(milestone(mark, state.validations, unit))


@click.command(short_help="One experiment in full")
@click.argument("number", type=int)
@session_options
@json_option
def show(number: int, path: Path, session: str, as_json: bool) -> None:
    """Experiment NUMBER in full: why it was tried, what was measured, what was learned. 0 is the baseline."""
    folder = session_folder(path, session)
    state = _state(folder)
    experiment = _experiment(state, number, folder)
    if as_json:
        _print_json(_data(experiment))
    else:
        click.echo("\n".join(experiment_lines(folder, state, experiment)))


@click.command(short_help="The change that an experiment tried")
@click.argument("number", type=int)
@session_options
def diff(number: int, path: Path, session: str) -> None:
    """The change of experiment NUMBER as a patch, also of one that was discarded."""
    folder = session_folder(path, session)
    patches = sorted(folder.experiments.glob(f"{number:03}*/diff.patch"))
    patches = [patch for patch in patches if patch.parent.name.partition("-")[0] == f"{number:03}"]
    if not patches:
        raise UsageError(
            "No such change", f"Experiment {number} of {folder.id} left no diff.", _numbers(_state(folder))
        )
    content = patches[-1].read_bytes()
    if sys.stdout.isatty():
        from autotune_tui.text import harmless

        click.echo(harmless(content.decode(errors="replace")), nl=False)
    else:
        click.echo(content, nl=False)


def status_lines(folder: SessionFolder, state: SessionState, engine: dict[str, Any] | None) -> list[str]:
    """The status for a person."""
    from autotune_tui.headless import headline, progress
    from autotune_tui.model.budget import left
    from autotune_tui.model.format import column, one_line

    config = state.config
    lines = [f"{folder.id}: {one_line(state.session.goal)}" if state.session else folder.id, _at_work(state, engine)]
    if state.segment is not None:
        values = [state.baseline_value, state.incumbent_value, config.target]
        unit, (baseline, now, target) = column(values, config.metric_unit)
        lines.append(f"{one_line(config.metric_name)} [{unit}]: baseline {baseline}, now {now}, target {target}")
        lines.append(headline(state.validation, state) if state.validation else "the gain was not measured again yet")
        lines.append(_counts(state))
        if remaining := ", ".join(left(state)):
            lines.append(f"left: {remaining}")
    if engine is not None and (doing := progress(state)):
        lines.append(f"now: {doing}")
    for question in state.questions if engine is not None else ():
        options = " or ".join(f"`autotune-tui answer {option.get('id')}`" for option in question.options)
        lines.append(f"{one_line(question.agent)} asks: {one_line(question.text, 300)} ({options})")
    if state.unreadable:
        lines.append(f"warning: {state.unreadable} lines of the journal cannot be read")
    return lines


def _at_work(state: SessionState, engine: dict[str, Any] | None) -> str:
    from autotune_tui.model.format import one_line

    if engine is not None:
        return f"{state.health}, engine at work (process {engine.get('pid', 'unknown')})"
    if state.session is None:
        return "not started; `autotune-tui run` starts it"
    if state.end is None:
        return f"{state.health}, but its engine is gone; `autotune-tui run` goes on"
    return f"{state.end.outcome}: {one_line(state.end.reason, 300)}"


def status_data(folder: SessionFolder, state: SessionState, engine: dict[str, Any] | None) -> dict[str, Any]:
    """The status for a program."""
    from autotune_tui.model.budget import left
    from autotune_tui.model.events import to_record

    current = state.current if engine is not None else None
    return {
        "session": folder.id,
        "folder": str(folder.root),
        "goal": state.session.goal if state.session else "",
        "engine": engine,
        "health": state.health,
        "reason": state.health_reason,
        "next": state.health_next,
        "segment": state.segment.number if state.segment else 0,
        "metric": {
            "name": state.config.metric_name,
            "unit": state.config.metric_unit,
            "direction": state.config.direction,
            "target": state.config.target,
            "baseline": state.baseline_value,
            "incumbent": state.incumbent_value,
        },
        "incumbent": state.incumbent_sha,
        "experiments": dict(Counter(experiment.status for experiment in _attempts(state))),
        "left": list(left(state)),
        "current": {"number": current.number, "phase": current.phase} if current else None,
        "validation": to_record(state.validation) if state.validation else None,
        "milestones": [to_record(milestone) for milestone in state.milestones],
        "questions": [to_record(question) for question in state.questions] if engine is not None else [],
        "outcome": state.end.outcome if state.end else None,
        "unreadable": state.unreadable,
    }


def explain_lines(state: SessionState) -> list[str]:
    """State, why, what was tried, what happens next, what the user can do, and the last warning."""
    from autotune_tui.model.format import count, one_line
    from autotune_tui.model.health import explain

    lines = explain(state).splitlines()
    warnings = [note for note in state.notes if note.level == "warning"]
    if warnings:
        lines.append(f"Note   {count(len(warnings), 'warning')}, the last: {one_line(warnings[-1].text, 300)}")
    return lines


def experiment_lines(folder: SessionFolder, state: SessionState, experiment: Experiment) -> list[str]:
    """One experiment for a person: the verdict, then what there is to say, a line each."""
    from autotune_tui.headless import verdict
    from autotune_tui.model import findings
    from autotune_tui.model.format import confirmation, duration, metric, one_line

    unit = next((s.config.metric_unit for s in state.segments if s.number == experiment.segment), "")
    phases = ", ".join(f"{phase} {duration(seconds)}" for phase, seconds in experiment.phases)
    artifacts = folder.root / experiment.folder if experiment.folder else None
    details = {
        "hypothesis": experiment.hypothesis,
        "strategy": experiment.strategy,
        "target": experiment.target,
        "reason": experiment.detail or experiment.reason,
        "also measured": "; ".join(map(confirmation, experiment.confirmations)),
        "observation": experiment.observation,
        "next": experiment.next,
        "commit": experiment.sha or experiment.commit,
        "files": ", ".join(experiment.files),
        "metrics": ", ".join(f"{name} {metric(value)}" for name, value in experiment.metrics.items()),
        "time": f"{duration(experiment.seconds)} ({phases})" if phases else "",
        "artifacts": str(artifacts) if artifacts else "",
    }
    head = f"baseline of segment {experiment.segment}: {metric(experiment.metric, unit)}"
    lines = [head if experiment.baseline else verdict(experiment, unit)]
    lines += [f"  {name}: {one_line(text, 1000)}" for name, text in details.items() if text]
    return lines + [f"  inspector: {findings.words(finding)}" for finding in experiment.findings]


def _counts(state: SessionState) -> str:
    from autotune_tui.model.format import count, one_line

    attempts = _attempts(state)
    by_status = Counter(experiment.status for experiment in attempts)
    parts = ", ".join(f"{number} {one_line(name)}" for name, number in sorted(by_status.items()))
    return f"{count(len(attempts), 'experiment')}{f': {parts}' if parts else ''}"


def _attempts(state: SessionState) -> list[Experiment]:
    return [experiment for experiment in state.experiments if not experiment.baseline]


def _experiment(state: SessionState, number: int, folder: SessionFolder) -> Experiment:
    found = [e for e in state.experiments if (e.baseline if number == 0 else e.index == number and not e.baseline)]
    if not found:
        raise UsageError("No such experiment", f"{folder.id} has no experiment {number}.", _numbers(state))
    return found[-1]


def _numbers(state: SessionState) -> str:
    attempts = _attempts(state)
    return f"Experiments so far: 1 to {attempts[-1].index}." if attempts else "There are no experiments yet."


def _state(folder: SessionFolder) -> SessionState:
    from autotune_tui.journal.reader import load_state
    from autotune_tui.model.state import SessionState

    return load_state(folder.journal) if folder.journal.is_file() else SessionState()


def _engine(folder: SessionFolder) -> dict[str, Any] | None:
    from autotune_tui.journal.lock import holder

    return holder(folder.lock)


def _data(experiment: Experiment) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(experiment)


def _print_json(data: dict[str, Any]) -> None:
    import json

    click.echo(json.dumps(data, ensure_ascii=False, default=dict))
