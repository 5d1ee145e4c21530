"""Walking libcst trees: children without white space, parents, loops around a node, blocks and source text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache

import libcst as cst

Parents = Mapping[cst.CSTNode, cst.CSTNode]
Comprehension = cst.ListComp | cst.SetComp | cst.DictComp | cst.GeneratorExp
Loop = cst.For | cst.While | Comprehension

COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)
SCOPES = (cst.FunctionDef, cst.Lambda, cst.ClassDef)


def words(text: str) -> frozenset[str]:
    """The words of a long list of names."""
    return frozenset(text.split())


_LAYOUT = words(
    "comma semicolon leading_lines header footer trailing_whitespace lines_after_decorators lpar rpar "
    "lbracket rbracket lbrace rbrace indent equal colon asynchronous dot posonly_ind first_colon "
    "second_colon trailing_comma"
)


_PLAIN = frozenset({str, bool, int, type(None), cst.MaybeSentinel})
"""What nodes hold beside nodes. (`isinstance(.., CSTNode)` costs three times as much, as for any abstract base class.)"""


@cache
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    names = (field.name for field in dataclasses.fields(kind))
    return tuple(name for name in names if name not in _LAYOUT and not name.startswith("whitespace"))


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The direct children that mean something: no white space, commas or parentheses."""
    found: list[cst.CSTNode] = []
    for name in _fields(type(node)):
        value = getattr(node, name)
        if type(value) in (tuple, list):
            found.extend(item for item in value if type(item) not in _PLAIN)
        elif type(value) not in _PLAIN:
            found.append(value)
    return found


def walk(node: cst.CSTNode, stop: tuple[type[cst.CSTNode], ...] = ()) -> Iterator[cst.CSTNode]:
    """`node` and all below it, parents first, in the order of the fields, without anything of a type in `stop`."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        below = children(current)
        if stop:
            below = [child for child in below if type(child) not in stop]
        below.reverse()
        pending += below


def walk_own(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`walk` that stays out of nested functions, lambdas and classes, whose bodies run at another time."""
    return walk(node, SCOPES)


def parents_of(tree: cst.Module) -> dict[cst.CSTNode, cst.CSTNode]:
    return {child: node for node in walk(tree) for child in children(node)}


def code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node).strip()


def inline(node: cst.BaseExpression) -> str:
    """The expression's source, in parentheses when it spans lines or needs them, so that it can stand anywhere."""
    text = code(node)
    bare = isinstance(node, (cst.GeneratorExp, cst.NamedExpr)) and not node.lpar
    return f"({text})" if bare or "\n" in text or "\r" in text else text


def same(left: cst.CSTNode, right: cst.CSTNode) -> bool:
    return left.deep_equals(right)


def climb(node: cst.CSTNode, parents: Parents) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """(child, parent) pairs from `node` up to the module."""
    while node in parents:
        yield node, parents[node]
        node = parents[node]


def loops_around(node: cst.CSTNode, parents: Parents) -> list[Loop]:
    """Loops of the same function that evaluate `node` again and again, innermost first.

    A loop's iterable, a `for`'s target and an `else` branch are not repeated by that loop.
    """
    found: list[Loop] = []
    for child, parent in climb(node, parents):
        loop = _repeats(child, parent, parents)
        if loop is not None and loop not in found:
            found.append(loop)
        if isinstance(parent, SCOPES):
            break
    return found


def _repeats(child: cst.CSTNode, parent: cst.CSTNode, parents: Parents) -> Loop | None:
    if isinstance(parent, cst.For):
        return parent if child is parent.body else None
    if isinstance(parent, cst.While):
        return parent if child is parent.body or child is parent.test else None
    if isinstance(parent, COMPREHENSIONS):
        return parent if child is not parent.for_in else None
    if isinstance(parent, cst.CompFor) and child is not parent.iter and child is not parent.target:
        return next(up for _, up in climb(parent, parents) if isinstance(up, COMPREHENSIONS))
    return None


def contains(outer: cst.CSTNode, inner: cst.CSTNode, parents: Parents) -> bool:
    return outer is inner or any(parent is outer for _, parent in climb(inner, parents))


def block_of(node: cst.CSTNode, parents: Parents) -> tuple[cst.BaseStatement, cst.IndentedBlock | cst.Module] | None:
    """The statement around `node` that stands on lines of its own, and the block that it is in; None in `if x: y`."""
    for child, parent in [(node, parents[node]), *climb(parents[node], parents)]:
        if isinstance(parent, (cst.IndentedBlock, cst.Module)) and isinstance(child, cst.BaseStatement):
            return child, parent
        if isinstance(parent, (cst.SimpleStatementSuite, cst.ClassDef, cst.Lambda)):
            return None
    return None


def small_statement(node: cst.CSTNode, parents: Parents) -> cst.SimpleStatementLine | None:
    """The line that holds `node` as its only small statement."""
    line = parents.get(node)
    return line if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None


def only_statement(block: cst.BaseSuite) -> cst.BaseStatement | cst.BaseSmallStatement | None:
    """What a suite consists of when it is a single statement."""
    if len(block.body) != 1:
        return None
    first = block.body[0]
    if isinstance(first, cst.SimpleStatementLine):
        return first.body[0] if len(first.body) == 1 else None
    return first


def comments(node: cst.CSTNode) -> list[str]:
    """Texts of all comments inside `node`, in order of appearance."""
    found: list[str] = []

    class Collect(cst.CSTVisitor):
        def visit_Comment(self, node: cst.Comment) -> None:
            found.append(node.value)

    node.visit(Collect())
    return found
