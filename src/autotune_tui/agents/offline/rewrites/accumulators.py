"""Variables that a loop only adds to, whose pieces can be collected in a list and put together once after the loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    start: cst.SimpleStatementLine
    """The line of its first assignment, in the same block as the loop and before it."""
    value: cst.BaseExpression
    loop: OuterLoop
    additions: tuple[Addition, ...]
    adjacent: bool
    """Whether nothing uses the variable between the start and the loop."""

    def edit(self, parts: str, first: str, finish: str) -> Edit:
        """Collect the pieces in the list `parts` (starting as `first`), and `finish` them after the loop."""
        edit = Edit()
        if self.adjacent:
            edit.change[self.start] = restart(f"{parts} = [{first}]")
        else:
            edit.insert_before(self.loop, f"{parts} = [{self.variable.name}]")
        for addition in self.additions:
            small = addition.line.body[0]
            text = f"{parts}.append({inline(addition.piece)})"
            edit.change[small] = lambda _, text=text: cst.Expr(cst.parse_expression(text))  # type: ignore[misc]
        edit.insert_after(self.loop, f"{self.variable.name} = {finish}")
        return edit


def restart(text: str) -> Transform:
    """A change of a whole line into `text`, keeping the comments and blank lines around it."""

    def change(line: cst.SimpleStatementLine) -> cst.SimpleStatementLine:
        statement = cst.parse_statement(text)
        assert isinstance(statement, cst.SimpleStatementLine)
        return line.with_changes(body=statement.body)

    return change


def accumulators(view: View) -> Iterator[Accumulator]:
    """All of a function, in the order of their variables."""
    for variable in view.function.scope.variables.values():
        if view.function.local(variable) and not variable.nodes("parameter", "declare"):
            yield from _of(view, variable)


def _of(view: View, variable: Variable) -> Iterator[Accumulator]:
    module = view.module
    for name in variable.nodes("store"):
        value = module.assigned(module.parents[name])
        start = small_statement(module.parents[module.parents[name]], module.parents) if value is not None else None
        if value is None or start is None:
            continue
        found = _loop_after(view, variable, start)
        if found is None or guarded(view, start):
            continue
        loop, adjacent = found
        additions = _additions(view, variable, loop)
        if additions:
            yield Accumulator(variable, start, value, loop, tuple(additions), adjacent)


def _loop_after(view: View, variable: Variable, start: cst.SimpleStatementLine) -> tuple[OuterLoop, bool] | None:
    """The first loop behind `start` in its block that uses the variable, and whether it is the first use of all."""
    block = view.module.parents[start]
    assert isinstance(block, (cst.IndentedBlock, cst.Module))
    names = variable.nodes("load", "store", "augment")
    adjacent = True
    for statement in block.body[list(block.body).index(start) + 1 :]:
        if not any(contains(statement, name, view.module.parents) for name in names):
            continue
        if isinstance(statement, (cst.For, cst.While)):
            return statement, adjacent
        adjacent = False
    return None


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
    """The piece of `x += piece` or `x = x + piece`, in which x does not appear."""
    if isinstance(node, cst.AugAssign) and isinstance(node.operator, cst.AddAssign):
        return node.value if _is(view, node.target, variable) else None
    if not isinstance(node, cst.Assign) or len(node.targets) != 1 or not _is(view, node.targets[0].target, variable):
        return None
    total = node.value
    if (
        isinstance(total, cst.BinaryOperation)
        and isinstance(total.operator, cst.Add)
        and _is(view, total.left, variable)
    ):
        return total.right
    return None


def _is(view: View, node: cst.CSTNode, variable: Variable) -> bool:
    return isinstance(node, cst.Name) and view.module.variable_of.get(node) is variable
