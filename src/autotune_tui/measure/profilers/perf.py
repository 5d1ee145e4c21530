"""Profiles programs that are not Python with Linux perf, where it is installed and allowed."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

from autotune_tui.measure.executors.base import Command, Executor
from autotune_tui.measure.profilers.stacks import Frame, NoProfile, Sources, Stacks, clean, folded, hot_spots
from autotune_tui.model.profile import Profile

RATE = 999
LEAST_SAMPLES = 10
FRAME = re.compile(r"\s*[0-9a-f]+ (.+?) \((.*)\)\s*")


async def profile(executor: Executor, command: Command, sources: Sources, commit: str, out: Path) -> Profile:
    """Run the command under perf, with a clock instead of hardware counters, which virtual machines lack. Raises NoProfile."""
    perf = shutil.which("perf")
    if perf is None:
        raise NoProfile("perf, which profiles programs that are not Python, is not installed")
    data = out / "perf.data"
    record = (
        perf,
        "record",
        "--event",
        "cpu-clock",
        "--freq",
        str(RATE),
        "-g",
        "--output",
        str(data),
        "--",
        *command.argv,
    )
    try:
        run = await executor.run(dataclasses.replace(command, argv=record))
        if not run.ok:
            raise NoProfile(f"perf: {run.failure}; the system may forbid it (kernel.perf_event_paranoid)")
        script = (perf, "script", "--input", str(data), "--fields", "ip,sym,dso")
        said = await executor.run(dataclasses.replace(command, argv=script, log=None))
    finally:
        data.unlink(missing_ok=True)
    stacks = clean(parse(said.stdout), sources)
    if stacks.total() < LEAST_SAMPLES:
        raise NoProfile("perf saw the program do next to nothing")
    note = "Who called whom is known only for code that keeps frame pointers."
    return Profile("perf", commit, stacks.total() / RATE, stacks.total(), hot_spots(stacks), folded(stacks), note)


def parse(text: str) -> Stacks:
    """The stacks of `perf script`: a paragraph each, innermost frame first; time in the kernel goes to who called it."""
    stacks = Stacks()
    for paragraph in text.split("\n\n"):
        matches = [match for line in paragraph.splitlines() if (match := FRAME.fullmatch(line))]
        frames = [Frame(m[2], m[1], 0) for m in matches if m[2] != "[kernel.kallsyms]" and m[1] != "[unknown]"]
        if matches:
            stacks[tuple(reversed(frames))] += 1
    return stacks
