"""One line asked for: an idea, the words of a filter."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label


class AskScreen(ModalScreen[str | None]):
    """Asks for a line of text. The result is the text, None for escape.

    | key | what |
    | --- | --- |
    | enter | take this text |
    | escape | leave everything as it is |
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    def __init__(self, title: str, message: str, text: str = "", *, empty: str = "") -> None:
        """`text` is what stands there at first; `empty` says why an empty line is refused, when it is."""
        super().__init__()
        self._title, self._message, self._text, self._refusal = title, message, text, empty

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            yield Label(self._message, id="message", markup=False)
            yield Input(self._text, id="line", compact=True)
            yield Label("", id="problem", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_changed(self) -> None:
        self.query_one("#problem", Label).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if self._refusal and not text:
            self.query_one("#problem", Label).update(self._refusal)
        else:
            self.dismiss(text)

    def action_cancel(self) -> None:
        self.dismiss(None)
