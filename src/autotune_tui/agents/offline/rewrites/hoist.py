"""hoist-invariant: an expression that gives the same value in every pass of a loop is worked out once before it.

Only expressions that cannot fail are moved, so that a loop of no passes behaves as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis import kinds
from autotune_tui.agents.offline.rewrites.analysis.effects import Effects
from autotune_tui.agents.offline.rewrites.analysis.nodes import climb, code, contains, inline, same, walk, words
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import argument
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.constants import constant_value
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.regions import Source, loops_of, source_of, widest

_TEXT_METHODS = words("lower upper strip lstrip rstrip casefold title capitalize swapcase replace")
_COPIES = ("set", "sorted", "list", "tuple", "dict", "frozenset")
_EXPECTED = {"len": -0.03, "text": -0.1, "constant": -0.1, "total": -0.5, "copy": -0.5}


@dataclass(frozen=True, slots=True)
class _Invariant:
    """A movable expression: what it is called, and what it is made from."""

    form: str
    name: str
    sources: tuple[Source, ...] = ()


def sites(view: View) -> Iterator[Site]:
    taken: list[tuple[cst.BaseStatement, cst.Call]] = []
    for node in view.function.own(cst.Call):
        found = _invariant(view, node) if loops_of(view, node) else None
        if found is None:
            continue
        region = widest(view, node, partial(_holds, view, found))
        if region is None or any(region is other and same(node, call) for other, call in taken):
            continue
        taken.append((region, node))
        yield _site(view, node, found, region)


REWRITE = Rewrite("hoist-invariant", sites)


def _site(view: View, node: cst.Call, found: _Invariant, region: cst.BaseStatement) -> Site:
    text = code(node)
    name, edit = view.module.fresh(found.name), Edit()
    edit.insert_before(region, f"{name} = {_safe(view, node)}")
    for twin in view.function.own(cst.Call):
        inside = contains(region, twin, view.module.parents)
        if inside and same(twin, node) and _sources(view, twin) == _sources(view, node) and _fits(view, found, twin):
            edit.replace(twin, name)
    return Site(
        function=view.function,
        node=node,
        identity=text,
        description=f"Work out {text if len(text) < 40 else found.name} once before the loop in {view.label}",
        hypothesis=f"Hoisting should improve {view.label} because {text} gives the same value in every pass of the loop",
        premortem="A loop of few passes that seldom needs the value gets slower. Checked: what it is made from does not change"
        " in the loop, it cannot fail, and nobody else sees or changes the value.",
        expected=_EXPECTED[found.form],
        edit=edit,
    )


def _safe(view: View, node: cst.Call) -> str:
    """`min` and `max` of nothing fail; before the loop they give something instead, which no pass will see."""
    if view.module.is_builtin(node.func, "min", "max"):
        kind = kinds.item_of(view.kinds.of(node.args[0].value))
        nothing = '""' if kind == kinds.STR else "0" if kind.is_a("int", "float", "bool") else "None"
        return f"{code(node.func)}({code(node.args[0].value)}, default={nothing})"
    return inline(node)


def _invariant(view: View, node: cst.Call) -> _Invariant | None:
    if constant_value(view.module, node) is not None:
        last = node.func.attr.value if isinstance(node.func, cst.Attribute) else code(node.func)
        return _Invariant("constant", f"{last.lower()}_value", ())
    if isinstance(node.func, cst.Attribute):
        return _text(view, node, node.func)
    item = argument(node)
    if item is None or not isinstance(node.func, cst.Name) or not view.module.is_builtin(node.func, node.func.value):
        return None
    return _builtin(view, node, node.func.value, item)


def _text(view: View, node: cst.Call, func: cst.Attribute) -> _Invariant | None:
    """`query.lower()` and the like, with constant arguments."""
    source = source_of(view, func.value)
    if source is None or source.kind != kinds.STR or func.attr.value not in _TEXT_METHODS:
        return None
    wanted = (2,) if func.attr.value == "replace" else (0, 1) if func.attr.value.endswith("strip") else (0,)
    constant = all(isinstance(arg.value, cst.SimpleString) and not arg.keyword and not arg.star for arg in node.args)
    if len(node.args) not in wanted or not constant:
        return None
    return _Invariant("text", f"{source.name}_{func.attr.value}", (source,))


def _builtin(view: View, node: cst.Call, function: str, item: cst.BaseExpression) -> _Invariant | None:
    source = _source(view, item)
    if source is None:
        return None
    kind = view.kinds.of(item)
    inner = kinds.item_of(kind)
    whole = not isinstance(item, cst.Call)
    found = partial(_Invariant, name=f"{source.name}_{function}", sources=(source,))
    if function == "len" and whole and kinds.sized(kind):
        return found("len")
    if not source.kind.is_a("list", "tuple", "tuple*", "set", "frozenset", "dict"):
        return None
    if function == "sum" and inner.is_a("int", "float", "bool"):
        return found("total")
    ordered = any(inner.is_a(*group) for group in (("str",), ("int", "float", "bool"), ("bytes",), ("date",)))
    if function in ("min", "max") and ordered and whole and _driven_by(view, node, source):
        return found("total")
    movable = function in _COPIES and _readable(view, found("copy"), node)
    if not movable or (function == "sorted" and not ordered) or (function == "dict" and kind.name != "dict"):
        return None
    return None if function in ("set", "frozenset") and not view.kinds.hashable(inner) else found("copy")


def _source(view: View, item: cst.BaseExpression) -> Source | None:
    """What is read by `x`, or by `x.keys()`, `x.values()`, `x.items()` of a dict."""
    if not isinstance(item, cst.Call):
        return source_of(view, item)
    if item.args or not isinstance(item.func, cst.Attribute) or item.func.attr.value not in ("keys", "values", "items"):
        return None
    owner = source_of(view, item.func.value)
    return owner if owner is not None and owner.kind.name == "dict" else None


def _fits(view: View, found: _Invariant, twin: cst.Call) -> bool:
    """Whether another appearance of the expression may be replaced too."""
    extreme = view.module.is_builtin(twin.func, "min", "max")
    return _readable(view, found, twin) and (not extreme or _driven_by(view, twin, found.sources[0]))


def _driven_by(view: View, node: cst.Call, source: Source) -> bool:
    """Whether a loop around `node` runs over the container itself, so that there is no pass when it is empty."""
    for child, parent in climb(node, view.module.parents):
        iterated: cst.BaseExpression | None = None
        if isinstance(parent, cst.For) and child is parent.body:
            iterated = parent.iter
        elif (
            isinstance(parent, (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp))
            and child is not parent.for_in
        ):
            iterated = parent.for_in.iter
        if iterated is not None and _walks(view, iterated, source):
            return True
        if parent is view.function.node:
            break
    return False


def _walks(view: View, iterated: cst.BaseExpression, source: Source) -> bool:
    """Whether iterating gives nothing when the variable's container is empty: `x`, `enumerate(x)`, `range(len(x))`, .."""
    if isinstance(iterated, (cst.Name, cst.Attribute)):
        return source_of(view, iterated) == source
    counted = view.module.builtin_call(iterated, "range", "len")
    if counted is not None:
        return len(counted.args) == 1 and _walks(view, counted.args[0].value, source)
    passed = view.module.builtin_call(iterated, "enumerate", "reversed", "zip")
    return passed is not None and bool(passed.args) and _walks(view, passed.args[0].value, source)


def _readable(view: View, found: _Invariant, node: cst.Call) -> bool:
    """Whether the value is only read where it stands: matters for containers, which one could keep or change."""
    if found.form != "copy":
        return True
    parent = view.module.parents[node]
    if isinstance(parent, cst.ComparisonTarget):
        return isinstance(parent.operator, (cst.In, cst.NotIn))
    if isinstance(parent, (cst.For, cst.CompFor)):
        return parent.iter is node
    if isinstance(parent, cst.Subscript):
        above = view.module.parents[parent]
        return parent.value is node and not isinstance(above, (cst.AssignTarget, cst.AugAssign, cst.Del, cst.Element))
    call = view.module.parents[parent]
    return (
        isinstance(parent, cst.Arg) and view.module.builtin_call(call, "len", "sum", "min", "max", "any", "all") is call
    )


def _sources(view: View, node: cst.CSTNode) -> list[Variable | None]:
    return [view.module.variable_of.get(part) for part in walk(node) if isinstance(part, cst.Name)]


def _holds(view: View, found: _Invariant, region: cst.BaseStatement, effects: Effects) -> bool:
    return all(source.stays(view, region, effects) for source in found.sources)
