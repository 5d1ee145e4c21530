"""Why a person decides against the loop: asked before a veto or a rescue, and journalled with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, Label

from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.screens.withdraw import withdraw_when


@frozen
class Why(Value):
    """The reason, and whether the box was ticked."""

    text: str
    ticked: bool = False


class WhyScreen(ModalScreen[Why | None]):
    """Asks for the reason. The result is None for escape.

    | key | what |
    | --- | --- |
    | enter | do it, for this reason |
    | tab, space | the box, where there is one |
    | escape | leave everything as it is |
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    def __init__(self, title: str, message: str, blocked: Callable[[], str], *, box: str = "") -> None:
        """`blocked` says why it cannot be done any more; then the question goes away by itself."""
        super().__init__()
        self._title, self._message, self._blocked, self._box = title, message, blocked, box

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "enter does it · esc leaves all as it is"
            yield Label(self._message, id="message", markup=False)
            yield Input(placeholder="why", id="line", compact=True)
            if self._box:
                yield Checkbox(self._box, id="box", compact=True)
            yield Label("", id="problem", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        withdraw_when(self, self._blocked, None)

    def on_input_changed(self) -> None:
        self.query_one("#problem", Label).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            self.query_one("#problem", Label).update("It needs a reason, which is journalled with it.")
        else:
            self.dismiss(Why(text, any(box.value for box in self.query(Checkbox))))

    def action_cancel(self) -> None:
        self.dismiss(None)
