"""nested-lookup-to-dict: an inner loop that searches a list for matching items looks them up in a dict made once.

`for c in customers: if c.id == order.customer: ..` runs only over the items with that id, in their old order. The condition
stays, so that a wrong match is impossible; what matters is that no match is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.effects import Effects
from autotune_tui.agents.offline.rewrites.analysis.kinds import UNKNOWN, Kind, annotation, item_of
from autotune_tui.agents.offline.rewrites.analysis.nodes import children, code, only_statement
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.regions import Source, consumed, leaks, source_of, widest

_Inner = cst.For | cst.CompFor


@dataclass(frozen=True, slots=True)
class _Key:
    """How the compared part of something is read: `c.id`, `c["id"]`, `c[0]` or a bare name."""

    owner: cst.Name
    attribute: str = ""
    item: str = ""
    kind: Kind = UNKNOWN
    may_lack: bool = False
    """A dict may lack the key: read by `get`, which gives None then."""

    def read(self, name: str) -> str:
        if self.attribute:
            return f"{name}.{self.attribute}"
        if self.item:
            return f"{name}.get({self.item})" if self.may_lack else f"{name}[{self.item}]"
        return name


def sites(view: View) -> Iterator[Site]:
    loops: list[_Inner] = [*view.function.own(cst.For), *view.function.own(cst.CompFor)]
    for node in loops:
        site = _site(view, node) if node.asynchronous is None else None
        if site is not None:
            yield site


REWRITE = Rewrite("nested-lookup-to-dict", sites)


def _site(view: View, inner: _Inner) -> Site | None:
    test, items = _test(inner), source_of(view, inner.iter)
    if test is None or items is None or not items.kind.is_a("list", "tuple*") or not isinstance(inner.target, cst.Name):
        return None
    item = view.module.variable_of[inner.target]
    sides = _sides(view, test, item)
    if sides is None or not _steady(view, inner, sides[1]):
        return None
    region = widest(
        view,
        inner.iter,
        lambda statement, effects: items.stays(view, statement, effects) and not _stores(effects, sides[0]),
    )
    alone = not leaks(view, item, inner) if isinstance(inner, cst.For) else _runs_at_once(view, inner)
    bound = view.module.bound_before(view.module.variable_of[sides[1].owner], inner)
    return _looked_up(view, inner, items, test, sides, region) if region is not None and alone and bound else None


def _looked_up(
    view: View,
    inner: _Inner,
    items: Source,
    test: cst.Comparison,
    sides: tuple[_Key, _Key],
    region: cst.BaseStatement,
) -> Site:
    key, wanted = sides
    label = key.attribute or key.item.strip("\"'") or "item"
    name = view.module.fresh(f"{items.name}_by_{label}" if label.isidentifier() else f"{items.name}_index")
    step = code(inner.target) if isinstance(inner, cst.For) else _step(view, code(inner.target))
    held = annotation(item_of(items.kind))
    edit = Edit()
    edit.insert_before(
        region,
        f"{name}{f': dict[object, list[{held}]]' if held else ''} = {{}}",
        f"for {step} in {items.text}:\n    {name}.setdefault({key.read(step)}, []).append({step})",
    )
    edit.replace(inner.iter, f"{name}.get({wanted.read(wanted.owner.value)}, ())")
    return Site(
        function=view.function,
        node=inner,
        identity=f"for {code(inner.target)} in {code(inner.iter)} if {code(test)}",
        description=f"Look up {items.text} by {label} in a dict in {view.label}",
        hypothesis=f"A dict should improve {view.label} because each pass searches all of {items.text} for a few matching items",
        premortem="For a short list, or few searches, making the dict costs more than it saves. Checked: the list and the"
        " compared part of its items do not change in the loop, keys can be hashed, order and all matches stay.",
        expected=-0.7,
        edit=edit,
    )


def _step(view: View, name: str) -> str:
    """A comprehension's variable as a local one, if the name means nothing else in the file."""
    outside = any(name in scope.bound for scope in view.module.scopes.of_node.values() if scope.kind != "comprehension")
    return view.module.fresh(f"{name}_item") if outside or not view.module.unknown_name(name) else name


def _runs_at_once(view: View, inner: cst.CompFor) -> bool:
    """Whether the comprehension is done when its statement is: no generator that somebody else runs later."""
    outer: cst.CSTNode = inner
    while isinstance(outer, cst.CompFor):
        outer = view.module.parents[outer]
    return not isinstance(outer, cst.GeneratorExp) or consumed(view, outer)


def _test(inner: _Inner) -> cst.Comparison | None:
    """The comparison that comes first in the only statement of a loop, or in the first `if` of a comprehension."""
    if isinstance(inner, cst.For):
        only = only_statement(inner.body)
        test = only.test if isinstance(only, cst.If) and only.orelse is None else None
    else:
        test = inner.ifs[0].test if inner.ifs else None
    while isinstance(test, cst.BooleanOperation) and isinstance(test.operator, cst.And):
        test = test.left
    equal = isinstance(test, cst.Comparison) and len(test.comparisons) == 1
    return (
        test
        if equal and isinstance(test, cst.Comparison) and isinstance(test.comparisons[0].operator, cst.Equal)
        else None
    )


def _sides(view: View, test: cst.Comparison, item: Variable) -> tuple[_Key, _Key] | None:
    """The item's key and what it is compared with, whichever side they are on."""
    left, right = _key(view, test.left), _key(view, test.comparisons[0].comparator)
    if left is None or right is None:
        return None
    of = view.module.variable_of
    if of[left.owner] is item and of[right.owner] is not item:
        return left, right
    return (right, left) if of[right.owner] is item and of[left.owner] is not item else None


def _key(view: View, node: cst.BaseExpression) -> _Key | None:
    """A part that can be read at any time without failing and can be hashed."""
    kind = view.kinds.of(node)
    found: _Key | None = None
    if isinstance(node, cst.Name) and node in view.module.variable_of:
        found = _Key(node, kind=kind)
    elif isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
        plain = view.kinds.field_is_plain(view.kinds.of(node.value), node.attr.value, item=False)
        found = _Key(node.value, attribute=node.attr.value, kind=kind) if plain else None
    elif isinstance(node, cst.Subscript) and isinstance(node.value, cst.Name) and len(node.slice) == 1:
        found = _item_key(view, node, node.value, kind)
    return found if found is not None and view.kinds.hashable(found.kind) else None


def _item_key(view: View, node: cst.Subscript, owner: cst.Name, kind: Kind) -> _Key | None:
    index = node.slice[0].slice
    holder = view.kinds.of(owner)
    constant = index.value if isinstance(index, cst.Index) else None
    if isinstance(constant, cst.SimpleString):
        typed = view.kinds.field_is_plain(holder, str(constant.evaluated_value), item=True)
        if typed or holder.name == "dict":
            return _Key(owner, item=code(constant), kind=kind, may_lack=not typed)
    fixed = isinstance(constant, cst.Integer) and holder.name == "tuple" and constant.evaluated_value < len(holder.args)
    return _Key(owner, item=code(constant), kind=kind) if fixed and constant is not None else None


def _steady(view: View, inner: _Inner, wanted: _Key) -> bool:
    """Whether what is searched for stays the same while the inner loop runs."""
    effects = (
        view.analysis.of(inner.body)
        if isinstance(inner, cst.For)
        else view.analysis.of(*inner.ifs, *_results(view, inner))
    )
    return view.module.variable_of[wanted.owner] not in effects.rebound and not _stores(effects, wanted)


def _results(view: View, inner: cst.CompFor) -> Iterator[cst.CSTNode]:
    """What a comprehension works out for each item, and the loops inside of `inner`."""
    if inner.inner_for_in is not None:
        yield inner.inner_for_in
    outer: cst.CSTNode = inner
    while isinstance(outer, cst.CompFor):
        outer = view.module.parents[outer]
    yield from (part for part in children(outer) if not isinstance(part, cst.CompFor))


def _stores(effects: Effects, key: _Key) -> bool:
    """Whether the part of an object that the key reads may be stored to."""
    text = key.item.strip("\"'")
    return effects.unknown or key.attribute in effects.attributes or bool(text and text in effects.keys)
