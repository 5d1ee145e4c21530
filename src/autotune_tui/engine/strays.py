"""Processes that an engine which died has left: its agent's, and a benchmark's whose launcher died as well.

They are known by the environment that only the engine gives, and by where they are at work: in this session's worktrees, or with
its context. Whoever works there by himself has no such environment and is left alone. The engine's lock says that no engine lives
to whom they could belong.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

from autotune_tui.agents.process import MARK
from autotune_tui.journal.files import SessionFolder

MARKS = (MARK, "AUTOTUNE_SEED")
PATIENCE = 5.0
"""Seconds for the system to end what was killed."""


def end_strays(worktrees: Path, session: SessionFolder) -> list[str]:
    """Kill them and wait for their end; what they were, as "123 sleep"."""
    strays = [process for process in psutil.process_iter(["name"]) if is_stray(process, worktrees, session)]
    for process in strays:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(strays, timeout=PATIENCE)
    return [f"{process.pid} {process.info['name']}" for process in strays]


def is_stray(process: psutil.Process, worktrees: Path, session: SessionFolder) -> bool:
    try:
        environment = process.environ()
        if not any(mark in environment for mark in MARKS) or process.status() == psutil.STATUS_ZOMBIE:
            return False
        context = environment.get("AUTOTUNE_CONTEXT", "")
        return worktrees in Path(process.cwd()).parents or session.root in Path(context).parents
    except (psutil.Error, OSError):
        return False
