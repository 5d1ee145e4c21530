"""What would be sent for the next experiment, role by role, without sending it and without a key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autotune_tui.agents.base import Context, Failure, Outcome, Plan
from autotune_tui.agents.claude import editor, inspector, planner, ranker, reflector, web
from autotune_tui.agents.claude.client import Request, request_arguments
from autotune_tui.agents.claude.conversation import Answer, Conversation, offered
from autotune_tui.agents.claude.meter import BYTES_PER_TOKEN
from autotune_tui.agents.claude.plan import ApproachAnswer
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import AnyTool
from autotune_tui.agents.claude.tools.commands import Commands
from autotune_tui.agents.claude.tools.worktree import open_worktree
from autotune_tui.agents.claude.transcript import Transcript
from autotune_tui.config.agent_claude import AgentClaude, Role

PLAN = Plan(
    description="(the planner's description)",
    hypothesis="(the planner's hypothesis)",
    target="(the planner's target)",
    data={"sections": {"The change": "(what the planner wants to have changed)"}},
)
APPROACH = ApproachAnswer(
    name="(an approach)", change="(what it would change)", trade_off="(what speaks for and against it)"
)
FAILURE = Failure("check", "(why it failed)", "(the output of what failed)", 1)
OUTCOME = Outcome("keep", "improvement", -0.1, (-0.12, -0.08), 10, "")
CHANGE = "(the change as a diff)"


@dataclass(frozen=True, slots=True)
class Preview:
    """The first request of a conversation. `arguments` are those of the API, whole."""

    name: str
    role: Role
    arguments: dict[str, Any]

    @property
    def system(self) -> str:
        return str(self.arguments["system"][0]["text"])

    @property
    def first(self) -> str:
        return str(self.arguments["messages"][0]["content"][0]["text"])

    @property
    def tools(self) -> list[str]:
        return [str(tool["name"]) for tool in self.arguments["tools"]]

    @property
    def most_tokens(self) -> int:
        """At the most; about half of it is usual."""
        return int(len(repr(self.arguments).encode()) / BYTES_PER_TOKEN)


async def previews(context: Context, settings: AgentClaude, commands: Commands) -> list[Preview]:
    """The requests of an experiment in this context; words in brackets stand for what is not known before it.

    `context.directory` is any worktree of the incumbent; nothing in it is changed. Raises AgentError.
    """
    catcher = _Catcher(settings)
    step = Step(context, await open_worktree(context), catcher, _Silent(), commands)
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "planner": lambda: planner.propose(step),
        "searcher": lambda: web.search(step, "(a query that you have allowed)", "(what the planner hopes to find)"),
        "ranker": lambda: ranker.ask(step, "(the planner's bottleneck)", [APPROACH]),
        "editor": lambda: editor.edit(step, PLAN),
        "rework": lambda: editor.ask_for_rework(step, PLAN, FAILURE, CHANGE),
        "inspector": lambda: inspector.inspect(step, PLAN.description, CHANGE, OUTCOME),
        "reflector": lambda: reflector.ask(step, PLAN, OUTCOME, CHANGE, ""),
    }
    return [await catcher.caught(name, ask) for name, ask in asked.items()]


class _Caught(Exception):
    def __init__(self, request: Request) -> None:
        super().__init__(request.role)
        self.request = request


class _Catcher(Conversation):
    """Holds no conversation: the roles do all they do before one, and what they would begin with is kept."""

    def __init__(self, settings: AgentClaude) -> None:
        self.settings = settings

    async def hold(
        self,
        role: Role,
        system: str,
        first: str,
        tools: Sequence[AnyTool],
        answer: Answer[Any, Any],
        *,
        title: str = "",
        searches: int = 0,
    ) -> Any:
        messages = [{"role": "user", "content": [{"type": "text", "text": first}]}]
        raise _Caught(Request(role, system, messages, offered(tools, answer), searches))

    async def caught(self, name: str, ask: Callable[[], Awaitable[object]]) -> Preview:
        try:
            await ask()
        except _Caught as caught:
            return Preview(name, caught.request.role, request_arguments(caught.request, self.settings))
        raise AssertionError(f"the {name} began no conversation")


class _Silent(Transcript):
    """Nothing is written."""

    def __init__(self) -> None:
        """No files: nothing is recorded before a conversation begins."""
