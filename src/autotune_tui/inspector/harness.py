"""The rules `environment`, `metric_line` and `files`: code that looks at how it is measured, or writes its own measurement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from autotune_tui.inspector import references
from autotune_tui.inspector.base import Change, Fact, Finding, fresh
from autotune_tui.inspector.python import Source

_HARNESS = re.compile(r"AUTOTUNE_|\.autotune\b|autotune\.(jsonl|toml|md)|PYTEST_CURRENT_TEST|LD_PRELOAD|PYTHONSTARTUP")
_METRIC = re.compile(r"(?:^|\n)[^\S\n]*METRIC(?:\s+(?P<name>[\w.\-/]*)|$)")
_READERS = ("os.environ", "os.environb", "os.getenv", "os.getenvb")
_LOOKERS = frozenset(
    {"any", "all", "len", "sorted", "list", "tuple", "set", "frozenset", "str", "repr", "max", "min", "hash"}
)
_LISTED = re.compile(r"(^|/)\.git(/|$)|^/proc(/|$)|^/sys(/|$)")
_SHORTEST_NAME = 6


def find_environment(change: Change) -> Iterator[Finding]:
    """Mentions of what the harness sets or keeps; other variables of the environment are only said."""
    yield from fresh(change, "environment", _environment(change.old), _environment(change.new))


def _environment(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for value, node in source.plain:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if isinstance(text, str) and (found := _HARNESS.search(text)):
                yield Fact(
                    found[0], "block", source.path, node.lineno, f"looks at what the measurement sets: {found[0]}"
                )
        for reference in source.references:
            if reference.name.startswith(_READERS):
                if _goes_through(source, reference.node):
                    text = "goes through the whole environment"
                    yield Fact("all", "block", source.path, reference.line, text, begins=True)
                yield Fact("read", "warn", source.path, reference.line, "reads the environment")


def _goes_through(source: Source, node: ast.AST) -> bool:
    """Whether `os.environ`, its items or its names are looked at one after another; a copy for a child is not that."""
    at = source.parents.get(node)
    if isinstance(at, ast.Call) and at.func is node:  # os.environ.items()
        node, at = at, source.parents.get(at)
    if isinstance(at, ast.For | ast.AsyncFor | ast.comprehension):
        return at.iter is node
    return isinstance(at, ast.Call) and source.name_of(at.func) in _LOOKERS


def find_metric_lines(change: Change) -> Iterator[Finding]:
    """Output that looks like a metric, or a change of the statement that prints one."""
    yield from fresh(change, "metric_line", _metric_lines(change.old), _metric_lines(change.new))


def _metric_lines(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for value, node in source.plain:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if isinstance(text, str) and _METRIC.search(text):
                statement: ast.AST = next(source.enclosing(node, (ast.stmt,)), node)
                shape = ast.dump(statement) if isinstance(statement, ast.Expr | ast.Assign) else ast.dump(node)
                yield Fact(shape, "block", source.path, node.lineno, "writes a line that is read as the metric")


def find_files(change: Change) -> Iterator[Finding]:
    """The file system beside the job: what lists and asks, and names of locked files, of git and of the system."""
    yield from references.find(change, "files")
    locked = frozenset({*change.material.benchmark, *change.material.checks} - {file.path for file in change.files})
    names = locked | {PurePosixPath(path).name for path in locked}
    wanted = frozenset(
        name for name in names if len(name) >= _SHORTEST_NAME and "." in name[1:] and name != "__init__.py"
    )
    yield from fresh(change, "files", _named(change.old, wanted), _named(change.new, wanted))


def _named(sources: tuple[Source, ...], locked: frozenset[str]) -> Iterator[Fact]:
    for source in sources:
        for value, node in source.plain:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if not isinstance(text, str) or len(text) > 300:
                continue
            if text.removeprefix("./") in locked or PurePosixPath(text).name in locked:
                yield Fact(text, "block", source.path, node.lineno, f"names {text!r}, which belongs to the measurement")
            elif _LISTED.search(text):
                yield Fact(
                    "system", "block", source.path, node.lineno, f"names {text!r}, which tells about the harness"
                )
