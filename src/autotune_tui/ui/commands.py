"""The one table of commands: keys, palette and help are made from it, and so is the reason why one cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from autotune_tui.model.state import SessionState

Mode = Literal["live", "watch", "replay"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether a command can be done."""

    mode: Mode
    state: SessionState
    engine: bool
    """Whether an engine is at work on the session."""
    folder: bool = True
    """Whether the journal belongs to a session's folder; one that lies alone has no artifacts and no inbox."""
    selected: int | None = None
    """The experiment that is selected in the leaderboard."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is asked before a command that destroys or costs something."""

    title: str
    message: str
    confirm: str
    """The words on the button that does it."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can do. `action` is a Textual action of the application."""

    id: str
    """Also the binding's id, by which the settings file gives it other keys."""
    keys: str
    label: str
    """At most two words, for the footer."""
    title: str
    """With its area, for the palette: "Loop: pause"."""
    sentence: str
    action: str
    blocked: Callable[[Situation], str] = lambda situation: ""
    """Why it cannot be done now; empty when it can."""
    confirmation: Confirmation | None = None


def _inbox(situation: Situation) -> str:
    if situation.mode == "watch":
        return "this screen only watches; open the session without --watch"
    if situation.mode == "replay":
        return "this is a replay"
    return "" if situation.engine else "no engine is at work on this session"


def _pause(situation: Situation) -> str:
    return _inbox(situation) or ("it is paused already" if situation.state.health == "paused" else "")


def _resume(situation: Situation) -> str:
    return _inbox(situation) or ("" if situation.state.health == "paused" else "it is not paused")


def _skip(situation: Situation) -> str:
    current = situation.state.current
    running = current is not None and current.number > 0
    return _inbox(situation) or ("" if running else "no experiment is running")


def _idea(situation: Situation) -> str:
    if situation.mode != "live":
        return _inbox(situation)
    return "" if situation.folder else "this journal lies alone, without a session's folder"


def _selected(situation: Situation) -> str:
    return "" if situation.selected is not None else "no experiment has ended yet"


def _explain(situation: Situation) -> str:
    return "" if situation.state.segments else "nothing has been journalled yet"


def _start(situation: Situation) -> str:
    if situation.mode != "live":
        return _inbox(situation)
    return "an engine is at work already" if situation.engine else ""


COMMANDS: tuple[Command, ...] = (
    Command("pause", "p", "pause", "Loop: pause", "Wait after the running phase or block of samples.",
            "send('pause')", _pause),
    Command("resume", "p", "resume", "Loop: resume", "Go on after a pause.", "send('resume')", _resume),
    Command("start", "g", "go on", "Loop: go on", "Start an engine that goes on with this session.", "start", _start),
    Command("skip", "s", "skip", "Loop: skip the experiment", "End the running experiment now; the next one begins.",
            "send('skip')", _skip),
    Command("repair", "r", "repair", "Loop: repair", "Make both worktrees afresh after the running experiment.",
            "send('repair')", _inbox),
    Command("rebaseline", "b", "rebaseline", "Loop: rebaseline",
            "Measure the incumbent as a new baseline; values before and after it cannot be compared.",
            "send('rebaseline')", _inbox,
            Confirmation("Measure a new baseline?",
                         "After this experiment a new segment begins. Its values cannot be compared with the earlier ones.",
                         "Rebaseline")),
    Command("stop", "x", "stop", "Loop: stop", "End the session now. What was kept stays; it can go on later.",
            "send('stop')", _inbox,
            Confirmation("Stop the loop?",
                         "The running experiment is given up. What was kept stays on the branch; the session can go on later.",
                         "Stop")),
    Command("explain", "e", "explain", "Loop: explain", "Why the session is in the state it is in, and what follows.",
            "explain", _explain),
    Command("idea", "i", "idea", "Loop: add an idea", "Add a line to autotune.ideas.md, which the agent reads before each plan.",
            "idea", _idea),
    Command("details", "enter", "details", "Experiment: details", "Plan, diff, samples, log and lessons of the selected one.",
            "details", _selected),
    Command("diff", "d", "diff", "Experiment: diff", "The change that the selected experiment tried.",
            "details('diff')", _selected),
    Command("log", "l", "log", "Experiment: log", "What the benchmark printed in the selected experiment.",
            "details('log')", _selected),
    Command("filter", "slash", "filter", "View: filter", "Show only the experiments whose words or status match.", "filter"),
    Command("zoom", "z", "zoom", "View: one panel", "Give the whole screen to the focused panel, and back.", "zoom"),
    Command("sessions", "o", "sessions", "View: sessions", "All sessions of this repository.", "sessions"),
    Command("help", "question_mark,f1", "help", "View: help", "What is on this screen, and all keys.", "help"),
    Command("quit", "q", "quit", "View: quit", "Leave; asks whether the loop shall stop or go on without this screen.",
            "leave"),
)  # fmt: skip

BY_ID = {command.id: command for command in COMMANDS}
