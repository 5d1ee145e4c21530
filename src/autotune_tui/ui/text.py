"""Output of other programs made safe to show: its colours stay, everything else that a terminal would obey is taken out.

Only SGR ("select graphic rendition", `ESC [ ... m`) has an effect, on what stands on the same line. Cursor movements, titles,
hyperlinks and every other escape sequence vanish, a carriage return leaves what was written last, as a progress bar intends,
and other control characters become visible signs.
"""

from __future__ import annotations

import re

from textual.color import Color
from textual.content import Content, Span
from textual.style import Style

_LONGEST = 2000
"""Characters of a line that are kept; no screen is that wide."""
_ESCAPE = re.compile(
    r"\x1b\[([0-9;:]*)m"  # SGR
    r"|\x1b\[[0-?]*[ -/]*(?:[@-~]|$)"  # other control sequences, also an unfinished one
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # strings for the terminal: titles, hyperlinks, pictures
    r"|\x1b[ -/]*(?:[0-~]|$)"  # all other escapes
    r"|\x9b[0-?]*[ -/]*(?:[@-~]|$)|[\x90\x98\x9d\x9e\x9f].*?(?:\x07|\x9c|$)"  # the same in eight bits
)
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STEPS = (0, 95, 135, 175, 215, 255)
_ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_ENDS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}


def plain(text: str) -> str:
    """One line without anything that a terminal would obey."""
    return _tame(_ESCAPE.sub("", _last_written(text[:_LONGEST])))


def coloured(text: str) -> Content:
    """One line in the colours that its SGR sequences give it."""
    text = _last_written(text[:_LONGEST])
    if "\x1b" not in text and "\x9b" not in text:
        return Content(_tame(_ESCAPE.sub("", text)))
    parts: list[str] = []
    spans: list[Span] = []
    state: dict[str, str | bool] = {}
    length = position = 0
    for match in _ESCAPE.finditer(text):
        length = _add(parts, spans, _tame(text[position : match.start()]), length, state)
        position = match.end()
        if match[1] is not None:
            state = _select(state, match[1])
    _add(parts, spans, _tame(text[position:]), length, state)
    return Content("".join(parts), spans=spans)


def _add(parts: list[str], spans: list[Span], text: str, start: int, state: dict[str, str | bool]) -> int:
    end = start + len(text)
    if text:
        parts.append(text)
        if state:
            spans.append(Span(start, end, _style(state)))
    return end


def _last_written(text: str) -> str:
    """What a terminal shows of a line that goes back to its start: what was written last."""
    return text.rstrip("\r\n").rpartition("\r")[2]


def _tame(text: str) -> str:
    text = text.expandtabs(8) if "\t" in text else text
    return text if text.isprintable() else _INVISIBLE.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\ufffd" if code < 0xA0 or (code >= 0xD800 and code != 0xFEFF) else ""


def _select(state: dict[str, str | bool], codes: str) -> dict[str, str | bool]:
    """The state after one SGR sequence. Codes that are unknown change nothing."""
    state = dict(state)
    numbers = [int(code) if code.isdigit() else 0 for code in re.split("[;:]", codes)] if len(codes) < 100 else [0]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            state.clear()
        elif code in _ATTRIBUTES:
            state[_ATTRIBUTES[code]] = True
        elif code in _ENDS:
            for name in _ENDS[code]:
                state.pop(name, None)
        elif code in (38, 48):
            colour = _extended(numbers)
            if colour:
                state["foreground" if code == 38 else "background"] = colour
        elif code in (39, 49):
            state.pop("foreground" if code == 39 else "background", None)
        else:
            _basic(state, code)
    return state


def _basic(state: dict[str, str | bool], code: int) -> None:
    for first, name, bright in (
        (30, "foreground", ""),
        (40, "background", ""),
        (90, "foreground", "bright_"),
        (100, "background", "bright_"),
    ):
        if first <= code < first + 8:
            state[name] = f"ansi_{bright}{_NAMES[code - first]}"


def _extended(numbers: list[int]) -> str:
    """The colour of `5;n` or `2;r;g;b`, which are taken off the numbers; empty when it is none."""
    kind = numbers.pop(0) if numbers else 0
    if kind == 5 and numbers:
        return _indexed(numbers.pop(0))
    if kind == 2 and len(numbers) >= 3:
        red, green, blue = (min(numbers.pop(0), 255) for _ in range(3))
        return f"#{red:02x}{green:02x}{blue:02x}"
    return ""


def _indexed(index: int) -> str:
    """A colour of the 256 that xterm has: 16 named, a cube of 6 x 6 x 6, 24 greys."""
    if index < 16:
        return f"ansi_{'bright_' if index > 7 else ''}{_NAMES[index % 8]}"
    if index > 255:
        return ""
    if index >= 232:
        level = 8 + 10 * (index - 232)
        return f"#{level:02x}{level:02x}{level:02x}"
    red, green, blue = (_STEPS[(index - 16) // scale % 6] for scale in (36, 6, 1))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _style(state: dict[str, str | bool]) -> Style:
    colours = {name: Color.parse(str(state[name])) for name in ("foreground", "background") if name in state}
    attributes = {name: True for name in _ATTRIBUTES.values() if name in state}
    return Style(**colours, **attributes)  # type: ignore[arg-type]
