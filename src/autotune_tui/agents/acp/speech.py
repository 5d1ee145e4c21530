"""What an agent says in one call: shown as it comes, and kept for the answer."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Literal

from autotune_tui.agents.base import AgentEvent, Emit
from autotune_tui.agents.output import Output, Stream
from autotune_tui.agents.text import one_line

LOG = "agent.log"
MOST_WORDS = 1 << 20
"""Characters of an answer that are kept, from its end."""

Voice = Literal["", "says", "thinks"]


class Speech:
    """Words, thoughts and tool calls of one call, in `agent.log` and on the screen."""

    def __init__(self, folder: Path, emit: Emit) -> None:
        self._emit = emit
        self._output = Output(folder / LOG, lambda line: emit(AgentEvent("text", line)), time.monotonic)
        self._voice: Voice = ""
        self._answer = ""

    def __enter__(self) -> Speech:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.close()

    @property
    def answer(self) -> str:
        """All that it has said to the user."""
        return self._answer

    def says(self, text: str) -> None:
        self._speak("says", text)
        self._answer = (self._answer + text)[-MOST_WORDS:]

    def thinks(self, text: str) -> None:
        self._speak("thinks", text)

    def line(self, text: str) -> None:
        """A line of its own."""
        self._voice = ""
        self._write(f"\n{text}\n")

    def tool(self, title: str) -> None:
        self.line(f"> {one_line(title, 300)}")
        if self._answer and not self._answer.endswith("\n"):
            self._answer += "\n"
        self._emit(AgentEvent("tool", one_line(title, 300)))

    def stirs(self) -> None:
        """A sign of life without words."""
        self._emit(AgentEvent("text"))

    def notice(self, text: str) -> None:
        """For the user's eyes at once."""
        self.line(text)
        self._emit(AgentEvent("notice", text))

    def usage(self, usage: dict[str, float]) -> None:
        self._emit(AgentEvent("usage", usage=usage))

    def printed(self, stream: Stream, data: bytes) -> None:
        """What the program prints beside the protocol."""
        self._output.feed(stream, data)

    @property
    def tail(self) -> str:
        """The last lines of it all, for an error."""
        return self._output.tail()

    def _speak(self, voice: Voice, text: str) -> None:
        if voice != self._voice:
            self._voice = voice
            self._write("\n(thinks) " if voice == "thinks" else "\n")
        self._write(text)

    def _write(self, text: str) -> None:
        self._output.feed("stdout", text.encode("utf-8", "replace"))
