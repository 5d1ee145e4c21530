"""A program that speaks the protocol, from its start to its end: one process, one conversation."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from acp import PROTOCOL_VERSION, RequestError, schema, text_block
from acp.client.connection import ClientSideConnection
from pydantic import ValidationError

from autotune_tui import __version__
from autotune_tui.agents.acp.client import Call, Client, fits
from autotune_tui.agents.acp.speech import Speech
from autotune_tui.agents.acp.terminals import Terminals
from autotune_tui.agents.acp.wire import Wire
from autotune_tui.agents.base import AgentStalled, AgentUnavailable, BudgetReached
from autotune_tui.agents.output import Stream
from autotune_tui.agents.process import Conversing, start_agent
from autotune_tui.agents.text import one_line
from autotune_tui.config.agent_acp import AgentAcp
from autotune_tui.errors import AgentError

HANDSHAKE_SECONDS = 60.0
"""Until a program has answered that it speaks the protocol; npx may have to fetch it first."""
AUTH_REQUIRED = -32000
_LOOK_SECONDS = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Start:
    """How the program is started. `title` is what it is called, `login` how one logs in."""

    argv: Sequence[str]
    directory: Path
    env: Mapping[str, str]
    title: str
    login: str
    grace: float


class Link:
    """A running agent. Make it with `open_link`."""

    def __init__(self, start: Start, settings: AgentAcp, terminals: Terminals | None) -> None:
        self._start, self._settings = start, settings
        self._wire = Wire(fits, self._stray)
        self._client = Client(settings, terminals)
        self._speech: Speech | None = None
        self._process: Conversing | None = None
        self._connection: ClientSideConnection | None = None
        self._watching: asyncio.Task[None] | None = None
        self._session = ""
        self._cost = 0.0

    @property
    def alive(self) -> bool:
        return self._process is not None and not self._process.ended and bool(self._session)

    async def open(self, speech: Speech) -> None:
        """Start the program and a conversation in its directory. Raises AgentError, AgentUnavailable."""
        start, self._speech = self._start, speech
        self._process = await start_agent(
            start.argv, directory=start.directory, env=start.env, feed=self._wire.feed, grace=start.grace
        )
        self._wire.attach(self._process)
        self._watching = asyncio.create_task(self._watch(self._process))
        self._connection = ClientSideConnection(self._client, self._wire)  # type: ignore[arg-type]
        try:
            await self._shake_hands(self._connection)
        except AgentUnavailable:
            raise
        except AgentError as error:  # nothing that another try would mend
            raise AgentUnavailable(error.title, error.message, error.hint) from None

    async def _shake_hands(self, connection: ClientSideConnection) -> None:
        files = schema.FileSystemCapabilities(read_text_file=True, write_text_file=True)
        offered = schema.ClientCapabilities(fs=files, terminal=self._client.terminals is not None)
        hello = connection.initialize(
            protocol_version=PROTOCOL_VERSION,
            client_capabilities=offered,
            client_info=schema.Implementation(name="autotune-tui", title="autotune-tui", version=__version__),
        )
        answer = await self._answer(hello, HANDSHAKE_SECONDS, None)
        if answer.protocol_version != PROTOCOL_VERSION:
            raise AgentUnavailable(
                f"{self._start.title} speaks another version of the Agent Client Protocol",
                f"It speaks version {answer.protocol_version}, autotune-tui version {PROTOCOL_VERSION}.",
                "Update whichever of the two is older.",
            )
        fresh = connection.new_session(cwd=str(self._start.directory.resolve()), mcp_servers=[])
        self._session = (await self._answer(fresh, HANDSHAKE_SECONDS, None)).session_id

    async def prompt(self, text: str, call: Call) -> str:
        """What the agent answers; it may work and ask meanwhile. Raises AgentError, AgentUnavailable."""
        assert self._connection is not None
        self._speech, self._client.call = call.speech, call
        try:
            asked = self._connection.prompt(session_id=self._session, prompt=[text_block(text)])
            response = await self._answer(asked, self._settings.timeout, call)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await asyncio.shield(self._connection.cancel(session_id=self._session))
            raise
        finally:
            self._client.call = None
            self._account(call, None)
            if self._client.terminals is not None:
                await self._client.terminals.release_all()
        self._account(call, response.usage)
        if response.stop_reason in ("refusal", "cancelled"):
            raise AgentError(
                f"{self._start.title} refused",
                one_line(call.speech.answer[-500:]) or f"It ended with {response.stop_reason!r}.",
                "Its words are in agent.log, beside the experiment's other files.",
            )
        if response.stop_reason != "end_turn":
            call.speech.notice(f"{self._start.title} stopped early: {response.stop_reason.replace('_', ' ')}")
        return call.speech.answer

    async def close(self) -> None:
        """End the program and everything that it started."""
        try:
            if self._connection is not None:
                await self._connection.close()
        finally:
            if self._client.terminals is not None:
                await self._client.terminals.release_all()
            if self._process is not None:
                await self._process.stop()
            if self._watching is not None:
                self._watching.cancel()
            self._speech = None

    async def _watch(self, process: Conversing) -> None:
        await process.over()
        self._wire.end()

    async def _answer(self, request: Awaitable[T], seconds: float, call: Call | None) -> T:
        """Await an answer, not for ever; while a person is asked, no time passes. Raises AgentError, BudgetReached."""
        task = asyncio.ensure_future(request)
        worked, last = 0.0, time.monotonic()
        try:
            while not (await asyncio.wait({task}, timeout=min(_LOOK_SECONDS, seconds)))[0]:
                now = time.monotonic()
                worked += 0.0 if call is not None and call.asking else now - last
                last = now
                if call is not None and self._overspent(call):
                    raise BudgetReached(f"{self._start.title} has spent what the budget had left")
                if worked >= seconds:
                    raise self._too_slow(seconds, call)
            return task.result()
        except RequestError as error:
            raise self._refused(error) from None
        except ValidationError:
            raise AgentError(
                f"{self._start.title} answered with what the Agent Client Protocol does not know", self._tail
            ) from None
        except ConnectionError:
            raise await self._ended() from None
        finally:
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    def _overspent(self, call: Call) -> bool:
        """Whether this prompt has cost all that is left, as far as the agent says while it works."""
        left = call.context.usd_left
        return left is not None and call.cost is not None and call.cost - self._cost >= left

    def _too_slow(self, seconds: float, call: Call | None) -> AgentError:
        title = self._start.title
        if call is not None:
            hint = "Give it more time with [agent_acp] timeout."
            return AgentStalled(f"{title} was stopped after {seconds:g} s", self._tail, hint)
        return AgentUnavailable(
            f"{title} does not answer",
            f"Nothing came within {seconds:g} s of its start. {self._tail}".strip(),
            "Does its command speak the Agent Client Protocol? `autotune-tui agents` lists those that do.",
        )

    def _refused(self, error: RequestError) -> AgentError:
        title, data = self._start.title, error.data
        details = data.get("details") or data.get("message") if isinstance(data, dict) else data
        words = one_line(f"{error}{f': {details}' if details else ''}", 500)
        if error.code == AUTH_REQUIRED:
            login = self._start.login or "its own command"
            return AgentUnavailable(f"{title} wants you to log in", words, f"Log in with {login}, then resume.")
        return AgentError(f"{title} answered with an error", words, "All of its words are in agent.log.")

    async def _ended(self) -> AgentError:
        assert self._process is not None
        await self._process.over()
        code = self._process.exit
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        began = "as it started" if not self._session else "in the middle of its work"
        hint = "" if self._session else "Does its command speak the Agent Client Protocol? `autotune-tui agents` helps."
        return AgentError(f"{self._start.title} ended {began}, with {how}", self._tail, hint)

    def _account(self, call: Call, usage: Any) -> None:
        """Say what was used: tokens of this prompt, dollars since the last one."""
        told: dict[str, float] = {}
        if call.cost is not None and call.cost > self._cost:
            told["usd"], self._cost = call.cost - self._cost, call.cost
        if usage is not None:
            told |= tokens_of(usage)
        if told:
            call.speech.usage(told)

    @property
    def _tail(self) -> str:
        return self._speech.tail if self._speech is not None else ""

    def _stray(self, stream: Stream, data: bytes) -> None:
        if self._speech is not None:
            self._speech.printed(stream, data)


def tokens_of(usage: Any) -> dict[str, float]:
    """The tokens of one prompt, those from caches among the input as everywhere with us; some agents count them apart."""
    read, write = usage.cached_read_tokens or 0, usage.cached_write_tokens or 0
    parts = usage.input_tokens + usage.output_tokens + (usage.thought_tokens or 0)
    apart = usage.total_tokens >= parts + read + write
    return {
        "input_tokens": float(usage.input_tokens + (read + write if apart else 0)),
        "output_tokens": float(usage.output_tokens),
        "cache_read_tokens": float(read),
        "cache_write_tokens": float(write),
    }
