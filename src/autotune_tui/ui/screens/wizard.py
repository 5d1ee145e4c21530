"""The setup wizard: seven steps from a repository to a session. It starts nothing before it is confirmed (S1, S3, S9, S12)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widgets import ContentSwitcher, OptionList

from autotune_tui.config import dump, load
from autotune_tui.errors import AutotuneError
from autotune_tui.journal.files import find_sessions
from autotune_tui.suggest import Look
from autotune_tui.ui.theme import BAD, DIM
from autotune_tui.ui.wizard import frame
from autotune_tui.ui.wizard.beginning import beginnings, suggestions
from autotune_tui.ui.wizard.benchmark import BenchmarkStep
from autotune_tui.ui.wizard.dialog import Answer, Question, Words
from autotune_tui.ui.wizard.draft import Draft, about
from autotune_tui.ui.wizard.drafts import DraftStore
from autotune_tui.ui.wizard.form import TextField, Typed
from autotune_tui.ui.wizard.goal import GoalStep, Recipes
from autotune_tui.ui.wizard.limits import AgentStep, ChecksStep
from autotune_tui.ui.wizard.preflight import PreflightStep
from autotune_tui.ui.wizard.process import json_lines
from autotune_tui.ui.wizard.scope_step import ScopeStep
from autotune_tui.ui.wizard.step import Setup, Step
from autotune_tui.ui.wizard.summary import SummaryStep, Table
from autotune_tui.ui.wizard.text import Text

STEPS: tuple[type[Step], ...] = (GoalStep, BenchmarkStep, ScopeStep, ChecksStep, AgentStep, PreflightStep, SummaryStep)
LAST = len(STEPS) - 1
PREVIEW_FROM = 124
"""Columns from which on the file that will be written is shown beside the form."""
ROOMY_FROM = 36
"""Rows from which on there is a blank line between the rows of a form."""


class WizardScreen(Screen[str | None]):
    """Sets a session up; its result is the session's id, None when it was left.

    | key | what it does |
    | --- | --- |
    | f5 | runs what the step can run: the command once, the preflight |
    | ctrl+n, ctrl+b | the next step, the one before |
    | f1 | what the step is about |
    | escape | leaves, keeping a draft |
    """

    CSS_PATH = "wizard.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "run", "Run", priority=True, id="wizard.run"),
        Binding("ctrl+n", "next", "Next", priority=True, id="wizard.next"),
        Binding("ctrl+b", "back", "Back", priority=True, id="wizard.back"),
        Binding("f1,question_mark", "help", "Help", id="wizard.help"),
        Binding("escape", "leave", "Quit", id="wizard.leave"),
    ]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.setup = Setup(root)
        self.store = DraftStore(root)
        self._begun = False
        """Whether the repository has been looked at and the form is there."""
        self._found: Mapping[str, str] = {}
        """What is wrong with the draft, by field."""

    @property
    def draft(self) -> Draft:
        return self.setup.draft

    def compose(self) -> ComposeResult:
        yield Text(id="wizard-head", fixed=True)
        yield Text(id="wizard-steps", fixed=True)
        with Horizontal(id="wizard-body"):
            yield ContentSwitcher(Text("Looking at the repository …", id="looking"), initial="looking")
            yield Text(id="preview", fixed=True)
        yield Text(id="wizard-help", fixed=True)
        yield Text(id="wizard-keys", fixed=True)

    def on_mount(self) -> None:
        self.query_one("#preview").border_title = "autotune.toml"
        self._show_frame()
        self._look()

    def on_resize(self) -> None:
        self.query_one("#preview").display = self.size.width >= PREVIEW_FROM
        self.set_class(self.size.height >= ROOMY_FROM, "-roomy")
        self._show_frame()

    # --- the beginning: look at the repository, and from where to start

    @work
    async def _look(self) -> None:
        try:
            async with contextlib.aclosing(json_lines("init", "--suggest", "--json", str(self.setup.root))) as lines:
                async for record in lines:
                    self.setup.look = Look.from_record(record)
        except AutotuneError as error:
            words = "\n".join(part for part in (error.title, error.message, error.hint, "", "esc leaves") if part)
            self.query_one("#looking", Text).show(Content.styled(words, BAD))
            return
        if await self._choose_start():
            self._begun = True
            await self._go(self.draft.step)

    async def _choose_start(self) -> bool:
        """Ask where to start from, when there is something besides the repository itself (S9); whether it is a new session."""
        kept, sessions = self.store.load(), find_sessions(self.setup.root)
        shared = self.setup.root / "autotune.toml"
        titles = [step.title for step in STEPS]
        answers = beginnings(kept, shared.is_file(), [folder.id for folder in sessions], titles)
        chosen = ""
        if answers:
            chosen = await self.app.push_screen_wait(Question("A new session", "Where shall it start from?", answers))
        if chosen == "draft" and kept:
            self.setup.draft = kept.draft
        elif chosen.startswith("go on:"):
            self.dismiss(chosen.removeprefix("go on:"))
            return False
        elif chosen not in ("shared", "copy") or not self._copy(shared if chosen == "shared" else sessions[-1].config):
            self.draft.suggest(suggestions(self.setup.look))
        return True

    def _copy(self, file: Path) -> bool:
        """Fill in the fields of this configuration; whether it could be read."""
        try:
            self.draft.copy(load(file))
        except AutotuneError as error:
            self.app.push_screen(Words(error.title, f"{error.message}\n\nThe form starts from what was found here."))
            return False
        return True

    # --- steps

    async def _go(self, place: int) -> None:
        """Show a step, made at its first visit."""
        self.draft.step = min(max(place, 0), LAST)
        switcher = self.query_one(ContentSwitcher)
        kind = STEPS[self.draft.step]
        found = switcher.query(kind)
        step = found.first() if found else kind(self.setup)
        if not found:
            await switcher.mount(step)
            step.bring()
        switcher.current = step.id
        step.entered()
        self._validate()
        first = next((widget for widget in step.query("*") if widget.focusable), None)
        self.set_focus(first)
        self._show_help()
        self._save()

    @property
    def step(self) -> Step | None:
        """The step that is shown, None before there is any."""
        current = self.query_one(ContentSwitcher).visible_content
        return current if isinstance(current, Step) else None

    def action_next(self) -> None:
        self._after_typing(self._next)

    def action_back(self) -> None:
        self._after_typing(self._back)

    def action_run(self) -> None:
        self._after_typing(self._try)

    def action_leave(self) -> None:
        self._after_typing(self._leave)

    def _after_typing(self, act: Callable[[], object]) -> None:
        """These keys overtake those that are still on their way to the field that one types into."""
        if isinstance(self.focused, TextField):
            self.focused.call_later(self.call_later, act)
        else:
            self.call_later(act)

    async def _next(self) -> None:
        self._take_in()
        step = self.step
        if isinstance(step, SummaryStep):
            step.confirm()
        elif step is not None:
            step.insisted = True
            wrong = self._problems_of(self.draft.step, self.draft.problems())
            if wrong and not isinstance(step, PreflightStep):
                self._validate()
                self._focus_on(next(iter(wrong)))
            elif held := step.hold():
                step.say_held(held)
            else:
                await self._go(self.draft.step + 1)

    async def _back(self) -> None:
        self._take_in()
        if self.step is not None and self.draft.step:
            await self._go(self.draft.step - 1)

    def _try(self) -> None:
        self._take_in()
        if self.step is not None:
            self.step.run_it()
            self._validate()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._begun or action in ("leave", "help") or action not in ("next", "back", "run")

    def _problems_of(self, place: int, found: Mapping[str, str]) -> Mapping[str, str]:
        """Those that are mended in this step."""
        return {name: words for name, words in found.items() if place_of(name) == place}

    def _focus_on(self, name: str) -> None:
        if self.step is None:
            return
        for row in self.step.rows():
            if name in row.names:
                row.focus_on(name)

    # --- what is typed

    @on(Typed)
    def _typed(self, event: Typed) -> None:
        self._hear(event.name, event.text)

    def _hear(self, name: str, text: str) -> None:
        if self.draft.text(name) == text:
            return
        self.draft.values[name] = text
        for step in self.query(Step):
            step.typed(name)
        self._validate()

    def _take_in(self) -> None:
        """What was typed just before this key: a field's own message may come after it."""
        for name, text in self.step.typed_texts() if self.step is not None else ():
            self._hear(name, text)

    @on(Recipes.Taken)
    def _taken(self, event: Recipes.Taken) -> None:
        for step in self.query(Step):
            if not isinstance(step, GoalStep):
                step.bring()
        self.notify(f"{event.recipe.title}: command and metric are filled in", timeout=4)
        self._validate()

    @on(Step.Running)
    def _ran(self) -> None:
        self._show_frame()
        for summary in self.query(SummaryStep):
            summary.bring()

    def _validate(self) -> None:
        self._found = self.draft.problems() if self._begun else {}
        for step in self.query(Step):
            step.show_errors(self._found)
        self._show_frame()

    # --- the frame

    def _show_frame(self) -> None:
        width, step = self.size.width, self.step
        wrong = {place_of(name) for name in self._found}
        titles = [each.title for each in STEPS]
        self.query_one("#wizard-head", Text).show(frame.head(self.setup.root, self.draft.step, titles, width))
        self.query_one("#wizard-steps", Text).show(frame.steps(titles, self.draft.step, wrong, width))
        self.query_one("#wizard-keys", Text).show(
            frame.keys(can_run=step is not None and step.can_run, running=step is not None and step.running,
                       first=not self.draft.step, last=self.draft.step == LAST)
        )  # fmt: skip
        preview = self.query_one("#preview", Text)
        if preview.display:
            preview.show(self._preview())
        self._show_help()

    def _preview(self) -> Content:
        if self._begun and not self.draft.problems():
            return Content(dump(self.draft.config()))
        return Content.styled("What will be written stands here as soon as it is complete.", DIM)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self._show_help()

    @on(OptionList.OptionHighlighted)
    def _show_help(self) -> None:
        text = self.step.help_for(self.focused) if self.step else ""
        self.query_one("#wizard-help", Text).show(text)

    def action_help(self) -> None:
        self.app.push_screen(Words("The wizard", frame.HELP))

    @on(OptionList.OptionSelected)
    async def _go_to_field(self, event: OptionList.OptionSelected) -> None:
        """From the summary's table to the step where a parameter is set."""
        if isinstance(event.option_list, Table) and (name := event.option.id):
            await self._go(place_of(name))
            self._focus_on(name)

    # --- the end

    def _leave(self) -> None:
        self._take_in()
        if not self._begun or not self._has_input():
            self.dismiss(None)
            return
        answers = (
            Answer("keep", "Keep a draft", "The next start offers to go on with it."),
            Answer("drop", "Throw it away", "What was typed is gone."),
            Answer("", "Go on here"),
        )
        self.app.push_screen(Question("Leave the wizard?", "Nothing has been started.", answers), self._left)

    def _has_input(self) -> bool:
        return any(self.draft.origin(name) == "you" for name in self.draft.values)

    def _left(self, answer: str | None) -> None:
        if answer == "keep":
            self._save()
            self.dismiss(None)
        elif answer == "drop":
            self.store.forget()
            self.dismiss(None)

    def _save(self) -> None:
        """Keep what was typed, also for the case that the terminal goes away."""
        if self._has_input():
            try:
                self.store.save(self.draft, datetime.now().astimezone())
            except AutotuneError as error:
                self.notify(f"The draft is not kept: {error.message}", severity="warning")

    @on(SummaryStep.Start)
    def _confirmed(self) -> None:
        self._start()

    @work(exclusive=True, group="start")
    async def _start(self) -> None:
        """Write the session, by the same command that a script would use (S12)."""
        arguments = ["init", "--json", "--file", "-", *(["--no-target"] if self.draft.no_target else [])]
        arguments += [*(["--share"] if self.draft.share else []), str(self.setup.root)]
        written: dict[str, Any] = {}
        try:
            async with contextlib.aclosing(json_lines(*arguments, text=self.draft.toml())) as lines:
                async for record in lines:
                    written = record
            self.store.forget()
        except AutotuneError as error:
            self.query_one(SummaryStep).say(Content.styled(f"✗ {error.title}. {error.message} {error.hint}", BAD))
            return
        self.dismiss(str(written["session"]))


@lru_cache(maxsize=256)
def place_of(name: str) -> int:
    """The step where a field is set; the agent's has all that no other owns."""
    exact = next((place for place, step in enumerate(STEPS) if name in step.owns), None)
    if exact is not None:
        return exact
    return next((place for place, step in enumerate(STEPS) if about(step.owns, {name: ""})), STEPS.index(AgentStep))
