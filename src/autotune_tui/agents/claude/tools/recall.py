"""A tool that brings back what earlier experiments of the session planned, changed and learned."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from autotune_tui.agents.base import Context, PastExperiment
from autotune_tui.agents.claude.tools.base import AnyTool, Input, Refused, Tool
from autotune_tui.agents.text import harmless

FILES = ("plan.md", "summary.md", "reflexion.md", "diff.patch")
LOG = "bench.log"
MOST_BYTES = 64 << 10
END_BYTES = 3000
"""Of the output, which is long and says the same each time."""
MOST_LINES = 60


class Recall(Input):
    experiment: int = Field(0, ge=0, description="Number of an experiment to show whole; 0: look for words instead")
    words: str = Field("", description="Words that a line must have, whatever their case")


class Memory:
    """What the folders of earlier experiments hold. They lie beside the present one's."""

    def __init__(self, context: Context) -> None:
        self._folders, self._history = context.artifacts.parent, context.history

    def tool(self) -> AnyTool:
        about = "Shows plan, result, lessons, diff and output of an earlier experiment, or the lines of all that have some words."
        return Tool("recall", about, Recall, self._recall)

    def text(self, index: int, name: str) -> str:
        """A file of an experiment, empty when there is none."""
        folder = self._folder(index)
        try:
            with (folder / name).open("rb") if folder else Path("/dev/null").open("rb") as file:
                return file.read(MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""

    def end(self, index: int, name: str) -> str:
        """The last lines of a file of an experiment."""
        folder = self._folder(index)
        try:
            with (folder / name).open("rb") if folder else Path("/dev/null").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - END_BYTES))
                return harmless(file.read(END_BYTES).decode("utf-8", "replace")).strip()
        except OSError:
            return ""

    def _folder(self, index: int) -> Path | None:
        named = (path for path in self._folders.glob(f"{index:03}*") if path.name.partition("-")[0] == f"{index:03}")
        return max(named, default=None)

    async def _recall(self, given: Recall) -> str:
        if given.experiment:
            past = next((past for past in self._history if past.index == given.experiment), None)
            if past is None:
                raise Refused(f"There was no experiment {given.experiment}.")
            parts = [f"== {name}\n{self.text(past.index, name)}" for name in FILES if self.text(past.index, name)]
            output = self.end(past.index, LOG)
            parts += [f"== the end of {LOG}\n{output}"] if output else []
            return "\n".join([f"Experiment {past.index}: {past.description}: {past.status} {past.reason}", *parts])
        wanted = given.words.lower().split()
        if not wanted:
            raise Refused("Give an experiment's number, or words.")
        found = list(self._lines(wanted, self._history))
        return "\n".join(found[:MOST_LINES]) or "Nothing found."

    def _lines(self, wanted: Sequence[str], history: Sequence[PastExperiment]) -> Iterator[str]:
        for past in reversed(history):
            for name in FILES:
                for line in self.text(past.index, name).splitlines():
                    if all(word in line.lower() for word in wanted):
                        yield f"#{past.index} {name}: {line.strip()[:300]}"
