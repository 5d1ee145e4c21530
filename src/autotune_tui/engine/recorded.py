"""Recorded calls (L10): recorded on the incumbent, made again on it, and on every candidate.

A call of which nothing is known for sure is left out and that is said: one whose arguments cannot be stored, one that gives
something else each time. Every other call must give the same on a candidate; one without a result has failed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune_tui.engine.core import text_of
from autotune_tui.engine.scratch import scratch
from autotune_tui.errors import EngineError
from autotune_tui.measure.environment import command_environment
from autotune_tui.model.format import count
from autotune_tui.oracle import calls
from autotune_tui.oracle.calls import Call, Recording
from autotune_tui.oracle.compare import Difference, Tolerance
from autotune_tui.oracle.words import call_in_words, clean, cut, opaque

if TYPE_CHECKING:
    from autotune_tui.config import Command as ConfigCommand
    from autotune_tui.engine.core import Engine
    from autotune_tui.measure.executors.base import Run
    from autotune_tui.workspace import Side

MEGABYTE = 1 << 20
QUIET, MOST_SETTLINGS = 3, 8
"""Where some calls gave something else, others may have given the same by chance: so often in a row must all give the same."""
MOST_DEATHS = 5
"""Calls that may end the whole process on the incumbent, and are left out, until the recording is refused."""
CHANGES = "give something else each time, or depend on more than their arguments"
OFTEN = "are of a function whose calls mostly do"


@dataclass(frozen=True, slots=True)
class Recorded:
    """Calls that gave the same twice on the incumbent, how to make them again, and what was left out."""

    functions: tuple[str, ...]
    python: str
    path: tuple[str, ...]
    """Where modules are looked for; paths in the worktree are relative to it, the worktree itself is empty."""
    calls: tuple[Call, ...]
    recording: Recording

    @property
    def counts(self) -> dict[str, int]:
        """The calls that are made again, by function."""
        counts = dict.fromkeys(self.functions, 0)
        for call in self.calls:
            counts[call.function] += 1
        return counts


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of the calls, and why some may have no result."""

    results: Mapping[int, Mapping[str, Any]]
    missing: str
    output: str
    late: bool = False
    """Whether they took longer than they may."""


def tolerance(engine: Engine) -> Tolerance:
    amount = engine.config.oracle.tolerance
    return Tolerance(relative=amount.value) if amount.relative else Tolerance(absolute=amount.value)


def recording_command(engine: Engine) -> ConfigCommand:
    """What makes the calls that are recorded."""
    config = engine.config
    return config.oracle.record or config.checks.command or config.benchmark.command


async def record(engine: Engine, seed: int, log: Path) -> Recorded:
    """Record calls on the incumbent, and find those that can be compared. Raises EngineError when there is none."""
    recording, run = await _record(engine, seed, log)
    if not recording.calls:
        raise _nothing(engine, recording, run)
    if not run.ok:
        text = f"`{text_of(recording_command(engine))}` failed while calls were recorded: {run.failure}"
        engine.note(f"oracle: {text}; what was recorded until then is used", "warning")
    found = Recorded(
        tuple(engine.config.oracle.functions),
        _relative(recording.python, engine.tree("incumbent")),
        tuple(dict.fromkeys(_relative(path, engine.tree("incumbent")) for path in recording.path)),
        tuple(recording.calls),
        recording,
    )
    # Once against what was recorded, then against that, as iterators were not looked at while recording.
    quiet, wanted = 0, 2
    for _ in range(MOST_SETTLINGS):
        settled = await _settle(engine, found, seed, log)
        lost = len(settled.calls) < len(found.calls)
        found = _without_chance(settled)
        quiet, wanted = (0, QUIET) if lost else (quiet + 1, wanted)
        if quiet >= wanted or not found.calls:
            break
    if not found.calls:
        raise _nothing(engine, recording, run)
    return found


async def _record(engine: Engine, seed: int, log: Path) -> tuple[Recording, Run]:
    table = engine.config.oracle
    with scratch(engine) as folder:
        top = await asyncio.to_thread(
            calls.prepare_recording, folder, table.functions, table.calls, table.size * MEGABYTE
        )
        found = command_environment(engine.config.benchmark.env, passed=engine.config.sandbox.passed)
        env = {
            "AUTOTUNE_SEED": str(seed),
            "AUTOTUNE_CALLS": str(folder),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(top), found.get("PYTHONPATH")))),
        }
        command = calls.with_path(recording_command(engine), top)
        own = bool(table.record) or not engine.config.checks.command
        run = await engine.command(
            command,
            "incumbent",
            limit=table.timeout,
            log=log,
            env=env,
            job="oracle" if own else "checks",
            also=(folder,),
        )
        try:
            return await asyncio.to_thread(calls.read_recording, folder, table.calls), run
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(
                "The recorded calls cannot be read", f"What `{text_of(command)}` left makes no sense: {error}.",
                "Let [oracle].record name a command that leaves the folder in AUTOTUNE_CALLS alone.",
            ) from error  # fmt: skip


async def _settle(engine: Engine, found: Recorded, seed: int, log: Path) -> Recorded:
    """The calls that do on the incumbent what is known of them, with what they did now. Raises EngineError."""
    for _ in range(MOST_DEATHS):
        replayed = await replay(engine, found, "incumbent", seed, log)
        if replayed.late:
            raise EngineError(
                "The recorded calls take too long", f"Made again they are not done in time: {replayed.missing}.",
                "Lower [oracle].calls, or raise [oracle].timeout.",
            )  # fmt: skip
        dead = next((n for n in range(len(found.calls)) if n not in replayed.results), None)
        if dead is None:
            break
        found.recording.leave_out(found.calls[dead].function, f"have no result ({replayed.missing})")
        found = replace(found, calls=(*found.calls[:dead], *found.calls[dead + 1 :]))
    else:
        raise EngineError(
            "The recorded calls cannot be made again",
            f"They end the process that makes them: {replayed.missing}.\n{replayed.output}",
            "Name other functions in [oracle].functions.",
        )
    _require_own_code(engine, found, replayed)
    kept = [
        replace(call, words=call_in_words(call.function, got["shown"]), end=got["end"], after=got["after"])
        for n, call in enumerate(found.calls)
        if _holds(engine, found, call, got := replayed.results[n])
    ]
    return replace(found, calls=tuple(kept))


def _without_chance(found: Recorded) -> Recorded:
    """Without functions of whose calls half or more gave something else: the others may have given the same by chance."""
    counts, left_out = found.counts, found.recording.left_out
    drawn = {name for name, kept in counts.items() if kept and left_out.get(name, {}).get(CHANGES, 0) >= kept}
    for name in drawn:
        found.recording.leave_out(name, OFTEN, counts[name])
    return replace(found, calls=tuple(call for call in found.calls if call.function not in drawn))


def _holds(engine: Engine, found: Recorded, call: Call, got: Mapping[str, Any]) -> bool:
    if "failed" in got:
        found.recording.leave_out(call.function, f"cannot be made again ({clean(cut(str(got['failed'])))})")
    elif ["too large"] in (got["end"][1], got["after"]):
        found.recording.leave_out(call.function, "are too large")
    elif calls.compare_call(call, got, "", tolerance(engine)) is not None:
        found.recording.leave_out(call.function, CHANGES)
    else:
        return True
    return False


def _require_own_code(engine: Engine, found: Recorded, replayed: Replay) -> None:
    """Raises EngineError when a function is not the worktree's: no change of a candidate would show."""
    tree = engine.tree("incumbent").resolve()
    for n, call in enumerate(found.calls):
        origin = replayed.results[n].get("origin")
        if origin and tree not in Path(tree, origin).resolve().parents:
            raise EngineError(
                "A recorded function is not from the worktree",
                f"{call.function} comes from {origin}, so a change of a candidate would not be seen.",
                "An editable install, or PYTHONPATH, points there: let the worktree's own folder come first, such as by"
                " [benchmark].env PYTHONPATH.",
            )


async def replay(engine: Engine, recorded: Recorded, side: Side, seed: int, log: Path) -> Replay:
    """Make all calls in one worktree."""
    tree = engine.tree(side)
    with scratch(engine) as folder:
        path = [_absolute(path, tree) for path in recorded.path]
        top = await asyncio.to_thread(calls.prepare_replay, folder, recorded.calls, path)
        run = await engine.command(
            [_absolute(recorded.python, tree), "-c", calls.REPLAY, str(top)],
            side,
            limit=engine.config.oracle.timeout,
            log=log,
            env={"AUTOTUNE_SEED": str(seed)},
            job="oracle",
            also=(folder,),
        )
        try:
            results = await asyncio.to_thread(calls.read_results, folder)
        except ValueError as error:
            return Replay({}, str(error), run.tail)
    return Replay(results, run.failure or "the process ended before", run.tail, run.timed_out)


def differences(recorded: Recorded, replayed: Replay, within: Tolerance) -> Difference | None:
    """The first call of a candidate that does not do what it did on the incumbent."""
    for n, call in enumerate(recorded.calls):
        if found := calls.compare_call(call, replayed.results.get(n), replayed.missing, within):
            return found.within(f"{call.function}: {call.words}")
    return None


def summary(recorded: Recorded) -> list[str]:
    """What is compared, and what is left out and why, a sentence each."""
    counts = recorded.counts
    made = ", ".join(f"{name} {number}" for name, number in counts.items())
    lines = [f"{count(len(recorded.calls), 'recorded call')} will be made again: {made}"]
    for name, reasons in recorded.recording.left_out.items():
        lines += [f"{count(number, 'call')} of {name} left out, as they {why}" for why, number in reasons.items()]
    closed = sorted({kind for call in recorded.calls for kind in opaque((call.end, call.after))})
    if closed:
        lines.append(f"of these only the type is compared, as nothing can look into them: {', '.join(closed)}")
    return lines


def _nothing(engine: Engine, recording: Recording, run: Run) -> EngineError:
    command = text_of(recording_command(engine))
    if recording.left_out:
        reasons = (
            f"{name}: {count(n, 'call')} {why}" for name, whys in recording.left_out.items() for why, n in whys.items()
        )
        return EngineError(
            "No recorded call can be compared", "; ".join(reasons) + ".",
            "Name functions whose arguments can be pickled and whose results depend on nothing else.",
        )  # fmt: skip
    return EngineError(
        "No call was recorded",
        f"`{command}` called none of {', '.join(engine.config.oracle.functions)}"
        + (f": {run.failure}.\n{run.tail}" if not run.ok else "."),
        "Name functions that it calls as package.module:function, with the module's name as the code imports it."
        " The recorder comes in through PYTHONPATH: python -I, -E and -S keep it out.",
    )


def _relative(path: str, tree: Path) -> str:
    """A path in the worktree as seen from there; others stay."""
    if not path or path == ".":
        return ""
    for top in (tree, tree.resolve()):
        if Path(path) == top:
            return ""
        if top in Path(path).parents:
            return Path(path).relative_to(top).as_posix()
    return path


def _absolute(path: str, tree: Path) -> str:
    return str(tree / path)
