"""The planner's answer: its form, what is checked of it, and how it becomes a plan."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from autotune_tui.agents.base import Approach, Context, Plan
from autotune_tui.agents.claude.tools.base import Input, Refused
from autotune_tui.agents.text import one_line

LEAST_SCORE = 5.0

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Score = Annotated[int, Field(ge=1, le=10)]


class ApproachAnswer(Input):
    name: Words = Field(description="A few words")
    change: Words = Field(description="What would be changed")
    trade_off: Words = Field(description="What speaks for it, and what against it")


class PlanAnswer(Input):
    """In the order of thinking: the questions first, the choice after the approaches."""

    assumptions: Words = Field(description="Which of your assumptions could be wrong?")
    tried_before: Words = Field(description="What like it was tried already, and what came of it?")
    local_optimum: Words = Field(description="Are the last experiments circling around one spot? Which axis is new?")
    unmeasured_harm: Words = Field(description="What could become worse without the benchmark or the checks noticing?")
    bottleneck_type: Literal["cpu", "memory", "io", "network", "locks", "start-up", "algorithm", "other"]
    bottleneck: Words = Field(description="What limits the metric now, with figures of the profile")
    principles: list[Words] = Field(
        min_length=1, max_length=6, description="What helps against this kind of bottleneck"
    )
    approaches: list[ApproachAnswer] = Field(min_length=3, max_length=8, description="Best first")
    second_ranking: list[Words] = Field(
        min_length=3, description="The approaches' names, ranked anew as if you saw them for the first time"
    )
    why: Words = Field(description="Why the choice wins, and if the two rankings differ, which one was wrong")
    choice: Words = Field(description="The name of the approach that you choose: the first of the second ranking")
    description: Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=100)] = Field(
        description="The change in one imperative line, as for a commit's subject"
    )
    hypothesis: Words = Field(description='In the form "X should improve Y because Z"')
    expected_percent: float = Field(
        ge=-100, le=100_000, description="Expected change of the metric; -12: it falls by 12 %"
    )
    impact: Score
    feasibility: Score
    novelty: Score
    premortem: Words = Field(description="Suppose it has failed: the most likely reason")
    early_signal: Words = Field(description="What would show that first")
    target: Words = Field(description="The main place, as path:function")
    strategy: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9:-]{1,39}$")] = Field(
        description="The kind of change in a word or two, such as cache, vectorise, fewer-allocations"
    )
    files: list[Words] = Field(min_length=1, max_length=20, description="Files that will be touched, all in scope")
    elsewhere: str = Field("", description="If the real bottleneck is out of scope: what a person would have to change")

    @model_validator(mode="after")
    def _holds_together(self) -> PlanAnswer:
        names = [approach.name for approach in self.approaches]
        if sorted(names) != sorted(self.second_ranking) or len(set(names)) < len(names):
            raise ValueError("second_ranking must have the approaches' names, each once")
        if self.choice != self.second_ranking[0]:
            raise ValueError("choice must be the first of second_ranking")
        if not re.search(r"\bshould\b.+\bbecause\b", self.hypothesis, re.I | re.S):
            raise ValueError('hypothesis must have the form "X should improve Y because Z"')
        return self

    @property
    def score(self) -> float:
        return (self.impact + self.feasibility + self.novelty) / 3


def _both(approach: ApproachAnswer) -> str:
    """What would be changed, and what speaks for and against it."""
    change = approach.change if approach.change[-1] in ".!?" else f"{approach.change}."
    return f"{change} {approach.trade_off}"


def check(answer: PlanAnswer, context: Context) -> None:
    """What the form alone cannot say. Raises Refused."""
    worse = answer.expected_percent > 0 if context.direction == "lower" else answer.expected_percent < 0
    if worse:
        raise Refused(
            f"{context.metric} is better when {context.direction}, but you expect {answer.expected_percent:+g} %."
        )


def plan_of(answer: PlanAnswer, context: Context) -> Plan:
    """The plan, all of whose parts `plan.md` shows."""
    chosen = next(approach for approach in answer.approaches if approach.name == answer.choice)
    sections = {
        "The change": chosen.change,
        "Why this one": answer.why,
        "Ranked again": ", ".join(answer.second_ranking),
        "Assumptions": answer.assumptions,
        "Tried before": answer.tried_before,
        "Local optimum": answer.local_optimum,
        "Unmeasured harm": answer.unmeasured_harm,
        "Early signal": answer.early_signal,
        "Files": ", ".join(answer.files),
        "Elsewhere": answer.elsewhere,
    }
    data: dict[str, Any] = {
        "target": answer.target,
        "sections": {name: text for name, text in sections.items() if text},
        "elsewhere": answer.elsewhere,
    }
    return Plan(
        description=one_line(answer.description, 100),
        hypothesis=answer.hypothesis,
        target=answer.target,
        strategy=answer.strategy,
        key=f"claude:{answer.strategy}:{answer.target}:{answer.description.lower()}",
        bottleneck=f"{answer.bottleneck_type}: {answer.bottleneck}",
        principles=tuple(answer.principles),
        approaches=tuple(Approach(each.name, _both(each), each is chosen) for each in answer.approaches),
        expected=round(answer.expected_percent / 100, 6),
        scores={"impact": answer.impact, "feasibility": answer.feasibility, "novelty": answer.novelty},
        premortem=answer.premortem,
        data=data,
    )
