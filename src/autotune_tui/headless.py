"""The loop without a screen: a line per event for a person, or the journal's records for a program.

`line` says what a record means to a person. On a terminal these lines stay, and below them one line follows the running
experiment; elsewhere only the lines are printed. What is shown is a fold of the records alone.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from autotune_tui.model import findings
from autotune_tui.model.budget import left
from autotune_tui.model.events import (
    Calibration,
    Config,
    Control,
    Health,
    Inspection,
    Interruption,
    Note,
    Phase,
    Plan,
    Proposal,
    Question,
    Record,
    Recovery,
    Result,
    Session,
    Unreadable,
    Validation,
    Veto,
    to_record,
)
from autotune_tui.model.experiment import Experiment
from autotune_tui.model.format import (
    change,
    column,
    count,
    direction_words,
    duration,
    improves,
    metric,
    one_line,
    percent,
    times,
)
from autotune_tui.model.health import recovery_words
from autotune_tui.model.state import SessionState, fold

if TYPE_CHECKING:
    from rich.live import Live

MARKS = {"keep": "✓", "discard": "·", "crash": "✗", "checks_failed": "✗", "vetoed": "⊘"}
"""Each beside its word, never alone; a status that this version does not know gets a question mark."""

STEPS = {
    "setup": "setting up and building two worktrees",
    "check": "running the checks on the unchanged code",
    "canary": "breaking the code in scope on purpose, to see whether benchmark or checks notice",
    "calibrate": "measuring the noise: the unchanged code against itself",
    "validate": "measuring the gain again: the first commit against the branch, in fresh pairs",
}
"""What is done between experiments, in words."""

STYLES = {
    "keep": "green",
    "discard": "dim",
    "crash": "red",
    "checks_failed": "red",
    "warning": "yellow",
    "head": "bold",
}

PAINT_SECONDS = 1.0
"""The least time between two paints of the live line: painting takes processor time from the benchmark."""

_REASON = 600
"""Characters of a reason to pause: it ends with what to do."""

Show = Callable[[Record], None]


def line(record: Record, state: SessionState) -> str | None:
    """What a person is told of a record, None when nothing. `state` is the fold up to and with this record."""
    match record:
        case Session(event="start"):
            return f"{record.id}: {one_line(record.goal)} (agent {record.agent}, branch {record.branch})"
        case Session():
            return f"{record.outcome}: {one_line(record.reason, _REASON)}" if record.reason else record.outcome
        case Config():
            return _segment(record)
        case Calibration():
            return _calibration(record)
        case Phase(phase="sync", state="start"):
            remaining = ", ".join(left(state))
            return f"#{record.experiment} begins" + (f"; left: {remaining}" if remaining else "")
        case Phase(experiment=0, state="start"):
            return STEPS.get(record.phase)
        case Plan():
            whose = f"what {one_line(record.agent)} proposed: " if record.beside else ""
            return f"#{record.experiment} tries: {whose}{one_line(record.description)}"
        case Proposal():
            return f"#{record.experiment} {one_line(record.agent)} proposes, too: {one_line(record.description)}"
        case Result():
            return _verdict(state)
        case Validation():
            return headline(record, state)
        case Health():
            return _health(record)
        case Recovery():
            return one_line(recovery_words(record), _REASON)
        case Inspection():
            return _inspection(record)
        case Control():
            answer = record.state or ("accepted" if record.accepted else "refused")
            return f"{record.command} by {one_line(record.by)} {answer}: {one_line(record.reason)}"
        case Veto(state="done"):
            why = f"{one_line(record.by)}: {one_line(record.why)}"
            return f"#{record.experiment} {MARKS['vetoed']} vetoed by {why}; the branch goes on with {record.to_commit[:10]}"
        case Question():
            return _question(record)
        case Note():
            return f"{'warning: ' if record.level == 'warning' else ''}{one_line(record.text, 300)}"
        case Interruption():
            return f"warning: {one_line(record.text, 300)}"
        case Unreadable():
            return f"warning: a line of the journal cannot be read: {one_line(record.text, 60)}"
    return None


def _segment(record: Config) -> str:
    name = one_line(record.metric_name)
    parts = [f"segment {record.segment}: {name}, {direction_words(record.direction)}"]
    if record.target is not None:
        parts.append(f"target {metric(record.target, record.metric_unit)}")
    parts.append(f"keeps a gain of {record.threshold} or more")
    return ", ".join(parts)


def _calibration(record: Calibration) -> str:
    if record.exact:
        return f"noise: none in {count(2 * record.pairs, 'run')}, so one run and one more decide"
    shortest, longest = record.decision_seconds
    least = percent(record.detectable).lstrip("+") if record.scale == "log" else f"{record.detectable:g}"
    return (
        f"noise: {_noise(record)} per pair ({count(record.pairs, 'pair')});"
        f" detects {least}; a decision takes {duration(shortest)} to {duration(longest)}"
    )


def _noise(record: Calibration) -> str:
    return percent(record.sigma).lstrip("+") if record.scale == "log" else f"{record.sigma:g}"


def _verdict(state: SessionState) -> str:
    ended = state.experiments[-1]
    unit = state.config.metric_unit
    if ended.baseline:
        return f"baseline: {one_line(state.config.metric_name)} {metric(ended.metric, unit)}"
    return verdict(ended, unit)


def verdict(ended: Experiment, unit: str) -> str:
    """How an experiment ended, in a line: the verdict, the change, the evidence, and why it is no keep."""
    text = f"#{ended.index} {MARKS.get(ended.status, '?')} {one_line(ended.status)}: {one_line(ended.description)}"
    if ended.effect is not None:
        effect = change(ended.effect, ended.interval, scale=ended.scale, unit=unit)
        weak = ", weak evidence" if ended.weak else ""
        text += f" — {effect}, {metric(ended.metric, unit)}, {count(ended.pairs, 'pair')}{weak}"
    why = one_line(ended.detail or ended.reason, 300)
    return text if ended.status == "keep" or not why else f"{text} — {why}"


def headline(record: Validation, state: SessionState) -> str:
    """The cumulative gain as it was measured again, or that there is no confirmed one (D5)."""
    effect = change(record.effect, record.interval, scale=record.scale, unit=state.config.metric_unit)
    unit, (before, after) = column([record.before, record.after], state.config.metric_unit)
    values = f"{before} → {after} {unit}".rstrip()
    measured = f"measured again in {count(record.pairs, 'fresh pair')}: {values}, {effect}"
    if not record.confirmed:
        return f"no confirmed improvement after {count(record.keeps, 'keep')}; {measured}"
    factor = ""
    if record.scale == "log" and improves(record.effect, state.direction):
        factor = f"{times(record.effect, state.direction)} better"
    return f"confirmed after {count(record.keeps, 'keep')}: {f'{factor}; ' if factor else ''}{measured}"


def _question(record: Question) -> str | None:
    """What an agent asks and how it is answered, and how that ended."""
    words = {option.get("id"): one_line(str(option.get("words", ""))) for option in record.options}
    text = f"#{record.experiment} {one_line(record.agent)} asks: {one_line(record.text, 200)}"
    match record.state:
        case "open":
            return f"{text} (`autotune-tui answer {'|'.join(map(str, words))}`, within {duration(record.seconds)})"
        case "answered":
            return f"{text} — {words.get(record.answer, record.answer)}, says {one_line(record.by)}"
        case "unanswered":
            return f"{text} — nobody has answered: {words.get(record.answer, record.answer)}"
    return None


def _inspection(record: Inspection) -> str | None:
    """The worst of what the inspector found; nothing when it found nothing."""
    if not record.findings:
        return None
    more = f" (and {len(record.findings) - 1} more)" if len(record.findings) > 1 else ""
    return f"#{record.experiment} inspector: {findings.words(record.findings[0])}{more}"


def _health(record: Health) -> str | None:
    if record.health == record.previous and not record.recovery:
        return None
    text = f"health: {record.previous} → {record.health}" if record.previous else f"health: {record.health}"
    for part in (record.reason, f"next: {record.next}" if record.next else ""):
        text += f"; {one_line(part, _REASON)}" if part else ""
    return text


def style(record: Record) -> str:
    """The colour of a record's line; it only repeats what the words say."""
    match record:
        case Result():
            return STYLES.get(record.status, "")
        case (
            Note(level="warning") | Question(state="open" | "unanswered") | Inspection() | Interruption() | Unreadable()
        ):
            return STYLES["warning"]
        case Validation(confirmed=False):
            return STYLES["warning"]
        case Validation():
            return STYLES["keep"]
        case Session() | Config():
            return STYLES["head"]
    return ""


def progress(state: SessionState) -> str:
    """What is being done now, in one line: the experiment, its phase, and the evidence so far."""
    current = state.current
    if current is None or not current.number:
        return _progress_of_segment(state)
    parts = [f"#{current.number} {current.phase}"]
    decision = current.decision
    if current.samples:
        pairs = sum(sample.side == "candidate" for sample in current.samples)
        parts.append(count(pairs, "pair"))
    if decision is not None and decision.pairs:
        parts.append(change(decision.effect, decision.interval, scale=decision.scale, unit=state.config.metric_unit))
        if decision.next_look is not None:
            parts.append(f"next look at {decision.next_look}")
    return ", ".join(parts)


def _progress_of_segment(state: SessionState) -> str:
    validating, last = state.validation_samples, state.validations[-1].seq if state.validations else 0
    if validating and validating[-1].seq > last:
        return f"measuring the gain again, {count(len(validating), 'run')}"
    if state.segment is not None and state.calibration is None:
        return f"calibrating, {count(len(state.calibration_samples), 'run')}"
    return ""


@contextmanager
def display(journal: Path, *, as_json: bool, out: TextIO | None = None) -> Iterator[Show]:
    """Shows records as they come: give each to the function that this yields. What `journal` holds already is not shown."""
    out = out or sys.stdout
    if as_json:
        yield _quietly_closed(lambda record: _print(out, json.dumps(to_record(record), ensure_ascii=False)))
        return
    state = _known(journal)
    if not out.isatty():

        def show(record: Record) -> None:
            nonlocal state
            state = fold([record], state)
            text = line(record, state)
            if text:
                _print(out, text)

        yield _quietly_closed(show)
        return
    with _terminal(state, out) as on_terminal:
        yield _quietly_closed(on_terminal)


def _known(journal: Path) -> SessionState:
    from autotune_tui.journal.reader import load_state

    return load_state(journal) if journal.is_file() else SessionState()


def _print(out: TextIO, text: str) -> None:
    out.write(f"{text}\n")
    out.flush()


def _quietly_closed(show: Show) -> Show:
    """A terminal that was closed, or a pipe that nobody reads any more, must not end the loop."""
    gone = False

    def guarded(record: Record) -> None:
        nonlocal gone
        if not gone:
            try:
                show(record)
            except OSError:
                gone = True

    return guarded


@contextmanager
def _terminal(state: SessionState, out: TextIO) -> Iterator[Show]:
    """Lines that stay, and below them the live one."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=out, highlight=False, markup=False, emoji=False)
    live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)
    live.start()
    try:
        yield _Painter(live, state).show
    finally:
        with contextlib.suppress(OSError):  # the terminal may be gone
            live.stop()


class _Painter:
    """Prints the lines that stay at once, and the live line at most once a second."""

    def __init__(self, live: Live, state: SessionState) -> None:
        self.live = live
        self.state = state
        self.shown = ""
        self.painted = 0.0

    def show(self, record: Record) -> None:
        from rich.text import Text

        self.state = fold([record], self.state)
        text = line(record, self.state)
        if text:
            self.live.console.print(Text(text, style=style(record)))
        now = progress(self.state)
        if now != self.shown and (text or time.monotonic() - self.painted >= PAINT_SECONDS):
            self.shown, self.painted = now, time.monotonic()
            self.live.update(Text(now, style="cyan", no_wrap=True, overflow="ellipsis"), refresh=True)
