"""Recipes: ready-made sessions for common metrics, each a TOML file in `presets/` (S5).

A recipe fills fields in; it is no source of its own, so what it does can be seen and changed like anything that was typed.
In its texts `{python}` is how Python is called in the repository and `{script}` its best benchmark script or program.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from pathspec import GitIgnoreSpec

from autotune_tui.suggest.look import Look


@dataclass(frozen=True, slots=True)
class Recipe:
    """One ready-made session."""

    id: str
    title: str
    about: str
    group: str
    """What it belongs to, for headings: Python, Tests, Types, Data, Web, Build, Any program."""
    needs: tuple[str, ...]
    """Programs that must be installed."""
    files: tuple[str, ...]
    """Patterns of which one must match a file for the recipe to fit; none: it fits everywhere, and anywhere else better."""
    mentions: tuple[str, ...]
    """Words of which one must be in a manifest."""
    fill: Mapping[str, Any]
    """Tables of autotune.toml."""

    def fits(self, look: Look) -> bool:
        """Whether the repository has what the recipe is about."""
        if self.files and not any(GitIgnoreSpec.from_lines(self.files).match_files(look.files)):
            return False
        if self.mentions and not any(word in look.manifests for word in self.mentions):
            return False
        return bool(self.files or self.mentions)

    def filled(self, look: Look) -> dict[str, Any]:
        """Its fields for this repository, by dotted name."""
        names = {"python": look.python, "script": _script(look)}
        return {
            f"{table}.{name}": _put(value, names)
            for table, fields in self.fill.items()
            for name, value in fields.items()
        }


def _script(look: Look) -> str:
    """The best benchmark that is run by Python, without the interpreter's name."""
    starts = f"{look.python} "
    return next((p.command.removeprefix(starts) for p in look.benchmarks if p.command.startswith(starts)), "bench.py")


def _put(value: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    for name, text in names.items():
        value = value.replace(f"{{{name}}}", text)
    return value


@lru_cache(maxsize=1)
def load_recipes() -> tuple[Recipe, ...]:
    """All bundled recipes, in the order of their files' names."""
    folder = resources.files("autotune_tui.presets")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(_recipe(file.name.removesuffix(".toml"), tomllib.loads(file.read_text("utf-8"))) for file in files)


def _recipe(name: str, data: Mapping[str, Any]) -> Recipe:
    when = data.get("when", {})
    return Recipe(
        id=name.partition("-")[2],
        title=data["title"],
        about=data["about"],
        group=data["group"],
        needs=tuple(data.get("needs", ())),
        files=tuple(when.get("files", ())),
        mentions=tuple(when.get("mentions", ())),
        fill=data["fill"],
    )
