"""Sampled call stacks and what follows from them: which functions are hot, and where they are defined."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from autotune_tui.model.profile import HotSpot

INLINE = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
"""Counted as part of the function around them, as newer interpreters run most of them in its frame."""
LEAST_SHARE = 0.002
MOST_SPOTS = 100


class NoProfile(Exception):
    """A profiler could not do its work; the text says why, for a person."""


class Frame(NamedTuple):
    """A function: its file as the profiler named it, its name, and the first line of its definition (0: unknown)."""

    file: str
    function: str
    line: int


Stacks = Counter[tuple[Frame, ...]]
"""How often each stack was seen; the outermost frame comes first."""


class Sources:
    """Names functions as their source does: path relative to the worktree, qualified name, line of the `def`.

    Profilers give the first decorator's line for the definition's, and some give bare names only.
    """

    def __init__(self, worktree: Path) -> None:
        self._roots = (worktree.absolute(), worktree.resolve())
        self._definitions: dict[str, dict[int, tuple[str, int]]] = {}
        self._located: dict[Frame, Frame] = {}

    def locate(self, frame: Frame) -> Frame:
        """The same function, as its source names it."""
        if frame not in self._located:
            self._located[frame] = self._locate(frame)
        return self._located[frame]

    def _locate(self, frame: Frame) -> Frame:
        file = self._relative(frame.file)
        if file is None:
            return frame
        if file not in self._definitions:
            self._definitions[file] = _definitions(self._roots[0] / file)
        name, line = self._definitions[file].get(frame.line, (frame.function, frame.line))
        if name.rpartition(".")[2] != frame.function.rpartition(".")[2]:
            name, line = frame.function, frame.line
        return Frame(file, name, line)

    def _relative(self, file: str) -> str | None:
        path = self._roots[0] / file
        for root in self._roots:
            if path.is_relative_to(root) and path.is_file():
                return str(path.relative_to(root))
        return None


def _definitions(path: Path) -> dict[int, tuple[str, int]]:
    """Qualified name and line of the `def` of each function, by the first line of its definition."""
    found: dict[int, tuple[str, int]] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                found[first] = (prefix + child.name, child.lineno)
                inner = f"{prefix}{child.name}." + ("" if isinstance(child, ast.ClassDef) else "<locals>.")
            visit(child, inner)

    try:
        visit(ast.parse(path.read_bytes()), "")
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}  # a file in another language, or of a newer Python: the profiler's names must do
    return found


def is_machinery(file: str) -> bool:
    """Whether a file belongs to the interpreter's start and imports, which are charged to who caused them."""
    return file.startswith("<frozen ") or Path(file).name == "runpy.py"


def is_inline(function: str) -> bool:
    return function.rpartition(".")[2] in INLINE


def clean(stacks: Stacks, sources: Sources) -> Stacks:
    """The stacks as a person thinks of them: no interpreter machinery, comprehensions inside their function."""
    result = Stacks()
    for stack, count in stacks.items():
        kept: list[Frame] = []
        for frame in stack:
            if is_machinery(frame.file):
                continue
            located = sources.locate(frame)
            if not (kept and is_inline(frame.function) and kept[-1].file == located.file):
                kept.append(located)
        result[tuple(kept)] += count
    return result


def hot_spots(stacks: Stacks) -> tuple[HotSpot, ...]:
    """All functions of any weight, most time on the stack first. Shares are of all samples, also of those without a frame."""
    samples = stacks.total()
    alone, whole = Counter[Frame](), Counter[Frame]()
    for stack, count in stacks.items():
        for frame in set(stack):
            whole[frame] += count
        if stack:
            alone[stack[-1]] += count
    return ranked(
        HotSpot(frame.file, frame.function, frame.line, alone[frame] / samples, count / samples)
        for frame, count in whole.items()
    )


def ranked(spots: Iterable[HotSpot]) -> tuple[HotSpot, ...]:
    """Those of any weight, most `total_share` first."""
    heavy = (spot for spot in spots if spot.total_share >= LEAST_SHARE)
    order = sorted(heavy, key=lambda spot: (-spot.total_share, -spot.self_share, spot.file, spot.line))
    return tuple(order[:MOST_SPOTS])


def folded(stacks: Stacks) -> str:
    """The stacks in the folded format that flame graph tools read."""
    lines = (
        ";".join(f"{frame.function} ({frame.file}:{frame.line})".replace(";", ",") for frame in stack) + f" {count}"
        for stack, count in stacks.most_common()
        if stack
    )
    return "".join(f"{line}\n" for line in lines)
