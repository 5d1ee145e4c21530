"""The line of keys: at most five, those that matter now; the palette and the help have the rest."""

from __future__ import annotations

from textual.content import Content

from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.lines import Piece, fit, line, spread
from autotune_tui.ui.theme import DIM, TITLE, WARN
from autotune_tui.ui.widgets.bar import Bar


@frozen
class Key(Value):
    """A key as it is shown, what it does in a word or two, and the action that a click on it runs."""

    key: str
    label: str
    action: str


@frozen
class KeysView(Value):
    """What the last line shows."""

    keys: tuple[Key, ...]
    tabs: tuple[tuple[str, bool], ...] = ()
    """The panels that tab leads to, and which of them is chosen; empty when all are seen."""


class KeysLine(Bar[KeysView]):
    """Keys at the left; at the right, where not all panels are seen at once, which panel this is."""

    auto_links = False

    def content(self, view: KeysView, width: int) -> Content:
        keys = fit(
            [
                Piece(
                    -place,
                    line((key.key, f"bold {WARN} @click={key.action}"), (f" {key.label}", f"@click={key.action}")),
                )
                for place, key in enumerate(view.keys)
            ],
            width,
            "   " if width >= 100 else "  ",
        )
        if not view.tabs:
            return spread(keys, line(("ctrl+p", f"bold {WARN}"), (" all commands", DIM)), width)
        names = [line((name, f"bold {TITLE}" if chosen else DIM)) for name, chosen in view.tabs]
        tabs = Content.assemble(("tab ", f"bold {WARN}"), Content(" ").join(names))
        if tabs.cell_length + keys.cell_length + 2 > width:
            place = next((number for number, (_, chosen) in enumerate(view.tabs, 1) if chosen), 0)
            tabs = line(("tab", f"bold {WARN}"), (f" panel {place} of {len(view.tabs)}", DIM))
        return spread(keys, tabs, width)
