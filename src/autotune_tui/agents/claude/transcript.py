"""What was said to the model and by it: `transcript.jsonl` whole, `agent.log` as a person follows it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from autotune_tui.agents.base import AgentEvent, Emit
from autotune_tui.agents.claude.key import Key
from autotune_tui.agents.output import Output
from autotune_tui.redaction import Redactor

FILE = "transcript.jsonl"
LOG = "agent.log"


class Transcript:
    """Takes what is said in one step of an experiment. Nothing that it writes or emits has a secret of the environment in it."""

    def __init__(self, folder: Path, key: Key, emit: Emit) -> None:
        self._key, self._emit, self._redactor = key, emit, Redactor(os.environ)
        self._file = (folder / FILE).open("ab", buffering=0)
        self._words = Output(folder / LOG, lambda line: emit(AgentEvent("text", line)), time.monotonic)
        self._broken = False
        self._amid = False
        """Whether the last line is not complete."""

    def __enter__(self) -> Transcript:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._words.close()
        self._file.close()

    def record(self, kind: str, **fields: Any) -> None:
        """One line of the transcript."""
        line = json.dumps({"kind": kind, **fields}, ensure_ascii=False, default=str)
        try:
            self._file.write(self.clean(line).encode("utf-8", "backslashreplace") + b"\n")
        except OSError as problem:  # a full disk: the work is good all the same
            if not self._broken:
                self._broken = True
                self.notice(f"the transcript is incomplete: {problem.strerror}")

    def words(self, text: str) -> None:
        """Words for whoever looks on, as they come."""
        self._words.feed("stdout", self.clean(text).encode("utf-8", "replace"))
        self._amid = not text.endswith("\n") if text else self._amid

    def line(self, text: str) -> None:
        """A line of its own."""
        before = "\n" if self._amid else ""
        self.words(f"{before}{text}\n")

    def heading(self, text: str) -> None:
        """The same after an empty line."""
        self.line(f"\n[{text}]")

    def tool(self, text: str) -> None:
        """What a tool was asked to do."""
        self.line(f"> {text}")
        self._emit(AgentEvent("tool", self.clean(text)))

    def clean(self, text: str) -> str:
        """A text for the model: a file of the repository may hold the key, or another secret of the environment."""
        return self._redactor.text(self._key.redact(text))

    def notice(self, text: str) -> None:
        """For the user's eyes at once."""
        self._emit(AgentEvent("notice", self.clean(text)))

    def usage(self, role: str, usage: dict[str, float]) -> None:
        self._emit(AgentEvent("usage", role, usage))
