"""Files of a worktree that no commit has: what each is like, so that what a candidate left behind is told from what was made
on unchanged code.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.workspace.bytecode import remove_empty
from autotune_tui.workspace.folders import remove_tree

Mark = tuple[int, int, int, int, int]
"""Mode, size, mtime, ctime and inode: nobody can put a ctime back, so an equal mark is an equal file."""


def marks(tree: Path, paths: Iterable[str], apart: Collection[str]) -> dict[str, Mark]:
    """The mark of each file below `tree` that `paths` names; links are not followed. The paths `apart` are passed over.

    A path that ends with "/" is a folder of which all files are meant.
    """
    found: dict[str, Mark] = {}
    for path in paths:
        if not any(path == other or path.startswith(f"{other}/") for other in apart):
            found.update(_below(tree, path) if path.endswith("/") else _mark(tree, path))
    return found


def _below(tree: Path, folder: str) -> Iterator[tuple[str, Mark]]:
    for place, folders, files in os.walk(tree / folder):
        inner = Path(place).relative_to(tree)
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*files, *links):
            yield from _mark(tree, (inner / name).as_posix())


def _mark(tree: Path, path: str) -> Iterator[tuple[str, Mark]]:
    try:
        yield path, mark_of((tree / path).lstat())
    except (FileNotFoundError, NotADirectoryError):  # it went meanwhile
        return
    except OSError:  # too deep to be reached, which is no reason to leave it
        yield path, (0, 0, 0, 0, 0)


def mark_of(status: os.stat_result) -> Mark:
    return status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


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
