"""One run of the command, from spawn to the end of all its descendants."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import sys
import time
from functools import partial

from autotune_tui.measure.launcher import child, landlock
from autotune_tui.measure.launcher.control import Control, EngineGone
from autotune_tui.measure.launcher.output import Capped
from autotune_tui.measure.launcher.processes import (
    RSS_UNIT,
    children,
    descendants,
    inside,
    processor_time,
    reap,
    signal_all,
)
from autotune_tui.measure.launcher.programs import find_program
from autotune_tui.measure.launcher.stall import Stall
from autotune_tui.measure.launcher.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHUNK = 256 * 1024
PIPE_SIZE = 1024 * 1024
PAUSE_MS = 2
BUSY = 64 * 1024
EAGER_READS = 256
"""Output rests for PAUSE_MS in its pipe before it is read: woken at each line, the launcher takes the command's processor away
(10,000 lines took 2.8 ms instead of 1.9). Once BUSY bytes have gathered, the next EAGER_READS reads do not wait."""
SWEEP_SECONDS = 10.0
"""How long to wait for killed processes to go; only one stuck inside the kernel takes longer."""
OPEN_DEVNULL = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)


class Job:
    """One run of the command, from spawn to the end of all its descendants."""

    def __init__(self, request: dict[str, Any], control: Control, stdin: int, stdout: Capped, log: Capped) -> None:
        self.request, self.control, self.stdin, self.stdout, self.log = request, control, stdin, stdout, log
        self.poller = control.new_poller()
        self.readers: dict[int, Capped | None] = {}
        self.buffer = memoryview(bytearray(CHUNK))
        self.pid = 0
        self.status: int | None = None
        self.wall = self.cpu = 0.0
        self.peak_rss = self.leftovers = 0
        self.timed_out = self.cancelled = False
        self.watch = Watch(request["limits"]) if request["limits"] else None
        self.stall = Stall(request["stall"])
        self.beyond = ""
        self.stalled = False
        self.rules = landlock.rules_of(request["prefix"])
        self.scratch = ""
        self.wrapped = os.path.basename(request["prefix"][0]) == "bwrap" if request["prefix"] else False

    def spawn(self) -> None:
        """Start the command. Raises OSError and ValueError as `launch_error` explains them."""
        os.chdir(self.request["cwd"])
        argv, prefix = self.request["argv"], self.request["prefix"]
        path = find_program(argv[0], self.request["env"].get("PATH", os.defpath))
        # What confines the command would report its absence in words of its own, and as an ordinary exit code.
        if prefix and not os.access(path, os.X_OK):
            raise OSError(errno.EACCES if os.access(path, os.F_OK) else errno.ENOENT, "", path)
        if prefix and not self.rules:
            argv = [*prefix, *argv]
            path = argv[0]
        out, out_end = self.pipe(self.stdout)
        err, err_end = self.pipe(None)
        os.lseek(self.stdin, 0, os.SEEK_SET)
        try:
            self.pid = self.start(path, argv, out_end, err_end)
        finally:
            os.close(out_end)
            os.close(err_end)
        if self.watch:
            self.watch.begin()
        self.poller.register(out, select.POLLIN)
        self.poller.register(err, select.POLLIN)

    def start(self, path: str, argv: list[str], out: int, err: int) -> int:
        """The process id of the command, just started."""
        env = self.request["env"]
        if not self.watch and not self.rules:
            stdin = (os.POSIX_SPAWN_DUP2, self.stdin, 0) if self.request["stdin"] else OPEN_DEVNULL
            streams = [stdin, (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
            self.started = time.perf_counter_ns()
            return os.posix_spawn(
                path, argv, env, file_actions=streams, setsid=True, setsigmask=(), setsigdef=child.RESET_SIGNALS
            )
        with contextlib.ExitStack() as stack:
            confine = None
            if self.rules:
                self.scratch, fd = landlock.prepare(self.rules)
                stack.callback(os.close, fd)
                env = {**env, "TMPDIR": self.scratch}
                confine = partial(landlock.restrict, fd)
            stdin_fd = self.stdin if self.request["stdin"] else os.open(os.devnull, os.O_RDONLY)
            if stdin_fd != self.stdin:
                stack.callback(os.close, stdin_fd)
            limits = self.watch.kernel_limits() if self.watch else {}
            self.started = time.perf_counter_ns()
            return child.start(path, argv, env, (stdin_fd, out, err), limits, confine)

    def pipe(self, keep: Capped | None) -> tuple[int, int]:
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        if sys.platform == "linux":
            # Fewer wake-ups for a command that prints much; refused to users who have many pipes already.
            with contextlib.suppress(OSError):
                fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self.readers[read_end] = keep
        return read_end, write_end

    def run(self) -> None:
        """Wait for the command's end; kill it at its timeout, when cancelled, or when the engine is gone (EngineGone)."""
        deadline = time.monotonic() + self.request["timeout"]
        stopping = False
        eager = taken = 0
        while self.status is None and not self.control.gone:
            if not stopping and self.control.cancelled():
                self.cancelled, deadline = True, 0.0
            if time.monotonic() >= deadline:
                self.timed_out = self.timed_out or not (self.cancelled or stopping)
                self.signal_group(signal.SIGKILL if stopping else signal.SIGTERM)
                deadline = time.monotonic() + self.request["grace"]
                stopping = True
            if self.watch and not self.beyond and (beyond := self.watch.look(self.pid)):
                self.beyond = beyond
                self.kill_all()
            if not self.beyond and not stopping and (idle := self.stall.look(self.log.total)):
                self.beyond, self.stalled = idle, True
                self.kill_all()
            wait = min(max(0.0, deadline - time.monotonic()), 3600.0) * 1000 + 1
            if self.watch:
                wait = min(wait, self.watch.wait * 1000 + 1)
            if self.stall.seconds:
                wait = min(wait, self.stall.wait * 1000 + 1)
            resting = taken > 0 and not eager
            ready = self.control.poller.poll(PAUSE_MS) if resting else self.poller.poll(wait)
            taken = sum(self.handle(fd) for fd, _ in ready)
            eager = EAGER_READS if taken >= BUSY else max(0, eager - 1)
            self.collect()
        if self.control.gone:
            self.signal_group(signal.SIGKILL)
        elif stopping:
            self.linger(deadline)
        self.sweep()
        self.drain()
        self.close()
        if self.control.gone:
            raise EngineGone

    def handle(self, fd: int) -> int:
        """Take in what is there on `fd`; the number of bytes that the command has printed."""
        if fd in self.readers:
            return self.read(fd)
        self.control.handle(fd)
        return 0

    def read(self, fd: int) -> int:
        """Take one chunk of output; its size, 0 when there is none now."""
        try:
            count = os.readv(fd, [self.buffer])
        except BlockingIOError:
            return 0
        if not count:
            self.forget(fd)
            return 0
        chunk = self.buffer[:count]
        self.log.write(chunk)
        keep = self.readers[fd]
        if keep is not None:
            keep.write(chunk)
        return count

    def forget(self, fd: int) -> None:
        self.poller.unregister(fd)
        del self.readers[fd]
        os.close(fd)

    def collect(self) -> None:
        for pid, status, usage in reap():
            # Adopted descendants count as well: work moved into a daemon is still the command's work.
            self.cpu += usage.ru_utime + usage.ru_stime
            self.peak_rss = max(self.peak_rss, usage.ru_maxrss * RSS_UNIT)
            if pid == self.pid:
                self.wall = (time.perf_counter_ns() - self.started) / 1e9
                self.status = status

    def kill_all(self) -> None:
        """Kill the tree from its root: with a sandbox around it the kernel ends all that is inside at once."""
        self.signal_group(signal.SIGKILL)

    def signal_group(self, number: int) -> None:
        if self.wrapped and number == signal.SIGTERM:
            # For the sandbox's own processes it would be the end, and the command would never hear of it.
            signal_all(inside(self.pid), number)
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def linger(self, deadline: float) -> None:
        """Let the rest of a group that was sent SIGTERM go by itself."""
        self.collect()
        while self.control.subreaper and children() and time.monotonic() < deadline and not self.control.gone:
            for fd, _ in self.control.poller.poll(10):
                self.control.handle(fd)
            self.collect()

    def sweep(self) -> None:
        """Kill what is left of the command. We are the subreaper: orphans become our children."""
        self.collect()
        if not self.control.subreaper:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
                self.leftovers += 1
            return
        killed: set[int] = set()
        if self.wrapped:
            # The sandbox's first process, ours by now, ends them all, but what they used is then in no one's account.
            survivors = [pid for root in children() for pid in descendants(root)]
            self.cpu += sum(map(processor_time, survivors))
            self.leftovers += len(survivors)
        deadline = time.monotonic() + SWEEP_SECONDS
        while children() and time.monotonic() < deadline:
            found = set(children()) if self.wrapped else self.freeze(deadline)
            signal_all(found, signal.SIGKILL)
            killed |= found
            for fd, _ in self.control.poller.poll(10):
                self.control.handle(fd)
            self.collect()
        killed.discard(self.pid)
        if not self.wrapped:
            self.leftovers += len(killed)

    def freeze(self, deadline: float) -> set[int]:
        """Stop all that came of the command, and say what it is. Killed one by one, a bomb would fork into the room that it
        gets; what is stopped starts nothing more.
        """
        frozen = set[int]()
        while time.monotonic() < deadline:
            self.collect()
            new = {pid for root in children() for pid in (root, *descendants(root))} - frozen
            if not new:
                break
            signal_all(new, signal.SIGSTOP)
            frozen |= new
        return frozen

    def drain(self) -> None:
        """Read what the command left in the pipes, and no more: without a subreaper a daemon may go on to write."""
        for fd in list(self.readers):
            for _ in range(2 * PIPE_SIZE // CHUNK):
                if not self.read(fd):
                    break

    def close(self) -> None:
        for fd in list(self.readers):
            os.close(fd)
        self.readers.clear()
        if self.scratch:
            landlock.empty(self.scratch)
