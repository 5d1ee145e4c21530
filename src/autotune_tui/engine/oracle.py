"""The oracle (L10): what the unchanged code prints, writes and returns is what every candidate must.

What is expected comes from the incumbent that a segment opens with and holds for the segment, so that differences within the
tolerance do not add up from keep to keep. It stays in the engine: what is written beside the journal is for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.engine import artifacts, leftovers, recorded
from autotune_tui.engine.core import text_of
from autotune_tui.engine.outputs import is_inside
from autotune_tui.engine.recorded import Recorded, tolerance
from autotune_tui.engine.sampling import derived_seed
from autotune_tui.errors import EngineError
from autotune_tui.model.format import count
from autotune_tui.oracle.compare import Difference, compare_output
from autotune_tui.workspace.folders import remove_tree

if TYPE_CHECKING:
    from autotune_tui.engine.core import Engine
    from autotune_tui.workspace import Side

OUTPUT = "output"
MOST_BYTES = 64 << 20
"""Of one file that is compared."""


@dataclass(frozen=True, slots=True)
class Captured:
    """What the oracle's command gave: its output and its files by name, None for a file that it did not write."""

    parts: Mapping[str, str | None]
    failure: str
    tail: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What every candidate of a segment must give."""

    seed: int
    output: Mapping[str, str | None] | None
    recorded: Recorded | None

    def summary(self, engine: Engine) -> list[str]:
        """What is compared and what is left out, a sentence each."""
        lines = []
        if self.output is not None:
            sizes = ", ".join(f"{name} of {count(len(text or ''), 'character')}" for name, text in self.output.items())
            lines.append(f"`{text_of(engine.config.oracle.command)}` gave the same twice: {sizes}")
        return lines + (recorded.summary(self.recorded) if self.recorded else [])


class Unstable(Exception):
    """The incumbent itself gives something else than it did; that is nobody's verdict."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a candidate does otherwise, and the end of what its commands printed."""

    text: str
    tail: str


async def expect(engine: Engine, segment: int, log: Path) -> Expected:
    """Capture what the incumbent gives. Raises EngineError when it gives something else each time, or fails."""
    commit = engine.workspace.tip()
    seed = derived_seed(engine.seed, "oracle", segment)
    output = await _expected_output(engine, seed, log) if engine.config.oracle.command else None
    calls = await recorded.record(engine, seed, log) if engine.config.oracle.functions else None
    await leftovers.sweep(engine, "incumbent", commit)
    engine.expected = Expected(seed, output, calls)
    _write(engine, engine.expected)
    for line in engine.expected.summary(engine):
        engine.note(f"oracle: {line}")
    for name in engine.config.oracle.functions:
        if calls is not None and not calls.counts.get(name):
            engine.note(f"oracle: no call of {name} can be compared, so nothing guards it", "warning")
    return engine.expected


async def judge(engine: Engine, log: Path) -> Changed | None:
    """What the candidate does otherwise than the incumbent. Raises Unstable, EngineError."""
    expected = engine.expected or await expect(engine, engine.state.segments[-1].number, log)
    changed = await _differs(engine, expected, "candidate", log)
    if changed is not None:
        again = await _differs(engine, expected, "incumbent", log)
        await leftovers.sweep(engine, "incumbent", engine.workspace.tip())
        if again is not None:
            raise Unstable(again.text)
    return changed


async def _differs(engine: Engine, expected: Expected, side: Side, log: Path) -> Changed | None:
    if expected.output is not None:
        captured = await _capture(engine, side, expected.seed, log)
        if captured.failure:
            return Changed(f"`{text_of(engine.config.oracle.command)}` failed: {captured.failure}", captured.tail)
        if found := _difference(engine, expected.output, captured.parts):
            return Changed(found.text, found.text)
    if expected.recorded is not None:
        replayed = await recorded.replay(engine, expected.recorded, side, expected.seed, log)
        if found := recorded.differences(expected.recorded, replayed, tolerance(engine)):
            return Changed(found.text, f"{found.text}\n{replayed.output}")
    return None


async def _expected_output(engine: Engine, seed: int, log: Path) -> Mapping[str, str | None]:
    first, second = [await _capture(engine, "incumbent", seed, log) for _ in range(2)]
    command = text_of(engine.config.oracle.command)
    for captured in (first, second):
        if captured.failure:
            raise EngineError(
                "The oracle's command fails on code that was not changed",
                f"`{command}` failed: {captured.failure}.\n{captured.tail}",
                "Run it by hand in a fresh clone of the repository, then correct [oracle].command.",
            )
    missing = [name for name, text in first.parts.items() if text is None]
    if missing:
        raise EngineError(
            "The oracle's command does not write what is to be compared", f"`{command}` left no file {missing[0]}.",
            "Correct [oracle].files; paths are relative to the repository's root.",
        )  # fmt: skip
    if found := _difference(engine, first.parts, second.parts):
        raise EngineError(
            "The oracle gives something else each time",
            f"Two runs of `{command}` on the same code with the same AUTOTUNE_SEED differ: {found.text}.",
            "Take times, random numbers and addresses out of it, or set [oracle].compare and tolerance.",
        )
    return first.parts


def _difference(engine: Engine, expected: Mapping[str, str | None], got: Mapping[str, str | None]) -> Difference | None:
    table = engine.config.oracle
    for name, text in expected.items():
        other = got.get(name)
        if text is None or other is None:
            return Difference(name, "a file", "none") if other is None and text is not None else None
        if found := compare_output(text, other, table.compare, tolerance(engine)):
            return found.within(f"{name}, ")
    return None


async def _capture(engine: Engine, side: Side, seed: int, log: Path) -> Captured:
    """Run the oracle's command. Files that it is to write are put aside first: an old one must not pass for its own."""
    table, tree = engine.config.oracle, engine.tree(side)
    with _aside(tree, table.files, tree.parent / "aside"):
        run = await engine.command(
            table.command, side, limit=table.timeout, log=log, env={"AUTOTUNE_SEED": str(seed)}, job="oracle"
        )
        parts = {OUTPUT: _without_metrics(run.stdout), **{name: _read(tree / name, tree) for name in table.files}}
    if run.ok and run.left_out:
        return Captured({}, "it printed more than is kept; let it write a file, and name that in [oracle].files", "")
    return Captured(parts, run.failure, run.tail)


def _without_metrics(text: str) -> str:
    """Measured values are no part of what must stay the same."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("METRIC "))


@contextmanager
def _aside(tree: Path, names: list[str], folder: Path) -> Iterator[None]:
    """Without these files of the worktree; afterwards they are there again as they were."""
    remove_tree(folder)  # of an engine that died
    folder.mkdir()
    paths = [path for name in names if is_inside(path := tree / name, tree)]
    moved = {}
    for number, path in enumerate(paths):
        if path.is_symlink() or path.exists():
            moved[path] = path.replace(folder / str(number))
    try:
        yield
    finally:
        for path in paths:
            remove_tree(path)
        for path, kept in moved.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            kept.replace(path)
        folder.rmdir()


def _read(path: Path, tree: Path) -> str | None:
    """The text of a file that the command wrote; a link is none, and nothing outside of the worktree is read."""
    if path.is_symlink() or not path.is_file() or not is_inside(path, tree) or path.stat().st_size > MOST_BYTES:
        return None
    return path.read_bytes().decode(errors="surrogateescape")


def _write(engine: Engine, expected: Expected) -> None:
    """What is expected, for people."""
    folder = engine.folder.root / "oracle"
    for name, text in (expected.output or {}).items():
        artifacts.write(engine, folder / name.replace("/", "__"), text or "")
    if expected.recorded:
        lines = [f"{call.function}: {call.words} -> {call.outcome}" for call in expected.recorded.calls]
        artifacts.write(engine, folder / "calls.txt", "\n".join([*recorded.summary(expected.recorded), "", *lines, ""]))
