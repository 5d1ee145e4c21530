"""np-append-to-list: an array that a loop grows with `np.append` is collected in a list and concatenated once."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites.accumulators import restart
from autotune_tui.agents.offline.rewrites.analysis.kinds import FLOAT
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, contains, inline, small_statement
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import positional
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.regions import guarded


def sites(view: View) -> Iterator[Site]:
    for variable in view.function.scope.variables.values():
        site = _site(view, variable) if view.function.local(variable) and not variable.nodes("declare") else None
        if site is not None:
            yield site


REWRITE = Rewrite("np-append-to-list", sites)


def _site(view: View, variable: Variable) -> Site | None:
    """`x = np.array([])`, then a loop in the same block with nothing of x but `x = np.append(x, number)`."""
    parents = view.module.parents
    stores = variable.nodes("store")
    loops = [(name, _append(view, variable, name)) for name in stores[1:]]
    start = small_statement(parents[parents[stores[0]]], parents) if stores else None
    if start is None or len(loops) != 1 or len(variable.bindings) != 2 or not _empty_floats(view, stores[0]):
        return None
    appended, piece = loops[0]
    loop = _loop(view, start, appended)
    line = small_statement(parents[parents[appended]], parents)
    if piece is None or loop is None or line is None or guarded(view, start):
        return None
    inside = [name for name in variable.nodes("load") if contains(loop, name, parents)]
    if len(inside) != 1 or _used_between(view, variable, start, loop):
        return None
    call = view.module.assigned(parents[stores[0]])
    assert isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute)
    numpy, parts, edit = code(call.func.value), view.module.fresh(f"{variable.name}_parts"), Edit()
    edit.change[start] = restart(f"{parts} = []")
    edit.change[line.body[0]] = lambda _: cst.Expr(cst.parse_expression(f"{parts}.append({inline(piece)})"))
    edit.insert_after(loop, f"{variable.name} = {numpy}.array({parts}, dtype=float)")
    return Site(
        function=view.function,
        node=start,
        identity=f"{variable.name} = {code(call)}",
        description=f"Collect {variable.name} in a list and make the array once in {view.label}",
        hypothesis=f"One array at the end should improve {view.label} because np.append copies the whole array every time",
        premortem="Small arrays are cheap to copy. Checked: the array starts empty with 64-bit floats; only Python floats are"
        " appended; the loop reads the array nowhere.",
        expected=-0.5,
        edit=edit,
    )


def _empty_floats(view: View, name: cst.Name) -> bool:
    """`np.array([])`, `np.empty(0)`, `np.zeros(0)`: float64 by default."""
    value = view.module.assigned(view.module.parents[name])
    values = positional(value, 1) if isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute) else None
    if values is None or not isinstance(value, cst.Call):
        return False
    called = view.module.qualified(value.func)
    return (called == "numpy.array" and code(values[0]) == "[]") or (
        called in ("numpy.empty", "numpy.zeros") and code(values[0]) == "0"
    )


def _append(view: View, variable: Variable, name: cst.Name) -> cst.BaseExpression | None:
    value = view.module.assigned(view.module.parents[name])
    called = isinstance(value, cst.Call) and view.module.qualified(value.func) == "numpy.append"
    values = positional(value, 2) if called and isinstance(value, cst.Call) else None
    if values is None or not isinstance(values[0], cst.Name) or view.module.variable_of.get(values[0]) is not variable:
        return None
    return values[1] if view.kinds.of(values[1]) == FLOAT else None


def _loop(view: View, start: cst.SimpleStatementLine, inner: cst.Name) -> cst.For | cst.While | None:
    """The loop behind `start` in the same block around `inner`."""
    block = view.module.parents[start]
    assert isinstance(block, (cst.IndentedBlock, cst.Module))
    for statement in block.body[list(block.body).index(start) + 1 :]:
        if contains(statement, inner, view.module.parents):
            return statement if isinstance(statement, (cst.For, cst.While)) else None
    return None


def _used_between(view: View, variable: Variable, start: cst.CSTNode, loop: cst.CSTNode) -> bool:
    block = view.module.parents[start]
    assert isinstance(block, (cst.IndentedBlock, cst.Module))
    order = list(block.body)
    first, last = order.index(start), order.index(loop)  # type: ignore[arg-type]
    between = order[first + 1 : last]
    return any(contains(statement, name, view.module.parents) for statement in between for name in variable.loads)
