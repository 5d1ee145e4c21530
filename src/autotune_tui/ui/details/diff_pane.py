"""The tab that shows what an experiment changed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from autotune_tui.ui.details.diff import DiffLines, FileDiff, parse
from autotune_tui.ui.details.line_view import LineView
from autotune_tui.ui.details.pane import Context, Pane, empty_note, why_missing
from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import DIM

_COMING = "The change appears here once the agent has made it and it is committed."
_NEVER = "It ended before a change was made. Else its diff would stand here."
_LIST_FROM = 100
"""Columns from which on there is room for a list of the files."""


class DiffPane(Pane):
    """The patch with line numbers and the colours of its language; the files are listed at the left when there are several."""

    DEFAULT_CSS: ClassVar[str] = """
    DiffPane #files { width: 34; height: 1fr; display: none; border: none; border-right: solid $border-blurred; padding: 0; }
    DiffPane.-several #files { display: block; }
    DiffPane #files:focus { background: $background; }
    """

    artifact = "diff.patch"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._patch = ""
        self._files: tuple[FileDiff, ...] = ()

    def compose(self) -> ComposeResult:
        yield empty_note()
        with Horizontal():
            yield OptionList(id="files", compact=True)
            yield LineView(id="diff")

    def show(self, context: Context) -> None:
        self.context = context
        patch = self.text()
        self.say_empty("" if patch.strip() else why_missing(context.subject, "its diff", _COMING, _NEVER))
        if patch != self._patch:
            self._patch, self._files = patch, parse(patch)
            self.query_one(LineView).show(DiffLines(self._files))
            self._list()

    def on_resize(self) -> None:
        self.set_class(len(self._files) > 1 and self.size.width >= _LIST_FROM, "-several")

    def _list(self) -> None:
        names = self.query_one("#files", OptionList)
        names.clear_options()
        names.add_options(Option(_name(file)) for file in self._files)
        names.highlighted = 0 if self._files else None
        self.on_resize()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        view = self.query_one(LineView)
        if isinstance(view.source, DiffLines) and event.option_list.has_focus:
            view.scroll_to(y=view.source.first_line(event.option_index), animate=False)


def _name(file: FileDiff) -> Content:
    folder, _, name = file.path.rpartition("/")
    counts = line("  ", (f"+{file.added}", "$text-success"), " ", (f"-{file.removed}", "$text-error"))
    return line((name, "bold"), counts, (f"\n  {folder}" if folder else "", DIM))
