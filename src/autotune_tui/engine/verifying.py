"""The phases between edit and measurement: scope, commit, build, checks, oracle; and that nothing else is measured."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping

from autotune_tui.agents.base import Resident
from autotune_tui.engine import artifacts, context, leftovers, locks, outputs, resume
from autotune_tui.engine.core import text_of
from autotune_tui.engine.experiment import Ended, Experiment, Failed
from autotune_tui.engine.oracle import Unstable
from autotune_tui.engine.oracle import judge as judge_output
from autotune_tui.engine.recovery import Exhausted
from autotune_tui.engine.verdict import Verdict
from autotune_tui.model.format import one_line
from autotune_tui.workspace import SIDES
from autotune_tui.workspace.git import GitError
from autotune_tui.workspace.leftovers import Mark


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """A change that git refuses, as it has files behind links, ends the experiment and not the session."""
    try:
        yield
    except GitError as error:
        raise Ended("crash", "commit_failed", one_line(f"git cannot take the change: {error.message}", 300)) from error


async def scope(x: Experiment) -> None:
    """Only files in scope may have changed, and something must have."""
    with _refusals():
        x.changes = await asyncio.to_thread(x.engine.workspace.changes, x.place)
    forbidden = [change for change in x.changes if not change.allowed]
    if forbidden:
        names = ", ".join(f"{one_line(change.path)} ({change.why})" for change in forbidden[:5])
        more = f" and {len(forbidden) - 5} more" if len(forbidden) > 5 else ""
        raise Ended("discard", "out_of_scope", f"changed what it may not: {names}{more}")
    if not x.changes:
        raise Ended("discard", "no_change", "nothing was changed")
    x.files = tuple(sorted(change.path for change in x.changes))


async def commit(x: Experiment) -> None:
    """Commit the candidate and keep it for ever under its ref; a change that was tried before ends here."""
    workspace = x.engine.workspace
    trailers = {"Autotune-Experiment": f"{x.engine.folder.id}/{x.number}"}
    with _refusals():
        x.commit = await asyncio.to_thread(workspace.write, x.description, trailers, found=x.changes)
    for outcome in await asyncio.gather(_preserve(x), _tidy(x), return_exceptions=True):  # each is to end
        if outcome is not None:
            raise outcome
    refuse_tried(x)


async def _preserve(x: Experiment) -> None:
    """Journal the commit, and give it its ref."""
    workspace = x.engine.workspace
    x.change_key = await asyncio.to_thread(workspace.commits.change_key, x.incumbent, x.commit)
    x.engine.record(resume.candidate_record(x, x.commit), sync=True)
    x.saved = None
    await asyncio.to_thread(workspace.keep, x.number, x.commit)
    artifacts.write(
        x.engine, x.folder / "diff.patch", await asyncio.to_thread(workspace.commits.diff, x.incumbent, x.commit)
    )


async def _tidy(x: Experiment) -> None:
    """Only what is committed is left of the edit."""
    await sweep(x, "the edit", await asyncio.to_thread(x.engine.workspace.left_by_edit))
    await asyncio.to_thread(x.engine.workspace.restore, x.seen)


def refuse_tried(x: Experiment) -> None:
    """A change that was tried before ends here, unless a person wants it again."""
    tried = context.same_change(x)
    if tried is not None and x.wish is None:
        raise Ended("discard", "duplicate", f"the same change as experiment {tried}")


async def build(x: Experiment) -> None:
    command = x.engine.config.benchmark.build
    if command:
        run = await x.engine.command(
            command, "candidate", limit=x.engine.config.benchmark.timeout, log=x.log, job="build"
        )
        if not run.ok:
            detail = f"`{text_of(command)}` failed: {run.failure}"
            x.hung = run.timed_out or run.stalled
            raise Failed("build", Verdict("crash", "build_failed", detail), run.tail)
        x.made = await asyncio.to_thread(x.engine.workspace.leftovers, "candidate", x.commit)
    x.engine.built["candidate"] = x.commit
    if x.engine.config.checks.command or x.engine.config.oracle.asked_for:  # which may write in the tree
        x.seen = await asyncio.to_thread(x.engine.workspace.look)


async def check(x: Experiment) -> None:
    checks = x.engine.config.checks
    if checks.command:
        run = await x.engine.command(checks.command, "candidate", limit=checks.timeout, log=x.log, job="checks")
        if not run.ok:
            detail = f"`{text_of(checks.command)}` failed: {run.failure}"
            x.hung = run.timed_out or run.stalled
            raise Failed("check", Verdict("checks_failed", "checks_failed", detail), run.tail)


async def oracle(x: Experiment) -> None:
    """What the incumbent prints, writes and returns is what the candidate must."""
    try:
        changed = await judge_output(x.engine, x.log)
    except Unstable as unstable:
        detail = f"the oracle gives something else on the incumbent too: {unstable}"
        raise Ended("crash", "incumbent_failed", detail) from unstable
    if changed is not None:
        raise Failed("oracle", Verdict("discard", "output_changed", changed.text), changed.tail)


async def sweep(x: Experiment, by: str, left: Mapping[str, Mark] | None = None) -> None:
    """Only the commit and what its build made are measured: other files that the candidate left are removed. `left`: all
    there is beside the commit, where that is known.
    """
    swept = await leftovers.sweep(x.engine, "candidate", x.commit, x.made, left)
    if swept.spoilt:
        raise Ended("discard", "out_of_scope", leftovers.spoilt_text(by, swept.spoilt[0]))


async def intact(x: Experiment, by: str) -> None:
    """What is measured is what is committed: no tracked file of either worktree was changed since, locked ones included."""
    for side in SIDES:
        await outputs.settle(x.engine, side)
    found = await locks.altered(x.engine, {"candidate": x.commit, "incumbent": x.reference})
    if found["incumbent"]:
        raise Exhausted(locks.incumbent_text(found["incumbent"], x.engine.sandbox.kind))
    if x.engine.sandbox.kind == "none":  # what no commit has of the incumbent's, a candidate may have reached, too
        swept = await leftovers.sweep(x.engine, "incumbent", x.reference)
        if swept.spoilt or swept.rebuild:
            raise Exhausted(locks.incumbent_text(swept.spoilt or ("what its build made",), "none"))
    if found["candidate"]:
        locked = " (locked)" if x.engine.workspace.is_locked(found["candidate"][0]) else ""
        raise Ended("discard", "out_of_scope", f"{by} changed {one_line(found['candidate'][0])}{locked}")
    restless = x.engine.watch.locks.restless if x.engine.watch else ()
    resident = any(isinstance(agent, Resident) for agent in x.engine.agents.values())
    if x.engine.sandbox.kind != "none" and not restless and not resident:
        x.engine.held.update({"candidate": x.commit, "incumbent": x.reference})
