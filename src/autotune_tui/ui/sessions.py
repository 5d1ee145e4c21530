"""What the sessions screen says of each session: a frozen row, made from the session's state."""

from __future__ import annotations

import tomllib
from datetime import datetime

from textual.content import Content

from autotune_tui.errors import JournalError
from autotune_tui.journal.files import SessionFolder, read_text
from autotune_tui.journal.lock import holder
from autotune_tui.journal.reader import load_state
from autotune_tui.model import format as fmt
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.lines import line, spread
from autotune_tui.ui.theme import BAD, DIM, GOOD, WARN
from autotune_tui.ui.views import HEALTH_MARKS, headline, seconds_between

_FAR = 365 * 86400.0


@frozen
class SessionRow(Value):
    """One session."""

    id: str
    goal: str = ""
    health: str = ""
    """Empty before an engine has begun."""
    span: str = ""
    """Baseline and best, with their unit."""
    gain: str = ""
    better: bool = False
    confirmed: bool = False
    counts: str = ""
    last: str = ""
    """Timestamp of the journal's last record."""
    engine: bool = False
    died: bool = False
    """Whether the engine left without a word."""
    problem: str = ""


def row(session: str, state: SessionState, *, engine: bool, goal: str = "") -> SessionRow:
    """The row of a session whose journal says `state`; `goal` is what its configuration says."""
    view = headline(state, session)
    kept = len(state.keeps)
    begun = state.session is not None
    return SessionRow(
        id=session,
        goal=fmt.one_line(state.session.goal if state.session else goal, 200),
        health=state.health if begun or state.segments else "",
        span=f"{view.baseline} → {view.best} {view.unit}".rstrip() if state.baseline else "",
        gain=view.gain,
        better=view.better,
        confirmed=view.verdict == "confirmed",
        counts=f"{fmt.count(state.experiment_count, 'experiment')}, {kept} kept" if state.segments else "",
        last=state.timestamp,
        engine=engine,
        died=begun and state.end is None and not engine,
    )


def read_row(folder: SessionFolder) -> SessionRow:
    """The row of the session in this folder. Reads its journal, so it is to be called in a thread."""
    engine = holder(folder.lock) is not None
    try:
        state = load_state(folder.journal) if folder.journal.is_file() else SessionState()
    except JournalError as error:
        return SessionRow(folder.id, engine=engine, problem=error.message)
    return row(folder.id, state, engine=engine, goal=_goal(folder))


def _goal(folder: SessionFolder) -> str:
    try:
        goal = tomllib.loads(read_text(folder.config)).get("goal", "")
    except tomllib.TOMLDecodeError:  # the user may be writing it
        return ""
    return goal if isinstance(goal, str) else ""


def row_lines(row: SessionRow, now: str, width: int) -> Content:
    """Two lines and a blank one: what it is, how it stands and what it gained; its goal, how much was tried, and when."""
    state = _state(row)
    gain = line(
        (f"{row.span}   " if row.span else "", ""),
        (row.gain, f"bold {GOOD}" if row.better else "") if row.gain else ("no gain yet", DIM),
        ("" if row.confirmed or not row.gain else " not confirmed", DIM),
    )
    first = spread(line((row.id, "bold"), "   ", state), gain if row.counts else Content.empty(), width)
    parts = [part for part in (row.counts, _ago(row.last, now)) if part]
    right = line((" · ".join(parts), DIM))
    goal = line((row.problem, BAD) if row.problem else (row.goal or "no goal was written down", DIM))
    room = max(width - right.cell_length - 3, 10)
    return Content("\n").join([first, spread(goal.truncate(room, ellipsis=True), right, width), Content.empty()])


def _state(row: SessionRow) -> Content:
    if row.died:
        return line(("✗ its engine is gone", BAD))
    if not row.health:
        return line(("○ not started", DIM))
    glyph, colour = HEALTH_MARKS.get(row.health, ("?", ""))
    work = ("  engine at work", "") if row.engine else ("  no engine", DIM) if row.health != "completed" else ("", "")
    return line((f"{glyph} {row.health}", colour or WARN if row.health == "paused" else colour), work)


def _ago(then: str, now: str) -> str:
    """How long ago, in the largest unit."""
    seconds = seconds_between(then, now)
    if seconds is None:
        return ""
    if seconds > _FAR:
        return datetime.fromisoformat(then).strftime("%Y-%m-%d")
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"
