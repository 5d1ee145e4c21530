"""A conversation in one role: the model asks for tools until it hands in its answer, which is a tool of its own.

Nothing of it is kept by the provider: every request sends the whole conversation, which only grows, so that its beginning
is read from the cache.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from autotune_tui.agents.claude.client import Block, Client, Reply, Request
from autotune_tui.agents.claude.meter import Meter
from autotune_tui.agents.claude.tools.base import AnyTool, Input, Refused, Tool, named, shortened
from autotune_tui.agents.claude.transcript import Transcript
from autotune_tui.agents.text import one_line
from autotune_tui.config.agent_claude import AgentClaude, Role
from autotune_tui.errors import AgentError

MOST_REMINDERS = 2
"""Answers without any tool, or cut at their limit of tokens, until the step is given up."""
WARNING_ROUNDS = 3

A = TypeVar("A")
I = TypeVar("I", bound=Input)  # noqa: E741 - an input


@dataclass(frozen=True, slots=True)
class Answer(Generic[I, A]):
    """The tool that ends a conversation. `accept` makes the answer of its input, or raises Refused."""

    name: str
    description: str
    input: type[I]
    accept: Callable[[I], Awaitable[A]]


def offered(tools: Sequence[AnyTool], answer: Answer[Any, Any]) -> list[dict[str, Any]]:
    """The definitions of everything that the model may call."""
    ending: AnyTool = Tool(answer.name, answer.description, answer.input, answer.accept)
    return [tool.definition() for tool in (*tools, ending)]


class Conversation:
    """What all the roles' conversations of one step share."""

    def __init__(self, client: Client, settings: AgentClaude, meter: Meter, transcript: Transcript) -> None:
        self.settings = settings
        self._client, self._meter, self._transcript = client, meter, transcript
        self.sources: list[str] = []
        """What searches on the web have found, in all conversations of the step."""

    async def hold(
        self,
        role: Role,
        system: str,
        first: str,
        tools: Sequence[AnyTool],
        answer: Answer[I, A],
        *,
        title: str = "",
        searches: int = 0,
    ) -> A:
        """The accepted answer. `title` is what is shown of a role's second conversation; `searches`: how often the
        provider may search the web for an answer. Raises AgentError when there comes none, BudgetReached, and what the
        tools raise."""
        accepted: list[A] = []

        async def accept(given: I) -> str:
            accepted.append(await answer.accept(given))
            return "Accepted."

        known = named([*tools, Tool(answer.name, answer.description, answer.input, accept)])
        definitions = offered(tools, answer)
        messages: list[dict[str, Any]] = [_user(first)]
        self._transcript.heading(f"{title or role}, {self.settings.model(role)}")
        self._transcript.record("begin", role=role, model=self.settings.model(role), system=system, tools=definitions)
        self._transcript.record("user", role=role, content=messages[0]["content"])
        reminders = rounds = 0
        while True:
            reply = await self._ask(Request(role, system, messages, definitions, searches), answer.name)
            if reply.stop == "pause_turn" and rounds < self.settings.rounds:  # of a long search: it goes on from there
                rounds += 1
                messages.append({"role": "assistant", "content": list(reply.blocks)})
                continue
            if not self._is_whole(reply) or not reply.calls:
                reminders += 1
                if reminders > MOST_REMINDERS:
                    raise AgentError(
                        f"The {role} gave no answer", one_line(reply.text, 300) or "It said nothing.", _HINT
                    )
                _remind(messages, reply, answer.name, whole=self._is_whole(reply))
                continue
            messages.append({"role": "assistant", "content": list(reply.blocks)})
            results = await self._use(reply, known, last=answer.name)
            if accepted:
                return accepted[0]
            rounds += 1
            left = self.settings.rounds - rounds
            if left <= 0:
                raise AgentError(f"The {role} did not come to an end", f"It used {rounds} rounds of tools.", _HINT)
            if left <= WARNING_ROUNDS:
                results.append(_text(f"{left} rounds of tools are left. Come to an end and call {answer.name}."))
            messages.append({"role": "user", "content": results})
            self._transcript.record("user", role=role, content=results)

    async def _ask(self, request: Request, answer: str) -> Reply:
        shown = _Growing(self._transcript, answer)
        reply = await self._client.ask(request, self._meter, self._transcript, shown)
        self._transcript.record("assistant", role=request.role, stop=reply.stop, content=reply.blocks)
        for source in reply.sources:
            if source not in self.sources:
                self.sources.append(source)
                self._transcript.line(f"[found: {one_line(source, 300)}]")
        if reply.stop == "refusal":
            raise AgentError(
                "The model refused", one_line(reply.text, 300), "Another model may not: see [agent_claude]."
            )
        if reply.stop == "model_context_window_exceeded":
            raise AgentError(
                "The conversation became too long", "", "A lower [agent_claude] tool_output keeps it shorter."
            )
        return reply

    @staticmethod
    def _is_whole(reply: Reply) -> bool:
        return reply.stop != "max_tokens"

    async def _use(self, reply: Reply, known: Mapping[str, AnyTool], last: str) -> list[Block]:
        """The results of all calls in the order of the calls; the answer is judged when the others have been made."""
        results: dict[str, Block] = {}
        for call in sorted(reply.calls, key=lambda call: call["name"] == last):
            results[call["id"]] = await self._call(call, known)
        return [results[call["id"]] for call in reply.calls]

    async def _call(self, call: Block, known: Mapping[str, AnyTool]) -> Block:
        tool = known.get(call["name"])
        result: Block = {"type": "tool_result", "tool_use_id": call["id"]}
        try:
            if tool is None:
                raise Refused(f"There is no tool {call['name']}.")
            text = await tool.call(call["input"])
        except Refused as refused:
            text, result["is_error"] = str(refused), True
            self._transcript.line(f"[{one_line(text, 300)}]")
        text = shortened(text, self.settings.tool_output)
        return {**result, "content": self._transcript.clean(_sendable(text)) or "(nothing)"}


_HINT = "The transcript beside the experiment shows what was said."


class _Growing:
    """Shows the answer field by field as it is written, and of other tools what they are asked for."""

    def __init__(self, transcript: Transcript, answer: str) -> None:
        self._transcript, self._answer, self._shown = transcript, answer, 0

    def __call__(self, name: str, given: Mapping[str, Any], complete: bool) -> None:
        if name != self._answer:
            if complete:
                self._transcript.tool(f"{name} {_brief(given)}".rstrip())
            return
        lines = list(_leaves(given))
        ready = lines if complete else lines[:-1]  # the last one may still grow
        for line in ready[self._shown :]:
            self._transcript.words(f"{line}\n")
        self._shown = 0 if complete else max(self._shown, len(ready))


def _leaves(value: Any, name: str = "") -> Iterator[str]:
    """The answer as lines to read: "why: ..", and of the third approach "3 name: .."; what is empty is left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name} {key}".strip())
    elif isinstance(value, list):
        numbered = any(isinstance(inner, Mapping) for inner in value)
        for number, inner in enumerate(value, 1):
            yield from _leaves(inner, str(number) if numbered else name)
    elif value not in ("", None):
        yield f"{name.replace('_', ' ')}: {value}"


def _brief(given: Mapping[str, Any]) -> str:
    return one_line(" · ".join(value if isinstance(value, str) else json.dumps(value) for value in given.values()), 120)


def _remind(messages: list[dict[str, Any]], reply: Reply, answer: str, *, whole: bool) -> None:
    """Ask again: for the answer, or for a shorter one, as a call that was cut in the middle cannot be answered."""
    if whole:
        messages.append({"role": "assistant", "content": list(reply.blocks) or [_text("(nothing)")]})
        messages.append(_user(f"Go on with the tools, and call {answer} when you are done."))
    else:
        words = "Your last answer was longer than it may be, and is lost. Take smaller steps."
        messages[-1] = {**messages[-1], "content": [*messages[-1]["content"], _text(words)]}


def _user(words: str) -> dict[str, Any]:
    return {"role": "user", "content": [_text(_sendable(words))]}


def _text(words: str) -> Block:
    return {"type": "text", "text": words}


def _sendable(text: str) -> str:
    """Bytes of files that are no UTF-8 cannot be sent as they are."""
    return text.encode("utf-8", "replace").decode("utf-8")
