"""The store: follows one journal in a thread of its own, folds it, and tells the screens when there is something to paint.

    store = Store(folder.journal, folder)     # or Store(path) for a journal that lies alone; Store() for replay
    store.subscribe(widget_or_screen)         # it gets `Store.Changed` messages: def on_store_changed(self, event)
    store.start()                             # follow; `stop()` ends it
    store.state                               # the fold so far

A replay makes a store without a path and calls `feed(records)` and `reset()` itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet

from textual.message import Message
from textual.message_pump import MessagePump

from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.events import Record
from autotune_tui.model.state import SessionState
from autotune_tui.ui.follower import Follower, Look

SILENT_SECONDS = 60.0
"""From when on a journal without an end counts as silent. Samples of an hour exist, so it is said, not judged."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Store:
    """What is known of one session. One instance per journal; screens read it and never change it."""

    class Changed(Message):
        """There is something new to show; comes at most four times a second."""

        bubble = False

        def __init__(self, store: Store) -> None:
            super().__init__()
            self.store = store

    def __init__(
        self,
        path: Path | None = None,
        folder: SessionFolder | None = None,
        *,
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self.path = path
        self.folder = folder
        """The session's folder with its artifacts; None for a journal that lies alone."""
        self.clock = clock
        self.look = Look()
        """What was last seen of the journal: the state and what surrounds it."""
        self._listeners: WeakSet[MessagePump] = WeakSet()
        self._follower: Follower | None = None

    @property
    def state(self) -> SessionState:
        return self.look.state

    @property
    def engine(self) -> dict[str, Any] | None:
        """Identity of the engine that is at work on the session; None when there is none, or no lock to ask."""
        return self.look.engine

    @property
    def at_work(self) -> bool:
        """Whether somebody works on the session now. Without a lock to ask: as far as the journal knows."""
        if self.look.engine_known:
            return self.engine is not None
        return self.state.active and self.clock().timestamp() - self.look.modified < SILENT_SECONDS

    @property
    def now(self) -> str:
        """The time as the journal writes it."""
        return self.clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def subscribe(self, listener: MessagePump) -> None:
        """Send `Changed` to the listener from now on, until it is gone."""
        self._listeners.add(listener)

    def unsubscribe(self, listener: MessagePump) -> None:
        self._listeners.discard(listener)

    def attach(self, folder: SessionFolder) -> None:
        """Follow this session, where none was known before."""
        self.folder, self.path = folder, folder.journal
        self.start()
        self.show(self.look)

    def start(self) -> None:
        """Begin to follow the journal; to be called once, inside the running event loop. A small journal is read at once."""
        if self.path is None or self._follower is not None:
            return
        events = asyncio.get_running_loop()

        def deliver(look: Look) -> None:
            with contextlib.suppress(RuntimeError):  # the application has ended meanwhile
                events.call_soon_threadsafe(self.show, look)

        self._follower = Follower(self.path, self.folder.lock if self.folder else None, deliver)
        first = self._follower.first_look()
        self.look = Look(exists=True, reading=True) if first is None else first
        self._follower.start()

    def stop(self) -> None:
        """Follow no longer."""
        if self._follower is not None:
            self._follower.stop()
            self._follower = None

    def show(self, look: Look) -> None:
        """Take over what was seen and tell the listeners."""
        self.look = look
        for listener in list(self._listeners):
            if listener.is_running:
                listener.post_message(self.Changed(self))

    def feed(self, records: Iterable[Record]) -> None:
        """Continue the state by records, as a replay does."""
        look = self.look.after(list(records))
        self.show(look if look.keep_looks else look.with_profile())

    def reset(self) -> None:
        """Begin anew with an empty state, as a replay does that jumps back."""
        self.show(Look(exists=True))
