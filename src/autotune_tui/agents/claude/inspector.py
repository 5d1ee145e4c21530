"""The inspector: judges a change that was measured to be better by its diff and its figures, without the plan's praise."""

from __future__ import annotations

from pydantic import Field, model_validator

from autotune_tui.agents.base import Opinion, Outcome
from autotune_tui.agents.claude import parts, prompts
from autotune_tui.agents.claude.conversation import Answer
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import Input
from autotune_tui.agents.text import one_line

MOST_WORDS = 400


class VerdictAnswer(Input):
    accept: bool
    reason: str = Field("", description="For a rejection: what is wrong, and where, in a sentence")
    remarks: list[str] = Field(
        default_factory=list, max_length=10, description="Blemishes that do not count against it"
    )

    @model_validator(mode="after")
    def _says_why(self) -> VerdictAnswer:
        if not self.accept and not self.reason.strip():
            raise ValueError("a rejection must have its reason")
        return self


async def inspect(step: Step, description: str, diff: str, outcome: Outcome) -> Opinion:
    """Raises BudgetReached, AgentError."""
    prompt = prompts.render("inspector", parts.for_inspector(step.context, description, outcome, diff))
    answer = Answer("submit_verdict", "Hands in your verdict.", VerdictAnswer, _accept)
    return await step.conversation.hold("inspector", prompt.system, prompt.first, step.reading, answer)


async def _accept(given: VerdictAnswer) -> Opinion:
    remarks = tuple(one_line(remark, MOST_WORDS) for remark in given.remarks if remark.strip())
    return Opinion(given.accept, "" if given.accept else one_line(given.reason, MOST_WORDS), remarks)
