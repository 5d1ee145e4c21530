"""Where a change could pay: hot functions in scope, what they call, or, without a profile, every Python file."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from autotune_tui.model.profile import Profile

LEAST_SHARE = 0.01
"""Functions below this share of all samples cannot give a gain that is worth keeping."""
UNPROFILED = 0.05
"""The share that a file is taken to have when nothing is known."""
MOST_UNPROFILED = 200
"""Files that are looked into without a profile: parsing one takes about 50 ms, and blind guesses are worth little."""
CALLED = 0.25
"""The part of a hot function's share that a function it calls is taken to have when no sample fell on it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function, or a whole file (`function` empty), and the share of the run that a change in it could act on (0..1)."""

    path: str
    function: str
    line: int
    own: float
    total: float
    via: str = ""
    """The hot function that calls it, when the profile did not see it itself."""

    @property
    def share(self) -> float:
        """Its own time counts fully, that of the functions it calls by half: most changes act inside."""
        return self.own + (self.total - self.own) / 2

    def matches(self, qualname: str) -> bool:
        """Whether a function's qualified name is this target's: profilers give the last part only."""
        return not self.function or qualname.rpartition(".")[2] == self.function.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Outline:
    """What a Python file defines, calls and imports, by name."""

    lines: dict[str, int]
    calls: dict[str, frozenset[str]]
    """Function -> names that it calls."""
    modules: tuple[tuple[int, str], ...]
    """Imported modules as (level of a relative import, dotted name)."""


def rank(profile: Profile | None, files: Sequence[str]) -> list[Target]:
    """Targets in scope, the largest share first. Without a hot spot in scope: all Python files, with a low share."""
    scope = set(files)
    hot = [
        Target(spot.file, spot.function, spot.line, spot.self_share, max(spot.total_share, spot.self_share))
        for spot in (profile.hot_spots if profile else ())
        if spot.file in scope and spot.total_share >= LEAST_SHARE
    ]
    if not hot:
        python = [name for name in files if name.endswith(".py")]
        return [Target(name, "", 0, UNPROFILED, UNPROFILED) for name in python[:MOST_UNPROFILED]]
    return sorted(hot, key=lambda target: (-target.share, target.path, target.line, target.function))


def called_by_hot(
    targets: Sequence[Target], files: Sequence[str], outline: Callable[[str], Outline | None]
) -> list[Target]:
    """Functions in scope that hot functions call by name, in the same file or in one that it imports."""
    known, modules = {(target.path, target.function) for target in targets}, _by_module(files)
    found: dict[tuple[str, str], Target] = {}
    for target in targets:
        own = outline(target.path) if target.function else None
        if own is None:
            continue
        names = own.calls.get(target.function, frozenset())
        for path in (target.path, *_imported(target.path, own, modules)):
            there = outline(path)
            for name in sorted(names & there.lines.keys()) if there else ():
                share = target.share * CALLED
                callee = Target(path, name, there.lines[name] if there else 0, share, share, via=target.function)
                if (path, name) not in known:
                    found.setdefault((path, name), callee)
    return sorted(found.values(), key=lambda target: -target.share)


def read_outline(name: str, text: str) -> Outline | None:
    """The outline of a Python file, None when it cannot be parsed."""
    if not name.endswith(".py"):
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    lines: dict[str, int] = {}
    calls: dict[str, frozenset[str]] = {}
    modules: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines.setdefault(node.name, node.lineno)
            calls[node.name] = calls.get(node.name, frozenset()) | frozenset(_called(node))
        elif isinstance(node, ast.Import):
            modules.extend((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            modules.append((node.level, base))
            modules.extend((node.level, f"{base}.{alias.name}".lstrip(".")) for alias in node.names)
    return Outline(lines, calls, tuple(modules))


def best_match(targets: Iterable[Target], path: str, qualname: str, line: int) -> Target | None:
    """The target that a place in a file belongs to; of several functions of that name the one defined last above it."""
    matching = [target for target in targets if target.path == path and target.matches(qualname)]
    above = [target for target in matching if 0 < target.line <= line]
    if above:
        last = max(target.line for target in above)
        matching = [target for target in above if target.line == last]
    return max(matching, key=lambda target: target.share, default=None)


def _called(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def _by_module(files: Iterable[str]) -> dict[str, list[str]]:
    """Files by the last part of the module's name that they can be imported by."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in files:
        path = PurePosixPath(name)
        if path.suffix == ".py":
            found[path.parent.name if path.name == "__init__.py" else path.stem].append(name)
    return found


def _imported(path: str, outline: Outline, files: Mapping[str, list[str]]) -> list[str]:
    """The files in scope that a file's imports may mean."""
    found: list[str] = []
    for level, module in outline.modules:
        *_, last = module.split(".")
        inside = module.replace(".", "/")
        ends = (f"/{inside}.py", f"/{inside}/__init__.py")
        if level:
            base = PurePosixPath("/", path).parents[min(level, path.count("/") + 1) - 1]
            ends = (f"{str(base).rstrip('/')}{ends[0]}", f"{str(base).rstrip('/')}{ends[1]}")
            found.extend(name for name in files.get(last, ()) if f"/{name}" in ends)
        else:
            found.extend(name for name in files.get(last, ()) if f"/{name}".endswith(ends))
    return [name for name in dict.fromkeys(found) if name != path]
