"""One request to the Messages API and its answer, streamed; what passes by itself is waited for.

The client's package takes a second to import, so that is done in a thread, once a session needs it. Its own retries are
switched off: they are silent, and a stream that breaks off in the middle is not among them.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotune_tui.agents.claude import trouble
from autotune_tui.agents.claude.key import Key
from autotune_tui.agents.claude.meter import Meter, Spent
from autotune_tui.agents.claude.transcript import Transcript
from autotune_tui.agents.claude.trouble import Trouble
from autotune_tui.config.agent_claude import AgentClaude, Role
from autotune_tui.errors import AgentError

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
MOST_CUTS = 3
"""Answers in a row that break off or cannot be understood, until the step is given up."""
CONNECT_SECONDS = 15.0
MOST_SEARCHES = 5
"""In one answer."""

_WHATEVER_PARSING_MEETS = (ValueError, RuntimeError, AttributeError, AssertionError, LookupError, TypeError)
"""What the package raises for JSON that is none, for events in no order and for those that are missing."""

Block = dict[str, Any]
Hear = Callable[[str, Mapping[str, Any], bool], None]
"""Gets the name of a tool, its input as far as it has come in, and whether that is all."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, but for model, effort and limits, which go with the role."""

    role: Role
    system: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    searches: int = 0
    """How often the provider may search the web for it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: its blocks as they are to be sent back, and why it ended."""

    blocks: tuple[Block, ...]
    stop: str

    @property
    def text(self) -> str:
        return "".join(block["text"] for block in self.blocks if block["type"] == "text").strip()

    @property
    def sources(self) -> tuple[str, ...]:
        """The addresses that a search has found, each after its title."""
        found = (block["content"] for block in self.blocks if block["type"] == "web_search_tool_result")
        pages = [page for each in found if isinstance(each, list) for page in each if page.get("url")]
        return tuple(f"{page.get('title') or 'untitled'}: {page['url']}" for page in pages)

    @property
    def calls(self) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if block["type"] == "tool_use")


@dataclass(slots=True)
class _Heard:
    """What has come in of an answer; tokens are paid for also when it breaks off."""

    spent: Spent = field(default_factory=Spent)
    complete: bool = False
    tool: str = ""


class _Failed(Exception):
    def __init__(self, trouble: Trouble, *, cut: bool = False) -> None:
        super().__init__(trouble.error.title)
        self.trouble, self.cut = trouble, cut


class Client:
    """Sends requests for one session. `first_wait` is in seconds and doubles with each try."""

    def __init__(self, key: Key, settings: AgentClaude, *, first_wait: float = FIRST_WAIT) -> None:
        self._key, self._settings, self._first_wait = key, settings, first_wait
        self._sdk: Any = None
        self._client: AsyncAnthropic | None = None
        self._priceless: set[str] = set()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def ask(self, request: Request, meter: Meter, transcript: Transcript, hear: Hear | None = None) -> Reply:
        """The answer to a request. Raises BudgetReached, AgentError; AgentUnavailable when waiting did not help."""
        clock = asyncio.get_running_loop()
        end = clock.time() + 60 * self._settings.patience
        tries = cuts = 0
        told = ""
        while True:
            try:
                return await self._once(request, meter, transcript, hear)
            except _Failed as failed:
                found, error = failed.trouble, self._clean(failed.trouble.error)
                cuts = cuts + 1 if failed.cut else 0
            transcript.record("trouble", title=error.title, message=error.message)
            wait = min(LONGEST_WAIT, self._first_wait * 2**tries)
            wait = wait if found.after is None else found.after
            if not found.passing or cuts >= MOST_CUTS or clock.time() + wait > end:
                raise error
            if error.title != told or tries & (tries + 1) == 0:  # then seldom: at the second, fourth, eighth try
                transcript.notice(f"{error.title}: trying again in {wait:.3g} s ({error.message})")
                told = error.title
            transcript.line(f"[{error.title}: waiting {wait:.3g} s]")
            tries += 1
            await asyncio.sleep(wait)

    async def _once(self, request: Request, meter: Meter, transcript: Transcript, hear: Hear | None) -> Reply:
        client = await self._opened()
        model = self._settings.model(request.role)
        price = self._settings.price(model)
        if price is None and model not in self._priceless:
            self._priceless.add(model)
            transcript.notice(
                f"no price is known for {model}, so its dollars are not counted: see [agent_claude] prices"
            )
        arguments = request_arguments(request, self._settings)
        searches = request.searches * self._settings.search_price
        size = len(repr(arguments).encode())
        arguments["max_tokens"] = meter.answer(size, self._settings.max_tokens, model, price, searches)
        heard = _Heard()
        try:
            async with self._translated(model, heard), client.messages.stream(**arguments) as stream:
                async for event in stream:
                    _follow(event, heard, transcript, hear)
                if not heard.complete:
                    raise _Failed(trouble.cut("The stream ended in the middle."), cut=True)
                message = await stream.get_final_message()
        finally:
            self._count(request.role, model, heard.spent, meter, transcript)
        if message.stop_reason is None:
            raise _Failed(trouble.cut("The answer does not say why it ended."), cut=True)
        blocks = tuple(block for block in map(_sent_back, message.content) if block)
        return Reply(blocks, message.stop_reason)

    def _count(self, role: Role, model: str, spent: Spent, meter: Meter, transcript: Transcript) -> None:
        if not spent.all_input and not spent.output:
            return
        dollars = spent.dollars(self._settings.price(model), self._settings.search_price)
        meter.spend(spent, dollars)
        usage = {
            "input_tokens": spent.all_input,
            "output_tokens": spent.output,
            "cache_read_tokens": spent.cache_read,
            "cache_write_tokens": spent.cache_write,
            "usd": dollars,
        }
        transcript.usage(role, usage)
        transcript.record("usage", role=role, model=model, **usage)

    @asynccontextmanager
    async def _translated(self, model: str, heard: _Heard) -> AsyncIterator[None]:
        """Everything that the client raises, as `_Failed`."""
        sdk, http = self._sdk
        try:
            yield
        except sdk.APIStatusError as error:
            said, after = error.api_message or error.message, trouble.retry_after(error.response.headers)
            raise _Failed(trouble.of_status(error.status_code, error.type or "", said, model, after)) from None
        except (sdk.APIConnectionError, http.TransportError) as error:
            if heard.spent.all_input:  # it had begun to answer
                raise _Failed(trouble.cut("The connection was lost in the middle."), cut=True) from None
            why = str(error.__cause__ or error) or type(error).__name__
            raise _Failed(trouble.unreachable(why, str(self._client and self._client.base_url))) from None
        except (sdk.APIError, *_WHATEVER_PARSING_MEETS) as error:
            raise _Failed(trouble.cut(f"It cannot be understood: {type(error).__name__}"), cut=True) from None

    async def _opened(self) -> AsyncAnthropic:
        if self._client is None:
            sdk = await asyncio.to_thread(importlib.import_module, "anthropic")
            self._sdk = (sdk, importlib.import_module("httpx2"))
            self._client = await asyncio.to_thread(
                sdk.AsyncAnthropic,
                api_key=self._key.secret,
                base_url=self._settings.base_url or os.environ.get("ANTHROPIC_BASE_URL") or None,
                max_retries=0,
                timeout=sdk.Timeout(self._settings.timeout, connect=CONNECT_SECONDS),
                open_telemetry=False,
            )
        assert self._client is not None
        return self._client

    def _clean(self, error: AgentError) -> AgentError:
        """A provider, or a proxy before it, may say the key in its own words."""
        return type(error)(error.title, self._key.redact(error.message), error.hint)


def request_arguments(request: Request, settings: AgentClaude) -> dict[str, Any]:
    """What is sent, as the client's arguments; `max_tokens` is the configured most.

    The instructions and the tools never change within a role, and a conversation only grows: both ends are marked, so that
    the provider need not read them again.
    """
    marked: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
    messages = [dict(message) for message in request.messages]
    if messages and messages[-1]["role"] == "user":  # what the model said itself may not be marked everywhere
        *earlier, last = messages[-1]["content"]
        messages[-1]["content"] = [*earlier, {**last, **marked}]
    arguments: dict[str, Any] = {
        "model": settings.model(request.role),
        "max_tokens": settings.max_tokens,
        "system": [{"type": "text", "text": request.system, **marked}],
        "messages": messages,
    }
    search = {"type": "web_search_20260318", "name": "web_search", "max_uses": request.searches}
    tools = [*request.tools, *([search] if request.searches else [])]
    if tools:
        arguments["tools"] = tools
    if effort := settings.effort(request.role):
        arguments["output_config"] = {"effort": effort}
    if settings.thinking:
        arguments["thinking"] = {"type": "adaptive", "display": "summarized"}
    return arguments


def _follow(event: Any, heard: _Heard, transcript: Transcript, hear: Hear | None) -> None:
    """Show an event of the stream, and count what it says was used."""
    match event.type:
        case "text":
            transcript.words(event.text)
        case "thinking":
            transcript.words(event.thinking)
        case "content_block_start":
            heard.tool = getattr(event.content_block, "name", "")
        case "input_json":
            if hear is not None and isinstance(event.snapshot, Mapping):
                hear(heard.tool, event.snapshot, False)
        case "content_block_stop":
            block = event.content_block
            if block.type in ("text", "thinking"):
                transcript.words("\n")
            if block.type == "tool_use" and hear is not None:
                hear(block.name, block.input if isinstance(block.input, Mapping) else {}, True)
        case "message_start":
            heard.spent = _spent(event.message.usage)
        case "message_delta":
            heard.spent = _spent(event.usage, heard.spent)
        case "message_stop":
            heard.complete = True


def _spent(usage: Any, before: Spent | None = None) -> Spent:
    """The tokens of a usage; what it leaves out stays as it was."""
    before = before or Spent()

    def of(name: str, known: int) -> int:
        value = getattr(usage, name, None)
        return value if isinstance(value, int) and value >= 0 else known

    return Spent(
        of("input_tokens", before.input),
        of("output_tokens", before.output),
        of("cache_creation_input_tokens", before.cache_write),
        of("cache_read_input_tokens", before.cache_read),
        getattr(getattr(usage, "server_tool_use", None), "web_search_requests", None) or before.searches,
    )


def _sent_back(block: Any) -> Block:
    """A block as the API wants to have it back: thoughts unchanged, and nothing that only the package knows."""
    match block.type:
        case "text":
            return {"type": "text", "text": block.text} if block.text else {}
        case "tool_use":
            given = block.input if isinstance(block.input, Mapping) else {}
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": dict(given)}
        case _:
            whole: Block = block.to_dict(mode="json")
            return whole
