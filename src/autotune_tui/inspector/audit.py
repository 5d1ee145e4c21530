"""The audit after a keep (L17): settings that the change left without a use, and values that no longer agree.

Two steps, since only git can look through a whole repository quickly: `words` names what to look for, the caller finds the lines
that have these words, and `notes` judges them. Lines are read by their form, not parsed: what is said is a hint to a person.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from autotune_tui.inspector.base import Change, FileChange
from autotune_tui.inspector.testing import is_test
from autotune_tui.inspector.tokens import language

MOST_WORDS = 24
"""With their other spellings still fewer than git is asked for at a time."""
LONGEST = 300
"""Characters of a line that is read; a longer one is data, and may use anything."""
_CONFIGURATION = frozenset({".toml", ".ini", ".cfg", ".conf", ".yaml", ".yml", ".json", ".env", ".properties"})
_DOCUMENTS = frozenset({".md", ".rst", ".txt", ".adoc", ""})
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_DECLARES = r"(?:(?:export\s+)?(?:const|let|var|static|final|pub)\s+(?:[\w<>:&]+\s+)*?)?"
_CONSTANT = re.compile(
    rf"^(?:#define\s+|{_DECLARES})(?P<name>[A-Za-z_]\w{{2,}})(?:\s*:\s*[\w\[\], .|]+?)?\s*(?:[:?]?=\s*|\s)"
    r"(?P<value>-?\d[\w.]*|\"[^\"]*\"|'[^']*'|[A-Za-z][\w-]*)\s*;?\s*(?:#.*|//.*|/\*.*)?$"
)
_SHORT = frozenset(keyword.kwlist) | frozenset(
    {"self", "cls", "return", "import", "int", "str", "float", "len", "list", "dict", "set"}
)

Role = Literal["definition", "mention", "use"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the repository after the change, from 1."""

    path: str
    line: int
    text: str


def words(change: Change) -> tuple[str, ...]:
    """The names to look for: those whose uses in the changed files are all gone, and constants that have a new value."""
    gone = _lost_uses(change.files)
    gone -= _still_used(change.files, gone)
    ordered = sorted(gone, key=lambda word: (not word.isupper(), word))
    return tuple(dict.fromkeys([*(name for name, _, _ in _revalued(change)), *ordered]))[:MOST_WORDS]


def spellings(word: str) -> tuple[str, ...]:
    """A name as code, options and other files may write it: `batch_size`, `batch-size`, `BATCH_SIZE`."""
    return tuple(dict.fromkeys((word, word.replace("_", "-"), word.lower(), word.upper())))


def notes(change: Change, lines: Iterable[Line]) -> tuple[str, ...]:
    """What a person should know, from the lines that have one of the words in any spelling."""
    found = list(lines)
    wanted = words(change)
    told = [text for word in wanted if (text := _dead(word, found))]
    return tuple(dict.fromkeys([*told, *_disagreeing(change, found)]))


def _dead(word: str, lines: list[Line]) -> str:
    """The note for a setting that is defined and used nowhere; empty for anything else."""
    forms = spellings(word)
    defined: list[Line] = []
    for line in lines:
        for form in forms:
            if re.search(rf"(?<!\w)(?<!\w-){re.escape(form)}(?![\w-])", line.text):
                role = role_of(line.path, line.text, form)
                if role == "use":
                    return ""
                if role == "definition":
                    defined.append(line)
    if not defined:
        return ""
    first = defined[0]
    kind = "the marked setting" if "autotune:" in first.text else "the setting"
    return f"{kind} {word} has no use any more ({_places(defined)})"


def _places(lines: list[Line]) -> str:
    named = list(dict.fromkeys(f"{line.path}:{line.line}" for line in lines))
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return ", ".join(named[:3]) + more


def role_of(path: str, text: str, word: str) -> Role:
    """What a line does with a word: defines it as a setting, only mentions it, or uses it."""
    suffix = PurePosixPath(path).suffix
    name = re.escape(word)
    bare = text.strip()
    if suffix in _CONFIGURATION:
        return "definition" if re.match(rf"[\"']?(?:[\w.-]+\.)?{name}[\"']?\s*[:=]", bare) else _in_text(bare, name)
    if suffix in _DOCUMENTS and not language(path):
        return "mention"
    if is_test(path) or bare.startswith(("#!", "//", "*", "/*", "--")) or re.match(r"#(?!define|if|elif)", bare):
        return "mention"
    if re.match(rf"(?:from\s+\S+\s+)?import\b.*\b{name}\b|[\"']{name}[\"'],?$", bare):
        return "mention"
    if re.match(rf"{_DECLARES}{name}\s*(?::[^=]+)?[:?+]?=(?!=)|#define\s+{name}\b", bare):
        if re.search(rf"=.*\b{name}\b", bare):
            return "use"
        is_local = text[:1].isspace() and not re.match(rf"{name}\s*:", bare)  # a field of a class has its type
        return "mention" if is_local else "definition"
    if re.search(rf"add_argument\(.*[\"']--?{name}[\"']|option\(.*[\"']--?{name}[\"']", bare):
        return "definition"
    code = re.sub(r"\s#\s.*|//.*", "", bare)
    return "use" if re.search(rf"(?<!\w)(?<!\w-){name}(?![\w-])", code) else "mention"


def _in_text(text: str, name: str) -> Role:
    """In a configuration's value: `${name}` and `{name}` are uses, anything else only words."""
    return "use" if re.search(rf"[${{]\{{?{name}\b", text) else "mention"


def _lost_uses(files: Iterable[FileChange]) -> set[str]:
    """Names that a line used which is not there any more."""
    found: set[str] = set()
    for file in files:
        path, kept = file.old_path or file.path, set((file.new or "").splitlines())
        for text in (file.old or "").splitlines():
            if text not in kept and len(text) <= LONGEST:
                names = set(_WORD.findall(text)) - _SHORT - found
                found |= {word for word in names if role_of(path, text, word) == "use"}
    return found


def _still_used(files: Iterable[FileChange], names: set[str]) -> set[str]:
    """Those of the names that a line of the new texts uses."""
    found: set[str] = set()
    for file in files:
        for text in (file.new or "").splitlines():
            here = (set(_WORD.findall(text)) & names) - found
            found |= {word for word in here if len(text) > LONGEST or role_of(file.path, text, word) == "use"}
    return found


def _revalued(change: Change) -> Iterator[tuple[str, str, Line]]:
    """(name, old value, the new line) of constants with another value than before."""
    for file in change.files:
        before = {found["name"]: found["value"] for found in _constants(file.old)}
        for number, text in enumerate((file.new or "").splitlines(), 1):
            found = _CONSTANT.match(text[:LONGEST])
            if found and before.get(found["name"], found["value"]) != found["value"]:
                yield found["name"], before[found["name"]], Line(file.path, number, found["value"])


def _constants(text: str | None) -> Iterator[re.Match[str]]:
    return (found for line in (text or "").splitlines() if (found := _CONSTANT.match(line[:LONGEST])))


def _disagreeing(change: Change, lines: list[Line]) -> Iterator[str]:
    """Other places that still give the old value beside the name."""
    for name, old, now in _revalued(change):
        forms = "|".join(re.escape(form) for form in spellings(name))
        pattern = re.compile(rf"(?<!\w)(?<!\w-)(?:{forms})(?![\w-]).{{0,40}}?(?<![\w.-]){re.escape(old)}(?![\w.-])")
        for line in lines:
            if (line.path, line.line) != (now.path, now.line) and not is_test(line.path) and pattern.search(line.text):
                yield f"{name} is {now.text} now ({now.path}:{now.line}), but {line.path}:{line.line} still says {old}"
