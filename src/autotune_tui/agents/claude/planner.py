"""The planner: looks at the incumbent and its history, and hands in a plan that is checked before anything is spent on it."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from autotune_tui.agents.base import AlreadyTried, NothingToPropose, Plan
from autotune_tui.agents.claude import backlog, duplicates, parts, prompts, ranker, web
from autotune_tui.agents.claude.client import MOST_SEARCHES
from autotune_tui.agents.claude.conversation import Answer
from autotune_tui.agents.claude.plan import LEAST_SCORE, PlanAnswer, check, plan_of
from autotune_tui.agents.claude.ranker import RankingAnswer
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import Input, Refused, Tool, shortened
from autotune_tui.agents.claude.tools.process import git
from autotune_tui.agents.text import harmless, one_line

MOST_SECOND_TRIES = 2
"""How often a weak plan, or one like an earlier one, is sent back."""
MOST_RANKINGS = 2
"""By somebody else: of the first plan, and of one that came of it with other approaches."""
MOST_COMMITS = 20
MOST_LOG = 5000
"""Characters of the commits with their files."""
MOST_SOURCES = 20


class NothingLeft(Input):
    why: str = Field(description="Why no change in scope is worth an experiment any more", min_length=1)


async def propose(step: Step) -> Plan:
    """Raises NothingToPropose, AlreadyTried, AgentError."""
    context = step.context
    prompt = prompts.render("planner", await material(step))
    judge = _Judge(step)
    answer = Answer("submit_plan", "Hands in your plan.", PlanAnswer, judge.accept)
    nothing = Tool("nothing_left", "Ends the session: nothing is left to try.", NothingLeft, _nothing_left)
    tools = [*step.looking, *web.tools(step), nothing]
    searches = MOST_SEARCHES if step.conversation.settings.web_search == "yes" else 0
    plan = await step.conversation.hold("planner", prompt.system, prompt.first, tools, answer, searches=searches)
    plan = _with_sources(plan, step.conversation.sources)
    if elsewhere := plan.data["elsewhere"]:
        step.transcript.notice(f"the bottleneck may lie out of scope: {one_line(elsewhere, 300)}")
        handoff = context.artifacts.parent.parent / backlog.HANDOFF
        backlog.add(handoff, [elsewhere], context.experiment, "What somebody else would have to change")
    step.transcript.record("plan", experiment=context.experiment, description=plan.description)
    return plan


def _with_sources(plan: Plan, sources: list[str]) -> Plan:
    """What was found on the web is a part of the plan (L27)."""
    if not sources:
        return plan
    sections = {
        **plan.data["sections"],
        "Sources": "; ".join(one_line(source, 200) for source in sources[:MOST_SOURCES]),
    }
    return replace(plan, data={**plan.data, "sections": sections, "sources": sources[:MOST_SOURCES]})


async def material(step: Step) -> dict[str, str]:
    """Everything that the planner is told at the beginning."""
    context = step.context
    asked = ("log", "--format=%n%h %s", "--stat=120", f"-{MOST_COMMITS}", context.incumbent, "--")
    log = shortened(await git(context.directory, context.environment, *asked), MOST_LOG)
    return parts.for_planner(context, harmless(log), parts.earlier_sessions(context.artifacts.parent.parent))


async def _nothing_left(given: NothingLeft) -> str:
    raise NothingToPropose(f"Claude has nothing more to propose: {one_line(given.why, 300)}")


class _Judge:
    """Sends a plan back when it cannot work, and a weak or repeated one at most twice."""

    def __init__(self, step: Step) -> None:
        self._step, self._weak, self._repeated = step, 0, 0
        self._rankings = 0
        self._ranking: RankingAnswer | None = None
        self._second: set[str] = set()
        """The approaches that were ranked a second time."""

    async def accept(self, answer: PlanAnswer) -> Plan:
        context = self._step.context
        check(answer, context)
        for name in answer.files:
            self._step.worktree.writable(name)
        plan = plan_of(answer, context)
        if plan.strategy in context.guidance.avoid:
            raise Refused(
                f"{plan.strategy} may not be used for now: it failed since the last keep. Choose another kind."
            )
        if past := duplicates.like(plan, context.history):
            self._repeated += 1
            found = f"experiment {past.index} ({past.description}: {past.status})"
            if self._repeated > MOST_SECOND_TRIES:
                raise AlreadyTried(f"much the same was tried on the same code in {found}")
            raise Refused(f"Much the same was tried on the same code in {found}. Choose something else.")
        if context.experiment > 1 and answer.score < LEAST_SCORE and self._weak < MOST_SECOND_TRIES:
            self._weak += 1
            raise Refused(
                f"Its scores are {answer.score:.1f} on average. Find something that is worth {LEAST_SCORE:g} or more."
            )
        return await self._ranked(answer, plan)

    async def _ranked(self, answer: PlanAnswer, plan: Plan) -> Plan:
        """The plan with a second ranking. One that does not win it goes back once, for another look."""
        names = {approach.name for approach in answer.approaches}
        if self._step.conversation.settings.second_ranking and self._rankings < MOST_RANKINGS and self._second != names:
            self._rankings, self._second = self._rankings + 1, names
            self._ranking = await ranker.rank(self._step, answer)
            first = self._ranking.ranking[0] if self._ranking else answer.choice
            if self._ranking and first != answer.choice and self._rankings < MOST_RANKINGS:
                raise Refused(
                    f"Somebody who does not know your ranking puts {first} first: {self._ranking.reason} Look at both again. "
                    "Hand in that one, or your choice once more with what is wrong in the other ranking."
                )
        if self._ranking is None or self._second != names:
            return plan
        words = f"{', '.join(self._ranking.ranking)}. {self._ranking.reason}"
        sections: dict[str, str] = {}
        for name, text in plan.data["sections"].items():
            sections[name] = text
            if name == "Ranked again":
                sections["Ranked by somebody else"] = words
        return replace(plan, data={**plan.data, "sections": sections})
