"""Texts to read in a window of their own: the help, and why the session is in the state it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from autotune_tui.ui.commands import COMMANDS, Situation, read_only
from autotune_tui.ui.lines import labelled, line
from autotune_tui.ui.theme import DIM, TITLE, WARN

_PANELS = (
    ("tab 1 … 6", "Another panel; escape goes back, z gives it all the room. ctrl+p finds every command by its words."),
    ("Evidence", "The runs of the incumbent and of the candidate, taken in turn: a dot is one run, ○ two, ● three or more "
                 "at one place. Below them the effect (◆) with its 95 % interval at each look, the latest at the bottom; "
                 "a keep needs an interval on the better side of zero at one of the looks."),
    ("Leaderboard", "The keeps, the best value first, then what was discarded or failed. “vs base” compares two single "
                    "values; “in its pairs” is what the experiment's own pairs said against the incumbent of its time. "
                    "◆ is the incumbent, ◎ a value at the target."),
    ("Trend", "Every experiment: ● kept, · discarded, × failed, ◆ the best, and the best value so far as a line. ▴ and ▾ "
              "stand for values outside the chart, ┊ for a new baseline."),
    ("Headline", "“measured afresh” is the gain of the branch against the first commit, in fresh pairs. "
                 "“of single values” is the difference of two figures and may be noise."),
)  # fmt: skip


class TextScreen(ModalScreen[None]):
    """A text that can be scrolled. Escape, enter, q and the key that opened it close it."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,e,question_mark,f1", "close", "Close", show=False),
    ]

    def __init__(self, title: str, lines: Callable[[int], list[Content]]) -> None:
        """`lines` makes the text for a width in cells."""
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "esc closes"
            with VerticalScroll(id="text"):
                yield Static()

    def on_mount(self) -> None:
        self.query_one("#text").focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        width = self.query_one("#text").scrollable_content_region.width
        self.query_one(Static).update(Content("\n").join(self._lines(width - 1)))

    def action_close(self) -> None:
        self.dismiss()


def explanation(text: str) -> TextScreen:
    """The words of `health.explain`: labels and texts, a line each."""
    rows = [row.partition(" ") for row in text.split("\n")]

    def lines(width: int) -> list[Content]:
        return [
            part
            for label, _, words in rows
            for part in labelled(label, line(words.strip()), width, label_width=9, style=DIM)
        ]

    return TextScreen("Why the session is in this state", lines)


def help_screen(situation: Situation, keys: Mapping[str, str]) -> TextScreen:
    """All commands with their keys, and what the panels show. `keys` are the keys by command id, as they are now."""

    def lines(width: int) -> list[Content]:
        made: list[Content] = []
        area, general = "", read_only(situation)
        if general:
            made += line((f"Commands to the loop cannot be given here: {general}.", WARN)).wrap(width)
        for command in COMMANDS:
            name, _, verb = command.title.partition(": ")
            if name != area:
                made += [Content("")] * bool(made) + [line((name, f"bold {TITLE}"))]
                area = name
            reason = command.blocked(situation)
            label = f"{keys.get(command.id, ''):<9}{verb}"
            special = f" Not now: {reason}." if reason and reason != general else ""
            words = line((command.sentence, DIM if reason else ""), (special, DIM))
            made += labelled(label, words, width, label_width=26, style=DIM if reason else f"bold {WARN}")
        made += [Content(""), line(("Panels", f"bold {TITLE}"))]
        for name, text in _PANELS:
            made += labelled(name, line(text), width, label_width=13, style="bold")
        return made

    return TextScreen("Help", lines)
