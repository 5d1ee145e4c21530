"""Step 7: all parameters in one table, and the button that starts; nothing has been started before it (S1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Label, OptionList
from textual.widgets.option_list import Option

from autotune_tui.ui.theme import BAD, DIM, WARN
from autotune_tui.ui.wizard.choice import Choice
from autotune_tui.ui.wizard.draft import READ_BY, Draft
from autotune_tui.ui.wizard.preflight import verdict
from autotune_tui.ui.wizard.schema import specs
from autotune_tui.ui.wizard.step import Step
from autotune_tui.ui.wizard.text import Text

_NAME, _ORIGIN = 28, 10


class Table(OptionList):
    """The parameters; enter goes to the step where one is set."""

    def __init__(self) -> None:
        super().__init__()
        self.border_title = "Everything that the session will do"
        self.border_subtitle = "enter goes to where it is set"


def row(draft: Draft, name: str, wrong: bool, width: int) -> Content:
    """One parameter: its name in autotune.toml, its value, and who set it."""
    origin = draft.origin(name)
    room = max(width - _NAME - _ORIGIN, 10)
    value = draft.value(name)
    shown = value if len(value) <= room else value[: room - 1] + "…"
    if wrong:
        words = f"✗ {'wrong' if draft.text(name).strip() else 'missing'}; enter goes there"
        return Content.assemble(f"{name:<{_NAME}}", (words, BAD))
    style = DIM if origin == "default" else ""
    return Content.assemble(
        (f"{name:<{_NAME}}", style), (f"{shown or '—':<{room}}", style or "bold"), (f"{origin:>{_ORIGIN}}", DIM)
    )


def shown_names(draft: Draft) -> list[str]:
    """What was set first, then the defaults; without the fields of other sources and other agents."""
    source = draft.value("metric.source")
    agents = {re.split("[:@]", name)[0] for name in (draft.value("agent"), *draft.value("rivals").split())}
    names = [
        name
        for name in specs()
        if source in READ_BY.get(name, (source,)) and not (name.startswith("agent_") and not _used(name, agents))
    ]
    return sorted(names, key=lambda name: draft.origin(name) == "default")


def _used(name: str, agents: set[str]) -> bool:
    return "auto" in agents or any(name.startswith(f"agent_{agent}.") for agent in agents)


class SummaryStep(Step):
    title: ClassVar[str] = "Start"

    DEFAULT_CSS = """
    SummaryStep #state { height: auto; }
    SummaryStep Table {
        height: 1fr; min-height: 6; border: round $border-blurred; background: $background; scrollbar-size-vertical: 1;
        border-title-color: $text-accent; border-title-background: $background;
        border-subtitle-color: $text-muted; border-subtitle-background: $background; text-wrap: nowrap;
    }
    SummaryStep Table:focus { border: round $accent; }
    SummaryStep Horizontal { height: 1; margin-top: 0; }
    SummaryStep Horizontal Label { color: $text-muted; margin-right: 1; }
    SummaryStep #share { width: 16; }
    SummaryStep #start { height: 1; min-width: 28; border: none; }
    SummaryStep #outcome { height: auto; }
    """

    class Start(Message):
        """The user confirmed: set the session up."""

    def compose(self) -> ComposeResult:
        yield Text(id="state")
        yield Table()
        with Horizontal():
            yield Label("Also write autotune.toml to the repository, to be committed")
            yield Choice([("no", "no"), ("yes", "yes")], "yes" if self.draft.share else "no", id="share")
        yield Button("Start the session", id="start", compact=True, variant="primary")
        yield Text(id="outcome")

    def entered(self) -> None:
        self.call_after_refresh(self._show)

    def bring(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self._show()

    def help_for(self, focused: object) -> str:
        if isinstance(focused, Button):
            return (
                "enter sets the session up and starts its engine, which works on a branch and in worktrees of its own; "
                "your checkout is never written."
            )
        if isinstance(focused, Table) and (option := focused.highlighted_option):
            spec = specs().get(option.id or "")
            return spec.help if spec else ""
        return ""

    def confirm(self) -> None:
        """Go to the button; a second step, so that nothing starts by holding a key down."""
        self.query_one("#start", Button).focus()

    def say(self, words: Content | str) -> None:
        """What came of the start."""
        self.query_one("#outcome", Text).show(words)

    def _show(self) -> None:
        if not self.is_mounted:
            return
        wrong = self.draft.problems()
        table = self.query_one(Table)
        at = table.highlighted or 0
        names = shown_names(self.draft)
        width = max(table.scrollable_content_region.width - 2, 40)
        table.clear_options()
        table.add_options(Option(row(self.draft, name, name in wrong, width), id=name) for name in names)
        table.highlighted = min(at, len(names) - 1)
        self.query_one("#start", Button).disabled = bool(wrong)
        self.query_one("#state", Text).show(self._state(wrong))

    def _state(self, wrong: Mapping[str, str]) -> Content:
        if wrong:
            return Content.styled(f"✗ Not yet: {', '.join(wrong)}", BAD)
        if self.setup.checked == self.draft.toml():
            return Content.assemble("Preflight: ", verdict(*self.setup.findings))
        return Content.styled("! The preflight was not run with these parameters; ctrl+b goes back to it.", WARN)

    @on(Button.Pressed, "#start")
    def _start(self) -> None:
        self.post_message(self.Start())

    @on(Choice.Changed, "#share")
    def _share(self, event: Choice.Changed) -> None:
        event.stop()
        self.draft.share = event.value == "yes"
