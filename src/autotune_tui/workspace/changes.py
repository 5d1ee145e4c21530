"""From what git says of the candidate to changes that a scope can judge."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from autotune_tui.scope import ScopeMatcher
from autotune_tui.workspace.folders import LONGEST
from autotune_tui.workspace.status import Change, Entry, Kind
from autotune_tui.workspace.tree import Tree

_LINK = "120000"
MOST_BYTES = 256 << 20
"""Of one changed file: git would read, pack and keep all of it for ever."""


def find_changes(tree: Tree, entries: list[Entry], scope: ScopeMatcher) -> list[Change]:
    """Changes of one working tree against the commit its index is at, sorted by path.

    A rename is one change with both its paths, found only when files came and went (three more processes).
    """
    added = [entry for entry in entries if not entry.tracked and not entry.path.endswith("/")]
    deleted = [entry for entry in entries if entry.deleted]
    renamed = {}
    if added and deleted:
        renamed = {found.path: found.old_path for found in tree.renames(entry.path for entry in added)}
    sources = set(renamed.values())
    changes = []
    for entry in entries:
        if entry.deleted and entry.path in sources:
            continue
        old_path, problem = renamed.get(entry.path, ""), _problem(tree.path, entry)
        kind: Kind = "renamed" if old_path else "modified" if problem and entry.tracked else _kind(tree, entry)
        paths = (entry.path, old_path) if old_path else (entry.path,)
        changes.append(
            Change(
                entry.path.rstrip("/"),
                kind,
                in_scope=all(scope.included(path) for path in paths),
                locked=any(scope.locked(path) for path in paths),
                old_path=old_path,
                problem=problem,
            )
        )
    return sorted(changes, key=lambda change: change.path)


def _kind(tree: Tree, entry: Entry) -> Kind:
    if not entry.tracked:
        return "added"
    if entry.deleted:
        return "deleted"
    if entry.old_mode == entry.new_mode or _LINK in (entry.old_mode, entry.new_mode):
        return "modified"
    # status gives no object name for the file: whether only its mode changed must be asked (the filters of its path
    # apply).
    return "mode" if tree.git.line("hash-object", "--", entry.path) == entry.blob else "modified"


def _problem(tree: Path, entry: Entry) -> str:
    if entry.path.endswith("/"):
        return "a git repository of its own"
    path = tree / entry.path
    if len(os.fsencode(path)) > LONGEST:
        return "its path is too long"
    if path.is_symlink():
        # realpath and not resolve(): a loop of links is a target like any other.
        target, home = Path(os.path.realpath(path)), Path(os.path.realpath(tree))
        if path.readlink().is_absolute() or (target != home and home not in target.parents):
            return "a symbolic link that points outside the repository"
        if ".git" in target.relative_to(home).parts:
            return "a symbolic link into .git"
        return ""
    return "" if entry.deleted else _unfit(path)


def _unfit(path: Path) -> str:
    """Why git cannot take what lies there, or should not."""
    try:
        status = path.stat()
    except OSError:
        return "cannot be read"
    if not stat.S_ISREG(status.st_mode):
        return "a pipe, a socket or a device"
    if not os.access(path, os.R_OK):
        return "cannot be read"
    return f"a file of {status.st_size >> 20:,} MB" if status.st_size > MOST_BYTES else ""
