"""What happened to the machine's time while a sample ran."""

from __future__ import annotations

import contextlib
import sys
import time


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
