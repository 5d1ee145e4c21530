"""The JSON object in which an agent ends its answer, and what may be believed of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from autotune_tui.agents.base import Approach
from autotune_tui.agents.text import harmless, one_line

MOST_TEXT = 10_000
MOST_APPROACHES = 12
_USAGE = ("input_tokens", "output_tokens", "usd")
_END = 64 << 10
"""Characters from the answer's end in which its object is looked for."""
_MOST_TRIES = 200


def object_of(line: str) -> Mapping[str, Any]:
    """The JSON object on a line, or an empty one."""
    if not line.startswith("{"):
        return {}
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def last_object(answer: str) -> Mapping[str, Any]:
    """The last JSON object of an answer that begins a line, over several lines or in a fence; empty when there is none."""
    decoder = json.JSONDecoder()
    for tried, start in enumerate(_starts(answer[-_END:])):
        if tried == _MOST_TRIES:
            break
        try:
            said, _ = decoder.raw_decode(answer[-_END:], start)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            return said
    return {}


def _starts(text: str) -> Iterator[int]:
    """Where lines begin with a brace, the last first."""
    place = len(text)
    while (place := text.rfind("{", 0, place)) >= 0:
        if not text[text.rfind("\n", 0, place) + 1 : place].strip():
            yield place


def text_in(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return harmless(value).strip()[:MOST_TEXT] if isinstance(value, str) else ""


def number_in(said: Mapping[str, Any], key: str) -> float | None:
    value = said.get(key)
    return float(value) if is_number(value) else None


def approaches_in(said: Mapping[str, Any]) -> tuple[Approach, ...]:
    """The approaches that a plan weighed, those that have a name."""
    listed = said.get("approaches")
    found = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    return tuple(
        Approach(one_line(name, 200), one_line(text_in(each, "trade_off"), 500), each.get("chosen") is True)
        for each in found[:MOST_APPROACHES]
        if (name := text_in(each, "name"))
    )


def usage_in(value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {}
    return {name: float(value[name]) for name in _USAGE if is_number(value.get(name)) and value[name] >= 0}


def is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def first_line(answer: str, most: int = 200) -> str:
    """The first line of an answer that says something, without the marks of Markdown."""
    lines = (line.strip().lstrip("#>*- ").rstrip("*").strip() for line in harmless(answer).splitlines())
    return one_line(next((line for line in lines if line and line[0] not in "{`"), ""), most)
