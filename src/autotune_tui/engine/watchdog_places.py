"""Looks whether all that a session stands on is still there: the repository, its branch, the journal, room on the disks.

Looked at between two experiments, and when something has failed: what somebody else took away is no candidate's fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.engine.recovery import Exhausted
from autotune_tui.errors import AutotuneError, WorkspaceError
from autotune_tui.workspace import SIDES
from autotune_tui.workspace.registration import unregister

if TYPE_CHECKING:
    from autotune_tui.engine.core import Engine
    from autotune_tui.engine.experiment import Experiment

MEGABYTE = 1 << 20
SMALL_SHARE = 0.1
"""Of a disk so small that the configured room would be a large part of it, this share is enough."""
LEAST_FILES = 1000
"""Files that a file system with a fixed number of them must still have room for."""
BLAMED = ("crash", "checks_failed")


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that the session stands on, as they were when its engine began: device and inode of each."""

    marks: Mapping[Path, tuple[int, int]]

    @classmethod
    def of(cls, engine: Engine) -> Places:
        return cls({path: mark for path in _folders(engine) if (mark := _mark(path))})

    def changed(self) -> Iterator[Path]:
        """The folders that are not there any more, or are others."""
        return (path for path, mark in self.marks.items() if _mark(path) != mark)


def _folders(engine: Engine) -> tuple[Path, ...]:
    return engine.workspace.root, engine.workspace.git_folder, engine.folder.root


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


async def check(engine: Engine, *, rebaseline: bool) -> None:
    """Before an experiment. Raises Exhausted with what is wrong and what to do; with `rebaseline` the branch may be anywhere."""
    reason = await asyncio.to_thread(_look, engine, anywhere=rebaseline)
    if reason:
        raise Exhausted(reason)
    if restored := engine.journal.restore():
        engine.note(restored, "warning")


def _look(engine: Engine, *, anywhere: bool) -> str:
    return gone(engine) or branch_trouble(engine, anywhere=anywhere) or lacking(engine)


async def no_fault_of(x: Experiment) -> None:
    """After an experiment that failed. Raises Exhausted when what it stood on was taken away: it has no verdict then."""
    if x.verdict is None or x.verdict.status not in BLAMED:
        return
    engine = x.engine
    reason = await asyncio.to_thread(lambda: gone(engine) or branch_trouble(engine) or worktree_gone(engine))
    if reason:
        raise Exhausted(f"{reason}. Experiment {x.number} is begun again then")


async def explanation(engine: Engine, error: Exception) -> str:
    """Why the session pauses for an error; empty for one that has nothing to do with what it stands on."""
    reason = await asyncio.to_thread(lambda: gone(engine) or branch_trouble(engine))
    if reason or not isinstance(error, WorkspaceError):
        return reason
    return " ".join(f"{error.title}: {error.message} {error.hint}".split())


def gone(engine: Engine) -> str:
    """Which folder or file is not there any more, and what to do, in words."""
    if engine.places is None:
        return ""
    lost = next(engine.places.changed(), None)
    if lost is None:
        return ""
    root, common, session = _folders(engine)
    now = moved_to(engine)
    if lost == root and now is not None:
        _forget_worktrees(engine, now)
        return (
            f"the repository was moved from {root} to {now}: go on there with `autotune-tui run {now}`, or move it back. "
            "Nothing is lost: its journal and its branch have moved with it"
        )
    if lost == root:
        return f"the repository's folder {root} is gone, or is another one now: put it back, then `autotune-tui run` goes on"
    if lost == common:
        return (
            f"the repository's git directory {common} is gone, or is another one now: put it back, then `autotune-tui run` "
            f"goes on. The session's journal is still in {session}"
        )
    return (
        f"the session's folder {session} is gone, or is another one now: put it back, then `autotune-tui run` goes on"
    )


def moved_to(engine: Engine) -> Path | None:
    """Where the repository is now, as far as the system tells it of the journal, which is open; None when it does not."""
    with contextlib.suppress(OSError, ValueError):
        journal = Path(f"/proc/self/fd/{engine.journal.fileno()}").readlink()
        root = engine.workspace.root
        moved = journal.parents[len(engine.folder.journal.relative_to(root).parts) - 1]
        if engine.places is not None and _mark(moved) == engine.places.marks.get(root):
            return moved
    return None


def _forget_worktrees(engine: Engine, now: Path) -> None:
    """Our worktrees are registered in a repository that is elsewhere now."""
    root, common = engine.workspace.root, engine.workspace.git_folder
    with contextlib.suppress(OSError, ValueError):
        for side in SIDES:
            unregister(now / common.relative_to(root), engine.tree(side))


def branch_trouble(engine: Engine, *, anywhere: bool = False) -> str:
    """Whether the branch is gone or was moved by somebody else, and what to do; with `anywhere` it only must be there."""
    try:
        tip = engine.workspace.tip()
    except WorkspaceError as error:
        return " ".join(f"{error.title}: {error.message} {error.hint}".split())
    state, branch = engine.state, engine.workspace.branch
    known = {state.incumbent_sha}
    for moving in (state.intent, state.veto):  # it may be that we moved it, and the record is not written yet
        known |= {moving.from_commit, moving.to_commit} if moving else set()
    if anywhere or not state.incumbent_sha or tip in known:
        return ""
    return (
        f"the branch {branch} was at {state.incumbent_sha[:10]} and is at {tip[:10]} now, which the session did not do: put it "
        f"back with `git branch -f {branch} {state.incumbent_sha[:10]}` and go on with `autotune-tui run`"
    )


def worktree_gone(engine: Engine) -> str:
    lost = [side for side in SIDES if not engine.tree(side).is_dir()]
    if not lost:
        return ""
    return f"the {lost[0]} worktree {engine.tree(lost[0])} was removed by somebody: `autotune-tui run` makes it anew"


def lacking(engine: Engine) -> str:
    """Which disk is nearly full, and what takes room there, in words; empty when there is enough everywhere."""
    least = engine.config.watchdogs.free_disk
    places = (engine.folder.root, engine.workspace.git_folder, engine.workspace.folder, Path(tempfile.gettempdir()))
    for path in places:
        try:
            disk = os.statvfs(path)
        except OSError:  # what is gone is said elsewhere
            continue
        free = disk.f_bavail * disk.f_frsize / MEGABYTE
        wanted = min(least, SMALL_SHARE * disk.f_blocks * disk.f_frsize / MEGABYTE)
        if free < wanted:
            words = f"only {_megabytes(free)} MB are free on the disk of {path}, and {_megabytes(wanted)} are wanted"
            return f"{words}: {_what_to_free(engine)}"
        if disk.f_files and disk.f_favail < min(LEAST_FILES, disk.f_files // 10):
            return f"the disk of {path} has room for {disk.f_favail} more files only: {_what_to_free(engine)}"
    return ""


def _megabytes(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 10 else f"{amount:.1f}"


def _what_to_free(engine: Engine) -> str:
    folders = {
        "the session's worktrees": engine.workspace.folder,
        "the records of all sessions": engine.workspace.root / ".autotune",
        "git's objects": engine.workspace.git_folder,
    }
    sizes = "; ".join(f"{name} ({path}) {_size(path) / MEGABYTE:,.0f} MB" for name, path in folders.items())
    return f"free some space, then `autotune-tui run` goes on. Of ours, {sizes}. [watchdogs] free_disk says how much must be free"


def _size(folder: Path) -> int:
    """Bytes on the disk below a folder, links not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_blocks * 512
    return total


@contextlib.contextmanager
def unless_gone() -> Iterator[None]:
    """Within, what cannot be done because the repository is not there is left undone: the pause says so already."""
    with contextlib.suppress(AutotuneError):
        yield
