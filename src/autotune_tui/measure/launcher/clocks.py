"""What happened to the machine's time and its processors while a sample ran."""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import time

PROCESSORS = "/sys/devices/system/cpu"
TICKS = os.sysconf("SC_CLK_TCK")
"""Jiffies in a second, as /proc/stat counts them."""
LEAST_TICKS = 20
"""Of each processor, before their share means anything."""


def clocks() -> tuple[float, float, float, int, int, int]:
    """Real time, time with and without suspension (s), and the jiffies stolen from, passed and worked on all processors."""
    bare = time.monotonic()
    whole = time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else bare
    jiffies = [0] * 8
    with contextlib.suppress(OSError), open("/proc/stat", "rb") as file:
        jiffies = [int(count) for count in file.readline().split()[1:9]]
    worked = jiffies[0] + jiffies[1] + jiffies[2] + jiffies[5] + jiffies[6]
    return time.time(), whole, bare, jiffies[7], sum(jiffies), worked


def disturbances(before: tuple[float, ...], after: tuple[float, ...], own: float) -> dict[str, float]:
    """`own`: seconds of processor time that the command itself has used meanwhile."""
    real, whole, bare, stolen, jiffies, worked = (b - a for a, b in zip(before, after, strict=True))
    long_enough = whole * TICKS >= LEAST_TICKS and jiffies
    return {
        "steal": stolen / jiffies if jiffies else 0.0,
        "others": max(0.0, worked - own * TICKS) / jiffies if long_enough else 0.0,
        "clock_step": real - whole,
        "suspended": whole - bare,
    }


def throttles(processors: str = PROCESSORS) -> int:
    """How often processors were slowed down for their heat since the machine started; 0 where nobody counts it."""
    return sum(_number(path) for path in glob.glob(f"{processors}/cpu[0-9]*/thermal_throttle/*_throttle_count"))


def speed(processors: str = PROCESSORS) -> str:
    """The highest speed that is allowed and who governs it, in words; empty where that cannot be known."""
    highest = _number(f"{processors}/cpu0/cpufreq/scaling_max_freq")
    governor = ""
    with contextlib.suppress(OSError), open(f"{processors}/cpu0/cpufreq/scaling_governor") as file:
        governor = file.read().strip()
    return f"{highest / 1e6:.2f} GHz ({governor})" if highest else ""


def _number(path: str) -> int:
    with contextlib.suppress(OSError, ValueError), open(path) as file:
        return int(file.read())
    return 0
