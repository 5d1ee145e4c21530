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
    stems: dict[Path, set[str]] = {}
    for source in (tree / path for path in paths if path.endswith(".py")):
        stems.setdefault(source.parent / "__pycache__", set()).add(source.stem)
    for cache, changed in stems.items():  # each folder once, however many of its files have changed
        if cache.is_symlink() or not cache.is_dir():
            continue
        for compiled in cache.iterdir():
            if compiled.suffix == ".pyc" and not changed.isdisjoint(_stems(compiled.name)):
                compiled.unlink(missing_ok=True)
        remove_empty(cache, tree)


def _stems(name: str) -> Iterator[str]:
    """What a compiled file's source may be called: names of sources can have dots themselves."""
    pieces = name.split(".")
    return (".".join(pieces[:end]) for end in range(1, len(pieces)))


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
