"""What a tool is: a name, a description, an input that is checked, and a result that is text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class Input(BaseModel):
    """Input of a tool, closed to names that it does not know."""

    model_config = ConfigDict(extra="forbid")


I = TypeVar("I", bound=Input)  # noqa: E741 - an input


class Refused(Exception):
    """A tool does not do it; the text says why and goes to the model."""


@dataclass(frozen=True, slots=True)
class Tool(Generic[I]):
    """`run` gets the checked input and returns the result's text. Raises Refused."""

    name: str
    description: str
    input: type[I]
    run: Callable[[I], Awaitable[str]]

    def definition(self) -> dict[str, Any]:
        """As it is sent to the API."""
        schema = self.input.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        return {"name": self.name, "description": self.description, "input_schema": schema}

    async def call(self, given: Any) -> str:
        """Raises Refused, also for an input that does not fit."""
        try:
            checked = self.input.model_validate(given)
        except ValidationError as error:
            raise Refused(f"The input of {self.name} does not fit: {problems(error)}") from None
        return await self.run(checked)


AnyTool = Tool[Any]


def problems(error: ValidationError) -> str:
    """What does not fit, in one line, without the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'it'}: {each['msg']}" for each in found[:8])


def shortened(text: str, most: int) -> str:
    """The text in at most about `most` characters, the middle left out, which it says."""
    if len(text) <= most:
        return text
    head, tail = most * 2 // 3, most // 3
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[... {left_out:,} characters left out here ...]\n{text[-tail:]}"


def inside(directory: Path, name: str) -> Path:
    """A path of the worktree with its links followed. Raises Refused for what lies outside or is git's own."""
    if not name or "\0" in name:
        raise Refused("The path is empty or no path.")
    root = directory.resolve()
    path = (root / name).resolve()
    if path != root and root not in path.parents:
        raise Refused(f"{name} is outside the worktree.")
    if ".git" in path.relative_to(root).parts:
        raise Refused(f"{name} belongs to git.")
    return path


def named(tools: Sequence[AnyTool]) -> dict[str, AnyTool]:
    return {tool.name: tool for tool in tools}
