"""The lock that lets one engine work on a session; the system frees it when the engine dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from autotune_tui.errors import EngineError
from autotune_tui.journal.files import cannot_write

_ATTEMPTS = 10
_PAUSE = 0.02
"""Seconds between attempts: a reader that asks who holds the lock has it for some microseconds."""


class EngineLock:
    """`engine.lock` of a session, held by `flock`; usable as a context manager.

    The descriptor is not inherited, so programs that the engine starts do not keep the lock alive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    def acquire(self) -> None:
        """Take the lock and write who holds it. Raises EngineError, naming the holder, when another process has it."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE)
            self._fd = self._try()
            if self._fd >= 0:
                break
        else:
            other = holder(self.path) or {}
            raise EngineError(
                "Another engine works on this session",
                f"Process {other.get('pid', 'unknown')} on {other.get('host', 'this host')} holds {self.path}.",
                "Watch it with --watch, or stop it first: autotune-tui stop",
            )
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps(identity()).encode(), 0)

    def release(self) -> None:
        """Remove the file and free the lock; does nothing when it is not held."""
        if self._fd >= 0:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> EngineLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _try(self) -> int:
        """A descriptor that holds the lock, or -1."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file_at(self.path, descriptor):
                return descriptor
        except BlockingIOError:
            pass
        except OSError as error:
            os.close(descriptor)
            raise cannot_write(self.path, error) from error
        os.close(descriptor)  # held by another, or its holder removed the file between our two steps
        return -1


def holder(path: Path) -> dict[str, Any] | None:
    """Who holds the lock, as `identity()` of that process (empty when it has not written it yet); None when nobody does.

    Opens the file for reading only.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _content(descriptor)
    finally:
        os.close(descriptor)
    return None


def identity() -> dict[str, Any]:
    """What tells this process from all others, also after a reboot: pid, start in clock ticks since boot, boot id, host."""
    try:
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # no /proc, as on macOS
        started, boot = 0, ""
    return {"pid": os.getpid(), "started": started, "boot_id": boot, "host": socket.gethostname()}


def _is_file_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _content(descriptor: int) -> dict[str, Any]:
    try:
        content = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
