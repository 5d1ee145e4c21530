"""What an agent with a mind of its own is told to do, as files beside this one: for agents that bring their own tools."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Template

from autotune_tui.agents.base import Context, Failure, Plan
from autotune_tui.agents.claude import parts
from autotune_tui.agents.claude.tools.base import shortened
from autotune_tui.agents.text import harmless

MOST_IDEAS = 6000
MOST_OUTPUT = 12_000


def plan(context: Context) -> str:
    """Look at the repository and say what to try; nothing is changed yet."""
    return _render("situation", _situation(context)) + _render("plan", {})


def edit(context: Context, plan: Plan) -> str:
    """Make the change of the plan, in the conversation in which it was planned."""
    return _render("edit", {"plan": parts.plan_text(plan), "scope": parts.common(context)["scope"]})


def anew(context: Context, plan: Plan) -> str:
    """The same for somebody who has not planned it."""
    return _render("situation", _situation(context)) + edit(context, plan)


def rework(context: Context, plan: Plan, failure: Failure) -> str:
    """Mend the change after a failure."""
    told = {
        "plan": parts.plan_text(plan),
        "phase": failure.phase,
        "reason": failure.reason,
        "output": shortened(harmless(failure.output), MOST_OUTPUT),
    }
    return _render("rework", told)


def whole(context: Context) -> str:
    """Plan and change in one go, for a program that is run once for each experiment."""
    return _render("situation", _situation(context)) + _render("whole", {})


def _situation(context: Context) -> dict[str, str]:
    return {
        **parts.common(context),
        "results": parts.results(context),
        "course": parts.course(context),
        "lessons": parts.lessons(context.history),
        "ideas": shortened(harmless(context.ideas), MOST_IDEAS),
    }


def _render(name: str, told: Mapping[str, str]) -> str:
    text = Template(_read(f"{name}.md")).substitute({key: part.strip() or "none" for key, part in told.items()})
    return text.strip() + "\n\n"


@cache
def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
