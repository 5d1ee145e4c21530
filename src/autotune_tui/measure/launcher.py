"""Runs one command at a time, measures it, and leaves nothing of it behind; run by path with `python -I -S`.

The engine keeps one launcher for all its commands. It is a process of its own and imports little, for three reasons: peak
RSS as the kernel reports it starts at the high-water mark of the process that spawned the command (about 12 MB here, hundreds
in the engine); spawning from a small process costs the same for both sides of a pair; and when the engine is killed, end of
file on the launcher's standard input kills whatever still runs.

Requests and replies are JSON lines on standard input and output:

    {"op": "run", "id": 7, "argv": [..], "cwd": .., "env": {..}, "timeout": s, "grace": s, "log": path or null,
     "head": bytes, "tail": bytes, "stdin": bool, "repeat": n,
     "prefix": [..], "limits": {..} or null}     ->   {"id": 7, "wall": .., ..}, when the command has ended
    {"op": "cancel"}                                               ->   the running command's reply comes at once

Three file descriptors, named on the command line, are shared with the engine: the command's standard input, which the engine
has written before the request; its standard output (cut to head and tail), which the engine reads after the reply; and its
process id, for the case that this process is killed. A message would wake the engine in the midst of the sample.
"""

# pathlib would cost as much memory and time at the start as all the rest, and typing 1 MB, hence:
# ruff: noqa: PTH208, PTH110, PTH112, PTH116, PTH118, PTH123
from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import select
import signal
import stat
import sys
import time

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
RECENT = 8 * 1024
"""Bytes of the combined output that a reply carries."""
SWEEP_SECONDS = 10.0
"""How long to wait for killed processes to go; only one stuck inside the kernel takes longer."""
PR_SET_CHILD_SUBREAPER = 36
CHILDREN = "/proc/thread-self/children"
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
OPEN_DEVNULL = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
RESET_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
"""Python ignores the first two, and whoever started the engine may have ignored the others (nohup)."""


class EngineGone(Exception):
    """Standard input has ended, or the launcher was told to end."""


class Shared:
    """The files that are shared with the engine."""

    def __init__(self, stdin: int, stdout: int, pid: int) -> None:
        self.stdin, self.stdout, self.pid = stdin, stdout, pid
        for fd in (stdin, stdout, pid):
            os.set_inheritable(fd, False)


class Capped:
    """What is written to it goes to a file: the first `head` bytes at once, the last `tail` bytes at the end."""

    def __init__(self, fd: int | None, head: int, tail: int) -> None:
        self.fd, self.head, self.tail = fd, head, tail
        self.total = 0
        self.ring = memoryview(bytearray(tail))
        self.error = ""

    def write(self, chunk: memoryview) -> None:
        if self.total < self.head:
            self.put(chunk[: self.head - self.total])
        end = self.total + len(chunk)
        chunk = chunk[-self.tail :]
        start = (end - len(chunk)) % self.tail
        first = chunk[: self.tail - start]
        self.ring[start : start + len(first)] = first
        self.ring[: len(chunk) - len(first)] = chunk[len(first) :]
        self.total = end

    def last(self, count: int) -> bytes:
        """The last `count` bytes written, or as many of them as there are."""
        end = self.total % self.tail
        whole = bytes(self.ring[end:]) + bytes(self.ring[:end])
        return whole[len(whole) - min(count, self.total, self.tail) :]

    def finish(self) -> None:
        """Write the tail, with one line before it that says how much is missing."""
        if self.left_out:
            self.put(memoryview(f"\n[... {self.left_out} bytes left out ...]\n".encode()))
        if self.total > self.head:
            self.put(memoryview(self.last(self.total - self.head)))

    @property
    def left_out(self) -> int:
        return max(0, self.total - self.head - self.tail)

    def put(self, data: memoryview) -> None:
        """A full disk must not spoil the sample: after the first error nothing more is written, and the reply says so."""
        while data and self.fd is not None:
            try:
                data = data[os.write(self.fd, data) :]
            except OSError as error:
                self.error, self.fd = error.strerror or str(error), None


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
        data = os.read(0, PIPE_SIZE)
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
        self.beyond = ""

    def spawn(self) -> None:
        """Start the command. Raises OSError and ValueError as `launch_error` explains them."""
        os.chdir(self.request["cwd"])
        argv = self.request["argv"]
        path = find_program(argv[0], self.request["env"].get("PATH", os.defpath))
        if prefix := self.request["prefix"]:
            # What confines the command would report its absence in words of its own, and as an ordinary exit code.
            if not os.access(path, os.X_OK):
                raise OSError(errno.EACCES if os.path.exists(path) else errno.ENOENT, "", path)
            argv = [*prefix, *argv]
            if self.watch:
                argv = self.watch.limited(argv)
            path = argv[0]
        out, out_end = self.pipe(self.stdout)
        err, err_end = self.pipe(None)
        os.lseek(self.stdin, 0, os.SEEK_SET)
        stdin = (os.POSIX_SPAWN_DUP2, self.stdin, 0) if self.request["stdin"] else OPEN_DEVNULL
        try:
            self.started = time.perf_counter_ns()
            self.pid = os.posix_spawn(
                path,
                argv,
                self.request["env"],
                file_actions=[stdin, (os.POSIX_SPAWN_DUP2, out_end, 1), (os.POSIX_SPAWN_DUP2, err_end, 2)],
                setsid=True,
                setsigmask=(),
                setsigdef=RESET_SIGNALS,
            )
        finally:
            os.close(out_end)
            os.close(err_end)
        if self.watch:
            self.watch.begin(self.pid)
        self.poller.register(out, select.POLLIN)
        self.poller.register(err, select.POLLIN)

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
            wait = min(max(0.0, deadline - time.monotonic()), 3600.0) * 1000 + 1
            if self.watch:
                wait = min(wait, self.watch.wait * 1000 + 1)
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
        if self.request["prefix"] and number == signal.SIGTERM:
            # For the sandbox's own processes it would be the end, and the command would never hear of it.
            for pid in inside(self.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
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
        """Kill what is left of the command. We are the subreaper: orphans are our children, and each round kills one level."""
        self.collect()
        if not self.control.subreaper:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
                self.leftovers += 1
            return
        killed: set[int] = set()
        if self.request["prefix"]:
            # The sandbox's first process, ours by now, ends them all, but what they used is then in no one's account.
            survivors = [pid for root in children() for pid in descendants(root)]
            self.cpu += sum(map(processor_time, survivors))
            self.leftovers += len(survivors)
        deadline = time.monotonic() + SWEEP_SECONDS
        while (alive := children()) and time.monotonic() < deadline:
            for pid in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            killed.update(alive)
            for fd, _ in self.control.poller.poll(10):
                self.control.handle(fd)
            self.collect()
        killed.discard(self.pid)
        if not self.request["prefix"]:
            self.leftovers += len(killed)

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


WATCH_SECONDS = 0.1
"""How often a command's use is looked at: 0.1 ms of work, on a processor that the command leaves free where there is one."""
LEAST_FREE_MEMORY = 0.04
"""Share of the machine's memory below which a command with limits is killed: shared memory is in no process's account."""
LEAST_FREE_DISK = 128 * 1024 * 1024


class Watch:
    """Looks now and then at what a command uses up; what the kernel can limit by itself it limits."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.limits = limits
        self.due = 0.0
        self.free = 0

    @property
    def wait(self) -> float:
        return max(0.0, self.due - time.monotonic())

    def limited(self, argv: list[str]) -> list[str]:
        """A sandbox has forked before we could limit it from outside: prlimit does it beforehand, for about 1 ms."""
        with contextlib.suppress(OSError):
            size = self.limits["file_size"]
            return [find_program("prlimit", os.defpath), f"--fsize={size}:{size}", "--core=0:0", "--", *argv]
        return argv

    def begin(self, pid: int) -> None:
        """Limit the process that was just started, and so all that it will start."""
        self.due = time.monotonic() + WATCH_SECONDS
        self.free = free_disk()
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # it has ended already
                size = self.limits["file_size"]
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size))
                resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))

    def look(self, pid: int) -> str:
        """The limit that the command has gone beyond, in words; empty when there is none or it is too early to look."""
        if self.wait:
            return ""
        words = self.use(pid)
        self.due = time.monotonic() + WATCH_SECONDS
        return words

    def use(self, pid: int) -> str:
        count = memory = 0
        waiting = [pid]
        while waiting:
            each = waiting.pop()
            with contextlib.suppress(OSError, ValueError):
                memory += resident(each)
                count += 1
                waiting += offspring(each)
            if count > self.limits["processes"]:
                return f"it had more than {self.limits['processes']} processes"
        if memory > self.limits["memory"]:
            return f"it used more than {self.limits['memory'] / 1e6:,.0f} MB of memory"
        if free_memory() < LEAST_FREE_MEMORY:
            return "the machine had hardly any memory left"
        free = free_disk()
        if self.free - free > self.limits["disk"] or (free < LEAST_FREE_DISK < self.free):
            return f"the disk lost {(self.free - free) / 1e6:,.0f} MB while it ran"
        return ""


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def offspring(pid: int) -> list[int]:
    """The children of all threads of a process."""
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", "rb") as file:
            found += map(int, file.read().split())
    return found


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    found, waiting = list[int](), [pid]
    while waiting:
        with contextlib.suppress(OSError):
            waiting += (below := offspring(waiting.pop()))
            found += below
    return found


def inside(pid: int) -> list[int]:
    """The processes in a sandbox, without its own two: the one that was started and the first one inside."""
    with contextlib.suppress(OSError):
        return [each for first in offspring(pid) for each in descendants(first)]
    return []


def processor_time(pid: int) -> float:
    """Seconds of a process and of those that it has waited for, to some 10 ms; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return sum(map(int, file.read().rpartition(b")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


def free_memory() -> float:
    """The share of the machine's memory that is available; 1 where it is not known."""
    try:
        with open("/proc/meminfo", "rb") as file:
            fields = dict(line.split()[:2] for line in file.read(256).splitlines()[:3])
        return int(fields[b"MemAvailable:"]) / int(fields[b"MemTotal:"])
    except (OSError, KeyError, ValueError):
        return 1.0


def free_disk() -> int:
    """Bytes that may still be written below the current directory, which is the command's."""
    try:
        status = os.statvfs(".")
    except OSError:
        return 0
    return status.f_bavail * status.f_frsize


def become_subreaper() -> bool:
    """Orphaned descendants become our children, also those that called setsid; Linux only."""
    if sys.platform != "linux":
        return False
    import ctypes

    return ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 and os.path.exists(CHILDREN)


def children() -> list[int]:
    with open(CHILDREN, "rb") as file:
        return [int(pid) for pid in file.read().split()]


def reap() -> list[tuple[int, int, Any]]:
    """All children that have ended: process id, wait status, resource usage."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (result := os.wait4(-1, os.WNOHANG))[0]:
            ended.append(result)
    return ended


def find_program(name: str, path: str) -> str:
    """Where the command's own PATH, not ours, has the program. Raises FileNotFoundError and PermissionError."""
    if "/" in name:
        return name
    refused = False
    for folder in path.split(os.pathsep):
        candidate = os.path.join(folder or ".", name)
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.stat(candidate).st_mode):
                if os.access(candidate, os.X_OK):
                    return candidate
                refused = True
    raise OSError(errno.EACCES if refused else errno.ENOENT, "", name)


def launch_error(error: OSError | ValueError, request: dict[str, Any]) -> dict[str, Any]:
    """The exit code that a shell would give, and the reason in words."""
    name, cwd = request["argv"][0], request["cwd"]
    code = error.errno if isinstance(error, OSError) else None
    if not os.path.isdir(cwd):
        return {"exit": 126, "error": f"the directory {cwd} does not exist"}
    if code == errno.ENOENT and "/" in name and os.path.exists(os.path.join(cwd, name)):
        return {"exit": 126, "error": f"the interpreter that the first line of {name} names does not exist"}
    if code == errno.ENOENT:
        return {"exit": 127, "error": f"command not found: {name}"}
    if code == errno.EACCES:
        return {"exit": 126, "error": f"{name} is not executable"}
    if code == errno.ENOEXEC:
        return {"exit": 126, "error": f"{name} is neither a program nor a script with a #! line"}
    return {"exit": 126, "error": f"{name} cannot be started: {error}"}


def clocks() -> tuple[float, float, float, int, int]:
    """Real time, time with and without suspension (s), and the jiffies stolen from and passed on all processors."""
    bare = time.monotonic()
    whole = time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else bare
    jiffies = [0] * 8
    with contextlib.suppress(OSError), open("/proc/stat", "rb") as file:
        jiffies = [int(count) for count in file.readline().split()[1:9]]
    return time.time(), whole, bare, jiffies[7], sum(jiffies)


def disturbances(before: tuple[float, ...], after: tuple[float, ...]) -> dict[str, float]:
    real, whole, bare, stolen, jiffies = (b - a for a, b in zip(before, after, strict=True))
    return {
        "steal": stolen / jiffies if jiffies else 0.0,
        "clock_step": real - whole,
        "suspended": whole - bare,
    }


def open_log(request: dict[str, Any]) -> Capped:
    log = Capped(None, request["head"], request["tail"])
    if request["log"] is not None:
        try:
            log.fd = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            log.error = error.strerror or str(error)
    return log


def perform(request: dict[str, Any], control: Control, shared: Shared) -> dict[str, Any]:
    """Run the command `repeat` times, or until it fails; times are those of a mean run. Raises EngineGone."""
    log = open_log(request)
    log_fd = log.fd
    totals: dict[str, Any] = {
        "runs": 0,
        "wall": 0.0,
        "cpu": 0.0,
        "peak_rss": 0,
        "leftovers": 0,
        "beyond": "",
        "started_at": time.time(),
    }
    before = clocks()
    try:
        while totals["runs"] < request["repeat"]:
            os.ftruncate(shared.stdout, 0)
            os.lseek(shared.stdout, 0, os.SEEK_SET)
            job = Job(request, control, shared.stdin, Capped(shared.stdout, request["head"], request["tail"]), log)
            try:
                job.spawn()
            except (OSError, ValueError) as error:
                job.close()
                totals |= launch_error(error, request)
                break
            os.pwrite(shared.pid, b"%20d" % job.pid, 0)
            job.run()
            os.pwrite(shared.pid, b"%20d" % 0, 0)
            job.stdout.finish()
            add(totals, job)
            if job.status or job.timed_out or job.cancelled or job.beyond:
                break
        log.finish()
    finally:
        os.chdir("/")
        if log_fd is not None:
            os.close(log_fd)
    for name in ("wall", "cpu"):
        totals[name] /= max(1, totals["runs"])
    tail = log.last(RECENT).decode(errors="replace")
    output = {"tail": tail, "left_out": log.left_out, "log_error": log.error or totals.pop("stdout_error", "")}
    return totals | output | disturbances(before, clocks()) | {"id": request["id"]}


def add(totals: dict[str, Any], job: Job) -> None:
    """Add a run to the sample's figures."""
    code = os.waitstatus_to_exitcode(job.status or 0)
    totals["runs"] += 1
    totals["wall"] += job.wall
    totals["cpu"] += job.cpu
    totals["leftovers"] += job.leftovers
    totals["peak_rss"] = max(totals["peak_rss"], job.peak_rss)
    totals["exit"], totals["signal"] = (code, None) if code >= 0 else (None, -code)
    if job.request["prefix"] and 128 < code < 128 + signal.NSIG:
        # The sandbox's own process tells the signal that ended the command as a shell does.
        totals["exit"], totals["signal"] = None, code - 128
    totals["timed_out"] = job.timed_out
    totals["beyond"] = job.beyond
    if job.stdout.error:
        totals["stdout_error"] = f"standard output: {job.stdout.error}"


def send(reply: dict[str, Any]) -> None:
    data = json.dumps(reply).encode() + b"\n"
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        raise EngineGone from None


def high_water() -> int:
    """Our own peak RSS in bytes, below which the kernel reports no command's.

    On Linux getrusage would give the engine's mark, which we inherited as our commands inherit ours.
    """
    if sys.platform == "linux":
        with open("/proc/self/status", "rb") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def main() -> None:
    shared = Shared(*map(int, sys.argv[1:]))
    control = Control()
    with contextlib.suppress(EngineGone):
        while True:
            request = control.next()
            if request["op"] == "run":
                send(perform(request, control, shared) | {"rss_floor": high_water()})


if __name__ == "__main__":
    main()
