"""Looks at a repository's files and says what it found: language, commands, scope, and the recipes that fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from autotune_tui.suggest import areas, commands
from autotune_tui.suggest.proposal import Proposal

__all__ = ["Look", "Proposal", "look_at"]

LINKABLE = (".venv", "venv", "node_modules")
"""Folders that commands need and git ignores."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. Commands are best first; `files` are the tracked ones with their lines."""

    files: Mapping[str, int] = field(default_factory=dict)
    language: str = ""
    languages: tuple[tuple[str, int], ...] = ()
    benchmarks: tuple[Proposal, ...] = ()
    checks: tuple[Proposal, ...] = ()
    builds: tuple[Proposal, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    manifests: str = ""
    """The texts that name what the project depends on and how it is built and tested, one after the other."""
    python: str = "python3"
    """How Python is called here."""
    warning: str = ""
    """What a person should know about the checkout, such as uncommitted changes."""

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Look:
        """Of a JSON object that `record` made."""
        proposals = {
            name: tuple(Proposal(**each) for each in record[name]) for name in ("benchmarks", "checks", "builds")
        }
        lists = {name: tuple(record[name]) for name in ("include", "exclude", "link")}
        pairs = tuple((name, lines) for name, lines in record["languages"])
        return cls(**{**record, **proposals, **lists, "languages": pairs})


def look_at(files: Mapping[str, int], read: Callable[[str], str], present: Collection[str] = ()) -> Look:
    """Look at the tracked files (path to lines). `read` gives a file's text, empty when it cannot; `present` are the names
    in the repository's root that git ignores.
    """
    spoken = areas.languages(files)
    language = spoken[0][0] if spoken else ""
    link = tuple(name for name in LINKABLE if name in present and not any(f.startswith(name + "/") for f in files))
    python = next((f"{name}/bin/python" for name in link if "venv" in name), "python3")
    facts = commands.Facts(files, read, language, python)
    scope = areas.scope_for(files, language)
    return Look(
        files=dict(files),
        language=language,
        languages=spoken,
        benchmarks=commands.benchmarks(facts),
        checks=commands.checks(facts),
        builds=commands.builds(facts),
        include=scope.include,
        exclude=scope.exclude,
        link=link,
        manifests=facts.manifests,
        python=python,
    )
