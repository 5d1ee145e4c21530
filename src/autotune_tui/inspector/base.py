"""What goes into the inspector's rules and what comes out of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from autotune_tui.inspector.python import Source, read

Severity = Literal["block", "warn", "info"]
SEVERITIES: tuple[Severity, ...] = ("block", "warn", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has to say of one line of a change."""

    rule: str
    severity: Severity
    path: str
    line: int
    """From 1, in the new text; in the old one when the finding is about what is gone; 0 for the file or change as a whole."""
    text: str
    excerpt: str = ""

    @property
    def words(self) -> str:
        """The finding on one line, as a verdict's reason has it."""
        place = f"{self.path}:{self.line}" if self.path and self.line else self.path
        return ": ".join(part for part in (self.rule, place, self.text) if part)


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of the change. None: there was no such file, or there is none any more."""

    path: str
    old: str | None
    new: str | None
    old_path: str = ""
    """Where a renamed file was."""
    unread: bool = False
    """The new content is too long or no text; `new` is empty then."""

    @property
    def added(self) -> bool:
        return self.old is None and not self.old_path


@dataclass(frozen=True, slots=True)
class Gain:
    """The measured gain: positive is better."""

    effect: float
    relative: bool = True
    """A relative change; else a difference in the metric's unit, which cannot be weighed against lines."""
    interval: tuple[float, float] | None = None

    @property
    def percent(self) -> float | None:
        """Percent of the metric that is certain: the lower end of the interval where there is one. None: not relative."""
        if not self.relative:
            return None
        low = self.effect if self.interval is None else min(self.interval)
        return max(100 * low, 0.0)


@dataclass(frozen=True, slots=True)
class Material:
    """What the change could have been made for, and what it may build on."""

    benchmark: Mapping[str, str] = field(default_factory=dict)
    """Texts of the locked files that the benchmark's command names, and of data files that they name, by path."""
    checks: Mapping[str, str] = field(default_factory=dict)
    """The same for checks, oracle and tests."""
    outputs: tuple[str, ...] = ()
    """What the benchmark printed on the incumbent."""
    modules: frozenset[str] = frozenset()
    """Top-level names that the repository's own Python modules are imported by."""
    declared: frozenset[str] = frozenset()
    """Import names of declared dependencies, in lower case with underscores."""
    packages: frozenset[str] = frozenset()
    """Folders that hold an `__init__.py`."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a side of the change has. Facts are counted by `key`: only what the new side has more of is new."""

    key: Hashable
    severity: Severity
    path: str
    line: int
    text: str
    begins: bool = False
    """Blocks only where the old side had nothing of this key; code whose job it is already may do more of it."""


@dataclass(frozen=True)
class Change:
    """The whole change, with its Python sources read."""

    files: tuple[FileChange, ...]
    material: Material = field(default_factory=Material)
    gain: Gain | None = None
    description: str = ""
    """What the agent says of it: description, hypothesis, notes."""

    @cached_property
    def old(self) -> tuple[Source, ...]:
        """The old Python sources that could be read."""
        found = (read(change.old_path or change.path, change.old) for change in self.files if change.old is not None)
        return tuple(source for source in found if source is not None)

    @cached_property
    def new(self) -> tuple[Source, ...]:
        found = (read(change.path, change.new) for change in self.files if change.new is not None)
        return tuple(source for source in found if source is not None)

    @cached_property
    def _old_lines(self) -> frozenset[str]:
        return frozenset(line.strip() for change in self.files for line in (change.old or "").splitlines())

    @cached_property
    def _new_lines(self) -> dict[str, list[str]]:
        return {change.path: change.new.splitlines() for change in self.files if change.new is not None}

    def was_there(self, path: str, line: int) -> bool:
        """Whether the new text's line stood in some changed file before."""
        lines = self._new_lines.get(path, [])
        return 0 < line <= len(lines) and lines[line - 1].strip() in self._old_lines

    def excerpt(self, path: str, line: int) -> str:
        """The new text's line."""
        lines = self._new_lines.get(path, [])
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""

    @cached_property
    def knobs(self) -> frozenset[tuple[str, int]]:
        """Lines that the user marked as tunable, by path and number: what stands there may be any allowed value."""
        return frozenset(
            (path, number)
            for path, lines in self._new_lines.items()
            for number, line in enumerate(lines, 1)
            if "autotune:" in line and self._was_marked(line)
        )

    def _was_marked(self, line: str) -> bool:
        """A mark that the change itself brings allows nothing."""
        mark = line.partition("autotune:")[2].strip()
        return any(old.partition("autotune:")[2].strip() == mark for old in self._old_lines if "autotune:" in old)


def surplus(change: Change, old: Iterable[Fact], new: Iterable[Fact]) -> Iterator[Fact]:
    """The facts that the new side has more of, whatever file they moved to.

    Facts on lines that stood there before are counted off first, so that what is left stands where something was written.
    """
    left: dict[Hashable, int] = {}
    for fact in old:
        left[fact.key] = left.get(fact.key, 0) + 1
    before = frozenset(left)
    for fact in sorted(new, key=lambda fact: not change.was_there(fact.path, fact.line)):
        if left.get(fact.key, 0):
            left[fact.key] -= 1
        else:
            goes_on = fact.begins and fact.severity == "block" and fact.key in before
            yield replace(fact, severity="warn") if goes_on else fact


def fresh(change: Change, rule: str, old: Iterable[Fact], new: Iterable[Fact]) -> Iterator[Finding]:
    """Findings for the facts that the new side has more of."""
    for fact in surplus(change, old, new):
        excerpt = change.excerpt(fact.path, fact.line)
        yield Finding(rule, fact.severity, fact.path, fact.line, fact.text, excerpt)
