"""Nothing that a candidate leaves in a worktree outlives it: files that git ignores are as the unchanged code made them.

What setup made must stay as it was, or the worktree is made anew. What builds and runs of kept code made stays as long as it
is as it was. All else goes: before an experiment, after the agent's edit, and, but for what the build made, before samples.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from autotune_tui.engine import outputs
from autotune_tui.model.format import one_line
from autotune_tui.workspace.bytecode import is_bytecode
from autotune_tui.workspace.leftovers import Mark, difference

if TYPE_CHECKING:
    from autotune_tui.engine.core import Engine
    from autotune_tui.workspace import Side

Stage = Literal["setup", "build", "run"]


@dataclass
class Known:
    """What kept code has left in one worktree, and at which stage a path was first seen."""

    marks: dict[str, Mark] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    cold: set[str] = field(default_factory=set)
    """Sources whose bytecode was taken away and is to be made again."""
    set_up: bool = False
    """Whether setup has run in the worktree as it is now."""

    def learn(self, found: Mapping[str, Mark], stage: Stage) -> None:
        self.stages = {
            path: "run" if is_bytecode(path) else stage if stage == "setup" else self.stages.get(path, stage)
            for path in found
        }
        self.marks = dict(found)
        self.set_up = True

    def forget(self) -> Known:
        """What is left to know of a worktree that was made anew."""
        return Known(cold=self.cold | set(_sources(self.marks)))


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: files removed, and products of setup that are not as they were, which no sweep can mend."""

    removed: tuple[str, ...] = ()
    spoilt: tuple[str, ...] = ()
    rebuild: bool = False
    """A product of the build is missing now."""


async def learn(engine: Engine, side: Side, commit: str, stage: Stage) -> None:
    """Take what lies in a worktree as made by code that is kept."""
    await outputs.settle(engine, side)
    found = await asyncio.to_thread(engine.workspace.leftovers, side, commit)
    engine.known.setdefault(side, Known()).learn(found, stage)


async def sweep(
    engine: Engine,
    side: Side,
    commit: str,
    also: Mapping[str, Mark] | None = None,
    left: Mapping[str, Mark] | None = None,
) -> Swept:
    """Remove what is neither of the commit, nor known, nor in `also`. Without anything known nothing is done.

    `left`: what is there beside the commit, where that is known.
    """
    known, also = engine.known.get(side), dict(also or {})
    restored = await outputs.settle(engine, side)
    also.update({path: mark for path, mark in restored.items() if path in also})
    if known is None or not known.set_up:
        return Swept()
    if left is None or restored:
        left = await asyncio.to_thread(engine.workspace.leftovers, side, commit)
    now = {path: mark for path, mark in left.items() if also.get(path) != mark}
    expected = {path: mark for path, mark in known.marks.items() if path not in also}
    found = difference(expected, now)
    firm = tuple(path for path in (*found.changed, *found.gone) if known.stages[path] == "setup")
    removed = tuple(path for path in (*found.new, *found.changed) if path not in firm)
    await asyncio.to_thread(engine.workspace.remove_leftovers, side, removed)
    lost = (*found.changed, *found.gone)
    known.cold.update(_sources(path for path in lost if is_bytecode(path)))
    return Swept(removed, firm, any(known.stages[path] == "build" for path in lost))


def spoilt_text(by: str, path: str) -> str:
    """What was changed, and what to do where that is as it should be."""
    if by == "the edit":
        advice = "what each candidate needs made anew is for [benchmark] build to make"
    else:
        advice = "if it may, name its folder in [sandbox] outputs, which are put back each time"
    return f"{by} changed what setup made: {one_line(path)}; {advice}"


def _sources(compiled: Iterable[str]) -> Iterable[str]:
    """`a/__pycache__/b.cpython-311.pyc` is made from `a/b.py`."""
    for path in map(PurePosixPath, compiled):
        if path.parent.name == "__pycache__":
            yield (path.parent.parent / f"{path.name.split('.')[0]}.py").as_posix()
