"""Notices a command that has come to a stop: it neither prints nor uses the processor, and says what it seems to wait for."""

from __future__ import annotations

import contextlib
import os
import time

from autotune_tui.measure.launcher.processes import CHILDREN, children, descendants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LOOK_SECONDS = 1.0
WAITS = (
    (("nanosleep",), "sleeps"),
    (("futex",), "waits for a lock"),
    (("pipe", "fifo", "wait_for_partner"), "waits for another program"),
    (("sk_", "inet", "tcp", "unix_", "skb"), "waits for the network or another program"),
    (("poll", "select"), "waits for something to happen"),
    (("flock", "lock_file", "locks_"), "waits for a locked file"),
)
"""What a process does, by parts of the name of the kernel's function that it waits in."""
TERMINALS = ("/dev/tty", "/dev/pts/", "/dev/console", "/dev/ptmx")


class Stall:
    """Looks once in a while whether a command still does anything. `seconds`: how long it may do nothing; 0 is for ever.

    Only where the kernel tells of all its processes: what looks idle may else wait for a child that works.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds if os.path.exists(CHILDREN) else 0.0
        self.looked = time.monotonic()
        self.quiet = 0.0
        self.seen: tuple[float, ...] = ()

    @property
    def wait(self) -> float:
        """Seconds until the next look."""
        return max(0.0, self.looked + self.pace - time.monotonic())

    @property
    def pace(self) -> float:
        return min(LOOK_SECONDS, self.seconds / 5)

    def look(self, printed: int) -> str:
        """Why the command is to be killed, in words; empty while it goes on or it is too early to look."""
        if not self.seconds or self.wait:
            return ""
        now = time.monotonic()
        passed, self.looked = now - self.looked, now
        pids = [pid for child in children() for pid in (child, *descendants(child))]  # daemons are our children, too
        seen = (float(printed), float(len(pids)), *map(used, pids))
        # While this process itself was stopped or the machine slept nothing was to be expected of the command.
        self.quiet = self.quiet + min(passed, 2 * self.pace) if seen == self.seen else 0.0
        self.seen = seen
        if self.quiet < self.seconds:
            return ""
        doing = what(pids)
        return f"it did nothing for {self.seconds:g} s: no output, no processor time{f'; {doing}' if doing else ''}"


def used(pid: int) -> float:
    """Ticks of processor time of one process, with children that it has waited for; -1 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return float(sum(map(int, file.read().rpartition(b")")[2].split()[11:15])))
    except (OSError, ValueError):
        return -1.0


def what(pids: Iterable[int]) -> str:
    """What the last of the processes that can be looked at waits for, in words; those above it mostly wait for it."""
    for pid in reversed(list(pids)):
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/stat", "rb") as file:
                head, _, rest = file.read().rpartition(b")")
            name = head.partition(b"(")[2].decode(errors="replace")
            state = rest.split()[0]
            if state == b"T":
                return f"{name} was stopped by a signal"
            if state in (b"S", b"D") and (doing := waits_for(pid)):
                return f"{name} {doing}"
    return ""


def waits_for(pid: int) -> str:
    """What a sleeping process waits for; empty when it is not known or it waits for its own children."""
    with open(f"/proc/{pid}/wchan", "rb") as file:
        place = file.read().decode(errors="replace")
    if place in ("", "0", "do_wait"):
        return ""
    if is_reading(place) and reads_terminal(pid):
        return "waits for input from a terminal, and there is nobody to give any"
    return next((words for parts, words in WAITS if any(part in place for part in parts)), "")


def is_reading(place: str) -> bool:
    return place == "wait_woken" or "tty" in place or "read" in place


def reads_terminal(pid: int) -> bool:
    """Whether the file that a process is reading is a terminal: the first argument of its system call is a file's number."""
    with open(f"/proc/{pid}/syscall", "rb") as file:
        number = int(file.read().split()[1], 16)
    return os.readlink(f"/proc/{pid}/fd/{number}").startswith(TERMINALS)
