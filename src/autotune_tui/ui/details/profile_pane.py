"""The tab that shows where the incumbent spent its time before the experiment."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from autotune_tui.ui.details.line_view import LineView
from autotune_tui.ui.details.pane import Context, Pane, empty_note, why_missing
from autotune_tui.ui.details.profile import LEAST_SHARE, Call, ProfileView, parse, samples_of
from autotune_tui.ui.details.sample_plot import bar
from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import DIM
from autotune_tui.ui.widgets.ends import Ends

_COMING = "The profile of the incumbent appears here once it was taken, at the beginning of the experiment."
_NEVER = (
    "No profile was taken for this experiment: the incumbent was the same as in the one before, or it has no profiler."
)
_OPEN_FROM = 0.1
"""Share of the samples from which on a call is unfolded at first."""
_BAR = 8


class ProfilePane(Pane):
    """The calls as a tree that can be folded, the hot path open, and the functions with the most time of their own."""

    DEFAULT_CSS: ClassVar[str] = """
    ProfilePane > #about { height: 1; padding: 0 1; color: $text-muted; }
    ProfilePane > Container { layout: vertical; height: 1fr; }
    ProfilePane Tree { height: 3fr; padding: 0 1; background: $background; scrollbar-size-vertical: 1; }
    ProfilePane Tree, ProfilePane LineView { scrollbar-color: $border; scrollbar-background: $background; }
    ProfilePane Tree:focus { background-tint: transparent; }
    ProfilePane LineView { height: 2fr; padding: 0 1; border-top: solid $border-blurred; }
    ProfilePane.-wide > Container { layout: horizontal; }
    ProfilePane.-wide Tree { height: 1fr; width: 3fr; }
    ProfilePane.-wide LineView { height: 1fr; width: 2fr; border-top: none; border-left: solid $border-blurred; }
    """

    artifact = "profile.folded"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield empty_note()
        yield Ends(id="about")
        with Container():
            tree: Tree[Call] = Tree("", id="calls")
            tree.show_root = False
            tree.guide_depth = 2
            yield tree
            yield LineView(id="functions")

    def on_resize(self) -> None:
        self.set_class(self.size.width >= 120, "-wide")

    def show(self, context: Context) -> None:
        self.context = context
        text = self.text()
        self.say_empty("" if text.strip() else why_missing(context.subject, "its profile", _COMING, _NEVER))
        if text != self._shown:
            self._shown = text
            samples = samples_of(self.text("profile-snapshot.txt"))
            self.load(partial(parse, text, samples), self._show)

    def copyable(self) -> str:
        return self.text("profile-snapshot.txt") or self._shown

    def _show(self, view: ProfileView) -> None:
        tree: Tree[Call] = self.query_one("#calls", Tree)
        tree.clear()
        tree.root.expand()
        _grow(tree.root, view.root, view.samples)
        self.query_one("#functions", LineView).show(FunctionLines(view))
        rest = 1 - view.root.total / view.samples if view.samples else 0.0
        start = f" · {rest:.0%} in the interpreter's start".replace("%", " %") if rest >= LEAST_SHARE else ""
        words = Content(f"{view.samples:,} samples of the incumbent{start}")
        self.query_one("#about", Ends).show(words, Content("bold: in the worktree  ⏎ fold"))


def _grow(node: TreeNode[Call], call: Call, samples: int) -> None:
    """Add the calls that are not too light to matter, the heaviest first."""
    for inner in call.heaviest():
        share = inner.total / samples
        if share < LEAST_SHARE:
            continue
        label = _label(inner, samples)
        if any(each.total / samples >= LEAST_SHARE for each in inner.calls.values()):
            _grow(node.add(label, inner, expand=share >= _OPEN_FROM), inner, samples)
        else:
            node.add_leaf(Text("  ").append_text(label), inner)  # where the others have their arrow


def _label(call: Call, samples: int) -> Text:
    share, alone = call.total / samples, call.alone / samples
    label = Text.assemble(
        (f"{share:6.1%} ".replace("%", " %"), ""),
        (f"{bar(share, _BAR):<{_BAR}} ", ""),
        (call.function.name, "bold" if call.function.ours else ""),
        (f"  {call.function.where}", "dim"),
    )
    if alone >= LEAST_SHARE and call.calls:
        label.append(f"  itself {alone:.1%}".replace("%", " %"), "dim")
    return label


class FunctionLines:
    """The table of functions, for a `LineView`; the first line is its heading."""

    def __init__(self, view: ProfileView) -> None:
        self._rows = view.rows
        self._names = max((len(row.function.name) for row in view.rows), default=0)
        self.count = len(view.rows) + 1
        self.width = self._names + max((len(row.function.where) for row in view.rows), default=0) + 30

    def line(self, y: int, width: int) -> Content:
        if y == 0:
            return line(("   itself             total  function", DIM))
        row = self._rows[y - 1]
        return line(
            f"{100 * row.alone:6.1f} % ",
            (f"{bar(row.alone, 10):<10}", "$primary"),
            f" {100 * row.total:5.1f} %  ",
            (f"{row.function.name:<{self._names}}  ", "bold" if row.function.ours else ""),
            (row.function.where, DIM),
        )
