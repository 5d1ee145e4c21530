"""The engine with a fault at its n-th effect: `python victim.py` serves requests, each of which runs one command line in a fork.

An effect is whatever another process could see: a write, an fsync, a file made, renamed or removed, a signal, a process
started. The kind of a fault says what happens at it:

- `kill`: SIGKILL just before it.
- `tear`: SIGKILL in the middle of the next write, or between the opening of the next file and its content.
- `enospc`, `eio`: it fails, and so do all later ones that need the disk; with `enospc` also whatever git and others write.
- `start`: SIGKILL just after a process was started; n counts these alone.
- `after`: SIGKILL just after the n-th write that has a given text in it, such as a record of the journal.
- `git`: SIGKILL for a git process in the midst of its work, and for the engine; n counts git's starts alone.

What git does between its start and its end is git's own: `git` hits it at any time within its first milliseconds, no fault
can be put between two given system calls of it. The same holds for the launcher, the agent and the benchmark.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CALLS = frozenset(
    {
        "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link", "os.chmod", "os.utime",
        "os.kill", "os.killpg",
    }
)  # fmt: skip
GROWING = frozenset({"os.mkdir", "os.symlink", "os.link"})
"""Those that a full disk refuses."""
STARTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.fork"})
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
ERRORS = {"enospc": errno.ENOSPC, "eio": errno.EIO}


@dataclass
class Fault:
    """One fault to come, and what was seen so far."""

    kind: str
    at: int
    text: bytes = b""
    seen: Counter[str] = field(default_factory=Counter)
    broken: bool = False

    def effect(self, name: str, disk: bool) -> None:
        """Called before each effect."""
        self.seen["effect"] += 1
        if self.kind == "kill" and self.seen["effect"] == self.at:
            die()
        if self.kind in ERRORS and disk and self.seen["effect"] >= self.at:
            if self.kind == "enospc" and not self.broken:
                self.broken = True
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            raise OSError(ERRORS[self.kind], os.strerror(ERRORS[self.kind]), name)

    @property
    def tears(self) -> bool:
        return self.kind == "tear" and self.seen["effect"] + 1 >= self.at

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CALLS:
            self.effect(event, disk=event in GROWING or (self.kind == "eio" and not event.startswith("os.kill")))
        elif event in STARTS:
            self.effect(event, disk=False)
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            if self.tears and arguments[2] & os.O_TRUNC and isinstance(arguments[0], str | bytes | os.PathLike):
                self.kind = "none"
                Path(os.fsdecode(arguments[0])).write_bytes(b"")
                die()
            self.effect(event, disk=True)

    def write(self, descriptor: int, data: bytes, real: Callable[[int, bytes], int] = os.write) -> int:
        on_disk = os.path.isfile(f"/proc/self/fd/{descriptor}")  # noqa: PTH113 - without an effect of its own
        if self.tears and on_disk:  # what goes into a pipe is not torn below 4 kB
            real(descriptor, bytes(data)[: len(data) // 2])
            die()
        self.effect("write", disk=on_disk)
        written = real(descriptor, data)
        if self.kind == "after" and self.text in bytes(data):
            self.seen["after"] += 1
            if self.seen["after"] == self.at:
                die()
        return written

    def fsync(self, descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
        self.effect("fsync", disk=True)
        real(descriptor)

    def started(self, pid: int, program: str) -> None:
        """Called after each start of a process."""
        self.seen["start"] += 1
        if self.kind == "start" and self.seen["start"] == self.at:
            die()
        if program != "git":
            return
        self.seen["git"] += 1
        if self.kind == "git" and self.seen["git"] == self.at:
            until = time.monotonic() + (self.at * 7 % 11) / 2000
            while time.monotonic() < until:
                pass
            os.kill(pid, signal.SIGKILL)
            die()

    def install(self) -> None:
        os.write, os.fsync = self.write, self.fsync  # type: ignore[assignment]
        fork_exec = subprocess._fork_exec  # type: ignore[attr-defined]

        def start(*arguments: Any) -> int:
            pid: int = fork_exec(*arguments)
            self.started(pid, Path(os.fsdecode(arguments[0][0])).name)
            return pid

        subprocess._fork_exec = start  # type: ignore[attr-defined]
        sys.addaudithook(self.audit)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run(request: dict[str, Any], out: int, err: int) -> int:
    """In the fork: the command line as if it had been started with this environment; its exit code."""
    from autotune_tui.cli import main as command_line

    os.setsid()
    file = os.open(os.devnull, os.O_RDONLY)
    for descriptor, other in ((0, file), (1, out), (2, err)):
        os.dup2(other, descriptor)
    sys.stdout, sys.stderr = (open(descriptor, "w", closefd=False) for descriptor in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv[1:] = request["argv"]
    fault = Fault(request["kind"], request["at"], request.get("text", "").encode())
    fault.install()
    code = 0
    try:
        command_line()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    if fault.kind == "none":
        Path(request["count"]).write_text(json.dumps(fault.seen))
    return code


def serve() -> None:
    """Answer each line of stdin, a request, with the exit code of its run; negative: the signal that ended it."""
    import autotune_tui.cli.loop
    import autotune_tui.engine.run  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        pipes = {name: pipe() for name in ("out", "err")}
        pid = os.fork()
        if pid == 0:
            os._exit(run(request, *(write for _, write in pipes.values())))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for name, (read, write) in pipes.items():
            Path(request[name]).write_bytes(drained(read))
            os.close(read)
            os.close(write)
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def pipe() -> tuple[int, int]:
    """One that holds all that a session says: files could not be written once the disk is full."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.set_blocking(read, False)
    return read, write


def drained(descriptor: int) -> bytes:
    """What is in a pipe, which somebody else may still hold open."""
    found = b""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(descriptor, 1 << 16):
            found += data
    return found


if __name__ == "__main__":
    serve()
