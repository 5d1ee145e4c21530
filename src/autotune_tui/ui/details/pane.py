"""The base of the details screen's tabs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from textual import work
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from autotune_tui.model.events import Sample
from autotune_tui.model.value import Value, frozen
from autotune_tui.text import harmless
from autotune_tui.ui.details.subject import Subject

T = TypeVar("T")
MOST_TEXT = 4 << 20
"""Bytes of a document or a patch that are read."""


@frozen
class Context(Value):
    """What a tab may need to know to show an experiment."""

    subject: Subject
    journal: Path | None
    calibration: Sequence[Sample]
    """Of the current segment."""
    now: str


class Pane(Vertical):
    """One tab. While it has nothing to show, it says what would be there.

    `show` is called whenever the tab comes into sight or the journal has changed; `artifact` is the name of the file that
    the tab is about, which the editor opens.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Pane > #empty { display: none; height: 1fr; content-align: center middle; padding: 0 4; color: $text-muted; }
    Pane.-empty > * { display: none; }
    Pane.-empty > #empty { display: block; }
    """

    artifact: str = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.context: Context | None = None

    def show(self, context: Context) -> None:
        """Show this experiment."""
        raise NotImplementedError

    def copyable(self) -> str:
        """What the copy command takes."""
        return self.text()

    def file(self) -> Path | None:
        """What the editor opens; None when there is nothing."""
        return self._path(self.artifact)

    def say_empty(self, why: str) -> None:
        """Show `why` in place of the content; an empty text shows the content."""
        self.set_class(bool(why), "-empty")
        self.query_one("#empty", Static).update(Content(why))

    @work(exclusive=True)
    async def load(self, read: Callable[[], T], show: Callable[[T], None]) -> None:
        """Read in a thread, then show; an earlier reading that is still under way is given up."""
        show(await asyncio.to_thread(read))

    def text(self, name: str = "") -> str:
        """The text of the artifact, or of the file `name` beside it, safe to show; empty when there is none."""
        path = self._path(name or self.artifact)
        if path is None:
            return ""
        with path.open("rb") as file:
            return harmless(file.read(MOST_TEXT).decode(errors="replace"))

    def _path(self, name: str) -> Path | None:
        folder = self.context.subject.folder if self.context else None
        path = folder / name if folder else None
        return path if path is not None and path.is_file() else None


def empty_note() -> Static:
    """The widget that a pane shows while it is empty; the first of its children."""
    return Static(id="empty")


def why_missing(subject: Subject, what: str, coming: str, never: str) -> str:
    """The words for an artifact that is not there: still to come, never made, or not kept by the journal's tool."""
    if subject.running is not None:
        return coming
    if subject.folder is None:
        return f"This journal lies alone: {what} would be in the experiment's folder, which is not here."
    return never
