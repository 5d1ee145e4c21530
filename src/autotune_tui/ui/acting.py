"""Doing the commands of the table on the loop screen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from autotune_tui.model.format import one_line
from autotune_tui.model.override import find, later_keeps
from autotune_tui.ui.commands import BY_ID, COMMANDS, OTHERWISE, Command

if TYPE_CHECKING:
    from autotune_tui.journal.files import SessionFolder
    from autotune_tui.model.events import Question
    from autotune_tui.ui.app import AutotuneApp
    from autotune_tui.ui.screens.loop import LoopScreen

_SENT = frozenset({"pause", "resume", "stop", "repair", "rebaseline"})
_AGAIN = "Keep it also when no gain is proven (never when it is worse)"


def perform(app: AutotuneApp, command: Command, screen: LoopScreen) -> None:
    """Do it, after a confirmation where the table asks for one; or say why it cannot be done now."""
    app.clear_notifications()  # each screen shows them anew: twice, and over the dialog that comes
    reason = command.blocked(screen.situation())
    if reason:
        app.notify(f"{command.title.partition(': ')[2].capitalize()}: {reason}.", severity="warning", markup=False)
    elif command.confirmation is None:
        _do(app, command, screen)
    else:
        from autotune_tui.ui.screens.confirm import confirm

        def answered(answer: str | None) -> None:
            if answer == "yes":
                _do(app, command, screen)
            elif answer == "other":
                app.send(command.id, data=OTHERWISE[command.id])

        app.push_screen(confirm(command.confirmation, lambda: command.blocked(screen.situation())), answered)


def _do(app: AutotuneApp, command: Command, screen: LoopScreen) -> None:
    selected = screen.situation().selected
    match command.id:
        case id if id in _SENT:
            app.send(id)
        case "pause-now":
            app.send("pause", data={"now": True})
        case "skip":
            current = screen.store.state.current
            app.send("skip", data={"experiment": current.number if current else 0})
        case "answer":
            show_question(app, screen, screen.store.state.questions[0])
        case "veto" | "rescue" if selected is not None:
            _ask_why(app, command, screen, selected)
        case "start":
            app.start_engine()
            screen.tick()
        case "explain":
            _explain(app, screen)
        case "idea":
            _ask_for_idea(app, screen)
        case "details" | "diff" | "log" as tab if selected is not None:
            app.show_details(selected, "" if tab == "details" else tab)
        case "filter":
            _ask_for_filter(app, screen)
        case "zoom":
            screen.action_zoom()
        case "sessions":
            app.show_sessions()
        case "help":
            _help(app, screen)
        case "quit":
            app.leave()


def show_question(app: AutotuneApp, screen: LoopScreen, question: Question) -> None:
    """Ask a person what an agent asks, and send the answer."""
    from autotune_tui.ui.screens.question import no_longer_open, option_of, question_screen

    def answered(answer: str | None) -> None:
        if option := option_of(question, answer):
            app.send("answer", data={"question": question.id, "option": option})

    app.push_screen(question_screen(question, lambda: no_longer_open(screen.store.state, question)), answered)


def _ask_why(app: AutotuneApp, command: Command, screen: LoopScreen, number: int) -> None:
    """Ask why, and send it. The experiment is the one that was selected when the question came up."""
    from autotune_tui.ui.screens.why import Why, WhyScreen

    def blocked() -> str:
        return command.blocked(replace(screen.situation(), selected=number))

    def answered(why: Why | None) -> None:
        if why is None:
            return
        app.send(command.id, why.text, {"experiment": number, "keep": why.ticked})
        if screen.store.engine is None:
            key = app.key_of(BY_ID["start"])
            app.notify(
                f"The {command.id} waits in the inbox: {key} starts an engine, which does it first.", markup=False
            )

    experiment = find(screen.store.state, number)
    what = f"#{number}: {one_line(experiment.description, 200)}" if experiment else f"#{number}"
    if command.id == "veto":
        later = [f"#{keep.index}" for keep in later_keeps(screen.store.state, number)]
        after = f" If {', '.join(later)} changed the same lines, the veto is refused." if later else ""
        message = f"{what}\n\nThe branch goes on with a commit that undoes it, and is measured again.{after} Why?"
        app.push_screen(WhyScreen(f"Veto #{number}", message, blocked), answered)
    else:
        message = f"{what}\n\nIt goes through all checks and is measured again, on the code of now. Why?"
        app.push_screen(WhyScreen(f"Rescue #{number}", message, blocked, box=_AGAIN), answered)


def _explain(app: AutotuneApp, screen: LoopScreen) -> None:
    from autotune_tui.model.health import explain
    from autotune_tui.ui.screens.help import explanation

    app.push_screen(explanation(explain(screen.store.state)))


def _help(app: AutotuneApp, screen: LoopScreen) -> None:
    from autotune_tui.ui.screens.help import help_screen

    keys = {command.id: app.key_of(command) for command in COMMANDS}
    app.push_screen(help_screen(screen.situation(), keys))


def _ask_for_idea(app: AutotuneApp, screen: LoopScreen) -> None:
    from autotune_tui.ui.screens.ask import AskScreen

    folder = screen.store.folder
    if folder is None:
        return

    def answered(text: str | None) -> None:
        if text:
            add_idea(app, folder, text)

    question = "What should be tried? The agent reads it before its next plan."
    app.push_screen(AskScreen("An idea", question, empty="An empty idea is not added."), answered)


def add_idea(app: AutotuneApp, folder: SessionFolder, text: str) -> None:
    """Append a line to the backlog, in one write, so that the agent's own lines are not harmed."""
    line = " ".join(text.split())
    try:
        with folder.ideas.open("ab+") as file:
            size = file.seek(0, 2)
            file.seek(max(size - 1, 0))
            starts_line = size == 0 or file.read(1) == b"\n"
            file.write(("" if starts_line else "\n").encode() + f"- {line}\n".encode())
    except OSError as error:
        app.notify(f"{folder.ideas}: {error.strerror}", title="The idea was not added", severity="error", markup=False)
    else:
        app.notify(f"Added to {folder.ideas.name}.", markup=False)


def _ask_for_filter(app: AutotuneApp, screen: LoopScreen) -> None:
    from autotune_tui.ui.screens.ask import AskScreen

    def answered(text: str | None) -> None:
        if text is not None:
            screen.filter(text)

    question = "Words that the experiments to show have in their number, status, description or strategy."
    app.push_screen(AskScreen("Filter", question, screen.filtered), answered)
