"""Markdown from texts that others wrote: nothing in them may break a table, end a block or become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from autotune_tui.model.format import one_line

_CELL = 100


def inline(text: str, limit: int = 300) -> str:
    """One line of running text. Underscores inside words stay as they are: they are common and harmless there."""
    words = re.sub(r"(\\|\*|<|(?<!\w)_|_(?!\w)|(?<=\])\()", r"\\\1", one_line(text, limit))
    return re.sub(r"^([#>+-])", r"\\\1", words)


def code(text: str) -> str:
    """A span of code in running text."""
    words = one_line(text).replace("`", "'")
    return f"`{words}`" if words else ""


def cell(text: str) -> str:
    """One cell of a table."""
    return inline(text, _CELL).replace("|", "\\|")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """The lines of a table whose cells are ready; `right` are the columns of numbers."""
    rules = ["---:" if place in right else "---" for place in range(len(headings))]
    return [f"| {' | '.join(row)} |" for row in (headings, rules, *rows)]


def bullets(items: Iterable[str]) -> list[str]:
    return [f"- {item}" for item in items]


def block(text: str, language: str = "", most_lines: int = 200) -> list[str]:
    """A fenced block that no line of `text` can end; lines beyond the limit are counted instead of shown."""
    lines = text.rstrip("\n").split("\n")
    left_out = len(lines) - most_lines
    shown = ["".join(char for char in line if char.isprintable() or char == "\t") for line in lines[:most_lines]]
    fence = "`" * max([3, *(len(run) + 1 for line in shown for run in re.findall("`+", line))])
    end = [f"({left_out:,} more lines are in the experiment's folder)"] if left_out > 0 else []
    return [f"{fence}{language}", *shown, fence, *end]


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A section, or nothing when it has no lines."""
    return ["", f"## {title}", "", *lines] if lines else []


def document(title: str, *parts: Sequence[str]) -> str:
    """The parts below a title, with one line end at the end."""
    return "\n".join([f"# {title}", *(line for part in parts for line in part)]).rstrip() + "\n"
