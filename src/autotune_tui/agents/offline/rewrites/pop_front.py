"""list-pop0-to-deque: a local list used as a queue (`queue.pop(0)`) becomes a `collections.deque`."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.kinds import annotation, item_of
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, contains, loops_around
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import EAGER_READERS, Use, argument, positional, uses_of
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.declarations import redeclare
from autotune_tui.agents.offline.rewrites.edits import Edit

_SHARED = ("append", "extend", "clear", "count", "remove", "reverse")
"""Methods that a list and a deque have in common, with the same results and errors."""
_READERS = EAGER_READERS - {"str", "repr", "print", "dict"}


def sites(view: View) -> Iterator[Site]:
    for variable in view.function.scope.variables.values():
        site = _site(view, variable) if view.function.local(variable) else None
        if site is not None:
            yield site


REWRITE = Rewrite("list-pop0-to-deque", sites)


def _site(view: View, variable: Variable) -> Site | None:
    module = view.module
    line, value = module.binding_line(variable), module.value(variable)
    if line is None or value is None or not view.analysis.fresh(value) or view.kinds.of(value).name != "list":
        return None
    deque = module.importable("collections", "deque")
    uses = uses_of(module, variable)
    fronts = [use for use in uses if _takes_front(view, use)]
    parents = module.parents
    repeated = any(not contains(loop, line, parents) for use in fronts for loop in loops_around(use.node, parents))
    if deque is None or not repeated:
        return None
    name, import_line = deque
    edit = Edit()
    if not all(_adapt(view, use, edit) for use in uses) or not redeclare(view, variable, name, edit):
        return None
    edit.need(import_line)
    first = _initial(view, value)
    edit.replace(value, f"{name}({first})")
    item = annotation(item_of(view.kinds.of_variable(variable)))
    statement = line.body[0]
    if not first and item and isinstance(statement, cst.Assign):
        edit.change[statement] = lambda _: cst.ensure_type(
            cst.parse_statement(f"{variable.name}: {name}[{item}] = {name}()"), cst.SimpleStatementLine
        ).body[0]
    return Site(
        function=view.function,
        node=line,
        identity=f"{variable.name} = {code(value)}",
        description=f"Take from the front of a deque, not of a list, in {view.label}",
        hypothesis=f"A deque should improve {view.label} because {variable.name}.pop(0) moves all other items of a list",
        premortem="A short queue is as fast as a list. Checked: the list is local, never handed out, sliced, sorted, compared or"
        " changed while it is iterated.",
        expected=-0.3,
        edit=edit,
    )


def _initial(view: View, value: cst.BaseExpression) -> str:
    if isinstance(value, cst.List) and not value.elements:
        return ""
    call = view.module.builtin_call(value, "list")
    if call is None:
        return code(value)
    return code(call.args[0].value) if argument(call) is not None else "" if not call.args else code(value)


def _takes_front(view: View, use: Use) -> bool:
    call = use.call("pop")
    index = argument(call) if call is not None else None
    if index is not None:
        return isinstance(index, cst.Integer) and index.evaluated_value == 0
    return use.kind == "delitem" and use.detail == "0"


def _adapt(view: View, use: Use, edit: Edit) -> bool:
    """Turn one use of the list into the same use of a deque; False when there is none."""
    if _takes_front(view, use):
        return _take_left(view, use, edit)
    if use.kind == "item":
        return use.detail in ("0", "-1")
    if use.kind == "builtin":
        return use.detail in _READERS
    if use.kind == "for":
        return not _changed_inside(view, use)
    call = use.call("insert")
    if call is not None:
        values = positional(call, 2)
        edit.change[call] = _append_left
        return values is not None and code(values[0]) == "0"
    pops = use.call("pop")
    return use.kind in ("in", "truth") or (pops is not None and not pops.args) or use.call(*_SHARED) is not None


def _append_left(call: cst.Call) -> cst.Call:
    assert isinstance(call.func, cst.Attribute)
    func = call.func.with_changes(attr=cst.Name("appendleft"))
    return call.with_changes(func=func, args=[call.args[1].with_changes(comma=cst.MaybeSentinel.DEFAULT)])


def _take_left(view: View, use: Use, edit: Edit) -> bool:
    if isinstance(use.node, cst.Call):
        edit.replace(use.node, f"{use.name.value}.popleft()")
        return True
    statement = view.module.parents[use.node]
    line = view.module.parents[statement]
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1 or not isinstance(statement, cst.Del):
        return False
    edit.change[statement] = lambda _: cst.Expr(cst.parse_expression(f"{use.name.value}.popleft()"))
    return True


def _changed_inside(view: View, loop: Use) -> bool:
    """Whether the loop over the queue changes the queue: a list allows that, a deque does not."""
    if isinstance(loop.node, cst.CompFor):
        outer: cst.CSTNode = loop.node
        while isinstance(outer, cst.CompFor):
            outer = view.module.parents[outer]
        region = outer
        if isinstance(outer, cst.GeneratorExp):
            return True
    else:
        region = loop.node
    variable = view.module.variable_of[loop.name]
    inside = [use for use in uses_of(view.module, variable) if contains(region, use.name, view.module.parents)]
    return any(use.kind in ("method", "delitem", "setitem", "augment") for use in inside) or view.function.suspends
