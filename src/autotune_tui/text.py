"""Makes what programs print safe to read and to show."""

from __future__ import annotations

import re

ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|[\]PX^_](?:[^\x07\x1b]*(?:\x07|\x1b\\)|[^\x07\x1b\n]*)"  # OSC and other strings: titles, links
    r"|[ -/]*[0-~])?"
)
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def without_escapes(text: str) -> str:
    """The text without escape sequences, such as colours around a number."""
    return ESCAPES.sub("", text)


def harmless(text: str) -> str:
    """Text that may be shown on a terminal: no escape sequences, no control or direction-changing characters."""
    text = without_escapes(text).replace("\r\n", "\n")
    text = re.sub(r"[^\n]*\r(?=[^\n])", "", text).replace("\r", "")
    return HARMFUL.sub("\ufffd", text)
