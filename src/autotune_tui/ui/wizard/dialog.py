"""A question with two or more answers. The one that loses nothing has the focus; escape goes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.theme import DIM


@frozen
class Answer(Value):
    """One answer: what it is called in the code, its words, and what follows from it."""

    id: str
    title: str
    follows: str = ""


class Question(ModalScreen[str]):
    """Asks; the result is the id of the answer, or empty after escape."""

    DEFAULT_CSS = """
    Question { align: center middle; background: $background 60%; }
    Question > Vertical {
        width: 72; max-width: 90%; height: auto; max-height: 90%;
        border: round $accent; border-title-color: $text-accent; border-title-background: $background;
        background: $background; padding: 1 2;
    }
    Question Static { height: auto; }
    Question #message { margin-bottom: 1; }
    Question OptionList, Question OptionList:focus {
        height: auto; max-height: 14; border: none; padding: 0; background: $background;
    }
    Question #keys { margin-top: 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Back", show=False)]

    def __init__(self, title: str, message: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self._title = title
        self._message = message
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            if self._message:
                yield Static(self._message, id="message", markup=False)
            yield OptionList(*(Option(_words(answer), id=answer.id) for answer in self._answers))
            yield Static("enter chooses   esc goes back", id="keys")

    @on(OptionList.OptionSelected)
    def _answered(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id or "")


def _words(answer: Answer) -> Content:
    if not answer.follows:
        return Content(answer.title)
    return Content.assemble(answer.title, ("\n  " + answer.follows, DIM))


class Words(ModalScreen[None]):
    """Something to read."""

    DEFAULT_CSS = """
    Words { align: center middle; background: $background 60%; }
    Words > VerticalScroll {
        width: 96; max-width: 96%; height: auto; max-height: 90%; border: round $accent; border-title-color: $text-accent;
        border-title-background: $background; border-subtitle-color: $text-muted; border-subtitle-background: $background;
        background: $background; padding: 1 2;
    }
    Words Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,f1,q", "dismiss", "Back", show=False)]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = self._title
            box.border_subtitle = "esc goes back"
            yield Static(self._text, markup=False)
