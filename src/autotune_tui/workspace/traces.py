"""Traces that git does not list: modes, times and attributes of files and folders, empty folders, pipes and sockets.

A candidate's checks may write in its tree; what they could note there in such a way is gone before its samples are taken.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from autotune_tui.workspace.folders import LONGEST, remove_tree
from autotune_tui.workspace.leftovers import Mark, mark_of

OPEN = stat.S_IRWXU
WRITABLE = stat.S_IRUSR | stat.S_IWUSR


def look(tree: Path, apart: Collection[str], files: bool = True) -> dict[str, Mark]:
    """The mark of all that is below `tree`, folders as well; not `.git`, nor what is below the paths `apart`.

    Without `files` those are passed over, and need not be asked for one by one.
    """
    found: dict[str, Mark] = {}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(tree / folder) as entries:
            below = [
                (f"{folder}{entry.name}", entry.stat(follow_symlinks=False))
                for entry in entries
                if files or not entry.is_file(follow_symlinks=False)
            ]
        for path, status in below:
            if path == ".git" or path in apart:
                continue
            found[path] = mark_of(status)
            if stat.S_ISDIR(status.st_mode) and not _is_long(tree / path):
                if status.st_mode & OPEN != OPEN:
                    (tree / path).chmod(OPEN)
                waiting.append(f"{path}/")
    return found


def _is_long(path: Path) -> bool:
    return len(os.fsencode(path)) > LONGEST


def restore(tree: Path, before: Mapping[str, Mark], tracked: Collection[str], apart: Collection[str]) -> None:
    """Undo what was done since `before` was seen, but for the content of files: that is for others to judge. Files that are
    not `tracked` are passed over.
    """
    now = look(tree, apart, files=bool(tracked))
    other = {path for path, mark in now.items() if before.get(path) != mark}
    for path in sorted(
        other.union(_folders(other)) & now.keys(), reverse=True
    ):  # what is in a folder before the folder
        place, mark, was = tree / path, now[path], before.get(path)
        is_folder, is_file = stat.S_ISDIR(mark[0]), stat.S_ISREG(mark[0])
        if was is None:
            if is_folder and _is_long(place):
                remove_tree(place)
            elif is_folder:
                with contextlib.suppress(OSError):  # it is not empty
                    place.rmdir()
            elif not is_file and not stat.S_ISLNK(mark[0]):
                place.unlink()
        elif stat.S_IFMT(was[0]) != stat.S_IFMT(mark[0]):
            continue
        elif is_folder:
            _as_before(place, was)
        elif is_file and mark != was and path in tracked:
            _rewrite(place, was)


def _as_before(folder: Path, was: Mark) -> None:
    status = folder.stat()
    if status.st_ctime_ns != was[3] or status.st_mode != was[0]:
        for name in os.listxattr(folder) if hasattr(os, "listxattr") else ():
            if name.startswith("user."):
                os.removexattr(folder, name)
        folder.chmod(stat.S_IMODE(was[0]))
        os.utime(folder, ns=(was[2], was[2]))


def _rewrite(file: Path, was: Mark) -> None:
    """The same content in a new file, with the mode and the time of before: attributes and times of the old one are gone."""
    file.chmod(stat.S_IMODE(was[0]) | WRITABLE)
    fresh = file.with_name(f".{os.urandom(6).hex()}")
    fresh.write_bytes(file.read_bytes())
    fresh.chmod(stat.S_IMODE(was[0]))
    os.utime(fresh, ns=(was[2], was[2]))
    fresh.replace(file)


def open_folders(tree: Path, tracked: Iterable[str]) -> None:
    """Let the owner in again where somebody took away the right to: git knows of no such modes, and would not undo them.
    What is behind a link that stands for a folder is not of this tree.
    """
    links: set[str] = set()
    for folder in _folders(tracked):
        if folder.rpartition("/")[0] in links or (tree / folder).is_symlink():
            links.add(folder)
            continue
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            _allow(tree / folder, OPEN)


def closed_files(tree: Path, tracked: Iterable[str]) -> list[str]:
    """The files that their owner may not read or may not write. Git would not tell them by their times, which it compares
    by the second.
    """
    base = f"{tree}/"
    found = []
    for path in tracked:  # of all files at each experiment: pathlib takes three times as long
        try:
            mode = os.lstat(base + path).st_mode
        except OSError:
            continue
        if mode & WRITABLE != WRITABLE:
            found.append(path)
    return found


def open_files(tree: Path, paths: Iterable[str]) -> None:
    """Let the owner read and write them; none may be behind a link."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            _allow(tree / path, WRITABLE)


def _folders(files: Iterable[str]) -> list[str]:
    """The folders in which they are, each before what is in it."""
    found: set[str] = set()
    for path in {file.rpartition("/")[0] for file in files}:
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]  # noqa: PLW2901
    return sorted(found)


def _allow(path: Path, rights: int) -> None:
    mode = path.lstat().st_mode
    if mode & rights != rights and (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        path.chmod(stat.S_IMODE(mode) | rights)
