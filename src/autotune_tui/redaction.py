"""Takes the values of secret variables out of all that is written, shown or handed on."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from autotune_tui.mask import Mask

SECRET_WORDS = frozenset(
    ("KEY", "KEYS", "APIKEY", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL",
     "CREDENTIALS", "AUTH", "COOKIE")
)  # fmt: skip
ALSO = re.compile(r"(?:PG|MYSQL_|REDIS|SSH)(?:PASSWORD|PASS|PWD)|\w+_(?:PAT|PWD|PASS)")
"""Further names that hold a secret by custom."""
SHORTEST = 8
"""Characters of a value that is taken out: shorter ones, such as 1 or true, stand everywhere."""
SHORTEST_WORD = 12
"""The same for a single word of letters, such as postgres."""
LINK = re.compile(r"://[^/\s:@]*:([^@/\s]+)@")
"""A password inside an address, whatever the variable is called."""

T = TypeVar("T")


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return bool(set(re.split(r"[_\-.]", name.upper())) & SECRET_WORDS) or bool(ALSO.fullmatch(name.upper()))


class Redactor:
    """What is taken out is replaced by the variable's name: `[secret SOME_TOKEN]`."""

    def __init__(self, *environments: Mapping[str, str]) -> None:
        """The secrets are those of the environments, known by their names."""
        names = {form: name for env in environments for value, name in _secrets(env) for form in _forms(value)}
        self._marks = {form: f"[secret {re.sub(r'[^A-Za-z0-9_]', '_', name)}]" for form, name in names.items()}
        longest_first = sorted(self._marks, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._bytes = re.compile(self._pattern.pattern.encode()) if self._pattern else None

    @property
    def marks(self) -> Mapping[str, str]:
        """What each secret is replaced by; empty when there is none."""
        return self._marks

    def mask(self) -> Mask:
        """For a stream of bytes."""
        return Mask({_bytes(value): _bytes(mark) for value, mark in self._marks.items()})

    def text(self, text: str) -> str:
        """Also for JSON: what a secret looks like inside its strings is known, and the name fits there."""
        return self._pattern.sub(lambda found: self._marks[found[0]], text) if self._pattern else text

    def deep(self, value: T) -> T:
        """The same of every text in a dataclass, tuple, list or dictionary."""
        return self._deep(value) if self._pattern else value

    def file(self, path: Path, start: int = 0) -> None:
        """Rewrite a file from a place on, when a secret stands there; links are left alone. Raises OSError."""
        if self._bytes is None or path.is_symlink() or not path.is_file():
            return
        with path.open("r+b") as file:
            file.seek(start)
            before = file.read()
            after = self._bytes.sub(lambda found: self._marks[found[0].decode()].encode(), before)
            if after != before:
                file.seek(start)
                file.write(after)
                file.truncate()

    def folder(self, folder: Path) -> None:
        """`file` for all files below a folder."""
        if self._bytes is not None:
            for path in folder.rglob("*"):
                self.file(path)

    def _deep(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self._deep, value))
        if isinstance(value, tuple | list):
            return type(value)(map(self._deep, value))
        if isinstance(value, dict):
            return {key: self._deep(each) for key, each in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            now = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
            changed = {name: new for name, old in now.items() if (new := self._deep(old)) != old}
            return dataclasses.replace(value, **changed) if changed else value
        return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _secrets(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in env.items():
        if is_secret(name):
            lines = [line.strip() for line in value.splitlines()]
            yield from ((part, name) for part in dict.fromkeys([value, value.strip(), *lines]) if _is_telling(part))
        yield from ((password, name) for password in LINK.findall(value) if _is_telling(password))


def _is_telling(value: str) -> bool:
    return len(value) >= (SHORTEST_WORD if value.isalpha() else SHORTEST)


def _forms(value: str) -> set[str]:
    """A value as it is, and as it stands in JSON."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
