"""Questions go away by themselves once what they ask about is not possible any more, and it is said why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual.screen import ModalScreen

T = TypeVar("T")

_LOOK_SECONDS = 0.5


def withdraw_when(question: ModalScreen[T], blocked: Callable[[], str], answer: T) -> None:
    """Look from time to time whether `blocked` has a reason; then the question is answered by `answer`, which does nothing."""

    def look() -> None:
        reason = blocked()
        if reason and question.is_current:
            timer.stop()
            words = f"The question was withdrawn: {reason}."
            question.dismiss(answer)
            question.app.call_later(question.app.notify, words, severity="warning", markup=False)

    timer = question.set_interval(_LOOK_SECONDS, look)
