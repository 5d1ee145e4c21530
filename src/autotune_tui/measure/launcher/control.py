"""What the engine asks for, and the signals to this process."""

from __future__ import annotations

import json
import os
import select
import signal

from autotune_tui.measure.launcher.processes import become_subreaper, reap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

READ_SIZE = 1024 * 1024


class EngineGone(Exception):
    """Standard input has ended, or the launcher was told to end."""


class Control:
    """Requests from the engine, and signals to this process."""

    def __init__(self) -> None:
        self.wakeup, write_end = os.pipe()
        for fd in (self.wakeup, write_end):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(write_end)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        self.buffer = b""
        self.pending: list[dict[str, Any]] = []
        self.subreaper = become_subreaper()
        self.gone = False
        self.poller = self.new_poller()

    def new_poller(self) -> select.poll:
        """Waits for requests, signals, and what the caller adds."""
        poller = select.poll()
        poller.register(0, select.POLLIN)
        poller.register(self.wakeup, select.POLLIN)
        return poller

    def handle(self, fd: int) -> None:
        """Take in what is there on `fd`, one of ours."""
        if fd == self.wakeup:
            self.gone = self.gone or signal.SIGTERM in os.read(fd, 4096)
            return
        data = os.read(0, READ_SIZE)
        self.gone = self.gone or not data
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        self.pending += [json.loads(line) for line in lines]

    def next(self) -> dict[str, Any]:
        """The next request. Raises EngineGone."""
        while not self.pending and not self.gone:
            for fd, _ in self.poller.poll():
                self.handle(fd)
            reap()
        if self.gone:
            raise EngineGone
        return self.pending.pop(0)

    def cancelled(self) -> bool:
        found = any(message["op"] == "cancel" for message in self.pending)
        self.pending = [message for message in self.pending if message["op"] != "cancel"]
        return found


def send(reply: dict[str, Any]) -> None:
    data = json.dumps(reply).encode() + b"\n"
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        raise EngineGone from None
