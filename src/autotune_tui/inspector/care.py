"""The rules `swallowed`, `validation`, `precision` and `skipped_work`: work or care that a change leaves out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from autotune_tui.inspector import references
from autotune_tui.inspector.base import Change, Fact, Finding, fresh
from autotune_tui.inspector.python import FUNCTIONS, Function, Source, fold

_BROAD = frozenset({"Exception", "BaseException"})
_LOW_TYPES = frozenset({"float32", "float16", "half", "bfloat16", "f4", "<f4", ">f4", "f2", "<f2", "single", "fp16"})
_AMOUNT = re.compile(
    r"(?i)(^|_)(iter|iters|iterations?|steps?|epochs?|samples?|trials?|rounds?|depth|digits|prec|precision|terms?|points|"
    r"passes|tries|retries|resolution|n_estimators|quality)(_|$)|^(max|num|n)_"
)
_TOLERANCE = re.compile(r"(?i)(^|_)(tol|tolerance|eps|epsilon|threshold)(_|$)")


def find_swallowed(change: Change) -> Iterator[Finding]:
    """Handlers that catch everything and say nothing."""
    yield from fresh(change, "swallowed", _swallowed(change.old), _swallowed(change.new))


def _swallowed(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for node in source.nodes:
            if isinstance(node, ast.ExceptHandler | ast.Call) and _swallows(source, node):
                yield Fact("handler", "warn", source.path, node.lineno, "swallows every exception")


def _swallows(source: Source, node: ast.ExceptHandler | ast.Call) -> bool:
    """Whether it is `except Exception` that does nothing, or `contextlib.suppress(Exception)`."""
    if isinstance(node, ast.ExceptHandler):
        return _is_broad(source, node.type) and _is_silent(node.body)
    broad = any(_is_broad(source, argument) for argument in node.args)
    return broad and source.name_of(node.func) == "contextlib.suppress"


def _is_broad(source: Source, kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(each is None or source.name_of(each).removeprefix("builtins.") in _BROAD for each in kinds)


def _is_silent(body: list[ast.stmt]) -> bool:
    """Whether nothing is done with the exception: it is neither raised again nor handed to anything."""
    return not any(isinstance(node, ast.Raise | ast.Call) for statement in body for node in ast.walk(statement))


def find_validation(change: Change) -> Iterator[Finding]:
    """Assertions, raised errors and type checks that are gone, over the whole change."""
    before, after = Counter[str](), Counter[str]()
    places: dict[str, list[tuple[Source, ast.AST]]] = {}
    for source in change.old:
        for what, node in _checks(source):
            before[what] += 1
            places.setdefault(what, []).append((source, node))
    for source in change.new:
        after.update(what for what, _ in _checks(source))
    kept = {line.strip() for source in change.new for line in source.text.splitlines()}
    for what, number in sorted((before - after).items()):
        gone = [(s, n) for s, n in places[what] if _line(s, n).strip() not in kept] or places[what]
        for source, node in gone[:number]:
            line = getattr(node, "lineno", 0)
            text = f"{what} is gone (line {line} of the old text)"
            yield Finding("validation", "warn", source.path, line, text, _line(source, node).strip())


def _line(source: Source, node: ast.AST) -> str:
    return source.text.splitlines()[getattr(node, "lineno", 1) - 1]


def _checks(source: Source) -> Iterator[tuple[str, ast.AST]]:
    for node in source.nodes:
        if isinstance(node, ast.Assert):
            yield "an assertion", node
        elif isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = source.name_of(raised).rpartition(".")[2]
            if name not in ("StopIteration", "NotImplementedError", ""):
                yield f"raise {name}", node
        elif isinstance(node, ast.Call) and source.name_of(node.func) in ("isinstance", "issubclass", "callable"):
            yield "a type check", node


def find_precision(change: Change) -> Iterator[Finding]:
    """Smaller types, rounding, and constants that ask for less work or allow more error."""
    for finding in (
        *references.find(change, "precision"),
        *fresh(change, "precision", _low_types(change.old), _low_types(change.new)),
        *_lowered(change),
    ):
        if (finding.path, finding.line) not in change.knobs:
            yield finding


def _low_types(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for value, node in source.plain:
            if isinstance(value, str) and value in _LOW_TYPES:
                yield Fact("type", "warn", source.path, node.lineno, f"computes with less precision: {value}")
        for inner in source.nodes:
            if isinstance(inner, ast.keyword) and inner.arg == "fastmath":
                line = inner.value.lineno
                yield Fact("fastmath", "warn", source.path, line, "computes with less precision: fastmath")
            elif isinstance(inner, ast.Attribute) and inner.attr == "prec" and isinstance(inner.ctx, ast.Store):
                yield Fact("prec", "warn", source.path, inner.lineno, "sets the precision of decimals")


def _lowered(change: Change) -> Iterator[Finding]:
    """Named numbers of one file: a count that fell, a tolerance that rose. Module constants, defaults and keywords."""
    old = {source.path: source for source in change.old}
    places = {file.path: file.old_path or file.path for file in change.files}
    for source in change.new:
        before = old.get(places.get(source.path, ""))
        if before is None:
            continue
        earlier = dict(_numbers(before))
        for name, (value, line) in dict(_numbers(source)).items():
            was = earlier.get(name, (value, 0))[0]
            bare = name.rpartition(".")[2]
            less = value < was and _AMOUNT.search(bare)
            if less or (value > was and _TOLERANCE.search(bare)):
                text = f"{bare} is {value:g} and was {was:g}"
                yield Finding("precision", "warn", source.path, line, text, change.excerpt(source.path, line))


def _numbers(source: Source) -> Iterator[tuple[str, tuple[float, int]]]:
    """(where and name, (value, line)) of constants that have a name."""
    for name, value in source.constants.items():
        number = fold(value)
        if isinstance(number, int | float) and abs(number) < 1e300:
            yield name, (number, value.lineno)
    for qualified, function in source.functions.items():
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
        for argument, default in pairs:
            number = fold(default)
            if isinstance(number, int | float) and abs(number) < 1e300:
                yield f"{qualified}.{argument.arg}", (number, default.lineno)
    for node in source.nodes:
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                number = fold(keyword.value)
                if keyword.arg and isinstance(number, int | float) and abs(number) < 1e300:
                    yield f"{source.name_of(node.func)}().{keyword.arg}", (number, keyword.value.lineno)


def find_skipped_work(change: Change) -> Iterator[Finding]:
    """Code that nothing reaches any more, functions that do nothing any more, and every n-th element only."""
    yield from references.find(change, "skipped_work")
    yield from fresh(change, "skipped_work", _skips(change.old), _skips(change.new))
    old = {name: function for source in change.old for name, function in source.functions.items()}
    for source in change.new:
        for name, function in source.functions.items():
            before = old.get(name)
            if before is not None and _is_empty(function) and not _is_empty(before) and len(_body(before)) > 1:
                text = f"{name} does nothing any more"
                line = function.lineno
                yield Finding("skipped_work", "warn", source.path, line, text, change.excerpt(source.path, line))


def _skips(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for node in source.nodes:
            for _, body in ast.iter_fields(node):
                if isinstance(body, list) and (dead := _unreachable(body)) is not None:
                    yield Fact("dead", "warn", source.path, dead.lineno, "ends early: what follows is never reached")
            if isinstance(node, ast.Slice) and node.step is not None:
                step = fold(node.step)
                if isinstance(step, int) and step > 1 and node.lower is None and node.upper is None:
                    yield Fact("stride", "warn", source.path, node.step.lineno, f"takes only every {step}th element")


def _unreachable(body: list[object]) -> ast.stmt | None:
    """The statement that leaves a block although more follows; a lone yield after it makes a generator and is meant."""
    for place, statement in enumerate(body[:-1]):
        if isinstance(statement, ast.Return | ast.Raise | ast.Continue | ast.Break):
            rest = body[place + 1 :]
            is_yield = len(rest) == 1 and isinstance(rest[0], ast.Expr) and isinstance(rest[0].value, ast.Yield)
            return None if is_yield else statement
    return None


def _body(function: Function) -> list[ast.stmt]:
    body = function.body
    first = body[0]
    has_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if has_text else body


def _is_empty(function: Function) -> bool:
    """Whether the function only passes, or returns a constant or one of its own arguments."""
    for statement in _body(function):
        if isinstance(statement, ast.Return):
            if not isinstance(statement.value, ast.Constant | ast.Name | None):
                return False
        elif not isinstance(statement, ast.Pass):
            return False
    return isinstance(function, FUNCTIONS)
