"""The instructions of each role, as files beside this one, and what an experiment fills into them.

A file has the instructions, which never change and are therefore read from the provider's cache, and below a mark what is
sent for one experiment, with `$names` to be filled in. `house.md` comes before every role's instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Literal

Name = Literal["planner", "searcher", "ranker", "editor", "rework", "inspector", "reflector", "benchmark", "tests"]
NAMES: tuple[Name, ...] = (
    "planner",
    "searcher",
    "ranker",
    "editor",
    "rework",
    "inspector",
    "reflector",
    "benchmark",
    "tests",
)
MARK = "<!-- experiment -->\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """`system` are the instructions, `first` is the first message."""

    system: str
    first: str


def render(name: Name, parts: Mapping[str, str]) -> Prompt:
    """A role's prompt. Every `$name` of its file must be among the parts; an empty one reads "none"."""
    instructions, _, experiment = _read(f"{name}.md").partition(MARK)
    filled = Template(experiment).substitute({key: text.strip() or "none" for key, text in parts.items()})
    return Prompt(f"{_read('house.md').strip()}\n\n{instructions.strip()}\n", filled.strip() + "\n")


@cache
def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
