"""Texts to read in a window of their own: the help, and why the session is in the state it is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from autotune_tui.ui.commands import COMMANDS, Situation
from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import DIM, TITLE, WARN

_PANELS = (
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

    def __init__(self, title: str, content: Content) -> None:
        super().__init__()
        self._title, self._content = title, content

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "esc closes"
            with VerticalScroll(id="text"):
                yield Static(self._content)

    def on_mount(self) -> None:
        self.query_one("#text").focus()

    def action_close(self) -> None:
        self.dismiss()


def explanation(text: str) -> TextScreen:
    """The words of `health.explain`: labels and texts, a line each."""
    lines = [
        line((f"{label:<9}", DIM), words.strip())
        for label, _, words in (row.partition(" ") for row in text.split("\n"))
    ]
    return TextScreen("Why the session is in this state", Content("\n").join(lines))


def help_screen(situation: Situation, keys: Mapping[str, str]) -> TextScreen:
    """All commands with their keys, and what the panels show. `keys` are the keys by command id, as they are now."""
    parts: list[Content] = []
    area = ""
    for command in COMMANDS:
        name, _, verb = command.title.partition(": ")
        if name != area:
            parts += [Content("")] * bool(parts) + [line((name, f"bold {TITLE}"))]
            area = name
        reason = command.blocked(situation)
        key = (f"{keys.get(command.id, ''):<8}", f"bold {WARN}" if not reason else DIM)
        parts.append(line(key, f"{verb:<19}", command.sentence, (f" Not now: {reason}." if reason else "", DIM)))
    parts += [Content(""), line(("Panels", f"bold {TITLE}"))]
    parts.append(
        line(
            (f"{'tab 1-6':<8}", f"bold {WARN}"), f"{'another panel':<19}", "Escape goes back; ctrl+p has all commands."
        )
    )
    for name, words in _PANELS:
        parts.append(line((f"{name}: ", "bold"), words))
    return TextScreen("Help", Content("\n").join(parts))
