"""count-in-loop: `items.count(x)` in a loop looks into a `collections.Counter` that is made once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.kinds import item_of
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, contains
from autotune_tui.agents.offline.rewrites.analysis.uses import argument
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.regions import Source, source_of, widest


def sites(view: View) -> Iterator[Site]:
    done: set[tuple[Source, cst.BaseStatement]] = set()
    for node in view.function.own(cst.Call):
        source = _counted(view, node)
        region = widest(view, node, partial(source.stays, view)) if source is not None else None
        if source is None or region is None or (source, region) in done:
            continue
        done.add((source, region))
        site = _site(view, source, region, node)
        if site is not None:
            yield site


REWRITE = Rewrite("count-in-loop", sites)


def _counted(view: View, node: cst.Call) -> Source | None:
    """The list in `items.count(x)`, when items and x can be hashed."""
    wanted = argument(node)
    if not isinstance(node.func, cst.Attribute) or node.func.attr.value != "count" or wanted is None:
        return None
    source = source_of(view, node.func.value)
    if source is None or not source.kind.is_a("list", "tuple", "tuple*"):
        return None
    return source if view.kinds.hashable(item_of(source.kind)) and view.kinds.hashable(view.kinds.of(wanted)) else None


def _site(view: View, source: Source, region: cst.BaseStatement, node: cst.Call) -> Site | None:
    counter = view.module.importable("collections", "Counter")
    if counter is None:
        return None
    name, edit = view.module.fresh(f"{source.name}_counts"), Edit()
    edit.need(counter[1])
    edit.insert_before(region, f"{name} = {counter[0]}({source.text})")
    for call in view.function.own(cst.Call):
        if _counted(view, call) == source and contains(region, call, view.module.parents):
            edit.change[call] = lambda updated: _looked_up(name, updated)
    return Site(
        function=view.function,
        node=node,
        identity=code(node),
        description=f"Count {source.text} once in {view.label}",
        hypothesis=f"One Counter should improve {view.label} because each {source.text}.count() goes through the list",
        premortem="A short list is counted faster than a Counter is made. Checked: the list does not change in the loop, and its"
        " items and the counted values can be hashed.",
        expected=-0.6,
        edit=edit,
    )


def _looked_up(name: str, call: cst.Call) -> cst.Subscript:
    index = cst.SubscriptElement(cst.Index(call.args[0].value))
    return cst.Subscript(value=cst.Name(name), slice=[index])
