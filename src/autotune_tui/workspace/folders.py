"""Folders and files of the cache: removing what may resist, copying an index, where a session's worktrees lie."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autotune_tui.errors import WorkspaceError

LONGEST = 3000
"""Bytes of a path; the system refuses those of 4096."""


def is_folder(path: Path) -> bool:
    """Whether it is a folder itself, not a link to one: what a link points at is not ours to clean."""
    return path.is_dir() and not path.is_symlink()


def remove_tree(path: Path) -> None:
    """Delete whatever is at `path`, links not followed, also below folders that were made read-only.

    Of a path that is too long for any file that is wanted, the folders beyond that length go as well.
    """
    while len(os.fsencode(path)) > LONGEST:
        path = path.parent
    if not is_folder(path):
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except (PermissionError, RecursionError):
        _flatten(path)
        shutil.rmtree(path)
    except FileNotFoundError:
        if path.exists():
            shutil.rmtree(path)


def _flatten(path: Path) -> None:
    """Empty a folder however deep it is, and whatever modes its folders have: each goes, what was in it moves up."""
    path.chmod(stat.S_IRWXU)
    number = 0
    while found := list(path.iterdir()):
        for inner in found:
            if is_folder(inner):
                inner.chmod(stat.S_IRWXU)
                for entry in list(inner.iterdir()):
                    number += 1
                    if is_folder(entry):
                        entry.chmod(stat.S_IRWXU)  # a folder that is moved is written: its `..`
                        entry.rename(path / f".{number}-{os.urandom(4).hex()}")
                    else:
                        entry.unlink()
                inner.rmdir()
            else:
                inner.unlink()


def copy_index(source: Path, target: Path) -> None:
    """Copy an index file, atomically and with its mtime: git tells by it which entries it must compare by content."""
    unfinished = target.with_name(target.name + ".copy")
    shutil.copy2(source, unfinished)
    unfinished.replace(target)


def session_folder(root: Path, session: str, cache: str) -> Path:
    """Where a session's worktrees live: <cache>/<repository>-<hash of its path>/<session>.

    `cache` is the configured folder; empty: autotune-tui in $XDG_CACHE_HOME or ~/.cache. Raises WorkspaceError when it
    lies in the checkout, which is never written.
    """
    if cache:
        base = (root / Path(cache).expanduser()).resolve()
    else:
        xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
        base = (xdg if xdg.is_absolute() else Path.home() / ".cache").resolve() / "autotune-tui"
    if base == root or root in base.parents:
        raise WorkspaceError(
            "The cache folder lies inside the repository", str(base), "Set workspace.cache to a folder outside of it."
        )
    # Benchmark commands run below this path: no spaces or quotes of the repository's name in it.
    name = re.sub(r"[^\w.-]+", "-", root.name) or "root"
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return base / f"{name}-{digest}" / session


@contextmanager
def as_workspace_error() -> Iterator[None]:
    """What the file system refuses, in words."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        title = "The disk is full" if full else "A file of the workspace cannot be written"
        hint = (
            "Free some space and start again." if full else "Look at the permissions of the cache folder and of .git."
        )
        raise WorkspaceError(title, str(error), hint) from error
