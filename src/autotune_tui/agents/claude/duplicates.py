"""Recognises what was tried before although its names, spaces and comments differ. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from autotune_tui.agents.base import PastExperiment, Plan

ALIKE = 0.7
"""Share of words that two plans for the same place have in common, from which they are the same idea."""

_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\w+|[^\w\s]")
_COMMENT = re.compile(r"(?:^|\s)(?:#|//|--\s).*$")
_NAME = re.compile(r"[^\W\d]\w*")
_SMALL = frozenset(("a", "an", "and", "as", "at", "be", "by", "for", "from", "in", "is", "it", "of", "on", "one", "or",
                    "should", "because", "that", "the", "to", "with", "improve", "use"))  # fmt: skip


def fingerprint(diff: str) -> str:
    """Hash of a unified diff's changed lines as tokens, without comments; names that it brings in are numbered.

    Empty when it changes nothing that a program would notice.
    """
    tokens = [token for path, sign, line in _changed(diff) for token in (path, sign, *_tokens(line))]
    if not any(True for _, _, line in _changed(diff) if _tokens(line)):
        return ""
    old = {token for _, sign, line in _all_lines(diff) if sign != "+" for token in _tokens(line)}
    numbers: dict[str, str] = {}
    for _, sign, line in _changed(diff):
        if sign == "+":
            for token in _tokens(line):
                if _NAME.fullmatch(token) and token not in old and _is_bound(token, diff):
                    numbers.setdefault(token, f"name {len(numbers)}")
    normal = "\0".join(numbers.get(token, token) for token in tokens)
    return hashlib.sha256(normal.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _is_bound(name: str, diff: str) -> bool:
    """Whether the change itself makes the name (assigns it, loops over it, defines it): only then is it free to choose."""
    word = re.escape(name)
    return bool(
        re.search(rf"^\+.*(?:\b(?:def|class|for|as|let|const|var|fn|func)\s+{word}\b|\b{word}\s*:?=(?!=))", diff, re.M)
    )


def tried(fingerprint_: str, earlier: Iterable[tuple[int, str]]) -> int | None:
    """The number of the earlier experiment, of (number, diff) pairs, that made the same change."""
    if not fingerprint_:
        return None
    return next((index for index, diff in earlier if diff and fingerprint(diff) == fingerprint_), None)


def since_last_keep(history: Sequence[PastExperiment]) -> list[PastExperiment]:
    """What was tried on the present incumbent: after a keep, the same idea may be worth more or less."""
    found: list[PastExperiment] = []
    for past in reversed(history):
        if past.status == "keep":
            break
        if past.reason != "skipped":
            found.append(past)
    return found


def like(plan: Plan, history: Sequence[PastExperiment]) -> PastExperiment | None:
    """The experiment on the same code whose plan was for the same place and said much the same."""
    words = _words(f"{plan.description} {plan.hypothesis}")
    for past in since_last_keep(history):
        theirs = _words(f"{past.description} {past.hypothesis}")
        both = words | theirs
        if past.data.get("target") == plan.target and both and len(words & theirs) / len(both) >= ALIKE:
            return past
    return None


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower())) - _SMALL


def _tokens(line: str) -> list[str]:
    return _TOKEN.findall(_COMMENT.sub("", line))


def _changed(diff: str) -> list[tuple[str, str, str]]:
    return [each for each in _all_lines(diff) if each[1] != " " and _tokens(each[2])]


def _all_lines(diff: str) -> list[tuple[str, str, str]]:
    """(path, sign, line) of every line in the hunks."""
    found, path, inside = [], "", False
    for line in diff.splitlines():
        if line.startswith("diff --git "):
            path, inside = line.rpartition(" b/")[2], False
        elif line.startswith("@@"):
            inside = True
        elif inside and line[:1] in ("+", "-", " "):
            found.append((path, line[0], line[1:]))
    return found
