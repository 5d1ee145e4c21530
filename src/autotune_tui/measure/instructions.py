"""Counts executed instructions with valgrind, as virtual machines have no hardware counters.

A run takes about 25 times as long, and its count is the same from run to run when addresses and hash seeds are fixed.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path

from autotune_tui.errors import MeasureError
from autotune_tui.measure.executors.base import Run

LOG = ".autotune-instructions."
"""One file for each process of the command, named by its process id, in the worktree until it is read."""
COUNT = re.compile(r"I\s+refs:\s+([\d,]+)")


def wrap(argv: tuple[str, ...], cwd: Path) -> tuple[str, ...]:
    """The command under valgrind, with fixed addresses where the system lets us. Raises MeasureError without valgrind."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise MeasureError(
            "valgrind is missing",
            "Instructions are counted with valgrind, as virtual machines have no hardware counters.",
            "Install it (apt-get install valgrind, dnf install valgrind), or measure cpu_time.",
        )
    for path in _logs(cwd):
        path.unlink()
    fixed = ("setarch", "-R") if _may_fix_addresses() else ()
    options = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--trace-children=yes")
    return (*fixed, valgrind, *options, f"--log-file={cwd.absolute()}/{LOG}%p", *argv)


def read(run: Run, cwd: Path) -> float:
    """Instructions of all the command's processes. Raises MeasureError."""
    counts = []
    for path in _logs(cwd):
        counts += COUNT.findall(path.read_text(errors="replace"))
        path.unlink()
    if not counts:
        last = run.tail.strip().splitlines()[-1:]
        raise MeasureError(
            "valgrind counted nothing",
            f"Its last line is {last[0]!r}." if last else "It printed nothing.",
            "Run the benchmark under `valgrind --tool=cachegrind --cache-sim=no` yourself to see why.",
        )
    return float(sum(int(count.replace(",", "")) for count in counts))


@functools.cache
def _may_fix_addresses() -> bool:
    """Whether address randomisation can be turned off; containers often forbid it."""
    if shutil.which("setarch") is None:
        return False
    return subprocess.run(["setarch", "-R", "true"], capture_output=True, check=False).returncode == 0


def _logs(cwd: Path) -> list[Path]:
    return sorted(cwd.glob(f"{LOG}*"))
