"""The holdout (D7): a second benchmark on data that no agent sees, which a would-be keep must win as well.

What the agent hears is whether its change held, and no more: the command, its output and its figures are in the journal, in a
log below the session's folder and in the report, and none of these is among what an agent is given or, where a sandbox works,
can read. Everything that git has, at any commit, can be read in the candidate worktree, so what makes the holdout a secret
must lie outside the repository; a holdout of which a part lies inside is refused.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.config.files import tables
from autotune_tui.engine import confirming, leftovers, second
from autotune_tui.engine.sampling import SampleFailed
from autotune_tui.engine.unseen import expanded, folders_of
from autotune_tui.engine.verdict import Verdict
from autotune_tui.errors import ConfigError
from autotune_tui.scope import ScopeMatcher, words_of

if TYPE_CHECKING:
    from autotune_tui.config import Command, SessionConfig
    from autotune_tui.engine.core import Engine
    from autotune_tui.engine.experiment import Experiment

UNSEEN = "did not hold on data it has not seen"
"""All that an agent is told."""
CONFIG = "autotune.toml"


async def holdout(x: Experiment) -> None:
    """Pairs of the incumbent and the would-be keep on data that no agent sees: a gain must show there, too.

    It comes last: each answer tells the agent a little of the holdout, so only what would else be kept is asked about.
    """
    what = second.configured(x.engine, "holdout")
    if what is None or x.verdict is None or x.verdict.status != "keep":
        return
    decide = confirming.wins if x.verdict.reason == "improvement" else confirming.unharmed
    try:
        said = await confirming.measure(x, what, second.log_of(x.engine, "holdout", f"{x.number:03}"), decide)
    except SampleFailed:
        x.verdict = Verdict("crash", "incumbent_failed", "it could not be measured on data it has not seen")
        return
    finally:  # nothing that the runs left lies there when the agent looks back
        await leftovers.sweep(x.engine, "candidate", x.commit, x.made)
    if not said.passed:
        x.verdict = Verdict("discard", "holdout", UNSEEN)


async def prepare(engine: Engine) -> tuple[str, ...]:
    """Refuse a holdout that agents could read; returns what they might yet learn, in words. Raises ConfigError."""
    settings, workspace = engine.config, engine.workspace
    if not settings.holdout.command:
        return ()
    await asyncio.to_thread(refuse, settings, workspace.root, workspace.incumbent)
    warnings = []
    if engine.sandbox.kind == "none":
        warnings.append("no sandbox: an agent, and the code that it writes, could read the holdout's files and journal")
    if at := await asyncio.to_thread(workspace.commits.with_text, CONFIG, "[holdout"):
        warnings.append(f"the history of {CONFIG} shows a holdout, and agents can read it (commit {at})")
    return tuple(warnings)


def refuse(settings: SessionConfig, root: Path, tree: Path) -> None:
    """Raises ConfigError when the configuration or files of the holdout lie where every agent can read them.

    `root` is the checkout, `tree` a worktree: what git has, and what is linked or copied into it.
    """
    title = "Agents could read the holdout"
    if has_holdout(tree / CONFIG):
        raise ConfigError(
            title,
            f"{CONFIG} is in git and has a table [holdout].",
            f"Take it out of git (git rm --cached {CONFIG}) and commit that, or move the table into a file that "
            "`autotune-tui init --file` reads.",
        )
    for folder in folders_of(settings, root):
        if not folder.is_dir():
            raise ConfigError("A folder of the holdout is missing", f"[holdout].folders: {folder} is no folder.")
        if folder in (root.resolve(), *root.resolve().parents) or root.resolve() in folder.parents:
            raise ConfigError(
                title,
                f"[holdout].folders: {folder} {'holds' if folder in root.resolve().parents else 'lies in'} the repository.",
                "Agents can read the repository. Move the holdout's files into a folder of their own outside.",
            )
    benchmark, checks = settings.benchmark, settings.checks
    public = (benchmark.command, benchmark.setup, benchmark.build, checks.command)
    inside = exposed(settings.holdout.command, public, settings.scope.include, root, tree)
    if inside:
        raise ConfigError(
            title,
            f"[holdout].command names {', '.join(inside)} of the repository, where every agent can read it.",
            "Move it into a folder outside the repository, and name that in [holdout].folders. Only what is no secret may "
            "stay: files in scope, and those that the benchmark names, too.",
        )


def has_holdout(file: Path) -> bool:
    """Whether a configuration has a table for the holdout; one that cannot be read counts when it only looks so."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    try:
        return "holdout" in tables(text)
    except ConfigError:
        return "holdout" in text


def exposed(
    command: Command, public: Iterable[Command], include: Sequence[str], root: Path, tree: Path
) -> tuple[str, ...]:
    """The files and folders of the repository that a command names, and that are neither in scope nor named by `public`."""
    known = {_inside(word, root) for other in public if other for word in words_of(other)}
    scope = ScopeMatcher(include)
    found: list[str] = []
    for word in words_of(command):
        path = _inside(word, root)
        if not path or path in known or path in found or scope.included(path) or scope.included(f"{path}/*"):
            continue
        if os.path.lexists(root / path) or os.path.lexists(tree / path):
            found.append(path)
    return tuple(found)


def _inside(word: str, root: Path) -> str:
    """A word as a path relative to the repository's root; empty when it is none, or lies outside."""
    if not word or "\0" in word:
        return ""
    path = os.path.normpath(root / expanded(word))
    return os.path.relpath(path, root) if path.startswith(f"{root}{os.sep}") else ""
