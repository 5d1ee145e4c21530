"""Text of other programs made harmless: no escape codes, no control characters, bounded."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text without escape sequences, control characters (newline and tab stay) and marks that reverse its direction."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def one_line(text: str, most: int = 2000) -> str:
    """One harmless line of at most `most` characters; of a line that a program drew over (`\\r`), what was left standing."""
    drawn = [part for part in text.rstrip("\r\n").split("\r") if part.strip()]
    line = " ".join(harmless(drawn[-1] if drawn else "").split("\n")).rstrip()
    return line if len(line) <= most else line[: most - 1] + "…"
