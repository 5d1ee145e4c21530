"""Files of a worktree that no commit has: what each is like, so that what a candidate left behind is told from what was made
on unchanged code.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.workspace.bytecode import remove_empty
from autotune_tui.workspace.folders import remove_tree

Mark = tuple[int, int, int, int, int]
"""Mode, size, mtime, ctime and inode: nobody can put a ctime back, so an equal mark is an equal file."""


def marks(tree: Path, tracked: Collection[str], apart: Collection[str]) -> dict[str, Mark]:
    """The mark of each file below `tree` that is not tracked; links are not followed. The paths `apart` are passed over."""
    found: dict[str, Mark] = {}
    skipped = {*tracked, *apart, ".git"}
    for folder, folders, files in os.walk(tree):
        inner = Path(folder).relative_to(tree)
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *linked):
            path = (inner / name).as_posix()
            if path not in skipped:
                status = os.lstat(Path(folder, name))
                found[path] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        folders[:] = [name for name in folders if name not in linked and (inner / name).as_posix() not in skipped]
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it was: paths that are new, that have another mark, and that are gone."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]


def difference(before: Mapping[str, Mark], now: Mapping[str, Mark]) -> Difference:
    return Difference(
        tuple(sorted(now.keys() - before.keys())),
        tuple(sorted(path for path in now.keys() & before.keys() if now[path] != before[path])),
        tuple(sorted(before.keys() - now.keys())),
    )


def remove(tree: Path, paths: Iterable[str]) -> None:
    """Delete files of the tree, and folders that held nothing else: an empty package can still be imported."""
    for path in paths:
        remove_tree(tree / path)
        remove_empty((tree / path).parent, tree)
