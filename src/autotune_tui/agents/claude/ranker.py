"""A second ranking of a plan's approaches, in a conversation that has not seen the first: only what wins both is sure."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from autotune_tui.agents.base import BudgetReached
from autotune_tui.agents.claude import parts, prompts
from autotune_tui.agents.claude.conversation import Answer
from autotune_tui.agents.claude.plan import ApproachAnswer, PlanAnswer, Words
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import Input, Refused
from autotune_tui.errors import AgentError


class RankingAnswer(Input):
    ranking: list[Words] = Field(min_length=1, description="The approaches' names, best first")
    reason: Words = Field(description="Why the first one is first, in a sentence or two")


async def rank(step: Step, plan: PlanAnswer) -> RankingAnswer | None:
    """None when nobody could be asked, which costs no plan."""
    try:
        return await ask(step, plan.bottleneck, plan.approaches)
    except (AgentError, BudgetReached) as problem:
        step.transcript.notice(f"the approaches were not ranked a second time: {problem}")
        return None


async def ask(step: Step, bottleneck: str, approaches: Sequence[ApproachAnswer]) -> RankingAnswer:
    """Raises BudgetReached, AgentError."""
    names = sorted(each.name for each in approaches)

    async def accept(given: RankingAnswer) -> RankingAnswer:
        if sorted(given.ranking) != names:
            raise Refused(f"The ranking must have these names, each once: {', '.join(names)}")
        return given

    prompt = prompts.render("ranker", parts.for_ranker(step.context, bottleneck, approaches))
    answer = Answer("submit_ranking", "Hands in your ranking.", RankingAnswer, accept)
    return await step.conversation.hold("planner", prompt.system, prompt.first, [], answer, title="second ranking")
