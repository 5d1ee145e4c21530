"""What the benchmark may write is put back before each of its runs and each check: all find what setup and build made.

Else a run could leave an answer for the next one. Within a sample that repeats a short command nothing is put back.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from autotune_tui.workspace.folders import is_folder, remove_tree
from autotune_tui.workspace.leftovers import Mark, difference

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig
    from autotune_tui.engine.core import Engine
    from autotune_tui.workspace import Place

MOST_BYTES = 1 << 30
"""Outputs that were larger before the first run are not copied: of them only what is new can be taken away."""


@dataclass
class Kept:
    """The outputs of one worktree as they were before the first run."""

    marks: dict[str, Mark]
    copies: Path | None
    """None when they are too large."""


def names(settings: SessionConfig) -> tuple[str, ...]:
    """What the benchmark may write, relative to the worktree: what is configured, and where the metric's file lies.

    Of a file in the worktree's root only the file itself: the folder would be the whole tree.
    """
    found = [PurePosixPath(name) for name in settings.sandbox.outputs]
    if settings.metric.file:
        file = PurePosixPath(settings.metric.file)
        if not any(each == file or each in file.parents for each in found):
            found.append(file if len(file.parts) == 1 else file.parent)
    return tuple(map(str, found))


def paths(settings: SessionConfig, tree: Path) -> list[Path]:
    """The outputs in a worktree, made where they are not there, as only what exists can be shown. One behind a link, which is
    the candidate's doing, is left out.
    """
    found = {name: tree / name for name in names(settings) if is_inside(tree / name, tree)}
    for name, path in found.items():
        if not path.exists():
            _make(path, is_file=name == settings.metric.file or bool(path.suffix))
    return list(found.values())


def is_inside(path: Path, tree: Path) -> bool:
    """Whether a path of a worktree, with every link followed, still lies in it."""
    return tree.resolve() in path.resolve().parents


def _make(path: Path, is_file: bool) -> None:
    (path.parent if is_file else path).mkdir(parents=True, exist_ok=True)
    if is_file:
        path.touch()
        os.utime(path, (0, 0))  # so that nobody takes it for what a run has written


async def put_back(engine: Engine, place: Place) -> None:
    """Make a worktree's outputs what they were before the first run or check since its last build."""
    if not names(engine.config):
        return
    kept = engine.kept_outputs.get(place)
    if kept is None:
        engine.kept_outputs[place] = kept = await asyncio.to_thread(_keep, engine, place)
        if kept.copies is None:
            engine.note(
                f"[sandbox].outputs hold more than {MOST_BYTES >> 30} GB: what a run changes in them, the next run finds"
                " changed. Name only what the benchmark writes.",
                "warning",
            )
    else:
        await asyncio.to_thread(_restore, engine, place, kept)


async def settle(engine: Engine, place: Place) -> dict[str, Mark]:
    """Undo what the last run did, before something else is done in the worktree. The files that were put back, with their
    new marks.
    """
    kept = engine.kept_outputs.pop(place, None)
    return await asyncio.to_thread(_restore, engine, place, kept) if kept is not None else {}


def _restore(engine: Engine, place: Place, kept: Kept) -> dict[str, Mark]:
    tree, known = engine.tree(place), engine.known.get(place)
    restored = restore(tree, paths(engine.config, tree), kept)
    if known is not None:
        known.marks.update({name: mark for name, mark in restored.items() if name in known.marks})
    return restored


def _keep(engine: Engine, place: Place) -> Kept:
    tree, known = engine.tree(place), engine.known.get(place)
    found = paths(engine.config, tree)
    for name in [] if known is None else [path for path, stage in known.stages.items() if stage == "run"]:
        if any(output == tree / name or output in (tree / name).parents for output in found):
            remove_tree(tree / name)
    return keep(tree, paths(engine.config, tree), engine.workspace.folder / "outputs" / place)


def keep(tree: Path, outputs: Sequence[Path], copies: Path) -> Kept:
    """Remember what the outputs hold, with copies of the files unless they are too large."""
    marks = look(tree, outputs)
    remove_tree(copies)
    if sum(mark[1] for mark in marks.values()) > MOST_BYTES:
        return Kept(marks, None)
    for name, mark in marks.items():
        if not _is_folder(mark):
            _copy(tree / name, copies / name)
    return Kept(marks, copies)


def restore(tree: Path, outputs: Sequence[Path], kept: Kept) -> dict[str, Mark]:
    """Take away what is new, and put back what was changed or removed: the files, with their new marks."""
    found = difference(kept.marks, look(tree, outputs))
    for name in sorted((*found.new, *found.changed), reverse=True):
        if not (_is_folder(kept.marks.get(name)) and is_folder(tree / name)):
            remove_tree(tree / name)
    restored: dict[str, Mark] = {}
    if kept.copies is None:
        return restored
    for name in sorted((*found.changed, *found.gone)):  # a folder before what is in it
        path = tree / name
        if _is_folder(kept.marks[name]):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(stat.S_IMODE(kept.marks[name][0]))
        else:
            _copy(kept.copies / name, path)
            restored[name] = _mark(path)
    kept.marks.update(restored)
    return restored


def look(tree: Path, outputs: Sequence[Path]) -> dict[str, Mark]:
    """Every file and folder of the outputs with its mark; of a folder only the mode, as its times change with what is in it."""
    return {path.relative_to(tree).as_posix(): _mark(path) for output in outputs for path in _below(output)}


def _below(path: Path) -> Iterator[Path]:
    yield path
    if is_folder(path):
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            path.chmod(stat.S_IRWXU)
        for entry in sorted(path.iterdir()):
            yield from _below(entry)


def _mark(path: Path) -> Mark:
    status = path.lstat()
    if stat.S_ISDIR(status.st_mode):
        return status.st_mode, 0, 0, 0, 0
    return status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _is_folder(mark: Mark | None) -> bool:
    return mark is not None and stat.S_ISDIR(mark[0])


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a link with its times; a pipe or socket is made by whoever needs it."""
    if source.is_symlink() or source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
