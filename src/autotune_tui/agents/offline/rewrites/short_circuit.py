"""any-all-to-generator: `any([..])` and `all([..])` over a list comprehension stop at the first answer."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis import kinds
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, walk
from autotune_tui.agents.offline.rewrites.analysis.uses import argument
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit

_UNFIT = (cst.Await, cst.Yield, cst.NamedExpr)


def sites(view: View) -> Iterator[Site]:
    for node in view.function.own(cst.Call):
        call = view.module.builtin_call(node, "any", "all")
        items = argument(call) if call is not None else None
        if call is not None and isinstance(items, cst.ListComp) and _passes_unnoticed(view, items):
            yield _site(view, call, items)


REWRITE = Rewrite("any-all-to-generator", sites)


def _passes_unnoticed(view: View, items: cst.ListComp) -> bool:
    """Whether leaving out the rest of the items cannot be noticed."""
    if any(isinstance(node, _UNFIT) for node in walk(items)):
        return False
    effects = view.analysis.of(items)
    return (
        effects.none
        and not effects.changed | effects.changed_inside
        and all(_container(view, node.iter) for node in walk(items.for_in) if isinstance(node, cst.CompFor))
    )


def _container(view: View, node: cst.BaseExpression) -> bool:
    """Whether iterating leaves no trace: no iterator that somebody else goes on with."""
    call = view.module.builtin_call(node, "enumerate", "zip", "reversed")
    if isinstance(call, cst.Call):
        return all(_container(view, arg.value) for arg in call.args)
    return kinds.sized(view.kinds.of(node)) or view.kinds.of(node).is_a("view", "int")


def _site(view: View, call: cst.Call, items: cst.ListComp) -> Site:
    edit = Edit()
    bare = isinstance(call.args[0].comma, cst.MaybeSentinel)
    edit.change[items] = lambda node: cst.GeneratorExp(
        elt=node.elt, for_in=node.for_in, **({"lpar": [], "rpar": []} if bare else {})
    )
    return Site(
        function=view.function,
        node=call,
        identity=code(call),
        description=f"Stop {code(call.func)}() at the first answer in {view.label}",
        hypothesis=f"A generator should improve {view.label} because the list works out all items before the first is looked at",
        premortem="When all items are needed a generator is a little slower than a list. Checked: working out an item changes"
        " nothing, and what is iterated is a container.",
        expected=-0.2,
        edit=edit,
    )
