"""Knobs: constants that a comment marks as free to change, found and replaced in any language's source.

A mark stands behind its constant, before it on the same line, or alone on the line above it. The comment's opener tells
enough about the language; the constant is recognised by the shape of the code around it. Only the value's own characters
are ever replaced: quotes, suffixes (`64u`, `1.5f`, `'4MB'`), digit groups and the number's base stay.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from autotune_tui.agents.offline.marks import FORMS, Domain, Kind, Value, parse, parse_number
from autotune_tui.errors import AgentError

_MARK = re.compile(
    r"(?P<opener><!--|/\*+|//[/!]*|#+|\(\*|\{-|--+|;+|%+|!|\bREM\b)[ \t]*autotune[ \t]*:(?P<text>[^\n\r]*)"
)
_CLOSERS = {"/*": "*/", "<!--": "-->", "(*": "*)", "{-": "-}"}
_PROSE = frozenset({".md", ".rst", ".adoc"})
_QUOTED = r"""(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)"""
_COMMENTS = {
    "/": r"/\*.*?\*/|/\*.*|//.*",
    "#": r"(?:(?<=\s)|^)#.*",
    "-": r"--.*|\{-.*?-\}|/\*.*?\*/",
    "<": r"<!--.*?-->",
    "(": r"\(\*.*?\*\)",
    "{": r"--.*|\{-.*?-\}",
    ";": r";.*",
    "%": r"%.*",
    "!": r"!.*",
    "R": r"\bREM\b.*",
}
_DECIMAL = r"(?:\d(?:[_']?\d)*(?:\.\d(?:_?\d)*|\.(?![.\w])|\.(?=[fFlLdD]\b))?|\.\d(?:_?\d)*)(?:[eE][-+]?\d+)?"
_NUMBER = rf"0[xX][\da-fA-F](?:_?[\da-fA-F])*|0[bB][01](?:_?[01])*|0[oO][0-7](?:_?[0-7])*|{_DECIMAL}"
_TOKEN: dict[Kind, re.Pattern[str]] = {
    "number": re.compile(rf"{_QUOTED}|(?P<word>[^\W\d]\w*)|(?P<number>{_NUMBER})\w*"),
    "text": re.compile(rf"{_QUOTED}|(?P<word>[^\W](?:[\w.+/-]*\w)?)"),
    "flag": re.compile(rf"{_QUOTED}|(?P<word>[^\W\d]\w*)"),
}
_QUANTITY = re.compile(rf"\s*(?P<number>[-+]?(?:{_NUMBER}))\s*[A-Za-z%]*\s*")
_ASSIGNMENT = re.compile(r"(?:(?<![=!<>])=|:|<-|=>|\bto)\s*$", re.IGNORECASE)
_ANNOTATED = re.compile(r"([\w.$@-]+)[\"']?\s*:\s*[^\s:=][^:=]*?:?=\s*$")
_NAME = re.compile(r"[^\W\d][\w.-]*")
_TYPE_WORDS = re.compile(
    r"(?:u?int\d*|float\d*|double|string|bool(?:ean)?|char|auto|to|is|equ|default|[iuf](?:8|16|32|64))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Knob:
    """A marked constant: `value` is written as `literal` at `start:end` (characters of the decoded file)."""

    path: str
    name: str
    ordinal: int
    """Counts the knobs of one name in one file, from 1."""
    line: int
    start: int
    end: int
    literal: str
    value: Value
    domain: Domain

    @property
    def id(self) -> str:
        """Names the knob across commits: its line may move, its name and order stay."""
        return f"{self.path}:{self.name}" + (f"#{self.ordinal}" if self.ordinal > 1 else "")


def find_knobs(path: str, text: str) -> tuple[Knob, ...]:
    """All knobs of one file, in order. Raises AgentError, naming file and line, for a mark that cannot be understood."""
    if "autotune" not in text or PurePosixPath(path).suffix.lower() in _PROSE:
        return ()
    knobs: list[Knob] = []
    seen: dict[str, int] = {}
    for mark in _marks(path, text):
        line = text.count("\n", 0, mark.start()) + 1
        try:
            knob = _knob(path, text, mark, line)
        except ValueError as problem:
            raise AgentError(
                f"{path}:{line}: this autotune mark cannot be used: {problem}",
                mark[0].strip(),
                f"A mark says what its constant may be: {FORMS}.",
            ) from None
        seen[knob.name] = seen.get(knob.name, 0) + 1
        knobs.append(replace(knob, ordinal=seen[knob.name]))
    return tuple(knobs)


def set_knobs(text: str, knobs: Iterable[Knob], values: Mapping[str, Value]) -> str:
    """The file's text with the knobs named in `values` (id -> value) set; every other character stays."""
    for knob in sorted(knobs, key=lambda knob: knob.start, reverse=True):
        if knob.id in values:
            text = text[: knob.start] + spelled_like(knob.literal, values[knob.id]) + text[knob.end :]
    return text


def spelled_like(literal: str, value: Value) -> str:
    """The value in the manner of a literal of the source: its base, case, digit groups and decimal point."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        word = "true" if value else "false"
        return word.upper() if literal.isupper() else word.capitalize() if literal[0].isupper() else word
    plain = literal.lstrip("+-")
    base = {"0x": "x", "0b": "b", "0o": "o"}.get(plain[:2].lower())
    if base is not None and isinstance(value, int):
        digits = f"{abs(value):{base}}"
        return ("-" if value < 0 else "") + plain[:2] + (digits.upper() if plain[2:].isupper() else digits)
    if isinstance(value, float) or any(mark in plain for mark in ".eE"):
        return repr(float(value))
    separator = next((mark for mark in "_'" if mark in plain), "")
    return f"{value:_}".replace("_", separator) if separator else str(value)


def _marks(path: str, text: str) -> Iterator[re.Match[str]]:
    """Marks that stand in a comment: for Python as its tokenizer says, elsewhere those outside of a line's strings."""
    comments = _python_comments(text) if path.endswith((".py", ".pyi")) else None
    for mark in _MARK.finditer(text):
        if comments is not None:
            if any(start <= mark.start() < end for start, end in comments):
                yield mark
            continue
        start = text.rfind("\n", 0, mark.start()) + 1
        column, line = mark.start() - start, text[start : mark.end()]
        if not any(q.start() <= column < q.end() for q in re.finditer(_QUOTED, line)):
            yield mark


def _python_comments(text: str) -> list[tuple[int, int]] | None:
    """Where the comments are, or None for a file that Python's tokenizer does not accept."""
    offsets = [0]
    for line in io.StringIO(text, newline=""):
        offsets.append(offsets[-1] + len(line))
    try:
        return [
            (offsets[token.start[0] - 1] + token.start[1], offsets[token.end[0] - 1] + token.end[1])
            for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline)
            if token.type == tokenize.COMMENT
        ]
    except (tokenize.TokenError, SyntaxError, IndexError):
        return None


def _knob(path: str, text: str, mark: re.Match[str], line: int) -> Knob:
    spec, after = mark["text"], ""
    closer = next((close for opening, close in _CLOSERS.items() if mark["opener"].startswith(opening)), None)
    if closer is not None:
        spec, _, after = spec.partition(closer)
    if "autotune:" in after:
        raise ValueError("a second mark stands on the same line")
    domain = parse(spec)
    start, code = _marked_code(text, mark, after, domain)
    code = _without_comments(code, mark["opener"])
    begin, end, value = _constant(code, domain)
    name = _name(code[:begin].rstrip("\"'` \t-+"), code[end:])
    line += text.count("\n", mark.start(), start) if start > mark.start() else 0
    return Knob(path, name, 1, line, start + begin, start + end, code[begin:end], value, domain)


def _marked_code(text: str, mark: re.Match[str], after: str, domain: Domain) -> tuple[int, str]:
    """Where the code that a mark is about starts, and its text: before the mark, around it, or the line below."""
    start = text.rfind("\n", 0, mark.start()) + 1
    before = text[start : mark.start()]
    if re.search(r"\w", before + after):
        if _literals(_without_comments(before, mark["opener"]), domain) or not after.strip():
            return start, before
        return start, before + " " * (len(mark[0]) - len(after)) + after
    below = text.find("\n", mark.end()) + 1
    if not below:
        return start, ""
    end = text.find("\n", below)
    return below, text[below : end if end >= 0 else len(text)].rstrip("\r")


def _without_comments(code: str, opener: str) -> str:
    """The code with other comments of the same language blanked out, so that columns stay."""
    pattern = f"{_QUOTED}|(?P<comment>{_COMMENTS[opener[0]]})"
    return re.sub(pattern, lambda found: " " * len(found[0]) if found["comment"] else found[0], code)


def _constant(code: str, domain: Domain) -> tuple[int, int, Value]:
    """Start, end and value of the one literal that the mark is about. Raises ValueError when that is not clear.

    A literal that the domain contains goes before one outside of it, then one right behind an assignment before others.
    """
    literals = _literals(code, domain)
    if not literals:
        raise ValueError(f"there is no {_WANTED[domain.kind]} where its constant should be")

    def rank(literal: tuple[int, int, Value]) -> tuple[bool, bool]:
        before = code[: literal[0]].rstrip("\"'`")
        return domain.contains(literal[2]), _ASSIGNMENT.search(before) is not None

    best = max(map(rank, literals))
    found = [literal for literal in literals if rank(literal) == best]
    if len(found) > 1:
        raise ValueError(f"{len(found)} values could be its constant; put the one that is meant on a line of its own")
    return found[0]


_WANTED: dict[Kind, str] = {"number": "number", "text": "string or word of its choices", "flag": "true or false"}


def _literals(code: str, domain: Domain) -> list[tuple[int, int, Value]]:
    """Every literal of the domain's kind in a piece of code."""
    found: list[tuple[int, int, Value]] = []
    for token in _TOKEN[domain.kind].finditer(code):
        if (quoted := token["quoted"]) is not None:
            inside = quoted[1:-1]
            if domain.kind == "text":
                found.append((token.start() + 1, token.end() - 1, inside))
            elif domain.kind == "number" and (quantity := _QUANTITY.fullmatch(inside)):
                at = token.start() + 1
                found.append((at + quantity.start("number"), at + quantity.end("number"), parse_number(quantity[1])))
        elif domain.kind == "number":
            if token["number"] is not None:
                start = _signed(code, token.start())
                found.append((start, token.end("number"), parse_number(code[start : token.end("number")])))
        elif domain.kind == "flag":
            if token[0].lower() in {"true", "false"}:
                found.append((*token.span(), token[0].lower() == "true"))
        elif domain.contains(token[0]):
            found.append((*token.span(), token[0]))
    return found


def _signed(code: str, start: int) -> int:
    """The start of a number with its sign, when the character before is a sign and no operator between two values."""
    if start and code[start - 1] in "+-":
        before = code[: start - 1].rstrip()
        if not before or not (before[-1].isalnum() or before[-1] in "_)]}\"'-+"):
            return start - 1
    return start


def _name(before: str, after: str) -> str:
    """What the code calls the constant: the last name before it that is no type's, else the first one after it."""
    annotated = _ANNOTATED.search(before)
    if annotated:
        return str(annotated[1]).lstrip("-")
    words: list[str] = [word.rstrip(".-") for word in _NAME.findall(before)]
    named = [word for word in words if not _TYPE_WORDS.fullmatch(word)]
    if named:
        return named[-1]
    following = _NAME.search(after)
    return str(following[0]).rstrip(".-") if following else "value"
