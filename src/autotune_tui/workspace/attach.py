"""Linked and copied paths: what git does not carry (.venv, data) taken from the user's checkout into a worktree.

A linked path is the user's own: what a command writes below it is written in the checkout, which is why linking is
asked for path by path. A copied path is made once per worktree and then belongs to it; sync leaves both alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace.folders import remove_tree


@dataclass(frozen=True, slots=True)
class Attached:
    """The paths, relative to the root, with forward slashes and no slash at the end."""

    root: Path
    linked: tuple[str, ...]
    copied: tuple[str, ...]

    @classmethod
    def of(cls, root: Path, linked: Iterable[str], copied: Iterable[str]) -> Attached:
        """Raises WorkspaceError for a path that leaves the checkout or is not there."""
        made = cls(root, tuple(_clean(path, "link") for path in linked), tuple(_clean(path, "copy") for path in copied))
        for path in made.paths:
            if not os.path.lexists(root / path):
                raise WorkspaceError(
                    f"{path} is not in your checkout",
                    "workspace.link or workspace.copy names it.",
                    f"Create {root / path}.",
                )
        for path in made.paths:
            if any(other != path and covers(other, path) for other in made.paths) or made.paths.count(path) > 1:
                raise WorkspaceError(f"{path} is linked or copied twice", hint="Name it once, under link or copy.")
        return made

    @property
    def paths(self) -> tuple[str, ...]:
        return self.linked + self.copied

    def has(self, path: str) -> bool:
        """Whether the path is one of them or lies below one."""
        return any(covers(own, path) for own in self.paths)

    def refuse_tracked(self, tracked: Iterable[str]) -> None:
        """Raises WorkspaceError when git has one of the paths: the worktree would have two versions of it."""
        if not self.paths:
            return
        for path in tracked:
            for own in self.paths:
                if covers(own, path) or covers(path, own):
                    raise WorkspaceError(
                        f"{own} is tracked by git",
                        f"The commit has {path}.",
                        "Link and copy only paths that git ignores.",
                    )

    def attach(self, tree: Path, staging: Path) -> None:
        """Make each path in `tree` what it should be; what is right is left alone. Copies are made in `staging`
        first.
        """
        for path in self.linked:
            if not self._is_linked(tree, path):
                target = _place(tree, path)
                remove_tree(target)
                target.symlink_to(self.root / path)
        for path in self.copied:
            if not os.path.lexists(tree / path):
                _copy(self.root / path, _place(tree, path), staging / "copying")

    def broken(self, tree: Path) -> list[str]:
        """Paths that somebody removed or put something else in the place of."""
        gone = [path for path in self.copied if not os.path.lexists(tree / path)]
        return gone + [path for path in self.linked if not self._is_linked(tree, path)]

    def _is_linked(self, tree: Path, path: str) -> bool:
        try:
            return (tree / path).readlink() == self.root / path
        except OSError:
            return False


def covers(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _clean(path: str, field: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or pure.parts[0] in (".git", ".autotune"):
        raise WorkspaceError(
            f"workspace.{field} cannot take {path!r}",
            hint="Name a path below the repository's root, such as .venv or data.",
        )
    return str(pure)


def _place(tree: Path, path: str) -> Path:
    """The path in the worktree with its parents made; a parent that is a link is replaced, never written through."""
    folder = tree
    for part in PurePosixPath(path).parts[:-1]:
        folder /= part
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink(missing_ok=True)
            folder.mkdir()
    return tree / path


def _copy(source: Path, target: Path, unfinished: Path) -> None:
    remove_tree(unfinished)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, unfinished, symlinks=True)
    else:
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, unfinished, follow_symlinks=False)
    # Renamed into place: a copy that was killed half way is never taken for a whole one.
    unfinished.replace(target)
