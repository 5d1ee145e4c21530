"""A line to search in: type, then enter or down for the next find, up for the one before, escape to close."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class FindBar(Horizontal):
    """Hidden until `open` is called.

    | Message | |
    | --- | --- |
    | `Wanted` | search this text; an empty one ends the search |
    | `Step` | go to the next find (1) or the one before (-1) |
    """

    DEFAULT_CSS: ClassVar[str] = """
    FindBar { height: 1; display: none; background: $panel; }
    FindBar.-open { display: block; }
    FindBar > .slash { width: 2; padding: 0 0 0 1; color: $text-accent; }
    FindBar > Input, FindBar > Input:focus { width: 1fr; border: none; height: 1; background: $panel; padding: 0; }
    FindBar > .found { width: auto; padding: 0 1; color: $text-muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "step(1)", "next find", show=False),
        Binding("up", "step(-1)", "previous find", show=False),
        Binding("escape", "close", "close", show=False),
    ]

    class Wanted(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Step(Message):
        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Closed(Message):
        """The bar gave the focus back."""

    def compose(self) -> ComposeResult:
        yield Static("/", classes="slash")
        yield Input(placeholder="search", compact=True)
        yield Static(classes="found")

    @property
    def text(self) -> str:
        """What is searched; empty while the bar is closed."""
        return self.query_one(Input).value if self.has_class("-open") else ""

    def open(self) -> None:
        """Show the bar and type into it."""
        self.add_class("-open")
        self.query_one(Input).focus()
        self.post_message(self.Wanted(self.text))

    def tell(self, words: str) -> None:
        """Say how many finds there are."""
        self.query_one(".found", Static).update(words)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Wanted(self.text))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Step(1))

    def action_step(self, step: int) -> None:
        self.post_message(self.Step(step))

    def action_close(self) -> None:
        self.remove_class("-open")
        self.post_message(self.Wanted(""))
        self.post_message(self.Closed())
