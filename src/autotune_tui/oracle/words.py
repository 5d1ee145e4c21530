"""Frozen values as a person would write them in Python, cut to what fits a line. Any tree has words, also a forged one."""

from __future__ import annotations

import base64
import binascii
from typing import Any

MOST = 100
"""Characters of one value."""
_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}", "frozenset": "{}", "iterator": "<>"}


def cut(text: str, most: int = MOST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def clean(text: str) -> str:
    """Without characters that a terminal could obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def in_words(tree: Any, most: int = MOST) -> str:
    return cut(_words(tree, 4), most)


def call_in_words(name: str, tree: Any) -> str:
    """A recorded call of `package.module:Class.method` with its arguments: `method(3, key='x')`."""
    match tree:
        case ["tuple", [["tuple", list() as positional], ["dict", list() as named]]]:
            words = [_words(argument, 3) for argument in positional]
            words += [f"{key}={_words(value, 3)}" for key, value in named]
        case _:
            words = ["…"]
    return f"{name.rpartition(':')[2].rpartition('.')[2]}({cut(', '.join(words))})"


def _words(tree: Any, levels: int) -> str:
    if levels == 0:
        return "…"
    if isinstance(tree, str):
        return repr(tree[: 2 * MOST])
    match tree:
        case None | bool() | int() | float():
            return repr(tree)
        case ["list" | "tuple" | "set" | "frozenset" | "iterator" as kind, list() as items, *_]:
            first, last = _BRACKETS[kind][0], _BRACKETS[kind][1]
            comma = "," if kind == "tuple" and len(items) == 1 else ""
            return f"{first}{', '.join(_words(item, levels - 1) for item in items[:MOST])}{comma}{last}"
        case ["dict", list() as pairs]:
            return f"{{{', '.join(_pair(pair, levels) for pair in pairs[:MOST])}}}"
        case ["int", str() as digits]:
            return digits[: 2 * MOST]
        case ["complex", float() as real, float() as imaginary]:
            return repr(complex(real, imaginary))
        case ["bytes" | "bytearray", str() as data]:
            return _bytes(data)
        case ["exception", str() as name, list() as arguments]:
            return f"{_last(name)}({', '.join(_words(argument, levels - 1) for argument in arguments[:MOST])})"
        case ["object", str() as name, list() | None as fields, list() as made]:
            parts = [_words(part, levels - 1) for part in made[:3]] + _fields(fields or [], levels)
            return f"{_last(name)}({', '.join(parts)})"
        case ["array", str() as kind, list() as shape, *_]:
            return f"array of {kind} with shape {tuple(shape[:8])}"
        case ["name", str() as name]:
            return name
        case ["opaque", str() as name]:
            return f"a {_last(name)}"
        case ["cycle", _]:
            return "..."
        case ["unseen"]:
            return "an iterator"
        case ["too large"]:
            return "something too large to compare"
        case _:
            return "something unknown"


def _pair(pair: Any, levels: int) -> str:
    match pair:
        case [key, value]:
            return f"{_words(key, levels - 1)}: {_words(value, levels - 1)}"
        case _:
            return "…"


def _fields(fields: list[Any], levels: int) -> list[str]:
    return [
        f"{field[0]}={_words(field[1], levels - 1)}"
        for field in fields[:MOST]
        if type(field) is list and len(field) == 2
    ]


def _bytes(data: str) -> str:
    try:
        return repr(base64.b64decode(data[: 4 * MOST]))
    except (ValueError, binascii.Error):
        return "bytes"


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def opaque(tree: Any) -> set[str]:
    """The types of all values in a tree that could not be looked into."""
    if not isinstance(tree, list | tuple):
        return set()
    if len(tree) == 2 and tree[0] == "opaque":
        return {str(tree[1])}
    return set().union(*map(opaque, tree))
