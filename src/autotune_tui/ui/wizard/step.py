"""The base of the wizard's steps: a page of rows that knows its fields, shows what is wrong and brings the draft on screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget

from autotune_tui.suggest import Look
from autotune_tui.ui.wizard.draft import Draft
from autotune_tui.ui.wizard.form import FieldRow, TextField, field_of
from autotune_tui.ui.wizard.schema import specs


@dataclass
class Setup:
    """What the steps share: the repository, what was found in it, and what was typed."""

    root: Path
    look: Look = field(default_factory=Look)
    draft: Draft = field(default_factory=Draft)
    trial_seconds: float = 0.0
    """How long the last single run took; 0 before there was one."""
    checked: str = ""
    """The configuration that the last complete preflight was for."""
    findings: tuple[int, int, int] = (0, 0, 0)
    """How many of its lines passed, warned, failed."""


class Step(VerticalScroll, can_focus=False):
    """One page. Subclasses compose rows and say which fields and tables are theirs."""

    title: ClassVar[str] = ""
    owns: ClassVar[tuple[str, ...]] = ()
    """Names of fields, and of tables with all their fields."""
    can_run: ClassVar[bool] = False
    """Whether F5 does something here."""

    DEFAULT_CSS = """
    Step { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; background: $background; }
    """

    class Running(Message):
        """Something began or ended that F5 started."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(id=f"step-{self.title.lower()}")
        self.setup = setup
        self._rows: tuple[FieldRow, ...] = ()
        self.insisted = False
        """Whether what is missing is an error already: after the user wanted to go on without it."""

    @property
    def draft(self) -> Draft:
        return self.setup.draft

    @property
    def running(self) -> bool:
        return False

    def rows(self) -> tuple[FieldRow, ...]:
        """Its rows of fields, which stay the same once they are there."""
        if not self._rows:
            self._rows = tuple(self.query(FieldRow))
        return self._rows

    def bring(self) -> None:
        """Show the draft as it is now."""
        for row in self.rows():
            for name in row.names:
                row.set(name, self.draft.shown(name))

    def typed_texts(self) -> Iterator[tuple[str, str]]:
        """What stands in the fields that one types into, by name."""
        for row in self.rows():
            for control in row.query(TextField):
                if control.name:
                    yield control.name, control.value

    def entered(self) -> None:
        """The step is shown now."""

    def typed(self, name: str) -> None:
        """A field of any step has another value."""

    def help_for(self, focused: object) -> str:
        """What there is to know about the widget that has the focus."""
        spec = specs().get(field_of(focused.id)) if isinstance(focused, Widget) else None
        return f"{spec.name}: {spec.help}" if spec else ""

    def hold(self) -> str:
        """Why one should not go on yet, although nothing is wrong; told once."""
        return ""

    def say_held(self, words: str) -> None:
        """Show what `hold` said."""

    def run_it(self) -> None:
        """F5."""

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """What is wrong with this step's fields. A field without any text is only missed after the user wanted to go on."""
        shown = {
            name: words
            for name, words in errors.items()
            if self.insisted or (name in specs() and self.draft.text(name).strip())
        }
        for row in self.rows():
            row.show_errors(shown)
