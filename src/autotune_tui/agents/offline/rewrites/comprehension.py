"""append-loop-to-comprehension: a loop that only appends to a new list (or adds to a new set) becomes a comprehension."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.nodes import climb, code, comments, contains, inline, walk
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import argument
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.regions import guarded, leaks, targets

_LONGEST = 90
"""A comprehension of more characters gets a line for each of its parts."""
_UNFIT = (cst.Await, cst.Yield, cst.NamedExpr, cst.Lambda, cst.GeneratorExp)
"""What must not move into a comprehension, or would see its variables at another time."""


@dataclass(frozen=True, eq=False, slots=True)
class _Row:
    """The parts of the comprehension: what it gives, and its `for` and `if` clauses."""

    item: cst.BaseExpression
    clauses: tuple[str, ...]
    loops: tuple[cst.For, ...]


def sites(view: View) -> Iterator[Site]:
    for node in view.function.own(cst.IndentedBlock):
        for start, loop in zip(node.body, node.body[1:], strict=False):
            site = _site(view, start, loop) if isinstance(loop, cst.For) else None
            if site is not None:
                yield site


REWRITE = Rewrite("append-loop-to-comprehension", sites)


def _site(view: View, start: cst.CSTNode, loop: cst.For) -> Site | None:
    begun = _begun(view, start)
    if begun is None or guarded(view, loop):
        return None
    variable, line, value = begun
    method = "add" if code(value) == "set()" else "append"
    row = _row(view, variable, loop, method, ())
    if row is None or not _fit(view, variable, row, loop):
        return None
    opening, closing = "[]" if method == "append" else "{}"
    parts = [inline(row.item), *row.clauses]
    text = f"{opening}{' '.join(parts)}{closing}"
    notes = comments(loop)
    edit = Edit()
    depth = sum(isinstance(up, cst.IndentedBlock) for _, up in climb(loop, view.module.parents))
    indent = view.module.tree.default_indent
    if len(text) + len(variable.name) + depth * len(indent) > _LONGEST or "\n" in text:
        lines = "".join(f"\n{indent}{part}" for part in parts)
        edit.replace(value, f"{opening}{lines}\n{closing}")
    else:
        edit.replace(value, text)
    edit.remove.add(loop)
    if notes:
        kept = [cst.EmptyLine(comment=cst.Comment(note)) for note in notes]
        edit.change[line] = lambda node: node.with_changes(leading_lines=[*node.leading_lines, *kept])
    return Site(
        function=view.function,
        node=loop,
        identity=f"{variable.name} = {text}",
        description=f"Build {variable.name} by a comprehension in {view.label}",
        hypothesis=f"A comprehension should improve {view.label} because it has no method to look up and call for each item",
        premortem="The work per item may outweigh the saved calls. Checked: the loop does nothing else, its variables are not"
        " used after it, and no exception handler can see the list half full.",
        expected=-0.1,
        edit=edit,
    )


def _begun(view: View, start: cst.CSTNode) -> tuple[Variable, cst.SimpleStatementLine, cst.BaseExpression] | None:
    """`out = []`, `out = list()` or `out = set()`: the variable, its line and the empty container."""
    small = start.body[0] if isinstance(start, cst.SimpleStatementLine) and len(start.body) == 1 else None
    if isinstance(small, cst.AnnAssign):
        target, value = small.target, small.value
    elif isinstance(small, cst.Assign) and len(small.targets) == 1:
        target, value = small.targets[0].target, small.value
    else:
        return None
    if not isinstance(target, cst.Name) or value is None or not isinstance(start, cst.SimpleStatementLine):
        return None
    variable = view.module.variable_of[target]
    call = view.module.builtin_call(value, "list", "set")
    empty = (isinstance(value, cst.List) and not value.elements) or (call is not None and not call.args)
    return (variable, start, value) if empty and view.function.local(variable) else None


def _row(view: View, variable: Variable, loop: cst.For, method: str, before: tuple[str, ...]) -> _Row | None:
    """Read `for ..: [if ..: continue]* [if ..:]* (for .. | out.append(item))`."""
    if loop.orelse is not None or loop.asynchronous is not None:
        return None
    clauses = (*before, f"for {code(loop.target)} in {_operand(loop.iter)}")
    found = _body(view, variable, loop.body, method, clauses)
    return None if found is None else _Row(found.item, found.clauses, (loop, *found.loops))


def _body(view: View, variable: Variable, block: cst.BaseSuite, method: str, clauses: tuple[str, ...]) -> _Row | None:
    *first, last = block.body
    for statement in first:
        skipped = _skipped(statement)
        if skipped is None:
            return None
        clauses = (*clauses, f"if not {_operand(skipped, tight=True)}")
    if isinstance(last, cst.If) and last.orelse is None:
        return _body(view, variable, last.body, method, (*clauses, f"if {_operand(last.test)}"))
    if isinstance(last, cst.For):
        return _row(view, variable, last, method, clauses)
    small = last.body[0] if isinstance(last, cst.SimpleStatementLine) and len(last.body) == 1 else last
    item = _appended(view, variable, small, method)
    return _Row(item, clauses, ()) if item is not None else None


def _skipped(statement: cst.CSTNode) -> cst.BaseExpression | None:
    """The test of `if test: continue`."""
    if not isinstance(statement, cst.If) or statement.orelse is not None or len(statement.body.body) != 1:
        return None
    only = statement.body.body[0]
    small = only.body[0] if isinstance(only, cst.SimpleStatementLine) and len(only.body) == 1 else only
    return statement.test if isinstance(small, cst.Continue) else None


def _appended(view: View, variable: Variable, small: cst.CSTNode, method: str) -> cst.BaseExpression | None:
    call = small.value if isinstance(small, cst.Expr) else None
    func = call.func if isinstance(call, cst.Call) else None
    if not isinstance(call, cst.Call) or not isinstance(func, cst.Attribute) or func.attr.value != method:
        return None
    own = isinstance(func.value, cst.Name) and view.module.variable_of.get(func.value) is variable
    return argument(call) if own else None


def _operand(node: cst.BaseExpression, *, tight: bool = False) -> str:
    """The source in parentheses where a clause needs them."""
    loose = (cst.IfExp, cst.Lambda, cst.NamedExpr, cst.Tuple, *((cst.BooleanOperation,) if tight else ()))
    text = inline(node)
    return f"({text})" if isinstance(node, loose) and not node.lpar and not text.startswith("(") else text


def _fit(view: View, variable: Variable, row: _Row, loop: cst.For) -> bool:
    parents = view.module.parents
    uses = [name for name in variable.nodes("load", "store", "augment") if contains(loop, name, parents)]
    if len(uses) != 1 or any(isinstance(node, _UNFIT) for node in walk(loop)):
        return False
    for part in row.loops:
        bound = targets(view, part.target)
        names = [
            node for node in walk(part.target) if not isinstance(node, (cst.Tuple, cst.List, cst.Element, cst.Name))
        ]
        if names or any(leaks(view, item, part) for item in bound):
            return False
    every = [item for part in row.loops for item in targets(view, part.target)]
    return len(set(every)) == len(every)
