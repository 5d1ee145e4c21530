"""The protocol's messages over a program's standard input and output: one JSON object a line.

What is no message is shown and passed over: programs print greetings and warnings there, and newer ones say things that we
do not know.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from autotune_tui.agents.output import Stream
from autotune_tui.agents.process import Conversing

LONGEST = 64 << 20
"""Bytes of one message; a longer line is no message."""
NOT_FOUND = -32601


class Wire:
    """A transport of the `acp` package. `fits` says whether a request or a notification is one that we understand; `stray`
    gets what is printed beside the protocol.
    """

    def __init__(self, fits: Callable[[str, Any], bool], stray: Callable[[Stream, bytes], None]) -> None:
        self._fits, self._stray = fits, stray
        self._process: Conversing | None = None
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._pending = bytearray()
        self._skipping = False

    def attach(self, process: Conversing) -> None:
        self._process = process

    def feed(self, stream: Stream, data: bytes) -> None:
        """Take what the program prints."""
        if stream == "stderr":
            self._stray(stream, data)
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line(bytes(self._pending) + line)
            self._pending.clear()
        self._pending += rest
        if len(self._pending) > LONGEST:
            self._pending.clear()
            self._skipping = True

    def end(self) -> None:
        """The program has ended: nothing comes any more."""
        self._messages.put_nowait(None)

    async def send(self, message: dict[str, Any]) -> None:
        if self._process is not None:
            self._process.send(json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        return await self._messages.get()

    async def close(self) -> None:
        self.end()

    def _line(self, line: bytes) -> None:
        if self._skipping:  # the end of a line that was too long
            self._skipping = False
            return
        if not line.strip():
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._stray("stdout", line + b"\n")
        elif "method" not in message or self._fits(str(message["method"]), message.get("params")):
            self._messages.put_nowait(message)
        elif "id" in message and self._process is not None:
            error = {"code": NOT_FOUND, "message": f"not understood: {str(message['method'])[:100]}"}
            answer = {"jsonrpc": "2.0", "id": message["id"], "error": error}
            self._process.send(json.dumps(answer).encode() + b"\n")
