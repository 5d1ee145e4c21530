"""What an agent asks, as a dialog: it goes away by itself once the question is not open any more."""

from __future__ import annotations

from collections.abc import Callable

from autotune_tui.model import format as fmt
from autotune_tui.model.events import Question
from autotune_tui.model.session import SessionState
from autotune_tui.ui.screens.confirm import Answer, QuestionScreen
from autotune_tui.ui.text import plain

_PREFIX = "option-"


def question_screen(question: Question, blocked: Callable[[], str]) -> QuestionScreen:
    """The dialog. Its result is read with `option_of`; the harmless answer, which is the first, has the focus."""
    words = [plain(str(option.get("words", ""))) for option in question.options]
    details = "\n".join(plain(line) for line in question.details.splitlines())
    parts = [fmt.one_line(question.text, 300), details, _waits(question, words[0])]
    answers = tuple(
        Answer(f"{_PREFIX}{place}", label, "warning" if place else "default") for place, label in enumerate(words)
    )
    title = f"#{question.experiment} {fmt.one_line(question.agent, 30) or 'agent'} asks"
    return QuestionScreen(title, "\n\n".join(part for part in parts if part), answers, blocked)


def option_of(question: Question, answer: str | None) -> str:
    """The id of the option that a dialog's result means; empty for none."""
    if not answer or not answer.startswith(_PREFIX):
        return ""
    return str(question.options[int(answer.removeprefix(_PREFIX))].get("id", ""))


def no_longer_open(state: SessionState, question: Question) -> str:
    """Why a question cannot be answered any more; empty while it can."""
    if state.end is not None:
        return "the session has ended"
    if any(each.id == question.id for each in state.questions):
        return ""
    return "somebody has answered it, or its time is over"


def _waits(question: Question, otherwise: str) -> str:
    return f"Without an answer within {fmt.duration(question.seconds)}: {otherwise}." if question.seconds else ""
