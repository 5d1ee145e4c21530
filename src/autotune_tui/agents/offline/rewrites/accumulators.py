"""Variables that a loop only adds to, whose pieces can be collected in a list and put together once after the loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.nodes import contains, inline, small_statement, walk_own
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.base import View
from autotune_tui.agents.offline.rewrites.edits import Edit, Transform
from autotune_tui.agents.offline.rewrites.regions import guarded

OuterLoop = cst.For | cst.While


@dataclass(frozen=True, eq=False, slots=True)
class Addition:
    """One statement in the loop that adds `piece` to the variable."""

    line: cst.SimpleStatementLine
    piece: cst.BaseExpression


@dataclass(frozen=True, eq=False, slots=True)
class Accumulator:
    """A local variable and the outermost loop that only adds to it."""

    variable: Variable
    loop: OuterLoop
    additions: tuple[Addition, ...]
    start: cst.SimpleStatementLine | None
    """The line of its first assignment, when that stands in the loop's block and nothing uses the variable in between."""
    value: cst.BaseExpression | None
    """What is assigned there."""

    def edit(self, parts: str, first: str, finish: str) -> Edit:
        """Collect the pieces in the list `parts` (starting as `first` in place of the start), and `finish` after the loop."""
        edit = Edit()
        if self.start is not None:
            edit.change[self.start] = restart(f"{parts} = [{first}]")
        else:
            edit.insert_before(self.loop, f"{parts} = [{self.variable.name}]")
        for addition in self.additions:
            small = addition.line.body[0]
            text = f"{parts}.append({inline(addition.piece)})"
            edit.change[small] = partial(_expression, text)
        edit.insert_after(self.loop, f"{self.variable.name} = {finish}")
        return edit


def _expression(text: str, _: cst.CSTNode) -> cst.Expr:
    return cst.Expr(cst.parse_expression(text))


def restart(text: str) -> Transform:
    """A change of a whole line into `text`, keeping the comments and blank lines around it."""

    def change(line: cst.SimpleStatementLine) -> cst.SimpleStatementLine:
        statement = cst.parse_statement(text)
        assert isinstance(statement, cst.SimpleStatementLine)
        return line.with_changes(body=statement.body)

    return change


def accumulators(view: View) -> Iterator[Accumulator]:
    """All of a function, in the order of their variables."""
    loops: list[OuterLoop] = [*view.function.own(cst.For), *view.function.own(cst.While)]
    for variable in view.function.scope.variables.values():
        if not view.function.local(variable) or variable.nodes("declare"):
            continue
        found = [(loop, _additions(view, variable, loop)) for loop in loops if _plain(view, variable, loop)]
        found = [(loop, additions) for loop, additions in found if additions]
        for loop, additions in found:
            if not any(other is not loop and contains(other, loop, view.module.parents) for other, _ in found):
                yield Accumulator(variable, loop, tuple(additions), *_start(view, variable, loop))


def _plain(view: View, variable: Variable, loop: OuterLoop) -> bool:
    """Whether the loop stands in a block, after the variable surely got a value, and its errors end the function."""
    in_block = isinstance(view.module.parents[loop], cst.IndentedBlock)
    return in_block and view.module.bound_before(variable, loop) and not guarded(view, loop)


def _start(
    view: View, variable: Variable, loop: OuterLoop
) -> tuple[cst.SimpleStatementLine, cst.BaseExpression] | tuple[None, None]:
    block = view.module.parents[loop]
    assert isinstance(block, cst.IndentedBlock)
    names = variable.nodes("load", "store", "augment")
    for statement in reversed(block.body[: block.body.index(loop)]):
        used = [name for name in names if contains(statement, name, view.module.parents)]
        if used:
            value = view.module.assigned(view.module.parents[used[0]])
            line = small_statement(view.module.parents[view.module.parents[used[0]]], view.module.parents)
            return (line, value) if len(used) == 1 and value is not None and line is not None else (None, None)
    return None, None


def _additions(view: View, variable: Variable, loop: OuterLoop) -> list[Addition]:
    """All additions in the loop; none when the loop does anything else with the variable."""
    parents = view.module.parents
    inside = [name for name in variable.nodes("load", "store", "augment") if contains(loop, name, parents)]
    found: list[Addition] = []
    seen = 0
    for node in walk_own(loop):
        piece = addition(view, variable, node)
        line = small_statement(node, parents)
        if piece is None or line is None:
            continue
        found.append(Addition(line, piece))
        seen += 1 if isinstance(node, cst.AugAssign) else 2
    return found if seen == len(inside) else []


def addition(view: View, variable: Variable, node: cst.CSTNode) -> cst.BaseExpression | None:
    """The piece of `x += piece`, `x = x + piece` or `x = x + one + two`; x must not appear in it."""
    if isinstance(node, cst.AugAssign) and isinstance(node.operator, cst.AddAssign):
        return node.value if _is(view, node.target, variable) else None
    if not isinstance(node, cst.Assign) or len(node.targets) != 1 or not _is(view, node.targets[0].target, variable):
        return None
    return _behind(view, variable, node.value)


def _behind(view: View, variable: Variable, total: cst.BaseExpression) -> cst.BaseExpression | None:
    """What is added to the variable in a sum that starts with it."""
    if not isinstance(total, cst.BinaryOperation) or not isinstance(total.operator, cst.Add):
        return None
    if _is(view, total.left, variable):
        return total.right
    rest = _behind(view, variable, total.left)
    return total.with_changes(left=rest) if rest is not None else None


def _is(view: View, node: cst.CSTNode, variable: Variable) -> bool:
    return isinstance(node, cst.Name) and view.module.variable_of.get(node) is variable
