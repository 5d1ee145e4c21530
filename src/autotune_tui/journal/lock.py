"""The lock that lets one engine work on a session; the system frees it when the engine dies, however it dies.

The file also says who holds it, which counts where the system's word does not: a lock that this machine grants may be held on
another one that shares the folder, and on a file system that grants everything to everybody.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotune_tui.errors import EngineError
from autotune_tui.journal.backwards import lines_backwards
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
        self.found = ""
        """What an engine that died has left, in words; known once the lock is held."""
        self._fd = -1

    def acquire(self) -> None:
        """Take the lock and write who holds it. Raises EngineError, naming the holder, when another process has it or may
        have it.
        """
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE)
            self._fd = self._try()
            if self._fd >= 0:
                break
        else:
            raise taken(holder(self.path) or {}, self.path)
        before = _content(self._fd)
        try:
            if before:
                refuse_alive(before, self.path, elsewhere=True)
                self.found = f"the lock of process {before.get('pid', 'unknown')}, which has ended, was taken over"
        except EngineError:
            os.close(self._fd)
            self._fd = -1
            raise
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps(identity()).encode(), 0)

    def release(self) -> None:
        """Remove the file and free the lock; does nothing when it is not held."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):  # a file that cannot be removed holds nothing
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


def taken(other: Mapping[str, Any], path: Path) -> EngineError:
    """That another engine is at work."""
    here = other.get("host") in (None, "", socket.gethostname())
    stop = "stop it first: autotune-tui stop" if here else f"stop it first, on {other['host']}: autotune-tui stop"
    return EngineError(
        "Another engine works on this session",
        f"Process {other.get('pid', 'unknown')} on {other.get('host', 'this host')} holds {path}.",
        f"Watch it with --watch, or {stop}",
    )


def refuse_alive(other: Mapping[str, Any], path: Path, *, elsewhere: bool = False) -> None:
    """Raises EngineError when the process of an `identity` runs; with `elsewhere` also when it may run where it cannot be
    seen from here.
    """
    runs = is_running(other)
    if runs:
        raise taken(other, path)
    if runs is None and elsewhere:
        raise EngineError(
            "Another engine may work on this session",
            f"Process {other.get('pid', 'unknown')} on {other.get('host')} has written {path}, and whether it still runs "
            f"cannot be told from {socket.gethostname()}.",
            f"Look on {other.get('host')}. If no engine works on the session there, remove the file and start again.",
        )


def is_running(other: Mapping[str, Any]) -> bool | None:
    """Whether the process of an `identity` runs, this process aside; None when that cannot be known from here.

    The start tells a process from a later one with the same pid, the boot id this start of the machine from earlier ones. On
    the same boot under another host name (a container) the process is not to be seen, but the system's locks hold: no.
    """
    now = identity()
    same_host, same_boot = other.get("host") == now["host"], other.get("boot_id") == now["boot_id"] != ""
    if not same_host:
        return False if same_boot else None
    pid = other.get("pid")
    if type(pid) is not int or pid <= 0 or pid == now["pid"] or other.get("boot_id") != now["boot_id"]:
        return False
    return bool(other.get("started")) and _started(pid) == other["started"]


def last_engine(journal: Path) -> Mapping[str, Any]:
    """The `identity` of the engine that the journal says is at work; empty when the last one has left.

    Somebody may have removed the lock's file under a living engine, and the lock with it.
    """
    try:
        with journal.open("rb", buffering=0) as file:
            said = (line for line in lines_backwards(file.fileno()) if line.startswith(b'{"type":"session"'))
            record = json.loads(next(said, b"{}"))
        engine = record["engine"] if record.get("event") == "start" else {}
    except (OSError, ValueError, KeyError):
        return {}
    return engine if isinstance(engine, dict) else {}


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
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # no /proc, as on macOS
        boot = ""
    return {"pid": os.getpid(), "started": _started(os.getpid()), "boot_id": boot, "host": socket.gethostname()}


def _started(pid: int) -> int:
    """When a process began, in clock ticks since boot; 0 when there is none, or where that cannot be told (macOS)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in ("Z", "X") else int(fields[19])


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
