"""The files in scope as the offline agent reads them: each read and searched once for as long as it stays as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from stat import S_ISREG
from typing import TypeVar, cast

from autotune_tui.agents.offline.knobs import Knob, find_knobs

LARGEST = 1 << 21
"""Bytes of a file that is still read: constants and functions of interest do not live in larger ones."""

Found = TypeVar("Found")
Stamp = tuple[int, int, int, int]


class Sources:
    """Reads files below a directory. Text is UTF-8 with whatever else kept byte for byte (surrogate escapes)."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Path], tuple[Stamp, object]] = {}

    def knobs(self, directory: Path, files: Iterable[str]) -> list[Knob]:
        """All knobs in these files. Raises AgentError for a mark that cannot be understood."""
        found: list[Knob] = []
        for name in files:
            found += self.of_file("knobs", directory, name, find_knobs) or ()
        return found

    def of_file(self, kind: str, directory: Path, name: str, compute: Callable[[str, str], Found]) -> Found | None:
        """`compute(name, text)`, remembered until the file changes; None for a file that is not to be read."""
        path = directory / name
        stamp = _stamp(path)
        if stamp is None:
            return None
        known = self._known.get((kind, path))
        if known is not None and known[0] == stamp:
            return cast(Found, known[1])
        text = read_text(path)
        found = None if text is None else compute(name, text)
        self._known[kind, path] = (stamp, found)
        return found


def read_text(path: Path) -> str | None:
    """A regular file's text; None for a symbolic link (it may lead out of the worktree), a binary or a very large file."""
    if _stamp(path) is None:
        return None
    data = path.read_bytes()
    return None if b"\0" in data else data.decode("utf-8", "surrogateescape")


def write_text(path: Path, text: str) -> None:
    """Write in place, so that the file's mode stays."""
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if not S_ISREG(found.st_mode) or found.st_size > LARGEST:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
