"""`init --suggest`: what a repository looks like, and what a session in it could be (S4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autotune_tui.suggest import Look

FILE_LIMIT = 2 << 20
"""Bytes beyond which a file's lines are not counted: no person wrote it."""
TEXT_LIMIT = 1 << 16
"""Characters of a file that are looked into for commands."""


def show_suggestions(root: Path, as_json: bool) -> None:
    import json

    from autotune_tui.text import harmless

    found = look(root)
    if as_json:
        click.echo(json.dumps(found.record()))
        return
    click.echo(harmless("\n".join(_in_words(found))))


def _in_words(found: Look) -> Iterator[str]:
    lines = sum(found.files.values())
    yield f"{found.language or 'No source code'}: {len(found.files):,} files, {lines:,} lines"
    if found.warning:
        yield f"! {found.warning}"
    for what, proposals in (("benchmark", found.benchmarks), ("checks", found.checks), ("build", found.builds)):
        for proposal in proposals:
            yield f"{what:<10}  {proposal.command}  ({proposal.why})"
    for what, patterns in (("include", found.include), ("exclude", found.exclude), ("link", found.link)):
        if patterns:
            yield f"{what:<10}  {' '.join(patterns)}"


def look(root: Path) -> Look:
    """Look at the last commit's files in the checkout. Raises WorkspaceError where no session could work."""
    import dataclasses

    from autotune_tui.suggest import look_at
    from autotune_tui.workspace.contents import list_tree
    from autotune_tui.workspace.repository import find_repository, uncommitted

    repository = find_repository(root)
    files = {
        file.path: _lines(root / file.path)
        for file in list_tree(repository.git, repository.head)
        if file.mode.startswith("100")
    }
    present = [path.name for path in root.iterdir()]
    return dataclasses.replace(
        look_at(files, lambda path: _text(root / path), present), warning=uncommitted(repository)
    )


def _lines(path: Path) -> int:
    """The lines of a text file; none of a binary, a missing or a very large one."""
    try:
        if path.stat().st_size > FILE_LIMIT:
            return 0
        content = path.read_bytes()
    except OSError:
        return 0
    return 0 if b"\0" in content[:8192] else content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(TEXT_LIMIT)
    except OSError:
        return ""
