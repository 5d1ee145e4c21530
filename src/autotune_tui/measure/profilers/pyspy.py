"""Profiles Python commands from outside with py-spy, also those inside a shell command."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sys
from pathlib import Path

from autotune_tui.measure import python
from autotune_tui.measure.executors.base import Command, Executor
from autotune_tui.measure.profilers.stacks import Frame, NoProfile, Sources, Stacks, clean, folded, hot_spots
from autotune_tui.model.profile import Profile

RATE = 500
"""Samples per second: half as dense, a program of 0.2 s gives 20 samples; twice as dense, the program runs a fifth slower."""
ENOUGH = 60
"""Samples; with fewer, the command is run again and the stacks are added up."""
MOST_RUNS = 20
MOST_SECONDS = 10.0
NO_PYTHON = "No python processes found"
LOOP = "for _ in 1 2 3 4 5 6 7 8 9 10; do (\n{}\n); done"
"""py-spy looks at a shell only now and then, and may miss a short Python that it starts: ten in a row are found.
On a busy machine the first milliseconds of each are still missing from the profile."""
DURATION = 120
"""Seconds after which py-spy ends a long command: by then its shares are known to a hundredth."""
FRAME = re.compile(r"(.+) \((.*):(\d+)\)")


def program() -> str | None:
    """py-spy of our own environment, else of PATH."""
    own = Path(sys.executable).with_name("py-spy")
    return str(own) if own.exists() else shutil.which("py-spy")


async def profile(executor: Executor, command: Command, sources: Sources, commit: str, out: Path) -> Profile:
    """Run the command under py-spy until there are enough samples. Raises NoProfile."""
    py_spy = program()
    if py_spy is None:
        raise NoProfile("py-spy is not installed (pip install py-spy)")
    raw = out / "profile.raw"
    record = (
        py_spy, "record", "--format", "raw", "--output", str(raw), "--function", "--full-filenames", "--subprocesses",
        "--rate", str(RATE), "--duration", str(DURATION), "--",
    )  # fmt: skip
    direct = python.split(command.argv)
    argv = (*direct[0], *direct[1]) if direct else command.argv
    may_miss = python.is_shell(argv) and python.interpreter(argv, command.cwd, command.env) is not None
    stacks, seconds, runs = Stacks(), 0.0, 0
    try:
        while runs < MOST_RUNS and stacks.total() < ENOUGH and seconds < MOST_SECONDS:
            run = await executor.run(dataclasses.replace(command, argv=(*record, *argv)))
            if may_miss and NO_PYTHON in run.tail:
                argv, may_miss = (*argv[:2], LOOP.format(argv[2])), False
                continue
            if not run.ok:
                raise NoProfile(f"py-spy: {_reason(run.tail) or run.failure}")
            stacks += parse(raw.read_text(errors="replace"))
            seconds, runs = seconds + run.wall, runs + 1
    finally:
        raw.unlink(missing_ok=True)
    if not stacks:
        raise NoProfile("py-spy saw no Python code at work: the command waits, or runs outside Python")
    cleaned = clean(stacks, sources)
    return Profile(
        "py-spy",
        commit,
        seconds,
        stacks.total(),
        hot_spots(cleaned),
        folded(cleaned),
        _note(stacks.total(), seconds, runs),
    )


def parse(text: str) -> Stacks:
    """The stacks of py-spy's raw format; what is no frame, such as the name of a process, is left out."""
    stacks = Stacks()
    for line in text.splitlines():
        names, _, count = line.rpartition(" ")
        if count.isdigit():
            matches = (FRAME.fullmatch(name) for name in names.split(";"))
            stacks[tuple(Frame(m[2], m[1], int(m[3])) for m in matches if m)] += int(count)
    return stacks


def _reason(tail: str) -> str:
    """py-spy's own words for a failure."""
    lines = [line.strip() for line in tail.splitlines()]
    return next((line.removeprefix("Error: ") for line in lines if line.startswith(("Error:", "Permission"))), "")


def _note(samples: int, seconds: float, runs: int) -> str:
    notes = []
    if runs > 1:
        notes.append(f"{runs} runs were added up, as one is short.")
    busy = samples / (RATE * seconds)
    if seconds / runs > 0.5 and busy < 0.5:
        notes.append(f"Python was at work in {busy:.0%} of the time; the rest is waiting, start-up or other programs.")
    if seconds / runs >= DURATION:
        notes.append(f"Only the first {DURATION} s were watched.")
    return " ".join(notes)
