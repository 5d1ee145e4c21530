"""A screen for one document, such as a session's report."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Markdown, Static

from autotune_tui.text import harmless
from autotune_tui.ui.lines import line
from autotune_tui.ui.widgets.keys import Key, KeysLine, KeysView


class DocumentScreen(Screen[None]):
    """Shows Markdown; escape or q closes it. Links are not followed: an agent may have written them."""

    CSS_PATH = "sessions.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", id="document.back", show=False),
        Binding("c", "copy", "copy", id="document.copy", show=False),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = harmless(text)

    def compose(self) -> ComposeResult:
        yield Static(line((self._title, "bold")), id="title")
        with VerticalScroll(can_focus=True):
            yield Markdown(self._text, open_links=False)
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self.query_one(KeysLine).show(KeysView((Key("esc", "back", "screen.dismiss"), Key("c", "copy", "screen.copy"))))

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._text)
        self.notify("Sent to the clipboard of your terminal.")
