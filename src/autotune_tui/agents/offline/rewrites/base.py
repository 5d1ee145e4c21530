"""What a rewrite is: a named kind of change that finds the places where it is safe and says what it would do there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.effects import Analysis
from autotune_tui.agents.offline.rewrites.analysis.infer import Kinds
from autotune_tui.agents.offline.rewrites.analysis.module import Function, Module
from autotune_tui.agents.offline.rewrites.edits import Edit


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible application of a rewrite to a file."""

    rewrite: str
    """The rewrite's name: `membership-to-set`."""
    line: int
    """The line of the place, from 1."""
    function: str
    """Qualified name of the enclosing function: `Class.method`, `outer.<locals>.inner`."""
    description: str
    """As a commit's subject: "Look up seen ids in a set in dedupe()"."""
    hypothesis: str
    """In the form "X should improve Y because Z"."""
    premortem: str
    """How it could fail, and the safety conditions that were checked."""
    expected: float
    """A rough prior for the relative change of the time spent in the function (-0.3: falls by 30 %)."""
    key: str
    """Stays the same while other lines of the file change; empty of line numbers."""


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """One function with all that is known about its file."""

    function: Function
    kinds: Kinds
    analysis: Analysis

    @property
    def module(self) -> Module:
        return self.function.module

    @property
    def label(self) -> str:
        """The function as it is named in a description."""
        return f"{self.function.qualname.replace('<locals>.', '')}()"


@dataclass(frozen=True, eq=False, slots=True)
class Site:
    """A place where a rewrite is safe, with the change ready to be made."""

    function: Function
    node: cst.CSTNode
    """Where it is, for the line number."""
    identity: str
    """Source of what makes this place itself, without what may change around it."""
    description: str
    hypothesis: str
    premortem: str
    expected: float
    edit: Edit

    def key(self, rewrite: str) -> str:
        """Rewrite, function and a digest of the identity, white space aside."""
        digest = hashlib.sha256(" ".join(self.identity.split()).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return f"{rewrite}:{self.function.qualname}:{digest}"

    def candidate(self, rewrite: str) -> Candidate:
        return Candidate(
            rewrite=rewrite,
            line=self.function.module.line(self.node),
            function=self.function.qualname,
            description=self.description,
            hypothesis=self.hypothesis,
            premortem=self.premortem,
            expected=self.expected,
            key=self.key(rewrite),
        )


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A kind of change, by name. `sites` yields every safe place in one function, in the order of the text."""

    name: str
    sites: Callable[[View], Iterator[Site]]
