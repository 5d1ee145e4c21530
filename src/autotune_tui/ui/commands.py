"""The one table of commands: keys, palette and help are made from it, and so is the reason why one cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from autotune_tui.model.override import rescue_refusal, veto_refusal, waiting
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen

Mode = Literal["live", "watch", "replay"]


@frozen
class Situation(Value):
    """What decides whether a command can be done."""

    mode: Mode
    state: SessionState
    engine: bool
    """Whether an engine is at work on the session."""
    starting: bool = False
    """Whether one was started and has not taken the session's lock yet."""
    folder: bool = True
    """Whether the journal belongs to a session's folder; one that lies alone has no artifacts and no inbox."""
    repository: bool = True
    """Whether it is known which repository the session belongs to."""
    selected: int | None = None
    """The experiment that is selected in the leaderboard; 0 is the baseline."""

    @property
    def paused(self) -> bool:
        """Whether the loop is paused, or will be when the running phase is complete."""
        return self.state.health == "paused" or pausing(self.state)


@frozen
class Confirmation(Value):
    """What is asked before a command that destroys or costs something."""

    title: str
    message: str
    confirm: str
    """The words on the button that does it."""
    other: str = ""
    """The words on a button that does it in another way: see `OTHERWISE`."""


@frozen
class Command(Value):
    """Something a person can do."""

    id: str
    """Also the id of its key binding, by which the settings file gives it other keys."""
    keys: str
    """As Textual names them, with commas between; two commands may share one, the first that can be done is."""
    label: str
    """At most two words, for the line of keys."""
    title: str
    """With its area, for the palette: "Loop: pause"."""
    sentence: str
    blocked: Callable[[Situation], str]
    """Why it cannot be done now; empty when it can."""
    confirmation: Confirmation | None = None


def pausing(state: SessionState) -> bool:
    """Whether the engine has accepted a pause that no resume has followed."""
    begun = state.session.seq if state.session else 0
    for control in reversed(state.controls):
        if control.seq <= begun:
            return False
        if control.accepted and not control.state and control.command in ("pause", "resume"):
            return control.command == "pause"
    return False


def _always(_: Situation) -> str:
    return ""


def read_only(situation: Situation) -> str:
    """Why no command can be sent from here; empty when some can."""
    if situation.mode == "watch":
        return "this screen only watches; open the session without --watch"
    return "this is a replay" if situation.mode == "replay" else ""


def _engine(situation: Situation) -> str:
    if reason := read_only(situation):
        return reason
    if situation.engine:
        return ""
    return "the engine is starting" if situation.starting else "no engine is at work; g starts one"


def _pause(situation: Situation) -> str:
    return _engine(situation) or ("it is paused already" if situation.paused else "")


def _pause_now(situation: Situation) -> str:
    if situation.state.health == "paused":
        return _engine(situation) or "it is paused already"
    return _skip(situation)


def _resume(situation: Situation) -> str:
    return _engine(situation) or ("" if situation.paused else "it is not paused")


def _skip(situation: Situation) -> str:
    current = situation.state.current
    running = current is not None and current.number > 0
    return _engine(situation) or ("" if running else "no experiment is running")


def _answer(situation: Situation) -> str:
    return _engine(situation) or ("" if situation.state.questions else "the agent asks nothing")


def _rebaseline(situation: Situation) -> str:
    """When a pause has ended the engine, it may wait in the inbox for the next one: what is locked may have changed."""
    rests = situation.mode == "live" and situation.folder and not (situation.engine or situation.starting)
    return "" if rests and situation.state.health == "paused" else _engine(situation)


def _override(situation: Situation, refusal: Callable[[SessionState, int], str]) -> str:
    """A veto or a rescue may wait in the inbox for an engine."""
    if reason := read_only(situation):
        return reason
    if not situation.folder:
        return "this journal lies alone, without a session's folder"
    if situation.selected is None:
        return "no experiment is selected"
    return refusal(situation.state, situation.selected) or waiting(situation.state, situation.selected)


def _veto(situation: Situation) -> str:
    return _override(situation, veto_refusal)


def _rescue(situation: Situation) -> str:
    return _override(situation, rescue_refusal)


def _start(situation: Situation) -> str:
    if reason := read_only(situation):
        return reason
    if not situation.folder:
        return "this journal lies alone, without a session's folder"
    if situation.engine:
        return "an engine is at work already"
    return "the engine is starting" if situation.starting else ""


def _idea(situation: Situation) -> str:
    return read_only(situation) or ("" if situation.folder else "this journal lies alone, without a session's folder")


def _selected(situation: Situation) -> str:
    return "" if situation.selected is not None else "no experiment has ended yet"


def _explain(situation: Situation) -> str:
    return "" if situation.state.segments else "nothing has been journalled yet"


def _sessions(situation: Situation) -> str:
    if situation.mode == "replay":
        return read_only(situation)
    return "" if situation.repository else "it is not known which repository this journal belongs to"


COMMANDS: tuple[Command, ...] = (
    Command("pause", "p", "pause", "Loop: pause",
            "Wait when the running phase or block of samples is complete.", _pause),
    Command("pause-now", "P", "pause now", "Loop: pause now",
            "Leave the running experiment, which is begun again later, and wait.", _pause_now,
            Confirmation("Pause now?",
                         "The running experiment is left: what it has measured so far is lost, and it is begun "
                         "again after the pause.", "Pause now")),
    Command("resume", "p", "resume", "Loop: resume", "Go on after a pause.", _resume),
    Command("start", "g", "go on", "Loop: go on", "Start an engine that goes on with this session.", _start),
    Command("answer", "a", "answer", "Loop: answer", "Answer what the agent asks.", _answer),
    Command("skip", "s", "skip", "Loop: skip", "End the running experiment now; the next one begins.", _skip),
    Command("stop", "x", "stop", "Loop: stop",
            "End the session now. What was kept stays, and the session can go on later.", _engine,
            Confirmation("Stop the loop?",
                         "Now: the running experiment is given up. What was kept stays on the branch; "
                         "the session can go on later.", "Stop now", "After the experiment")),
    Command("repair", "r", "repair", "Loop: repair",
            "Make both worktrees afresh after the running experiment.", _engine),
    Command("rebaseline", "b", "rebaseline", "Loop: rebaseline",
            "Measure the incumbent as a new baseline, which begins a new segment.", _rebaseline,
            Confirmation("Measure a new baseline?",
                         "A new segment begins. Its values cannot be compared with the earlier ones. Now: the "
                         "running experiment is left and begun again in the new segment.", "After the experiment",
                         "Now")),
    Command("explain", "e", "explain", "Loop: explain",
            "Why the session is in the state it is in, what was tried, and what follows.", _explain),
    Command("idea", "i", "idea", "Loop: add an idea",
            "Add a line to autotune.ideas.md, which the agent reads before each plan.", _idea),
    Command("veto", "v", "veto", "Experiment: veto",
            "Take the selected keep back: the branch goes on with a commit that undoes it. Asks why.", _veto),
    Command("rescue", "k", "rescue", "Experiment: rescue",
            "Measure the change of the selected discard again, on the code of now. Asks why.", _rescue),
    Command("details", "enter", "details", "Experiment: details",
            "Plan, diff, samples, log and lessons of the selected experiment.", _selected),
    Command("diff", "d", "diff", "Experiment: diff", "The change that the selected experiment tried.", _selected),
    Command("log", "l", "log", "Experiment: log", "What the benchmark printed in the selected experiment.", _selected),
    Command("filter", "slash", "filter", "View: filter",
            "Show only the experiments in which some words are found.", _always),
    Command("zoom", "z", "one panel", "View: one panel",
            "Give all the room to the panel that has the focus, and back.", _always),
    Command("sessions", "o", "sessions", "View: sessions", "All sessions of this repository.", _sessions),
    Command("help", "question_mark,f1", "help", "View: help", "What is on this screen, and all keys.", _always),
    Command("quit", "q", "quit", "View: quit",
            "Leave; while an engine works, asks whether the loop shall stop or go on without this screen.", _always),
)  # fmt: skip

OTHERWISE: dict[str, dict[str, bool]] = {"stop": {"after": True}, "rebaseline": {"now": True}}
"""What the other button of a confirmation sends with the command."""

BY_ID = {command.id: command for command in COMMANDS}


def choose(id: str, situation: Situation) -> Command:
    """The command that a key means now: of those that share its key, the first that can be done, else itself."""
    wanted = BY_ID[id]
    alike = [wanted, *(command for command in COMMANDS if command.keys == wanted.keys and command is not wanted)]
    return next((command for command in alike if not command.blocked(situation)), wanted)


def shown_keys(situation: Situation) -> tuple[Command, ...]:
    """The commands of the line of keys: at most five, those that matter in this situation."""
    if situation.mode == "live" and (situation.engine or situation.starting):
        wanted = ["resume" if situation.paused else "pause", "skip", "stop"]
        if situation.state.questions:
            wanted[1] = "answer"
    elif situation.mode == "live":
        wanted = ["start", "details", "sessions"]
    else:
        wanted = ["details", "explain", "filter"]
    return tuple(BY_ID[id] for id in (*wanted, "help", "quit"))
