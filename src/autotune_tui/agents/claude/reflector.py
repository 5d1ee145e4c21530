"""The reflector: what an outcome means for the next plan; directions worth keeping go into the backlog of ideas."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from autotune_tui.agents.base import Outcome, Plan, Reflection
from autotune_tui.agents.claude import backlog, parts, prompts
from autotune_tui.agents.claude.conversation import Answer
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import Input

LOG_BYTES = 6000


class ReflectionAnswer(Input):
    observation: str = Field(min_length=1, description="What happened and what it says about the program")
    surprises: str = Field("", description="What came out otherwise than expected")
    lessons: list[str] = Field(
        default_factory=list, max_length=8, description="Sentences that would change a future plan"
    )
    directions: list[str] = Field(
        default_factory=list, max_length=8, description="What is worth an experiment of its own"
    )
    next: str = Field(min_length=1, description="The one thing that should come next, and why")


async def reflect(step: Step, plan: Plan, outcome: Outcome) -> Reflection:
    """Raises BudgetReached, AgentError."""
    context = step.context
    diff = _end(context.artifacts / "diff.patch", parts.MOST_DIFF)
    log = _end(context.artifacts / "bench.log", LOG_BYTES)
    reflection = await ask(step, plan, outcome, diff, log)
    backlog.add(context.artifacts.parent.parent / backlog.IDEAS, reflection.directions, context.experiment)
    return reflection


async def ask(step: Step, plan: Plan, outcome: Outcome, diff: str, log: str) -> Reflection:
    """Raises BudgetReached, AgentError."""
    prompt = prompts.render("reflector", parts.for_reflector(step.context, plan, outcome, diff, log))
    answer = Answer("submit_reflection", "Hands in your reflection.", ReflectionAnswer, _accept)
    return await step.conversation.hold("reflector", prompt.system, prompt.first, [], answer)


async def _accept(given: ReflectionAnswer) -> Reflection:
    return Reflection(
        observation=given.observation.strip(),
        next=given.next.strip(),
        surprises=given.surprises.strip(),
        lessons=tuple(given.lessons),
        directions=tuple(given.directions),
    )


def _end(path: Path, most: int) -> str:
    """The last bytes of a file as text; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - most))
            return file.read(most).decode("utf-8", "replace")
    except OSError:
        return ""
