"""Bytecode of Python files is made before samples are taken: a tree that is read-only while it is timed keeps none.

Without this the side whose files are older would start faster, as its bytecode is there. The files are compiled and not run,
so nothing of a candidate's doing is remembered from before its first sample.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from autotune_tui.engine.core import Engine
from autotune_tui.measure import python
from autotune_tui.measure.environment import command_environment
from autotune_tui.measure.executors.base import argv_of
from autotune_tui.workspace import Side

SECONDS = 600.0


async def compile_changed(engine: Engine, side: Side, log: Path) -> None:
    """Compile what differs from the commit that this side was last warm at; a file that cannot be compiled is left."""
    commit = engine.built.get(side, "")
    before = engine.warm.get(side) or engine.workspace.base_commit
    known = engine.known.get(side)
    cold = {path for path in known.cold if (engine.tree(side) / path).is_file()} if known else set()
    if not commit or (before == commit and not cold):
        return
    # By way of the incumbent, from which both differ in what is known already.
    changed = engine.workspace.commits.changed_paths(before, engine.state.incumbent_sha or commit, commit)
    files = sorted({path for path in changed if path.endswith(".py") and (engine.tree(side) / path).is_file()} | cold)
    if files and (found := _python(engine, side)):
        argv = [found, "-I", "-m", "compileall", "-q", "-i", "-"]
        names = b"\n".join(os.fsencode(name) for name in files if "\n" not in name)
        await engine.command(argv, side, limit=SECONDS, log=log, writable=True, stdin=names)
    engine.warm[side] = commit
    if known:
        known.cold.clear()


def _python(engine: Engine, side: Side) -> str | None:
    """The benchmark's Python; where its command does not show one, that of PATH."""
    settings = engine.config.benchmark
    env = command_environment(settings.env, passed=engine.config.sandbox.passed)
    found = python.interpreter(argv_of(settings.command), engine.tree(side), env)
    return str(found) if found else shutil.which("python3", path=env.get("PATH"))
