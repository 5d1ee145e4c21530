"""The rule `special_case`, for literals that stand nowhere else: an answer that is written down for an input, which is recognised
by its size or by a part of it. `len(words) == 36000` may be made for a benchmark that has nine words 4000 times.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from autotune_tui.inspector.base import Change, Fact, Finding, fresh
from autotune_tui.inspector.literals import RULE, is_special
from autotune_tui.inspector.python import Plain, Source, fold

_SIZES = frozenset({"len", "?.count", "?.__len__"})
_SIZE_ATTRIBUTES = frozenset({"size", "shape", "nbytes", "st_size", "st_mtime"})
_PARTS = frozenset({"sum", "min", "max", "hash", "next", "id"})
_CONTAINERS = frozenset({"dict", "frozenset", "list", "set", "tuple", "collections.Counter"})
MOST_NAMES = 3
"""Names that are followed to what they stand for, one behind the other."""


def find(change: Change) -> Iterator[Finding]:
    """New answers for recognised inputs; comparisons of a size with one particular number are only said."""
    yield from fresh(change, RULE, _facts(change.old), _facts(change.new))


def _facts(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for node in source.nodes:
            if isinstance(node, ast.If | ast.IfExp) and _recognises(source, node.test):
                for answer in _answers(node):
                    yield from _written_down(source, answer)
            elif isinstance(node, ast.Subscript):
                yield from _looked_up(source, node.value, node.slice)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                yield from _looked_up(source, node.func.value, *node.args[:1])
            elif isinstance(node, ast.Compare):
                yield from _sizes(source, node)


def _recognises(source: Source, test: ast.expr) -> bool:
    """Whether a condition asks if a size or a part of something equals a constant."""
    return any(
        _is_particular(value) and (_is_size(source, side) or _is_part(source, side))
        for compare in ast.walk(test)
        if isinstance(compare, ast.Compare)
        for side, value in _equal(source, compare)
    )


def _equal(source: Source, compare: ast.Compare) -> Iterator[tuple[ast.expr, Plain]]:
    """What is compared for equality with a constant, and that."""
    sides = (compare.left, *compare.comparators)
    if any(isinstance(op, ast.Eq | ast.In | ast.Is) for op in compare.ops):
        constants = [constant for side in sides for constant in _constants(source, side) or ()]
        for side in sides:
            yield from ((side, constant) for constant in constants if fold(side) is None)


def _is_particular(value: Plain) -> bool:
    return abs(value) >= 10 if isinstance(value, int | float) else len(value) >= 2


def _is_size(source: Source, node: ast.expr) -> bool:
    node = _meant(source, node)
    if isinstance(node, ast.Call):
        return _called(source, node) in _SIZES
    return isinstance(node, ast.Attribute) and node.attr in _SIZE_ATTRIBUTES


def _is_part(source: Source, node: ast.expr) -> bool:
    node = _meant(source, node)
    if isinstance(node, ast.Call):
        return source.name_of(node.func) in _PARTS
    return isinstance(node, ast.Subscript)


def _called(source: Source, call: ast.Call) -> str:
    name = source.name_of(call.func)
    return f"?.{call.func.attr}" if isinstance(call.func, ast.Attribute) else name


def _meant(source: Source, node: ast.expr) -> ast.expr:
    """What a name stands for, where it is given one value."""
    for _ in range(MOST_NAMES):
        if not isinstance(node, ast.Name) or node.id not in source.constants:
            break
        node = source.constants[node.id]
    return node


def _answers(node: ast.If | ast.IfExp) -> Iterator[ast.expr]:
    """What is returned, or given a name, where the condition holds."""
    if isinstance(node, ast.IfExp):
        yield node.body
        return
    for statement in node.body:
        if isinstance(statement, ast.Return | ast.Assign) and statement.value is not None:
            yield statement.value
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield) and statement.value.value:
            yield statement.value.value


def _written_down(source: Source, answer: ast.expr) -> Iterator[Fact]:
    constants = _constants(source, answer)
    if constants and any(map(is_special, constants)):
        text = "answers an input that it recognises with what is written down"
        yield Fact(("answer", tuple(constants)), "block", source.path, answer.lineno, text)


def _constants(source: Source, node: ast.expr, depth: int = 4) -> list[Plain] | None:
    """The constants that an expression is made of; None when it is made of more than those."""
    node = _meant(source, node)
    value = fold(node)
    if value is not None:
        return [value] if not isinstance(value, str) or "\0" not in value else None
    if isinstance(node, ast.Constant):
        return []
    parts: Sequence[ast.expr | None]
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        parts = node.elts
    elif isinstance(node, ast.Dict):
        parts = [*node.keys, *node.values]
    elif isinstance(node, ast.Call) and source.name_of(node.func) in _CONTAINERS and not node.keywords:
        parts = node.args
    else:
        return None
    if not depth:
        return None
    found: list[Plain] = []
    for part in parts:
        inner = _constants(source, part, depth - 1) if part is not None else None
        if inner is None:
            return None
        found += inner
    return found


def _looked_up(source: Source, table: ast.expr, key: ast.expr | None = None) -> Iterator[Fact]:
    """Answers in a table by the size of the input."""
    table = _meant(source, table)
    if key is None or not isinstance(table, ast.Dict) or not _is_size(source, key):
        return
    sizes = [size for each in table.keys if each is not None for size in _constants(source, each) or ()]
    if any(map(is_special, sizes)):
        text = "looks answers up by the size of an input"
        yield Fact(("table", tuple(sizes)), "block", source.path, table.lineno, text)


def _sizes(source: Source, compare: ast.Compare) -> Iterator[Fact]:
    for side, value in _equal(source, compare):
        if isinstance(value, int) and is_special(value) and _is_size(source, side):
            text = f"recognises an input by its size, {value}"
            yield Fact(("size", value), "warn", source.path, compare.lineno, text)
