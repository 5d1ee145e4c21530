"""Commands to a running engine, as small files: whoever may write the folder may send one."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from autotune_tui.errors import JournalError
from autotune_tui.journal.files import cannot_write, write_atomic

UNREADABLE = "unreadable"
"""The folder in the inbox that files go to which are no command."""
_LIMIT = 16 << 20
"""Bytes of the largest command that is read; patches travel in commands."""


@dataclass(frozen=True, slots=True)
class Command:
    """What someone asks the engine to do."""

    id: str
    command: str
    by: str
    """Who asks: a user's name, "ui", "cli"."""
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def send(folder: Path, command: str, *, by: str, text: str = "", data: Mapping[str, Any] | None = None) -> str:
    """Put a command into the inbox `folder`, which is made when missing; returns the command's id. Raises JournalError."""
    identity = f"{time.time_ns():020d}-{uuid4().hex[:8]}"
    content = {"id": identity, "command": command, "by": by, "text": text, "data": dict(data or {})}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    write_atomic(folder / f"{identity}.json", json.dumps(content, indent=1))
    return identity


class Inbox:
    """The engine's side of the inbox; a command waits there until it is answered.

    `problems` says, in words, which files the last look had to set aside.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: tuple[str, ...] = ()
        self._files: dict[str, Path] = {}

    def take(self) -> list[Command]:
        """The commands that wait, oldest first; their files are removed. Raises JournalError when that is impossible."""
        commands = self.waiting()
        for command in commands:
            self.forget(command)
        return commands

    def waiting(self) -> list[Command]:
        """The commands that wait, oldest first; they go on waiting until `forget`. Raises JournalError."""
        commands: list[Command] = []
        problems: list[str] = []
        self._files.clear()
        with self._words():
            for path in sorted(self.folder.glob("[!.]*.json")):
                try:
                    commands.append(_read(path))
                    self._files[commands[-1].id] = path
                except ValueError as error:
                    self._set_aside(path)
                    problems.append(f"{path.name} is no command and was moved to {UNREADABLE}/: {error}")
        self.problems = tuple(problems)
        return commands

    def forget(self, command: Command) -> None:
        """Remove a command that was answered. Raises JournalError."""
        with self._words():
            if path := self._files.pop(command.id, None):
                path.unlink(missing_ok=True)

    @contextmanager
    def _words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JournalError(
                "Cannot read the inbox", f"{self.folder}: {error.strerror}", "Check who owns the folder."
            ) from error

    def _set_aside(self, path: Path) -> None:
        shelf = self.folder / UNREADABLE
        shelf.mkdir(exist_ok=True)
        path.rename(shelf / path.name)


def _read(path: Path) -> Command:
    """The command in a file. Raises ValueError with what is wrong; a pipe or a link is not opened."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    if status.st_size > _LIMIT:
        raise ValueError(f"larger than {_LIMIT >> 20} MiB")
    try:
        content = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    texts = {name: content.get(name, "") for name in ("id", "command", "by", "text")}
    if not all(isinstance(value, str) for value in texts.values()) or not texts["command"]:
        raise ValueError("command, by and text must be texts, and command not empty")
    data = content.get("data", {})
    if not isinstance(data, dict):
        raise ValueError("data must be an object")
    return Command(texts["id"] or path.stem, texts["command"], texts["by"], texts["text"], data)
