"""What is done with a variable at each place where its value is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.module import Module
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, words
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable

UseKind = Literal[
    "method",
    "in",
    "for",
    "builtin",
    "truth",
    "item",
    "slice",
    "setitem",
    "delitem",
    "return",
    "augment",
    "format",
    "other",
]

READERS = words("len sum min max sorted list tuple set frozenset any all enumerate zip reversed str repr print dict")
"""Built-in functions that read a container given to them and change nothing. (`iter` and `map` live on lazily.)"""
EAGER_READERS = READERS - {"enumerate", "zip", "reversed"}


@dataclass(frozen=True, eq=False, slots=True)
class Use:
    """One use. `node` is the whole expression that makes it: the call, the comparison, the subscript, the loop."""

    name: cst.Name
    kind: UseKind
    node: cst.CSTNode
    detail: str = ""
    """The method's or the built-in's name, or the source of an index."""

    def call(self, *methods: str) -> cst.Call | None:
        """The call when it is a method call of one of these names."""
        return (
            self.node if isinstance(self.node, cst.Call) and self.kind == "method" and self.detail in methods else None
        )


def uses_of(module: Module, variable: Variable) -> list[Use]:
    """All uses but the plain bindings; `x += ..` is one."""
    return [_use(module, name) for name in variable.nodes("load", "augment", "delete")]


def _use(module: Module, name: cst.Name) -> Use:
    parent = module.parents[name]
    up = module.parents[parent]
    if isinstance(parent, cst.Attribute) and isinstance(up, cst.Call) and up.func is parent:
        return Use(name, "method", up, parent.attr.value)
    if isinstance(parent, cst.ComparisonTarget):
        operator = parent.operator
        if isinstance(operator, (cst.In, cst.NotIn)) and isinstance(up, cst.Comparison) and len(up.comparisons) == 1:
            return Use(name, "in", up)
    if isinstance(parent, (cst.For, cst.CompFor)) and parent.iter is name and parent.asynchronous is None:
        return Use(name, "for", parent)
    if isinstance(parent, cst.Arg) and isinstance(up, cst.Call) and not parent.star and parent.keyword is None:
        if module.is_builtin(up.func, *READERS) and isinstance(up.func, cst.Name):
            return Use(name, "builtin", up, up.func.value)
        if isinstance(up.func, cst.Attribute) and up.func.attr.value == "join" and len(up.args) == 1:
            return Use(name, "builtin", up, "join")
    if isinstance(parent, cst.Subscript) and parent.value is name:
        return _subscript(module, name, parent)
    if isinstance(parent, cst.Return):
        return Use(name, "return", parent)
    if isinstance(parent, cst.AugAssign) and parent.target is name:
        return Use(name, "augment", parent)
    if isinstance(parent, cst.FormattedStringExpression):
        return Use(name, "format", parent)
    if _tested(module, name):
        return Use(name, "truth", parent)
    return Use(name, "other", parent)


def _subscript(module: Module, name: cst.Name, node: cst.Subscript) -> Use:
    parent = module.parents[node]
    index = node.slice[0].slice
    detail = code(index.value) if isinstance(index, cst.Index) and len(node.slice) == 1 else ""
    if isinstance(parent, cst.Del):
        return Use(name, "delitem", node, detail)
    if _is_target(module, node):
        return Use(name, "setitem", node, detail)
    return Use(name, "item" if detail else "slice", node, detail)


def _is_target(module: Module, node: cst.CSTNode) -> bool:
    """Whether something is stored in `node` (a subscript or an attribute)."""
    parent = module.parents[node]
    if isinstance(parent, (cst.Element, cst.StarredElement)):
        return _is_target(module, module.parents[parent])
    if isinstance(parent, (cst.AssignTarget, cst.AsName)):
        return True
    if isinstance(parent, (cst.AugAssign, cst.AnnAssign, cst.For, cst.CompFor, cst.Del)):
        return parent.target is node
    return False


def _tested(module: Module, node: cst.CSTNode) -> bool:
    """Whether only the truth of `node` matters: the test of if, while, assert or a conditional, under not, and, or."""
    parent = module.parents[node]
    if isinstance(parent, (cst.If, cst.While, cst.IfExp, cst.Assert, cst.CompIf)):
        return parent.test is node
    if isinstance(parent, cst.UnaryOperation):
        return isinstance(parent.operator, cst.Not)
    return isinstance(parent, cst.BooleanOperation) and _tested(module, parent)


def is_target(module: Module, node: cst.CSTNode) -> bool:
    return _is_target(module, node)


def is_statement(module: Module, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
    """The line, when the expression `node` is a statement by itself on a line of its own."""
    parent = module.parents[node]
    line = module.parents.get(parent)
    alone = isinstance(parent, cst.Expr) and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
    return line if alone and isinstance(line, cst.SimpleStatementLine) else None


def positional(call: cst.Call, count: int) -> list[cst.BaseExpression] | None:
    """The arguments when there are exactly `count`, all plain positional."""
    if len(call.args) != count or any(arg.star or arg.keyword is not None for arg in call.args):
        return None
    return [arg.value for arg in call.args]


def argument(call: cst.Call) -> cst.BaseExpression | None:
    """The only argument of a call, when it has just one and that is a plain one."""
    values = positional(call, 1)
    return values[0] if values else None
