"""Step 3: which files may be changed, as a tree and as the patterns that it comes from."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from autotune_tui.errors import ConfigError
from autotune_tui.scope import locked_paths
from autotune_tui.ui.theme import BAD, DIM
from autotune_tui.ui.wizard import words
from autotune_tui.ui.wizard.form import Entry as Field
from autotune_tui.ui.wizard.form import FieldRow
from autotune_tui.ui.wizard.scope import GLYPHS, Entry, ScopeTree, State, switched
from autotune_tui.ui.wizard.step import Step
from autotune_tui.ui.wizard.text import Text as Words

_COUNTS = 31
"""Cells for the counts at the right."""
_LOCKS = ("benchmark.command", "benchmark.setup", "checks.command", "scope.include", "scope.exclude")
"""The fields that the tree depends on."""


class ScopeView(Tree[Entry]):
    """The files of the repository.

    | key | what it does |
    | --- | --- |
    | space | in or out of the scope, a folder with all that is in it |
    | enter, right, left | open, close a folder |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "In or out", show=False),
        Binding("right", "unfold(True)", "Open", show=False),
        Binding("left", "unfold(False)", "Close", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"scope--in", "scope--part", "scope--out", "scope--locked"}

    class Switched(Message):
        """A file or folder is to change sides."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.guide_depth = 2
        self.show_guides = False
        self._scope: ScopeTree | None = None

    def show(self, scope: ScopeTree) -> None:
        """Show the tree as it is now; what was open stays open."""
        first = self._scope is None
        self._scope = scope
        if first:
            self.root.data = scope.entry("")
            self._open(self.root)
            self.root.expand()
            self.move_cursor(self.root)
        else:
            for node in self._all(self.root):
                if node.data:
                    node.data = scope.entry(node.data.path)
                    node.refresh()
            self._updates += 1
            self.refresh()

    def _all(self, node: TreeNode[Entry]) -> list[TreeNode[Entry]]:
        return [node, *(inner for child in node.children for inner in self._all(child))]

    def _open(self, node: TreeNode[Entry]) -> None:
        if self._scope is None or node.data is None or node.children:
            return
        for entry in self._scope.below(node.data.path):
            node.add(entry.name, entry, allow_expand=entry.folder)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Entry]) -> None:
        self._open(event.node)

    def render_label(self, node: TreeNode[Entry], base_style: Style, style: Style) -> Text:
        if node.data is None:
            return Text(str(node.label), style)
        entry = node.data
        depth = len(entry.path.split("/")) if entry.path else 0
        state = entry.count.state
        name = (entry.name if entry.path else str(node.label)) or "."
        fold = ("▾ " if node.is_expanded else "▸ ") if node.allow_expand else "  "
        head = f"{fold}{GLYPHS[state]} {state:<7}{name}"
        room = max(self.scrollable_content_region.width - _COUNTS - depth * self.guide_depth, 12)
        text = Text(head if len(head) <= room else head[: room - 1] + "…", style)
        text.stylize(self.get_component_rich_style(f"scope--{state}", partial=True), 2, 10)
        text.pad_right(room - text.cell_len)
        text.append(counts(entry), style + self.get_component_rich_style("scope--out", partial=True))
        return text

    def action_switch(self) -> None:
        if self.cursor_node and self.cursor_node.data:
            self.post_message(self.Switched(self.cursor_node.data.path))

    def action_unfold(self, wide: bool) -> None:
        node = self.cursor_node
        if node is None:
            return
        if wide and node.allow_expand and not node.is_expanded:
            node.expand()
        elif not wide and node.is_expanded:
            node.collapse()
        elif not wide and node.parent:
            self.move_cursor(node.parent)


def counts(entry: Entry) -> str:
    """How much of it may be changed, of how much."""
    count = entry.count
    if not entry.folder:
        return f"{count.lines:>16,} lines"
    shown: State = count.state
    files = f"{count.inside} of {count.files}" if shown == "part" else f"{count.files}"
    return (
        f"{files:>9} files {count.lines:>8,} lines" if count.files != 1 else f"{files:>9} file  {count.lines:>8,} lines"
    )


class ScopeStep(Step):
    title: ClassVar[str] = "Scope"
    owns: ClassVar[tuple[str, ...]] = ("scope",)

    DEFAULT_CSS = """
    ScopeStep #counts { height: auto; margin: 1 0 0 0; }
    ScopeStep ScopeView {
        height: 1fr; min-height: 6; border: round $border-blurred; background: $background; scrollbar-size-vertical: 1;
        border-title-color: $text-accent; border-title-background: $background;
        border-subtitle-color: $text-muted; border-subtitle-background: $background;
    }
    ScopeStep ScopeView:focus { border: round $accent; }
    ScopeView > .scope--in { color: $text-success; }
    ScopeView > .scope--part { color: $text-warning; }
    ScopeView > .scope--out { color: $foreground 60%; }
    ScopeView > .scope--locked { color: $text-secondary; }
    """

    def compose(self) -> ComposeResult:
        yield FieldRow(
            Field("scope.include", placeholder="such as: src/**, or choose below with space"), draft=self.draft
        )
        yield FieldRow(Field("scope.exclude", placeholder="nothing"), draft=self.draft)
        yield Words(id="counts")
        view = ScopeView(self.setup.root.name)
        view.border_title = "Files that git tracks"
        view.border_subtitle = "space: in or out"
        yield view

    def bring(self) -> None:
        super().bring()
        self._draw()

    def entered(self) -> None:
        self._draw()

    def typed(self, name: str) -> None:
        if name in _LOCKS:
            self._draw()

    def help_for(self, focused: object) -> str:
        if isinstance(focused, ScopeView):
            return (
                "space takes a file or folder in or out. Locked is what a command names, and git's own files; "
                "space names a locked file in the scope, which unlocks it."
            )
        return super().help_for(focused)

    @work(exclusive=True, group="scope")
    async def _draw(self) -> None:
        """In a thread: matching 20,000 files takes some tenths of a second."""
        files = self.setup.look.files
        include, exclude = (words.split(self.draft.text(name)) for name in ("scope.include", "scope.exclude"))
        commands = [self.draft.text(name) for name in _LOCKS[:3]]
        locked = locked_paths(commands, include, files.__contains__)
        try:
            scope = await asyncio.to_thread(ScopeTree, files, include, exclude, locked)
        except ConfigError as error:
            self.query_one("#counts", Words).show(Content.styled(f"✗ {error.title}. {error.message}", BAD))
            return
        self.query_one("#counts", Words).show(scope_words(scope))
        self.query_one(ScopeView).show(scope)

    def on_scope_view_switched(self, event: ScopeView.Switched) -> None:
        include, exclude = (words.split(self.draft.text(name)) for name in ("scope.include", "scope.exclude"))
        include, exclude = switched(self.setup.look.files, include, exclude, event.path)
        for name, patterns in (("scope.include", include), ("scope.exclude", exclude)):
            next(row for row in self.rows() if name in row.names).set(name, words.join(patterns))


def scope_words(scope: ScopeTree) -> Content:
    """The scope in a line."""
    total = scope.total
    parts = [
        (
            f"{GLYPHS['in']} {total.inside:,} of {total.files:,} files may be changed",
            "bold" if total.inside else BAD,
        ),
        (f", {total.inside_lines:,} of {total.lines:,} lines", ""),
        (f"   {GLYPHS['locked']} {total.locked:,} locked", DIM),
    ]
    return Content.assemble(*parts)
