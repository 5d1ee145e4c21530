"""How a session's commands are confined: the places that they see, by what they are for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.engine import outputs
from autotune_tui.measure import python
from autotune_tui.measure.executors.base import Limits, argv_of
from autotune_tui.measure.sandbox import Sandbox, open_sandbox, places_of
from autotune_tui.workspace.folders import remove_tree

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig
    from autotune_tui.config.sandbox import Job
    from autotune_tui.config.sandbox import Sandbox as Settings
    from autotune_tui.engine.core import Engine
    from autotune_tui.workspace import Place, Workspace

MEMORY_SHARE = 0.75
MEGABYTE = 1 << 20
REFUSALS = ("Read-only file system", "Device or resource busy")
"""What a program says that may not write its tree, or would replace a file of which only the content may be written."""
DENIALS = ("Permission denied", "Operation not permitted")
"""The same where the walls are no mounts; there it is also what is outside of them."""
DISK = 16 * 1024 * MEGABYTE
"""By how much free space may shrink while one command runs: a large build fits, a full disk does not come of it."""


def sandbox_for(repo: Path, settings: SessionConfig, workspace: Workspace, env: Mapping[str, str]) -> Sandbox:
    """The session's sandbox, tried once. Raises MeasureError when the one that is asked for does not work."""
    table, root = settings.sandbox, workspace.root
    places = places_of(
        home=Path.home(),
        read=[root, workspace.git_folder, *(_path(text, root) for text in table.read)],
        covered=[root / ".autotune", *(_path(text, root) for text in settings.holdout.folders)],
        shown=[],
        write=[_path(text, root) for text in table.write],
        env=env,
        python=python.interpreter(argv_of(settings.benchmark.command), repo, env),
        masked=[root / "autotune.toml"] if settings.holdout.command else [],
    )
    return open_sandbox(table.mode, env, places, table.scratch * MEGABYTE)


def prefix(
    engine: Engine,
    place: Place,
    job: Job,
    *,
    writable: bool = False,
    also: tuple[Path, ...] = (),
    read: tuple[Path, ...] = (),
    sealed: bool = False,
) -> tuple[str, ...]:
    """What stands before a command that runs in a worktree for a purpose. It may write the folders `also`, too, and read
    those in `read`, which others cannot. When `sealed` it only reads what other commands may write outside the worktree.
    """
    settings, tree = engine.config, engine.tree(place)
    if engine.sandbox.kind == "none":
        return ()
    for folder in also:
        folder.mkdir(parents=True, exist_ok=True)
    writable = writable or job != "benchmark"
    sandbox = engine.sandbox.sealed() if sealed else engine.sandbox
    return sandbox.prefix(
        tree,
        writable=writable,
        network=job in settings.sandbox.network,
        outputs=[*(() if writable else outputs.paths(settings, tree)), *also],
        read=read,
    )


def hint(sandbox: Sandbox, output: str, otherwise: str) -> str:
    """What to do about a benchmark that failed: when the walls may be the cause, say how they are opened."""
    writes = "While it is timed its tree is read-only: name the folders that it writes in [sandbox] outputs."
    if any(words in output for words in REFUSALS):
        return writes
    if sandbox.kind in ("landlock", "sandbox-exec") and any(words in output for words in DENIALS):
        return f"{writes} What it reads outside of the repository is to be named in [sandbox] read."
    return otherwise


def remark(sandbox: Sandbox) -> str:
    """What a person should know of the walls of this session; empty when they are the best there are."""
    if sandbox.kind == "none":
        return f"no sandbox: commands may write, read and reach all that you can. {sandbox.reason}"
    if sandbox.gaps:
        return f"the sandbox is {sandbox.kind}, as {sandbox.reason or 'configured'}: {sandbox.gaps}"
    return ""


@contextlib.contextmanager
def pointer_kept(sandbox: Sandbox, tree: Path) -> Iterator[None]:
    """Put the worktree's `.git` back after a command, where no wall keeps it from being written."""
    if sandbox.kind == "bubblewrap":
        yield
        return
    pointer = tree / ".git"
    if pointer.is_symlink() or not pointer.is_file():  # whoever broke it before: the next sync mends it
        yield
        return
    before = pointer.read_bytes()
    try:
        yield
    finally:
        if pointer.is_symlink() or not pointer.is_file() or pointer.read_bytes() != before:
            remove_tree(pointer)
            pointer.write_bytes(before)


def of_tools(sandbox: Sandbox) -> Callable[[Path], tuple[str, ...]] | None:
    """What commands of an agent's tools are put behind: only the worktree is writable, and there is no network.

    None where no sandbox holds both; an agent has no such tools then.
    """
    if sandbox.kind != "bubblewrap":
        return None
    return lambda tree: sandbox.prefix(tree, writable=True)


def of_agent(sandbox: Sandbox, settings: SessionConfig) -> Callable[[Path, Path], tuple[str, ...]] | None:
    """What the command agent is put behind, when it is to be confined: its worktree is writable, its context readable.

    With a holdout it always is: else it could read the journal.
    """
    table = settings.sandbox
    if not (table.agent or settings.holdout.command) or sandbox.kind == "none":
        return None

    def before(tree: Path, context: Path) -> tuple[str, ...]:
        return sandbox.prefix(tree, writable=True, network="agent" in table.network, read=(context,))

    return before


def limits(table: Settings) -> Limits:
    """What one command may use up."""
    memory = table.memory * MEGABYTE or int(_machine_memory() * MEMORY_SHARE)
    return Limits(memory, table.processes, table.file_size * MEGABYTE, DISK)


@lru_cache(maxsize=1)
def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _path(text: str, root: Path) -> Path:
    return root / Path(text).expanduser()
