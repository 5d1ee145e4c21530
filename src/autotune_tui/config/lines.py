"""On which line of a TOML text a field stands; tomllib does not tell.

The text has been parsed by tomllib before, so this scanner may trust its syntax and only has to follow it.
"""

from __future__ import annotations

import json
import re

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACES = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


def locate(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and array element of a valid TOML text, by path: ("scope", "include", 0)."""
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}
        """The index of the latest table of each array of tables."""

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self.blank() < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
        return self.lines

    def blank(self) -> int:
        """Skips blanks, newlines and comments; returns the position."""
        return self.skip(_BLANK)

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, self.at) + 1)

    def header(self) -> Path:
        array = self.text.startswith("[[", self.at)
        start, self.at = self.at, self.at + 1 + array
        keys = self.key()
        end, self.at = self.at, start
        path: Path = ()
        for position, key in enumerate(keys, 1):
            path = (*path, key)
            self.note(path)
            if array and position == len(keys):
                self.tables[path] = self.tables.get(path, -1) + 1
            if path in self.tables:
                path = (*path, self.tables[path])
                self.note(path)
        self.at = end
        self.at = self.skip(_SPACES) + 1 + array
        return path

    def key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self.skip(_SPACES)
            match = _KEY.match(self.text, self.at)
            if not match:
                return parts
            parts.append(_unquoted(match[0]))
            self.at = match.end()
            self.skip(_SPACES)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def pair(self, table: Path) -> None:
        start = self.at
        path = (*table, *self.key())
        after, self.at = self.at, start
        for length in range(len(table) + 1, len(path) + 1):
            self.note(path[:length])
        self.at = after + 1  # the "="
        self.value(path)

    def value(self, path: Path) -> None:
        self.skip(_SPACES)
        opening = self.text[self.at : self.at + 1]
        if opening in ("[", "{"):
            self.at += 1
            self.elements(path) if opening == "[" else self.pairs(path)
        elif opening in ("'", '"'):
            self.skip(_STRING)
        else:
            self.skip(_SCALAR)

    def elements(self, path: Path) -> None:
        index = 0
        while self.blank() < len(self.text) and self.text[self.at] != "]":
            self.note((*path, index))
            self.value((*path, index))
            index += 1
            self.comma()
        self.at += 1

    def pairs(self, path: Path) -> None:
        while self.blank() < len(self.text) and self.text[self.at] != "}":
            self.pair(path)
            self.comma()
        self.at += 1

    def comma(self) -> None:
        if self.text.startswith(",", self.blank()):
            self.at += 1


def _unquoted(key: str) -> str:
    if key.startswith("'"):
        return key[1:-1]
    if key.startswith('"'):
        # TOML's basic strings are JSON's but for \U, \e and \x, which nobody writes in a field's name.
        try:
            return str(json.loads(key))
        except ValueError:
            return key[1:-1]
    return key
