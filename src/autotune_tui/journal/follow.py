"""Follows a journal while it is written, for screens: a batch of records whenever there are new ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchfiles import awatch

from autotune_tui.journal.reader import JournalTail
from autotune_tui.model.events import Record

_STEP_MS = 10
"""A watched directory tells of a new line within 16 ms at this step, and after 75 ms at the library's own."""
_COALESCE_MS = 100
_LOOK_MS = 1000
"""Look without being told this often: the directory may have been replaced, or lie on a file system that tells nothing."""
_POLL = 0.5
"""Seconds between looks where the system cannot watch, such as when its inotify instances are used up."""


@dataclass(frozen=True, slots=True)
class Batch:
    """New records. With `restarted`, the file was truncated or replaced and these are all its records: fold anew."""

    records: tuple[Record, ...]
    restarted: bool
    unreadable: int
    """Unreadable lines in the file so far."""
    tool: str = ""
    """Whose log it is, when it is another tool's."""


async def follow(path: Path, *, stop: asyncio.Event | None = None, poll: bool = False) -> AsyncGenerator[Batch]:
    """Batches of the journal's records, first all that are there, then new ones within about 20 ms of being written.

    Lines written in quick succession come together, after at most about 0.1 s. Ends when `stop` is set. `poll` looks
    every half second and does not use the system's file watching. The file, and its folder, may appear later. The first
    batch comes at once, even when it is empty.
    """
    stop = stop or asyncio.Event()
    tail = JournalTail(path, settled_samples=False)
    yield _batch(tail)
    async with contextlib.aclosing(_wakes(path, stop, poll)) as wakes:
        async for _ in wakes:
            batch = _batch(tail)
            if batch.records or batch.restarted:
                yield batch


def _batch(tail: JournalTail) -> Batch:
    records = tuple(tail.read())
    return Batch(records, tail.restarted, tail.unreadable, tail.tool)


async def _wakes(path: Path, stop: asyncio.Event, poll: bool) -> AsyncGenerator[None]:
    """Yields whenever it is worth looking at the file."""
    while not stop.is_set():
        if not poll and path.parent.is_dir():
            try:
                async with contextlib.aclosing(_watch(path, stop)) as changes:
                    async for _ in changes:
                        yield
                        if not path.parent.is_dir():
                            break
            except OSError:  # no watch to be had: inotify instances used up, or a file system without
                poll = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POLL)
        yield


def _watch(path: Path, stop: asyncio.Event) -> Any:
    """The directory is watched, since a watched file goes silent once it is replaced."""
    changes: AsyncIterator[object] = awatch(
        path.parent,
        watch_filter=lambda _, changed: Path(changed).name == path.name,
        debounce=_COALESCE_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        recursive=False,
    )
    return changes
