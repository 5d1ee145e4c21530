"""The editor: makes the planned change, and mends one that failed."""

from __future__ import annotations

from pydantic import Field

from autotune_tui.agents.base import AlreadyTried, Edit, Failure, Plan
from autotune_tui.agents.claude import parts, prompts
from autotune_tui.agents.claude.conversation import Answer
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import Input, Refused
from autotune_tui.agents.text import one_line

MOST_NOTES = 3000


class Finish(Input):
    description: str = Field("", max_length=100, description="What the change is, in one imperative line")
    hypothesis: str = Field("", description='Only if it differs from the plan\'s: "X should improve Y because Z"')
    notes: str = Field("", description="What a reviewer should know; other ideas that you came across")
    nothing_to_change: str = Field(
        "", description="If the plan turned out not to work: why. The files must be unchanged"
    )


async def edit(step: Step, plan: Plan) -> Edit:
    """Raises AlreadyTried, BudgetReached, AgentError."""
    prompt = prompts.render("editor", parts.for_editor(step.context, plan))
    answer = Answer("finish", "Hands in the change.", Finish, _Judge(step, "").accept)
    return await step.conversation.hold("editor", prompt.system, prompt.first, step.changing, answer)


async def rework(step: Step, plan: Plan, failure: Failure) -> Edit | None:
    """None when the change was left as it is, or undone: it has failed then. Raises BudgetReached, AgentError."""
    before = await step.worktree.diff()
    edit = await ask_for_rework(step, plan, failure, before)
    return None if await step.worktree.diff() in ("", before) else edit


async def ask_for_rework(step: Step, plan: Plan, failure: Failure, before: str) -> Edit:
    """`before` is the change as it failed. Raises BudgetReached, AgentError."""
    prompt = prompts.render("rework", parts.for_rework(step.context, plan, failure, before))
    answer = Answer("finish", "Hands in the mended change.", Finish, _Judge(step, before).accept)
    return await step.conversation.hold("editor", prompt.system, prompt.first, step.changing, answer)


class _Judge:
    """Sends a change back that is none, is out of scope, or was made before; the last two the engine would refuse, too."""

    def __init__(self, step: Step, before: str) -> None:
        self._step, self._before, self._repeated = step, before, False

    async def accept(self, given: Finish) -> Edit:
        worktree = self._step.worktree
        changed = await worktree.changed()
        if outside := [name for name in changed if not worktree.allows(name)]:
            raise Refused(f"These files may not be changed: {', '.join(outside[:10])}. Undo that.")
        diff = await worktree.diff()
        if given.nothing_to_change:
            if diff and not self._before:
                raise Refused(f"These files are changed: {', '.join(changed[:10])}. Undo that, or hand in the change.")
            return Edit(notes=_cut(given.nothing_to_change))
        if not diff:
            raise Refused("Nothing is changed. Make the change, or say why not in nothing_to_change.")
        self._refuse_repeated(diff)
        return Edit(one_line(given.description, 100), given.hypothesis.strip(), _cut(given.notes))

    def _refuse_repeated(self, diff: str) -> None:
        index = self._step.made_before(diff)
        if index is None:
            return
        if self._repeated:
            raise AlreadyTried(f"but for names and spaces the same change as experiment {index}")
        self._repeated = True
        raise Refused(
            f"But for names and spaces this is the change of experiment {index}, on the same code. Make the plan's change in "
            "another way, or undo it and say why in nothing_to_change."
        )


def _cut(text: str) -> str:
    return text.strip()[:MOST_NOTES]
