"""Step 1: the goal, and a recipe to start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from autotune_tui.model.format import count
from autotune_tui.suggest import Look, Recipe, load_recipes
from autotune_tui.ui.theme import DIM, GOOD, WARN
from autotune_tui.ui.wizard.form import Entry, FieldRow
from autotune_tui.ui.wizard.schema import specs, to_text
from autotune_tui.ui.wizard.step import Step
from autotune_tui.ui.wizard.text import Text


class Recipes(OptionList):
    """The recipes, those that fit the repository first."""

    class Taken(Message):
        """A recipe was chosen: its fields are in the draft."""

        def __init__(self, recipe: Recipe) -> None:
            super().__init__()
            self.recipe = recipe

    def fill(self, look: Look, taken: str) -> None:
        """List them for this repository; `taken` is the one that was chosen."""
        at = self.highlighted
        self.clear_options()
        self.add_options(
            Option(option_words(recipe, look, recipe.id == taken), id=recipe.id) for recipe in ordered(look)
        )
        self.highlighted = at or 0

    @property
    def current(self) -> Recipe | None:
        """The recipe under the cursor."""
        option = self.highlighted_option
        return next((recipe for recipe in load_recipes() if option and recipe.id == option.id), None)


def ordered(look: Look) -> list[Recipe]:
    """Those that fit, then those for any program, then the others."""
    return sorted(load_recipes(), key=lambda recipe: (not recipe.fits(look), recipe.group != "Any program"))


def option_words(recipe: Recipe, look: Look, taken: bool) -> Content:
    fits = recipe.fits(look)
    mark = ("● ", "bold") if taken else ("○ ", DIM)
    where = ("fits here", GOOD) if fits else (recipe.group, DIM)
    return Content.assemble(mark, f"{recipe.title:<44}", where)


def found_words(look: Look) -> Content:
    """What the repository is, in a line; and a second one when there is something to know about it."""
    lines = sum(look.files.values())
    spoken = " and ".join(name for name, _ in look.languages[:2]) or "no source code"
    checks = f"checks: {look.checks[0].why}" if look.checks else "no tests were found"
    words = Content(f"Found here: {spoken}, {count(len(look.files), 'file')}, {lines:,} lines; {checks}")
    return Content.assemble(words, "\n", (f"! {look.warning}", WARN)) if look.warning else words


def texts(filled: Mapping[str, object]) -> dict[str, str]:
    """A recipe's values as texts of the form."""
    return {name: to_text(specs()[name], value) for name, value in filled.items()}


class GoalStep(Step):
    title: ClassVar[str] = "Goal"
    owns: ClassVar[tuple[str, ...]] = ("goal", "name", "constraints")

    DEFAULT_CSS = """
    GoalStep #found { height: auto; margin-bottom: 1; color: $text-muted; }
    GoalStep Recipes {
        height: 1fr; min-height: 6; margin-top: 1; border: round $border-blurred; background: $background;
        border-title-color: $text-accent; border-title-background: $background;
        border-subtitle-color: $text-muted; border-subtitle-background: $background; scrollbar-size-vertical: 1;
    }
    GoalStep Recipes:focus { border: round $accent; }
    """

    taken = ""

    def compose(self) -> ComposeResult:
        yield Text(id="found")
        yield FieldRow(Entry("goal", placeholder="such as: Import a day of events in under a second"), draft=self.draft)
        yield FieldRow(Entry("name", placeholder="made from the goal"), draft=self.draft)
        yield FieldRow(
            Entry("constraints", "Rules", placeholder="such as: no new dependencies; keep the API"), draft=self.draft
        )
        recipes = Recipes()
        recipes.border_title = "Start from a recipe"
        recipes.border_subtitle = "enter fills in its fields"
        yield recipes

    def bring(self) -> None:
        super().bring()
        self.query_one("#found", Text).show(found_words(self.setup.look))
        self.query_one(Recipes).fill(self.setup.look, self.taken)

    def help_for(self, focused: object) -> str:
        if isinstance(focused, Recipes) and (recipe := focused.current):
            needs = f" Needs: {', '.join(recipe.needs)}." if recipe.needs else ""
            command = str(recipe.filled(self.setup.look).get("benchmark.command", ""))
            return f"{recipe.about}{needs}" + (f"\n{command}" if command else "")
        return super().help_for(focused)

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        recipe = self.query_one(Recipes).current
        if recipe:
            self.taken = recipe.id
            self.draft.take(texts(recipe.filled(self.setup.look)))
            self.query_one(Recipes).fill(self.setup.look, self.taken)
            self.post_message(Recipes.Taken(recipe))
