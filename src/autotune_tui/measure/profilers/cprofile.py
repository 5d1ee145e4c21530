"""Profiles a direct `python script.py` or `python -m module` with cProfile, where py-spy may not look into processes."""

from __future__ import annotations

import dataclasses
import pstats
from collections import defaultdict
from pathlib import Path
from typing import Any

from autotune_tui.measure import python
from autotune_tui.measure.executors.base import Command, Executor
from autotune_tui.measure.profilers.stacks import Frame, NoProfile, Sources, is_inline, is_machinery, ranked
from autotune_tui.model.profile import HotSpot, Profile

Key = tuple[str, int, str]
"""File, line and name of a function, as pstats has them; built-in ones have the file `~`."""
DEEPEST = 20


async def profile(executor: Executor, command: Command, sources: Sources, commit: str, out: Path) -> Profile:
    """Run the command under its own interpreter's cProfile. Raises NoProfile."""
    parts = python.split(command.argv)
    if parts is None:
        raise NoProfile("cProfile works for commands of the form `python script.py` or `python -m module` only")
    file = out / "profile.pstats"
    options, rest = parts
    argv = (*options, "-m", "cProfile", "-o", str(file), *rest)
    try:
        run = await executor.run(dataclasses.replace(command, argv=argv))
        if not run.ok:
            raise NoProfile(f"cProfile: {run.failure}")
        stats: Any = pstats.Stats(str(file))
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise NoProfile(f"cProfile: its result cannot be read ({error})") from None
    finally:
        file.unlink(missing_ok=True)
    return Profile(
        "cProfile", commit, stats.total_tt, stats.total_calls, hot_spots(stats.stats, sources), "",
        "Functions that are called often look slower than they are.",
    )  # fmt: skip


def hot_spots(stats: dict[Key, Any], sources: Sources) -> tuple[HotSpot, ...]:
    """Shares of the whole time; built-in functions, comprehensions and imports are charged to who called them.

    The whole is the longest cumulative time, as cProfile keeps only one of several comprehensions on a line: the sum of
    all functions' own times may lack something.
    """
    seconds = max((cumulative for _, _, _, cumulative, _ in stats.values()), default=0.0) or 1.0
    alone: dict[Key, float] = defaultdict(float)
    for key, (_, _, own, _, _) in stats.items():
        _charge(stats, key, own, alone, 0)
    spots = []
    for key, own in alone.items():
        frame = sources.locate(Frame(key[0], key[2], key[1]))
        spots.append(HotSpot(*frame, own / seconds, stats[key][3] / seconds))
    return ranked(spots)


def _charge(stats: dict[Key, Any], key: Key, amount: float, alone: dict[Key, float], depth: int) -> None:
    """Add a time to the function itself, or divide it among its callers by the time that each caused."""
    callers = stats[key][4]
    causes = {caller: figures[3] for caller, figures in callers.items() if caller in stats and caller != key}
    if not _is_transparent(key):
        alone[key] += amount
    elif depth < DEEPEST and (whole := sum(causes.values())):
        for caller, caused in causes.items():
            if caused:
                _charge(stats, caller, amount * caused / whole, alone, depth + 1)


def _is_transparent(key: Key) -> bool:
    return key[0] == "~" or is_machinery(key[0]) or is_inline(key[2])
