"""Folders and files of the cache: removing what may resist, copying an index, where a session's worktrees lie."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from pathlib import Path

from autotune_tui.errors import WorkspaceError


def is_folder(path: Path) -> bool:
    """Whether it is a folder itself, not a link to one: what a link points at is not ours to clean."""
    return path.is_dir() and not path.is_symlink()


def remove_tree(path: Path) -> None:
    """Delete whatever is at `path`, links not followed, also below folders that were made read-only."""
    if not is_folder(path):
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        for folder, names, _ in os.walk(path):
            for inner in (Path(folder), *(Path(folder, name) for name in names)):
                if not inner.is_symlink():
                    inner.chmod(stat.S_IRWXU)
        shutil.rmtree(path)
    except FileNotFoundError:
        if path.exists():
            shutil.rmtree(path)


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
