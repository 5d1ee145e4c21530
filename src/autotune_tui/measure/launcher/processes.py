"""The processes of this machine, as the kernel tells of them."""

from __future__ import annotations

import contextlib
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

PR_SET_CHILD_SUBREAPER = 36
CHILDREN = "/proc/thread-self/children"
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


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


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to those that are still there, and that we may send it to."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def tasks_of_user() -> int:
    """The threads of all processes of this user, as the kernel counts them against RLIMIT_NPROC."""
    count, user = 0, os.getuid()
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == user:
                with open(f"/proc/{name}/stat", "rb") as file:
                    count += int(file.read().rpartition(b")")[2].split()[17])
    return count


def processor_time(pid: int) -> float:
    """Seconds of a process and of those that it has waited for, to some 10 ms; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return sum(map(int, file.read().rpartition(b")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


def high_water() -> int:
    """Our own peak RSS in bytes, below which the kernel reports no command's.

    On Linux getrusage would give the engine's mark, which we inherited as our commands inherit ours.
    """
    if sys.platform == "linux":
        with open("/proc/self/status", "rb") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
