"""A Messages server on loopback for the benchmarks: it plays the roles of a session, or says words one at a time."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

KEY = "sk-ant-benchmark-0123456789"
_USAGE = {"input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5000, "output_tokens": 1}


class Model:
    """Answers every request. With `words` an answer is these, one after the other, and then silence."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.pause = 0.0
        """Seconds before each word."""
        self.most: int | None = None
        """How many events of an answer are sent before it hangs; all without it."""
        self.sent: dict[str, float] = {}
        """When each word left, in seconds of `perf_counter`."""
        self.hanging = asyncio.Event()
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.I)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                if self.words:
                    await self._speak(writer)
                    await self._hang(reader)
                    return
                answer = events(_call(body))
                for event in answer[: self.most]:
                    _send(writer, event)
                await writer.drain()
                if self.most is not None:
                    await self._hang(reader)
                    return
                writer.write(b"0\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    async def _speak(self, writer: asyncio.StreamWriter) -> None:
        for event in (
            _start(),
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ):
            _send(writer, event)
        for word in self.words:
            await writer.drain()
            await asyncio.sleep(self.pause)
            self.sent[word] = time.perf_counter()
            delta = {"type": "text_delta", "text": f"{word} "}
            _send(writer, {"type": "content_block_delta", "index": 0, "delta": delta})
        await writer.drain()

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        self.hanging.set()
        await reader.read()


@asynccontextmanager
async def serving() -> AsyncIterator[Model]:
    model = Model()
    server = await asyncio.start_server(model.handle, "127.0.0.1", 0)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield model
    finally:
        server.close()


def events(calls: list[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """An answer that thinks a little and calls tools."""
    found = [_start()]
    for index, (name, given) in enumerate(calls):
        block = {"type": "tool_use", "id": f"toolu_{time.perf_counter_ns()}_{index}", "name": name, "input": {}}
        found.append({"type": "content_block_start", "index": index, "content_block": block})
        whole = json.dumps(given)
        for at in range(0, len(whole), 40):
            delta = {"type": "input_json_delta", "partial_json": whole[at : at + 40]}
            found.append({"type": "content_block_delta", "index": index, "delta": delta})
        found.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": "tool_use", "stop_sequence": None}
    found.append({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 50}})
    return [*found, {"type": "message_stop"}]


def plan(number: int) -> dict[str, Any]:
    """A plan that no other is like."""
    names = ["write another", "keep it", "leave it out"]
    return {
        "assumptions": "None.", "tried_before": "Nothing.", "local_optimum": "No.", "unmeasured_harm": "None.",
        "bottleneck_type": "cpu", "bottleneck": "The value.", "principles": ["Do less."],
        "approaches": [{"name": name, "change": "x " * 200, "trade_off": "y " * 200} for name in names],
        "second_ranking": names, "why": "It wins.", "choice": names[0], "description": f"Write the value {number} instead",
        "hypothesis": f"Value {number} should improve cost because it is another.", "expected_percent": -1, "impact": 8,
        "feasibility": 8, "novelty": 8, "premortem": "It is larger.", "early_signal": "The first run.",
        "target": f"src/value.txt:{number}", "strategy": f"kind-{number % 7}", "files": ["src/value.txt"],
    }  # fmt: skip


def _call(request: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What the role of a request does: look first, then end. Every change makes the metric worse."""
    names = {tool["name"] for tool in request["tools"]}
    first = request["messages"][0]["content"][0]["text"]
    found = re.search(r"# Experiment (\d+)", first)
    number = int(found[1]) if found else 0
    looked = len(request["messages"]) > 1
    if "submit_plan" in names:
        return (
            [("submit_plan", plan(number))]
            if looked
            else [("read_file", {"path": "src/value.txt"}), ("list_files", {})]
        )
    if "finish" in names:
        change = {"path": "src/value.txt", "text": f"{1000 + number}\n"}
        return [("create_file", change), ("finish", {"description": f"Write the value {number}"})]
    lessons = [f"In experiment {number} the cost followed the value, as before."]
    said = {"observation": "The cost rose. " * 10, "next": "Another value.", "lessons": lessons}
    return [("submit_reflection", said)]


def _start() -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _USAGE,
    }
    return {"type": "message_start", "message": message}


def _send(writer: asyncio.StreamWriter, event: Mapping[str, Any]) -> None:
    data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
