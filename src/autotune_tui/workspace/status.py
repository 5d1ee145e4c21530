"""What git says of a working tree, parsed: porcelain version 2 and raw diffs, both NUL-terminated."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

Kind = Literal["added", "modified", "deleted", "renamed", "mode", "submodule"]
NO_MODE = "000000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A path that is not as the commit has it. Modes are git's, such as 100755; 000000 where there is no file."""

    path: str
    tracked: bool
    old_mode: str = NO_MODE
    new_mode: str = NO_MODE
    blob: str = ""
    """The committed content's object name."""
    ignored: bool = False

    @property
    def deleted(self) -> bool:
        return self.tracked and self.new_mode == NO_MODE


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the candidate, and whether it may be made."""

    path: str
    kind: Kind
    in_scope: bool
    locked: bool = False
    old_path: str = ""
    """Where a renamed file was; it counts for the scope as well."""
    problem: str = ""
    """Why it cannot be taken although in scope, for a person: a link that points outside, a submodule, ..."""

    @property
    def allowed(self) -> bool:
        return self.in_scope and not self.locked and not self.problem

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path, self.old_path) if self.old_path else (self.path,)

    @property
    def why(self) -> str:
        """Why it is not allowed, in words; empty when it is."""
        if self.problem:
            return self.problem
        return "locked" if self.locked else "" if self.in_scope else "outside the scope"


def parse_status(output: bytes) -> list[Entry]:
    """Entries of `git status --porcelain=v2 -z --no-renames`, with or without ignored files."""
    entries = []
    for record in output.split(b"\0"):
        if record.startswith(b"? "):
            entries.append(Entry(os.fsdecode(record[2:]), tracked=False))
        elif record.startswith(b"! "):
            entries.append(Entry(os.fsdecode(record[2:]), tracked=False, ignored=True))
        elif record.startswith(b"1 "):
            _, _, _, head, _, work, blob, _, path = record.split(b" ", 8)
            entries.append(Entry(os.fsdecode(path), True, head.decode(), work.decode(), blob.decode()))
        elif record.startswith(b"u "):
            _, _, _, _, _, _, work, _, _, _, path = record.split(b" ", 10)
            entries.append(Entry(os.fsdecode(path), True, NO_MODE, work.decode()))
    return entries


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that two commits have differently. Modes as in `Entry`."""

    path: str
    old_path: str
    old_mode: str
    new_mode: str
    new_blob: str


def parse_raw(output: bytes) -> list[Difference]:
    """Differences of `git diff-tree --raw -z` (or diff-files), with or without renames."""
    fields = iter(output.split(b"\0"))
    differences = []
    for head in fields:
        if not head.startswith(b":"):
            continue
        old_mode, new_mode, _, new_blob, letter = head[1:].decode().split(" ")
        path = old_path = os.fsdecode(next(fields))
        if letter[0] in "RC":
            path = os.fsdecode(next(fields))
        differences.append(Difference(path, old_path, old_mode, new_mode, new_blob))
    return differences
