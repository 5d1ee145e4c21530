"""Looks now and then at what a command uses up; what the kernel can limit by itself it limits."""

from __future__ import annotations

import contextlib
import os
import resource
import time

from autotune_tui.measure.launcher.processes import offspring, resident, tasks_of_user

WATCH_SECONDS = 0.1
"""How often a command's use is looked at: 0.1 ms of work, on a processor that the command leaves free where there is one."""
LEAST_FREE_MEMORY = 0.04
"""Share of the machine's memory below which a command with limits is killed: shared memory is in no process's account."""
LEAST_FREE_DISK = 128 * 1024 * 1024
SPARE_TASKS = 1000


class Watch:
    """Looks now and then at what a command uses up; what the kernel can limit by itself it limits."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.limits = limits
        self.due = 0.0
        self.free = 0

    @property
    def wait(self) -> float:
        return max(0.0, self.due - time.monotonic())

    def kernel_limits(self) -> dict[int, int]:
        """What the kernel limits for us, by the numbers of `resource`."""
        limits = {resource.RLIMIT_FSIZE: self.limits["file_size"], resource.RLIMIT_CORE: 0}
        if os.getuid():
            # Threads count, and those that the user runs elsewhere: a last line, behind the count of processes.
            limits[resource.RLIMIT_NPROC] = tasks_of_user() + SPARE_TASKS + 4 * self.limits["processes"]
        return limits

    def begin(self) -> None:
        """The command has just been started."""
        self.due = time.monotonic() + WATCH_SECONDS
        self.free = free_disk()

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
