"""Questions before something that destroys, costs or leaves: the harmless answer has the focus, escape says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label

from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.commands import Confirmation
from autotune_tui.ui.screens.withdraw import withdraw_when


@frozen
class Answer(Value):
    """A button of a question."""

    id: str
    words: str
    variant: Literal["default", "primary", "success", "warning", "error"] = "default"


class QuestionScreen(ModalScreen[str]):
    """A question with a few answers, the first of which has the focus. The result is an answer's id, "" for escape.

    | key | what |
    | --- | --- |
    | left, right, tab | another answer |
    | enter | this answer |
    | escape | none |
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('')", "No", show=False),
        Binding("left", "app.focus_previous", "Previous", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
    ]

    def __init__(
        self, title: str, message: str, answers: tuple[Answer, ...], blocked: Callable[[], str] | None = None
    ) -> None:
        """`blocked` says why none of it can be done any more; then the question goes away by itself."""
        super().__init__()
        self._title, self._message, self._answers, self._blocked = title, message, answers, blocked

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            yield Label(self._message, id="message", markup=False)
            with Horizontal(id="answers"):
                for answer in self._answers:
                    yield Button(answer.words, answer.variant, id=answer.id, compact=True)

    def on_mount(self) -> None:
        self.query_one(f"#{self._answers[0].id}").focus()
        if self._blocked is not None:
            withdraw_when(self, self._blocked, "")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or "")

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


def confirm(confirmation: Confirmation, blocked: Callable[[], str] | None = None) -> QuestionScreen:
    """A question whose answer is "yes", "other" where there is another way to do it, or neither; Cancel has the focus."""
    other = (Answer("other", confirmation.other, "warning"),) if confirmation.other else ()
    answers = (Answer("cancel", "Cancel"), *other, Answer("yes", confirmation.confirm, "error"))
    return QuestionScreen(confirmation.title, confirmation.message, answers, blocked)


def leaving(session: str, blocked: Callable[[], str] | None = None) -> QuestionScreen:
    """What becomes of the loop when one leaves: "leave" it running, "stop" it, or stay here."""
    message = (
        f"{session} is being worked on.\n\n"
        "It can go on without this screen: `autotune-tui` in the same repository shows it again, "
        "and `autotune-tui stop` ends it."
    )
    answers = (
        Answer("leave", "Leave it running"),
        Answer("stop", "Stop the loop", "error"),
        Answer("stay", "Stay here"),
    )
    return QuestionScreen("Leave autotune-tui?", message, answers, blocked)
