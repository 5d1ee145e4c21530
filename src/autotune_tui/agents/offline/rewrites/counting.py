"""count-in-loop: `items.count(x)` in a loop looks into a `collections.Counter` that is made once."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.kinds import item_of
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, contains
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import argument
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.regions import widest


def sites(view: View) -> Iterator[Site]:
    done: set[tuple[Variable, cst.BaseStatement]] = set()
    for node in view.function.own(cst.Call):
        variable = _counted(view, node)
        if variable is None:
            continue
        region = widest(
            view,
            node,
            lambda statement, effects, variable=variable: (  # type: ignore[misc]
                view.analysis.keeps(variable, effects) and view.module.bound_before(variable, statement)
            ),
        )
        site = _site(view, variable, region, node) if region is not None and (variable, region) not in done else None
        if site is not None and region is not None:
            done.add((variable, region))
            yield site


REWRITE = Rewrite("count-in-loop", sites)


def _counted(view: View, node: cst.CSTNode) -> Variable | None:
    """The list in `items.count(x)`, when items and x can be hashed."""
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute) or node.func.attr.value != "count":
        return None
    owner, wanted = node.func.value, argument(node)
    if not isinstance(owner, cst.Name) or wanted is None or owner not in view.module.variable_of:
        return None
    kind = view.kinds.of(owner)
    hashable = view.kinds.hashable(item_of(kind)) and view.kinds.hashable(view.kinds.of(wanted))
    variable = view.module.variable_of[owner]
    return (
        variable
        if kind.is_a("list", "tuple", "tuple*") and hashable and variable.scope.kind != "comprehension"
        else None
    )


def _site(view: View, variable: Variable, region: cst.BaseStatement, node: cst.CSTNode) -> Site | None:
    counter = view.module.importable("collections", "Counter")
    if counter is None:
        return None
    name, edit = view.module.fresh(f"{variable.name}_counts"), Edit()
    edit.need(counter[1])
    edit.insert_before(region, f"{name} = {counter[0]}({variable.name})")
    for call in view.function.own(cst.Call):
        if (
            isinstance(call, cst.Call)
            and _counted(view, call) is variable
            and contains(region, call, view.module.parents)
        ):
            edit.change[call] = lambda updated: _looked_up(name, updated)
    return Site(
        function=view.function,
        node=node,
        identity=code(node),
        description=f"Count {variable.name} once in {view.label}",
        hypothesis=f"One Counter should improve {view.label} because each {variable.name}.count() goes through the list",
        premortem="A short list is counted faster than a Counter is made. Checked: the list does not change in the loop, and its"
        " items and the counted values can be hashed.",
        expected=-0.6,
        edit=edit,
    )


def _looked_up(name: str, call: cst.Call) -> cst.Subscript:
    index = cst.SubscriptElement(cst.Index(call.args[0].value))
    return cst.Subscript(value=cst.Name(name), slice=[index])
