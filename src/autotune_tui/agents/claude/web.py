"""Searching the web with a person's leave: each query is asked about before anything of it leaves the machine (L27)."""

from __future__ import annotations

from pydantic import Field

from autotune_tui.agents.base import Option, Question
from autotune_tui.agents.claude import prompts
from autotune_tui.agents.claude.conversation import Answer
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import AnyTool, Input, Refused, Tool
from autotune_tui.agents.text import one_line

MOST_FINDINGS = 6000
_OPTIONS = (Option("no", "do not search"), Option("yes", "search the web for it"))


class Query(Input):
    query: str = Field(
        description="The words to search for, nothing of the repository's own", min_length=3, max_length=200
    )
    why: str = Field(description="What you hope to find, for the person who decides", min_length=1, max_length=400)


class Findings(Input):
    findings: str = Field(description="What was found, in short sentences, each with its source", min_length=1)


def tools(step: Step) -> list[AnyTool]:
    """Nothing, unless the configuration says that each search is to be asked about."""
    if step.conversation.settings.web_search != "ask":
        return []
    about = "Asks the user whether the web may be searched for something, and if so does it and shows what was found."
    return [Tool("ask_to_search", about, Query, _Search(step).ask)]


class _Search:
    def __init__(self, step: Step) -> None:
        self._step = step

    async def ask(self, given: Query) -> str:
        """What was found. Raises Refused when it may not be searched for."""
        step = self._step
        query = one_line(given.query, 200)
        seconds = step.conversation.settings.answer_timeout
        question = Question(f"Search the web for: {query}", _OPTIONS, seconds, one_line(given.why, 400))
        if await step.context.ask(question) != "yes":
            step.transcript.record("search", query=query, allowed=False)
            raise Refused("It may not be searched for. Go on with what is in the repository.")
        step.transcript.record("search", query=query, allowed=True)
        return await search(step, query, one_line(given.why, 400))


async def search(step: Step, query: str, why: str) -> str:
    """One search, in a conversation that knows nothing of the repository. Raises BudgetReached, AgentError."""
    prompt = prompts.render("searcher", {"query": query, "why": why})
    answer = Answer("submit_findings", "Hands in what was found.", Findings, _accept)
    return await step.conversation.hold("planner", prompt.system, prompt.first, [], answer, title="search", searches=1)


async def _accept(given: Findings) -> str:
    return given.findings.strip()[:MOST_FINDINGS]
