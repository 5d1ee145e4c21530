"""Says where a command spends its time, with whichever profiler works for it."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from pathlib import Path

from autotune_tui.measure import python
from autotune_tui.measure.executors.base import Command, Executor
from autotune_tui.measure.profilers import cprofile, perf, pyspy
from autotune_tui.measure.profilers.stacks import NoProfile, Sources
from autotune_tui.measure.profilers.words import bottleneck, moved, render
from autotune_tui.model.profile import Profile

__all__ = ["SCRATCH", "bottleneck", "moved", "profile", "render"]


async def profile(executor: Executor, command: Command, worktree: Path, commit: str, out: Path) -> Profile:
    """Run the command, as it is benchmarked, under a profiler.

    Writes `profile-snapshot.txt`, `profile.folded` (stacks, where the profiler has them) and `profile.log` (the output) into
    the folder `out`. When no profiler works the profile is empty and its note says why; nothing is raised for that.
    """
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    command = dataclasses.replace(command, log=out / "profile.log", repeat=1, purpose="profile")
    found = python.interpreter(command.argv, command.cwd, command.env) is not None
    # A shell command may run Python further down (make, a script): py-spy finds out.
    tools = _PYTHON_TOOLS if found else _SHELL_TOOLS if python.is_shell(command.argv) else _NATIVE_TOOLS
    scratch = out / SCRATCH
    scratch.mkdir(exist_ok=True)
    sources, reasons = Sources(worktree), list[str]()
    for tool in tools:
        try:
            result = await tool(executor, command, sources, commit, scratch)
            break
        except NoProfile as reason:
            reasons.append(str(reason))
    else:
        result = Profile("none", commit, 0.0, 0, (), note="There is no profile. " + ". ".join(reasons) + ".")
    shutil.rmtree(scratch, ignore_errors=True)
    _write(result, out)
    return result


SCRATCH = "profile.tmp"
"""Folder below `out` for the tools' own files: all of `out` that a confined command may write."""
_PYTHON_TOOLS = (pyspy.profile, cprofile.profile)
_SHELL_TOOLS = (pyspy.profile, perf.profile)
_NATIVE_TOOLS = (perf.profile,)


def _write(profile: Profile, out: Path) -> None:
    (out / "profile-snapshot.txt").write_text(render(profile), encoding="utf-8")
    if profile.folded:
        (out / "profile.folded").write_text(profile.folded, encoding="utf-8")
