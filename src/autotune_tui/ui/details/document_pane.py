"""A tab that shows one of the experiment's documents: its plan, or what was learned from it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown

from autotune_tui.ui.details.pane import Context, Pane, empty_note, why_missing


class DocumentPane(Pane):
    """Shows a Markdown file. Links are not followed: an agent may have written them."""

    DEFAULT_CSS: ClassVar[str] = """
    DocumentPane VerticalScroll {
        padding: 0 1; scrollbar-size-vertical: 1; scrollbar-color: $border; scrollbar-background: $background;
    }
    DocumentPane Markdown { padding: 0 1; margin: 0; max-width: 100; }
    DocumentPane MarkdownH1 { display: none; }
    DocumentPane MarkdownH2 { color: $text-accent; text-style: bold; margin: 1 0 0 0; padding: 0; }
    DocumentPane MarkdownH3 { color: $text-accent; text-style: none; margin: 1 0 0 0; padding: 0; }
    DocumentPane MarkdownParagraph, DocumentPane MarkdownBulletList, DocumentPane MarkdownOrderedList { margin: 0; }
    DocumentPane MarkdownFence { margin: 1 0; max-height: 100; }
    """

    def __init__(self, artifact: str, what: str, coming: str, never: str, *, id: str) -> None:
        super().__init__(id=id)
        self.artifact, self._what, self._coming, self._never = artifact, what, coming, never
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield empty_note()
        with VerticalScroll(can_focus=True):
            yield Markdown(open_links=False)

    def show(self, context: Context) -> None:
        self.context = context
        text = self.text()
        self.say_empty("" if text else why_missing(context.subject, self._what, self._coming, self._never))
        if text != self._shown:
            self._shown = text
            self.query_one(Markdown).update(text)
            self.query_one(VerticalScroll).scroll_home(animate=False)
