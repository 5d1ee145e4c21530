"""Rows of a form: labels, what is typed or chosen, and under them what is wrong or worth knowing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Collapsible, Input, Label

from autotune_tui.model.value import Value, frozen
from autotune_tui.suggest import Proposal
from autotune_tui.ui.theme import BAD, DIM
from autotune_tui.ui.wizard.choice import Choice
from autotune_tui.ui.wizard.draft import Draft
from autotune_tui.ui.wizard.schema import specs
from autotune_tui.ui.wizard.text import Text

LABEL = 13
"""Cells of a row's first label."""


@frozen
class Entry(Value):
    """A field's place in a row. `width` is that of its label and input together; 0: all that is left."""

    name: str
    label: str = ""
    width: int = 0
    words: Mapping[str, str] = field(default_factory=dict)
    """Labels of its choices, where they are not the values themselves."""
    placeholder: str = ""


class Typed(Message):
    """A field has another value."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self.name = name
        self.text = text


class TextField(Input):
    """One line of text, with proposals to go through.

    | key | what it does |
    | --- | --- |
    | up, down | the proposal before, after; without any, the field above, below |
    | enter | the next field |
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "propose(1)", "Next proposal", show=False),
        Binding("up", "propose(-1)", "Proposal before", show=False),
        Binding("enter", "app.focus_next", "Next field", show=False),
    ]

    def __init__(self, name: str, value: str, *, placeholder: str) -> None:
        super().__init__(value, placeholder, compact=True, select_on_focus=False, id=widget_id(name), name=name)
        self.proposals: tuple[str, ...] = ()

    def action_propose(self, by: int) -> None:
        if not self.proposals:
            self.screen.focus_next() if by > 0 else self.screen.focus_previous()
            return
        now = self.proposals.index(self.value) if self.value in self.proposals else (-1 if by > 0 else 0)
        self.value = self.proposals[(now + by) % len(self.proposals)]
        self.cursor_position = len(self.value)


class FieldRow(Vertical):
    """One or more fields side by side, and a line for what there is to say about them."""

    DEFAULT_CSS = """
    FieldRow { height: auto; }
    FieldRow > Horizontal { height: auto; }
    FieldRow Label { color: $text-muted; padding: 0 1 0 0; }
    FieldRow TextField { width: 1fr; background: $panel; padding: 0 1; margin-right: 1; }
    FieldRow TextField:focus { background: $block-cursor-background; }
    FieldRow .message { height: auto; display: none; padding: 0 1 0 13; }
    """

    def __init__(self, *entries: Entry, draft: Draft, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entries = entries
        self._draft = draft
        self._errors: Mapping[str, str] = {}
        self._note: Content | str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries)

    def compose(self) -> ComposeResult:
        with Horizontal():
            for place, entry in enumerate(self.entries):
                text = entry.label or specs()[entry.name].label
                label = Label(text)
                room = max(LABEL, len(text) + 1) if place == 0 else len(text) + 2
                label.styles.width = room
                yield label
                control = self._control(entry)
                if entry.width:
                    control.styles.width = max(entry.width - room, 4)
                yield control
        yield Text(classes="message")

    def _control(self, entry: Entry) -> Choice | TextField:
        spec = specs()[entry.name]
        value = self._draft.shown(entry.name)
        if spec.kind == "choice":
            options = [(choice, entry.words.get(choice, choice.replace("_", " "))) for choice in spec.choices]
            return Choice(options, value or spec.default, id=widget_id(entry.name))
        if spec.kind == "flag":
            return Choice([("true", "yes"), ("false", "no")], value or spec.default, id=widget_id(entry.name))
        return TextField(entry.name, value, placeholder=entry.placeholder or spec.default)

    def control(self, name: str) -> Choice | TextField:
        """The widget that the field is typed or chosen in."""
        kind: type[Choice] | type[TextField] = Choice if specs()[name].kind in ("choice", "flag") else TextField
        return self.query_one(f"#{widget_id(name)}", kind)

    def set(self, name: str, text: str) -> None:
        """Show another value."""
        control = self.control(name)
        if control.value != (text or (specs()[name].default if isinstance(control, Choice) else "")):
            control.value = text
            if isinstance(control, TextField):
                control.cursor_position = len(text)

    def focus_on(self, name: str) -> None:
        """Put the cursor into a field, which may be folded away."""
        control = self.control(name)
        if self._unfold():
            self.call_after_refresh(control.focus)
        else:
            control.focus()

    def _unfold(self) -> bool:
        """Whether the group that it is in was folded until now."""
        group = next((each for each in self.ancestors if isinstance(each, Group)), None)
        folded = group is not None and group.collapsed
        if group is not None:
            group.collapsed = False
        return folded

    def propose(self, name: str, proposals: Sequence[str]) -> None:
        """What up and down go through."""
        control = self.control(name)
        if isinstance(control, TextField):
            control.proposals = tuple(proposals)

    def say(self, note: Content | str) -> None:
        """A remark under the fields; what is wrong takes its place."""
        self._note = note
        self._show_message()

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """What is wrong, by field; those of other rows are passed over."""
        mine = {name: words for name, words in errors.items() if name in self.names}
        if mine:
            self._unfold()
        if mine != self._errors:
            self._errors = mine
            self._show_message()

    def _show_message(self) -> None:
        message = self.query_one(".message", Text)
        words = next(iter(self._errors.values()), "")
        message.show(Content.styled(f"✗ {words}", BAD) if words else _note(self._note))
        message.display = bool(words or self._note)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.name:
            self.post_message(Typed(event.input.name, event.value))

    @on(Choice.Changed)
    def _chosen(self, event: Choice.Changed) -> None:
        event.stop()
        name = next(entry.name for entry in self.entries if widget_id(entry.name) == event.choice.id)
        self.post_message(Typed(name, event.value))


class Group(Collapsible):
    """The fields of a table that few people set, folded under one line that names them."""

    DEFAULT_CSS = """
    Group { height: auto; border: none; padding: 0; background: $background; }
    Group > CollapsibleTitle { padding: 0; width: 1fr; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    Group > Contents { padding: 0 0 0 2; height: auto; }
    """

    def __init__(self, table: str, names: Sequence[str], draft: Draft) -> None:
        labels = [specs()[name].label.lower() for name in names]
        rows = [FieldRow(Entry(name), draft=draft) for name in names]
        title = f"{table.removeprefix('agent_')} agent" if table.startswith("agent_") else table.replace("_", " ")
        super().__init__(*rows, title=f"{title.capitalize()}: {_some(labels, 58 - len(title))}")


def propose(row: FieldRow, proposals: Sequence[Proposal], draft: Draft, nothing: str = "") -> None:
    """Offer commands that were found in the row's first field, and say why the one that stands there is offered."""
    name = row.names[0]
    commands = [proposal.command for proposal in proposals]
    row.propose(name, commands)
    why = next((proposal.why for proposal in proposals if proposal.command == draft.text(name).strip()), "")
    others = len(commands) - bool(why)
    keys = f"↓ {others} more" if others else ""
    row.say(
        "   ".join(part for part in (f"found: {why}" if why else "", keys) if part) or ("" if proposals else nothing)
    )


def _some(labels: Sequence[str], width: int) -> str:
    """As many of the labels as fit, none of them cut, and how many more there are."""
    shown = list(labels)
    while len(", ".join(shown)) > width:
        shown.pop()
    left = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _note(note: Content | str) -> Content:
    return note if isinstance(note, Content) else Content.styled(note, DIM)


def widget_id(name: str) -> str:
    """The id of a field's widget: `metric-source`."""
    return name.replace(".", "-")


def field_of(widget_id: str | None) -> str:
    """The field that a widget's id is about; empty when it is about none."""
    return next((name for name in specs() if name.replace(".", "-") == widget_id), "")
