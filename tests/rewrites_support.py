"""Helpers for the tests of the offline agent's rewrites."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from textwrap import dedent
from typing import Any

from hypothesis import strategies

from autotune_tui.agents.offline.rewrites import Candidate, apply, find

TEXTS = strategies.text("abAx -", max_size=4)
"""Texts that are often equal, or equal but for case and spaces."""


@dataclass(frozen=True, slots=True)
class Case:
    """Natural code that a rewrite applies to at one place, and what it makes of it."""

    rewrite: str
    name: str
    function: str
    """What to call with drawn arguments: a function, or a method (its first argument is drawn too)."""
    arguments: tuple[strategies.SearchStrategy[Any], ...]
    before: str
    after: str


def source(text: str) -> str:
    return dedent(text).lstrip("\n")


def candidates(rewrite: str, text: str) -> list[Candidate]:
    return [candidate for candidate in find(text) if candidate.rewrite == rewrite]


def rewritten(rewrite: str, text: str) -> str:
    """The source after the only candidate of a rewrite; it must be gone then."""
    (candidate,) = candidates(rewrite, text)
    changed = apply(text, candidate.key)
    assert candidate.key not in {other.key for other in find(changed)}
    return changed


@cache
def load(text: str) -> dict[str, Any]:
    """The names of a module, run from its source (once)."""
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(text, "<tried>", "exec"), names)
    return names


def run(names: dict[str, Any], function: str, arguments: Sequence[Any]) -> tuple[str, Any, Any]:
    """How calling the function ends (its value and the value's type, or the error's), and what became of the arguments."""
    first, *rest = function.split(".")
    given = copy.deepcopy(list(arguments))
    try:
        result = reduce(getattr, rest, names[first])(*given)
    except Exception as error:
        return "raised", type(error), given
    return "returned", (type(result), result), given
