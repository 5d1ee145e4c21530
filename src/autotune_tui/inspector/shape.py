"""The rules `size`, `complexity`, `signature` and `dependency`: what a change costs those who live with it."""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from autotune_tui.inspector.base import Change, FileChange, Finding
from autotune_tui.inspector.python import FUNCTIONS, Source
from autotune_tui.inspector.testing import is_test
from autotune_tui.model.format import count, percent

LINES_FREE = 60
"""Added lines that need no reason."""
LINES_A_PERCENT = 40
"""Added lines that one percent of gain pays for; a judgement, so the finding only warns."""
COMPLEXITY_FREE = 8
"""Added branches that need no reason; a plain function has 1 to 5."""
COMPLEXITY_A_PERCENT = 3
LINES_UNWEIGHED = 400
"""Without a relative gain nothing can be weighed: only what is big by itself is said."""
COMPLEXITY_UNWEIGHED = 40

_BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.BoolOp, ast.comprehension, *FUNCTIONS)
_DEPENDENCIES = re.compile(
    r"(^|/)(requirements[\w.-]*\.(txt|in)|Pipfile|package\.json|Cargo\.toml|go\.mod|Gemfile|environment\.ya?ml)$"
)


def find_size(change: Change) -> Iterator[Finding]:
    """Lines that are added beyond what the gain pays for."""
    added = {file.path: _added(file) for file in change.files if not is_test(file.path)}
    total = sum(added.values())
    limit, gain = _limit(change, LINES_FREE, LINES_A_PERCENT, LINES_UNWEIGHED)
    if total > limit:
        largest = max(added, key=lambda path: added[path])
        yield Finding("size", "warn", largest, 0, f"adds {count(total, 'line')}{gain}")


def _added(file: FileChange) -> int:
    """Lines with code that the new text has more of; data files count as they are."""
    old, new = (file.old or "").splitlines(), (file.new or "").splitlines()
    if len(old) + len(new) > 20_000:  # too long to compare line by line
        return max(len(new) - len(old), 0)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=True)
    return sum(
        sum(bool(line.strip()) for line in new[start:end]) - sum(bool(line.strip()) for line in old[first:last])
        for _, first, last, start, end in matcher.get_opcodes()
    )


def _limit(change: Change, free: int, per_percent: int, unweighed: int) -> tuple[float, str]:
    gain = change.gain
    if gain is None or gain.percent is None:
        return unweighed, ""
    return free + per_percent * gain.percent, f" for a gain of at least {percent(gain.percent / 100).lstrip('+')}"


def find_complexity(change: Change) -> Iterator[Finding]:
    """Cyclomatic complexity (McCabe, as radon counts it) that is added beyond what the gain pays for."""
    before = {source.path: complexity(source) for source in change.old if not is_test(source.path)}
    after = {source.path: complexity(source) for source in change.new if not is_test(source.path)}
    total = sum(after.values()) - sum(before.values())
    limit, gain = _limit(change, COMPLEXITY_FREE, COMPLEXITY_A_PERCENT, COMPLEXITY_UNWEIGHED)
    if total > limit:
        worst = max(after, key=lambda path: after[path] - before.get(path, 0))
        yield Finding("complexity", "warn", worst, 0, f"adds {count(total, 'branch', 'branches')}{gain}")


def complexity(source: Source) -> int:
    """The branches of a module: its functions' and methods' cyclomatic complexity and its own."""
    from radon.visitors import ComplexityVisitor

    try:
        return int(ComplexityVisitor.from_ast(source.tree).total_complexity)
    except RecursionError:  # radon goes down expressions, too; a sum of 800 terms is enough
        return sum(isinstance(node, _BRANCHES) for node in source.nodes)


def find_signature(change: Change) -> Iterator[Finding]:
    """Public functions and methods that are gone or that other code cannot call as it did."""
    new = {source.path: source for source in change.new}
    places = {file.old_path or file.path: file for file in change.files}
    for source in change.old:
        file = places[source.path]
        after = new.get(file.path)
        if is_test(source.path) or (after is None and file.new is not None):
            continue
        for name, function in source.functions.items():
            if not _is_public(source, function, name):
                continue
            if after is None or (name not in after.functions and not _is_bound(after, name)):
                text = f"{name} is gone (line {function.lineno} of the old text)"
                yield Finding("signature", "warn", source.path, function.lineno, text)
            elif name in after.functions and (why := _narrower(function, after.functions[name])):
                line = after.functions[name].lineno
                yield Finding("signature", "warn", file.path, line, f"{name} {why}", change.excerpt(file.path, line))


def _is_public(source: Source, function: ast.AST, name: str) -> bool:
    """No leading underscore in the name, and no function inside a function."""
    inside = any(isinstance(node, FUNCTIONS) for node in source.enclosing(function, FUNCTIONS))
    return not inside and not any(part.startswith("_") for part in name.split("."))


def _is_bound(source: Source, name: str) -> bool:
    """Whether the module or class still has the name: imported, assigned, or inherited."""
    head, _, method = name.rpartition(".")
    if not head:
        is_class = any(isinstance(node, ast.ClassDef) and node.name == name for node in source.tree.body)
        return name in source.aliases or name in source.constants or is_class
    owners = [node for node in source.nodes if isinstance(node, ast.ClassDef) and node.name == head.rpartition(".")[2]]
    return any(
        owner.bases
        or any(isinstance(n, ast.Name) and n.id == method and isinstance(n.ctx, ast.Store) for n in ast.walk(owner))
        for owner in owners
    ) or (not owners and head in source.aliases)


def _narrower(old: ast.FunctionDef | ast.AsyncFunctionDef, new: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Why a call that worked may not work any more; empty when it does."""
    before, after = old.args, new.args
    order = [a.arg for a in (*before.posonlyargs, *before.args)]
    now = [a.arg for a in (*after.posonlyargs, *after.args)]
    takes_more, takes_any = after.vararg is not None, after.kwarg is not None
    by_name = set(now) | {a.arg for a in after.kwonlyargs}
    if now[: len(order)] != order and not (takes_more and order[: len(now)] == now):
        return "takes other arguments than before"
    if not takes_any and not {a.arg for a in before.kwonlyargs} <= by_name:
        return "takes fewer arguments than before"
    if (before.vararg and not takes_more) or (before.kwarg and not takes_any):
        return "takes fewer arguments than before"
    required = now[: len(now) - len(after.defaults)]
    was_required = order[: len(order) - len(before.defaults)]
    needed = {a.arg for a, d in zip(after.kwonlyargs, after.kw_defaults, strict=True) if d is None}
    was_needed = {a.arg for a, d in zip(before.kwonlyargs, before.kw_defaults, strict=True) if d is None}
    if len(required) > len(was_required) or needed - was_needed:
        return "needs more arguments than before"
    return "is no coroutine any more or became one" if type(old) is not type(new) else ""


def find_dependency(change: Change) -> Iterator[Finding]:
    """Modules that neither the standard library, the repository nor its declared dependencies have."""
    known = change.material.modules | {PurePosixPath(file.path).stem for file in change.files}
    known |= {PurePosixPath(file.path).parts[0] for file in change.files}
    before = {name.partition(".")[0] for source in change.old for name, _ in _imports(source)}
    for source in change.new:
        for name, line in _imports(source):
            top = name.partition(".")[0]
            if (
                top in sys.stdlib_module_names
                or top in known
                or top in before
                or top.lower() in change.material.declared
            ):
                continue
            before.add(top)
            yield Finding("dependency", "warn", source.path, line, f"needs {top}", change.excerpt(source.path, line))
    for file in change.files:
        if _DEPENDENCIES.search(file.path) and file.new is not None:
            old = {line.strip() for line in (file.old or "").splitlines()}
            for number, text in enumerate(file.new.splitlines(), 1):
                if text.strip() and text.strip() not in old and re.match(r"[\"'\w@]", text.strip()):
                    yield Finding("dependency", "warn", file.path, number, "changes what is installed", text.strip())
                    break


def _imports(source: Source) -> Iterator[tuple[str, int]]:
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module, node.lineno
