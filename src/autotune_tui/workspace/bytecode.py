"""Removes bytecode that Python could mistake for that of a changed source file.

A .pyc is trusted when the source's size and its mtime in whole seconds are as they were: a file that is edited, run
and put back within one second at the same size would run as the other version.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from autotune_tui.workspace.folders import remove_tree


def remove_stale(tree: Path, paths: Iterable[str]) -> None:
    """Delete the bytecode of the given sources (paths relative to `tree`), and folders that held nothing else."""
    for path in paths:
        if not path.endswith(".py"):
            continue
        source = tree / path
        cache = source.parent / "__pycache__"
        if cache.is_symlink() or not cache.is_dir():
            continue
        # Not glob(): a source's name may contain its metacharacters.
        for compiled in cache.iterdir():
            if compiled.name.startswith(source.stem + ".") and compiled.suffix == ".pyc":
                compiled.unlink(missing_ok=True)
        remove_empty(cache, tree)


def is_bytecode(path: str) -> bool:
    """Whether a path is what Python makes by itself; repositories need not ignore it for us to."""
    return path.endswith(".pyc") or "__pycache__" in path.split("/")


def remove_all(tree: Path, apart: Iterable[str] = ()) -> None:
    """Delete every `__pycache__` of the tree but below the paths `apart`; for when it is not known what changed."""
    kept = {tree / path for path in apart} | {tree / ".git"}
    for cache in list(_caches(tree, kept)):
        remove_tree(cache)


def _caches(tree: Path, kept: set[Path]) -> Iterator[Path]:
    for folder, names, _ in os.walk(tree):
        names[:] = [name for name in names if Path(folder, name) not in kept]
        if "__pycache__" in names:
            names.remove("__pycache__")
            yield Path(folder, "__pycache__")


def remove_empty(folder: Path, top: Path) -> None:
    """Remove `folder` and its parents below `top` as long as they are empty: an empty package can still be imported."""
    while folder != top and top in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
