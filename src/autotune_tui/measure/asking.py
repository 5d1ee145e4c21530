"""Whether a command that failed wanted to ask somebody: commands have no input and no terminal, and it should be said."""

from __future__ import annotations

import re

_SIGNS = (
    (re.compile(r"/dev/tty"), "it wanted a terminal (/dev/tty)"),
    (re.compile(r"EOFError: EOF when reading a line|No more input|unexpected end of (?:input|file) while reading"),
     "it read its standard input, which is empty"),
    (re.compile(r"Inappropriate ioctl for device|not a (?:tty|terminal)|no tty present|termios\.error"),
     "it wanted a terminal"),
)  # fmt: skip
_PROMPT = re.compile(
    r"(?i)(?:\[(?:y/n|yes/no)\]|\((?:y/n|yes/no)(?:/\S+)?\)|\b(?:password|passphrase|username|login)(?: for \S+)?)\s*[:?]?\s*\Z"
    r"|\b(?:continue|proceed|are you sure|press (?:enter|return|any key)|enter \w+)\b[^\n]{0,40}[:?.]\s*\Z"
)
RECENT = 2000
"""Characters at the end of the output that are looked at: earlier words say nothing of the end."""


def asks_for_input(output: str) -> str:
    """Words to add to a failure when the output's end shows a question or a wish for a terminal; else none."""
    recent = output[-RECENT:]
    said = next((words for pattern, words in _SIGNS if pattern.search(recent)), "")
    if not said and (prompt := _PROMPT.search(recent.rstrip())):
        said = f"it asked {prompt[0].strip()[-60:]!r}"
    return f"; {said}: commands have no input and no terminal, so make it ask nothing" if said else ""
