"""The scope as a tree: what is in, out and locked, how much that is, and the patterns after a part was switched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autotune_tui.errors import ConfigError
from autotune_tui.model.value import Value, frozen
from autotune_tui.scope import ScopeMatcher
from autotune_tui.suggest.areas import escape

State = Literal["in", "part", "out", "locked"]
GLYPHS: Mapping[State, str] = {"in": "●", "part": "◐", "out": "○", "locked": "▣"}


@dataclass(slots=True)
class Count:
    """Files and lines below a folder, or of a file."""

    files: int = 0
    lines: int = 0
    inside: int = 0
    """Files that may be changed."""
    inside_lines: int = 0
    locked: int = 0

    @property
    def state(self) -> State:
        if self.locked == self.files:
            return "locked"
        if not self.inside:
            return "out"
        return "in" if self.inside + self.locked == self.files else "part"


@frozen
class Entry(Value):
    """One row of the tree."""

    path: str
    folder: bool
    count: Count

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2] + "/" * self.folder


class ScopeTree:
    """The tracked files under a scope. Raises ConfigError for a pattern that cannot be."""

    def __init__(
        self, files: Mapping[str, int], include: Sequence[str], exclude: Sequence[str], locked: Sequence[str] = ()
    ) -> None:
        matcher = ScopeMatcher(include, exclude, locked)
        self._counts: dict[str, Count] = defaultdict(Count)
        self._below: dict[str, set[str]] = defaultdict(set)
        self._files = files
        for path, lines in files.items():
            self._add(path, lines, matcher.included(path), matcher.locked(path))

    def _add(self, path: str, lines: int, included: bool, locked: bool) -> None:
        child = path
        while True:
            count = self._counts[child]
            count.files += 1
            count.lines += lines
            count.locked += locked
            if included and not locked:
                count.inside += 1
                count.inside_lines += lines
            if not child:
                return
            parent = child.rpartition("/")[0]
            self._below[parent].add(child)
            child = parent

    @property
    def total(self) -> Count:
        return self._counts[""]

    def entry(self, path: str) -> Entry:
        return Entry(path, path in self._below, self._counts[path])

    def below(self, folder: str) -> list[Entry]:
        """What lies directly in a folder (the root's is empty), folders first."""
        entries = [self.entry(path) for path in self._below[folder]]
        return sorted(entries, key=lambda entry: (not entry.folder, entry.name.lower()))


def switched(
    files: Iterable[str], include: Sequence[str], exclude: Sequence[str], path: str
) -> tuple[list[str], list[str]]:
    """The patterns with this file or folder taken in, or out when all of it was in. The root's path is empty."""
    every = list(files)
    below = [file for file in every if not path or file == path or file.startswith(f"{path}/")]
    wanted = not _all_in(below, include, exclude)
    if not path:
        return (["**"], []) if wanted else ([], [])
    pattern = pattern_for(path, every, folder=below != [path])
    include, exclude = _without(include, path), _without(exclude, path)
    if not wanted:
        return include, [*exclude, pattern] if _any_in(below, include, exclude) else exclude
    # A file that a command names is locked until it is named in `include` by itself, so it is, although a pattern has it.
    if below == [path] or not _all_in(below, include, ()):
        include = [*include, pattern]
    if not _all_in(below, include, exclude):
        exclude = [*exclude, f"!{pattern}"]
    return include, exclude


def pattern_for(path: str, files: Iterable[str], *, folder: bool) -> str:
    """A pattern for this file, or for all that is in this folder, and nothing else."""
    if folder:
        return f"{escape(path)}/**"
    again = "/" not in path and any(file.endswith(f"/{path}") for file in files)
    return f"./{escape(path)}" if again else escape(path)


def _without(patterns: Sequence[str], path: str) -> list[str]:
    """The patterns but those about this path and what lies below it."""
    own = escape(path)
    return [
        each
        for each in patterns
        if (bare := each.removeprefix("!").removeprefix("./")) != own and not bare.startswith(f"{own}/")
    ]


def _all_in(files: Iterable[str], include: Sequence[str], exclude: Sequence[str]) -> bool:
    matcher = _matcher(include, exclude)
    return matcher is not None and all(matcher.included(file) for file in files)


def _any_in(files: Iterable[str], include: Sequence[str], exclude: Sequence[str]) -> bool:
    matcher = _matcher(include, exclude)
    return matcher is not None and any(matcher.included(file) for file in files)


def _matcher(include: Sequence[str], exclude: Sequence[str]) -> ScopeMatcher | None:
    try:
        return ScopeMatcher(include, exclude)
    except ConfigError:
        return None
