"""A Messages server on loopback that answers as a test tells it: real HTTP, real server-sent events, and faults on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

KEY = "sk-ant-test-0123456789-abcdef"
USAGE = {"input_tokens": 100, "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 5000}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def thinking(words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": "c2lnbmVk"}


def tool(name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": given}


@dataclass(frozen=True)
class Say:
    """An answer. It ends after `cut` events, by a lost connection or an end of the body that comes too soon."""

    blocks: Sequence[Mapping[str, Any]] = ()
    stop: str = ""
    usage: Mapping[str, int] = field(default_factory=lambda: USAGE)
    output: int = 50
    cut: int | None = None
    how: Literal["abort", "end", "error", "hang"] = "abort"
    garbled: bool = False
    """The tools' inputs are no JSON."""


@dataclass(frozen=True)
class Fail:
    """An error response."""

    status: int
    kind: str = ""
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Say | Fail
Script = Callable[[dict[str, Any]], "Answer | Awaitable[Answer]"]


def in_turn(*answers: Answer) -> Script:
    """One answer after the other; a request too many is a 400 that says so."""
    rest = iter(answers)
    return lambda request: next(rest, Fail(400, "invalid_request_error", "the script has ended"))


class MessagesServer:
    """What was asked is kept: `requests` are the bodies, `headers` theirs."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.asked = asyncio.Event()
        self.begun = asyncio.Event()
        """Some answer has begun to be sent."""
        self.hanging = asyncio.Event()
        """All that is to come of an answer that hangs has been sent."""
        self.left = asyncio.Event()
        """A client went away in the middle of an answer that hangs."""
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read(reader):
                path, headers, body = request
                assert path.startswith("/v1/messages"), path
                self.requests.append(body)
                self.headers.append(headers)
                self.asked.set()
                answer = self.script(body)
                if not isinstance(answer, Say | Fail):
                    answer = await answer
                if isinstance(answer, Fail):
                    await _fail(writer, answer)
                elif not await self._say(reader, writer, answer, str(body.get("model"))):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, as clients do
        finally:
            writer.close()

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Say, model: str) -> bool:
        """Whether the connection can be used again."""
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number, event in enumerate(events(answer, model, len(self.requests))):
            if number == answer.cut:
                return await self._cut(reader, writer, answer)
            _chunk(writer, event)
            await writer.drain()
            self.begun.set()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _cut(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Say) -> bool:
        match answer.how:
            case "abort":
                writer.transport.abort()
            case "end":
                writer.write(b"0\r\n\r\n")
            case "error":
                error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
                _chunk(writer, error)
                writer.write(b"0\r\n\r\n")
            case "hang":
                self.hanging.set()
                await reader.read()
                self.left.set()
        return answer.how in ("end", "error")


@asynccontextmanager
async def serve(script: Script | Iterable[Answer]) -> AsyncIterator[MessagesServer]:
    server = MessagesServer(script if callable(script) else in_turn(*script))
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


def events(answer: Say, model: str, number: int) -> list[dict[str, Any]]:
    """The events of an answer, texts and inputs in pieces."""
    usage = {**answer.usage, "output_tokens": 1}
    searches = sum(block["type"] == "server_tool_use" for block in answer.blocks)
    start = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "content": [],
             "stop_reason": None, "stop_sequence": None, "usage": usage}  # fmt: skip
    found: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(answer.blocks):
        found += _block(index, dict(block), number, answer.garbled)
    tools = any(block["type"] == "tool_use" for block in answer.blocks)
    stop = answer.stop or ("tool_use" if tools else "end_turn")
    delta = {"stop_reason": stop, "stop_sequence": None}
    spent = {
        "output_tokens": answer.output,
        **({"server_tool_use": {"web_search_requests": searches}} if searches else {}),
    }
    found.append({"type": "message_delta", "delta": delta, "usage": spent})
    return [*found, {"type": "message_stop"}]


def _block(index: int, block: dict[str, Any], number: int, garbled: bool) -> list[dict[str, Any]]:
    pieces: list[dict[str, Any]]
    match block["type"]:
        case "text":
            start, whole = {**block, "text": ""}, block["text"]
            pieces = [{"type": "text_delta", "text": part} for part in _pieces(whole)]
        case "thinking":
            start, whole = {"type": "thinking", "thinking": "", "signature": ""}, block["thinking"]
            pieces = [{"type": "thinking_delta", "thinking": part} for part in _pieces(whole)]
            pieces.append({"type": "signature_delta", "signature": block["signature"]})
        case "web_search_tool_result":
            start, pieces = block, []
        case _:
            whole = json.dumps(block["input"])
            start = {"id": f"toolu_{number}_{index}", **block, "input": {}}
            parts = ["{not json", "]"] if garbled else _pieces(whole)
            pieces = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": piece} for piece in pieces),
        {"type": "content_block_stop", "index": index},
    ]


def _pieces(whole: str) -> list[str]:
    return [whole[at : at + 40] for at in range(0, len(whole), 40)]


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], dict[str, Any]] | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return first.split()[1], headers, json.loads(body)


async def _fail(writer: asyncio.StreamWriter, answer: Fail) -> None:
    body = json.dumps({"type": "error", "error": {"type": answer.kind, "message": answer.message}}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} No\r\n{lines}\r\n".encode() + body)
    await writer.drain()


def _chunk(writer: asyncio.StreamWriter, event: Mapping[str, Any]) -> None:
    data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
