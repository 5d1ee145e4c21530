"""The registration of a linked worktree in the repository (.git/worktrees/<id>), also when it is damaged.

`git worktree add` makes it. It is found and removed here by its documented layout, because `git worktree remove` and
`repair` refuse a registration that a killed process left half made, and `prune` would take stale worktrees of the
user's with it.
"""

from __future__ import annotations

import os
from pathlib import Path

from autotune_tui.workspace.folders import is_folder, remove_tree
from autotune_tui.workspace.git import Git


def register(git: Git, common: Path, path: Path, commit: str) -> tuple[Path, bool]:
    """The git directory of the worktree at `path`, made anew unless what is there is whole; and whether it was made."""
    whole = [found for found in registrations(common, path) if _is_whole(found)]
    if whole:
        for extra in whole[1:]:
            remove_tree(extra)
        reconnect(path, whole[0])
        return whole[0], False
    unregister(common, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    git.run("worktree", "add", "--detach", "--no-checkout", "--force", str(path), commit)
    return registrations(common, path)[0], True


def registrations(common: Path, path: Path) -> list[Path]:
    """All registrations that name `path`; more than one only after damage."""
    wanted = os.fsencode(path / ".git")
    found = []
    for pointer in sorted((common / "worktrees").glob("*/gitdir")):
        if pointer.read_bytes().removesuffix(b"\n") == wanted:
            found.append(pointer.parent)
    return found


def reconnect(path: Path, git_dir: Path) -> None:
    """Make `path` a folder whose `.git` names its registration, whatever somebody made of either."""
    if not is_folder(path):
        remove_tree(path)
        path.mkdir(parents=True)
    pointer = path / ".git"
    content = b"gitdir: " + os.fsencode(git_dir) + b"\n"
    if pointer.is_symlink() or not pointer.is_file() or pointer.read_bytes() != content:
        remove_tree(pointer)
        pointer.write_bytes(content)


def unregister(common: Path, path: Path) -> None:
    """Delete the worktree's files and its registration."""
    remove_tree(path)
    for found in registrations(common, path):
        remove_tree(found)
    if (common / "worktrees").is_dir() and not any((common / "worktrees").iterdir()):
        (common / "worktrees").rmdir()


def _is_whole(git_dir: Path) -> bool:
    """git writes a lock named so while it makes a worktree; one that is still there means that it was killed."""
    locked = git_dir / "locked"
    return (
        all((git_dir / name).is_file() for name in ("HEAD", "commondir"))
        and (git_dir / "HEAD").stat().st_size > 0
        and not (locked.is_file() and b"initializing" in locked.read_bytes())
    )
