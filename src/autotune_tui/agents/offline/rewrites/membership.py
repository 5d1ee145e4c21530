"""membership-to-set: `x in items` in a loop, where items is a list, looks into a set instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.kinds import item_of
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, contains, inline, loops_around
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import Use, argument, is_statement, uses_of
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.declarations import item_annotation, redeclare
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.regions import Source, loops_of, source_of, widest

_SMALLEST = 4
"""A list of fewer constants is searched about as fast as a set."""
_READING = ("in", "for", "builtin", "truth", "item", "slice", "return", "format")
_LITERALS = (cst.SimpleString, cst.Integer)


@dataclass(frozen=True, slots=True)
class _Tests:
    """The membership tests of one source in one function whose left sides can be hashed."""

    source: Source
    nodes: tuple[cst.Comparison, ...]

    @property
    def variable(self) -> Variable:
        return self.source.root

    @property
    def name(self) -> str:
        return self.source.attribute or self.source.root.name


def sites(view: View) -> Iterator[Site]:
    if not view.module.free("set", "frozenset"):
        return
    for tests in _tests(view):
        if tests.source.attribute:
            yield from _snapshots(view, tests)
        elif tests.variable.scope.kind == "module":
            yield from _module_constant(view, tests)
        elif tests.variable.scope is view.function.scope and not tests.variable.captured and not tests.variable.deleted:
            yield from _converted(view, tests) or _snapshots(view, tests) or _beside(view, tests)
    yield from _displays(view)


REWRITE = Rewrite("membership-to-set", sites)


def _tests(view: View) -> list[_Tests]:
    found: dict[Source, list[cst.Comparison]] = {}
    for node in view.function.own(cst.Comparison):
        right = _searched(node)
        source = source_of(view, right) if right is not None else None
        if source is not None and view.kinds.hashable(view.kinds.of(node.left)):
            found.setdefault(source, []).append(node)
    return [
        _Tests(source, tuple(nodes))
        for source, nodes in found.items()
        if source.kind.is_a("list", "tuple", "tuple*") and view.kinds.hashable(item_of(source.kind))
    ]


def _searched(node: cst.Comparison) -> cst.BaseExpression | None:
    """The right side of a lone `in` or `not in`."""
    if len(node.comparisons) != 1:
        return None
    target = node.comparisons[0]
    return target.comparator if isinstance(target.operator, (cst.In, cst.NotIn)) else None


def _repeated(view: View, node: cst.Comparison, line: cst.CSTNode) -> bool:
    """Whether a loop that does not make the list anew repeats the test."""
    return any(not contains(loop, line, view.module.parents) for loop in loops_of(view, node))


def _converted(view: View, tests: _Tests) -> list[Site]:
    """The list becomes a set: it is only searched and appended to."""
    module, variable = view.module, tests.variable
    line, value = module.binding_line(variable), module.value(variable)
    uses = uses_of(module, variable)
    searches = [use for use in uses if use.kind == "in"]
    fresh = value is not None and view.analysis.fresh(value) and view.kinds.of(value).name == "list"
    if line is None or value is None or not fresh or len(searches) != len(tests.nodes):
        return []
    edit = Edit()
    if not all(_adapt(view, use, edit) for use in uses) or not any(_repeated(view, node, line) for node in tests.nodes):
        return []
    if not redeclare(view, variable, "set", edit):
        return []
    edit.change[value] = _as_set
    return [
        _site(
            view,
            tests,
            edit,
            line,
            f"{tests.name} = {code(value)}",
            f"the list {tests.name} is only searched and added to",
        )
    ]


def _adapt(view: View, use: Use, edit: Edit) -> bool:
    """Turn one use of a list into the same use of a set; False when there is no such use."""
    if use.kind in ("in", "truth"):
        return True
    call = use.call("append", "extend", "clear")
    if call is None or not isinstance(call.func, cst.Attribute) or is_statement(view.module, call) is None:
        return False
    names = {"append": "add", "extend": "update", "clear": "clear"}
    if use.detail != "clear" and argument(call) is None:
        return False
    edit.replace(call.func.attr, names[use.detail])
    return True


def _as_set(value: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(value, cst.List) and not value.elements:
        return cst.parse_expression("set()")
    if isinstance(value, (cst.List, cst.Tuple)):
        return cst.Set(elements=value.elements, lbrace=_open(value), rbrace=_close(value))
    if isinstance(value, cst.ListComp):
        return cst.SetComp(elt=value.elt, for_in=value.for_in, lbrace=_open(value), rbrace=_close(value))
    if isinstance(value, cst.Call) and code(value.func) in ("list", "sorted") and len(value.args) < 2:
        return value.with_changes(func=cst.Name("set"))
    return cst.parse_expression(f"set({code(value)})")


def _open(value: cst.List | cst.ListComp | cst.Tuple) -> cst.LeftCurlyBrace:
    bracket = value.lpar[0] if isinstance(value, cst.Tuple) else value.lbracket
    return cst.LeftCurlyBrace(whitespace_after=bracket.whitespace_after)


def _close(value: cst.List | cst.ListComp | cst.Tuple) -> cst.RightCurlyBrace:
    bracket = value.rpar[0] if isinstance(value, cst.Tuple) else value.rbracket
    return cst.RightCurlyBrace(whitespace_before=bracket.whitespace_before)


def _snapshots(view: View, tests: _Tests) -> list[Site]:
    """A set made right before the loop, in which the list does not change."""
    found: list[Site] = []
    done: set[cst.BaseStatement] = set()
    for node in tests.nodes:
        region = widest(view, node, partial(tests.source.stays, view))
        if region is None or region in done:
            continue
        done.add(region)
        edit = Edit()
        name = view.module.fresh(f"{tests.source.name}_set")
        edit.insert_before(region, f"{name} = set({tests.source.text})")
        _redirect(edit, [test for test in tests.nodes if contains(region, test, view.module.parents)], name)
        why = f"{tests.source.text} does not change while the loop runs"
        found.append(_site(view, tests, edit, node, code(node), why))
    return found


def _beside(view: View, tests: _Tests) -> list[Site]:
    """A set beside the list, which gets every item that the list gets."""
    module, variable = view.module, tests.variable
    line, value = module.binding_line(variable), module.value(variable)
    if line is None or value is None or not view.analysis.fresh(value) or view.function.suspends:
        return []
    edit, name = Edit(), module.fresh(f"{tests.name}_set")
    for use in uses_of(module, variable):
        call = use.call("append")
        if call is not None:
            statement, item = is_statement(module, call), argument(call)
            if statement is None or item is None or not _cheap(view, item):
                return []
            edit.insert_after(statement, f"{name}.add({inline(item)})")
        elif use.kind not in _READING and not use.call("index", "count", "copy", "sort", "reverse"):
            return []
    if not any(_repeated(view, node, line) for node in tests.nodes):
        return []
    empty = isinstance(value, cst.List) and not value.elements
    held = item_annotation(view, variable)
    edit.insert_after(line, f"{name}{f': set[{held}]' if held else ''} = set({'' if empty else tests.name})")
    _redirect(edit, tests.nodes, name)
    why = f"every item that {tests.name} gets is put into the set as well, and the list keeps its order for its other uses"
    return [_site(view, tests, edit, line, f"{tests.name} = {code(value)}", why)]


def _cheap(view: View, node: cst.BaseExpression) -> bool:
    """Whether evaluating the expression twice costs little, changes nothing and gives equal values."""
    if isinstance(node, (cst.Name, *_LITERALS)):
        return True
    if isinstance(node, cst.Tuple):
        return all(isinstance(item, cst.Element) and _cheap(view, item.value) for item in node.elements)
    if isinstance(node, cst.Attribute):
        return view.kinds.field_is_plain(view.kinds.of(node.value), node.attr.value, item=False)
    plain = isinstance(node, cst.Subscript) and isinstance(node.value, cst.Name) and len(node.slice) == 1
    if not plain or not isinstance(node, cst.Subscript) or not isinstance(node.slice[0].slice, cst.Index):
        return False
    return view.kinds.of(node.value).is_a("dict", "list", "tuple", "tuple*") and _cheap(view, node.slice[0].slice.value)


def _redirect(edit: Edit, tests: list[cst.Comparison] | tuple[cst.Comparison, ...], name: str) -> None:
    for test in tests:
        edit.replace(test.comparisons[0].comparator, name)


def _module_constant(view: View, tests: _Tests) -> list[Site]:
    """A frozenset beside a list of constants at the top of the file, which nothing in the file changes."""
    module, variable = view.module, tests.variable
    line, value = module.binding_line(variable), module.value(variable)
    if line is None or line not in module.tree.body or not isinstance(value, (cst.List, cst.Tuple)) or not tests.nodes:
        return []
    if len(value.elements) < _SMALLEST or not all(isinstance(item.value, _LITERALS) for item in value.elements):
        return []
    reading = all(use.kind in _READING and use.kind != "return" for use in uses_of(module, variable))
    constant = re.fullmatch(r"_\w+|[A-Z][A-Z0-9_]*", tests.name)
    if not isinstance(value, cst.Tuple) and not (reading and constant):
        return []
    edit, name = Edit(), module.fresh(f"_{tests.name.lstrip('_')}_SET" if tests.name.isupper() else f"{tests.name}_set")
    edit.insert_after(line, f"{name} = frozenset({tests.name})")
    _redirect(edit, tests.nodes, name)
    return [
        _site(
            view,
            tests,
            edit,
            tests.nodes[0],
            tests.name,
            f"{tests.name} holds constants and nothing in the file changes it",
        )
    ]


def _displays(view: View) -> Iterator[Site]:
    """`x in ["a", "b", ..]` -> `x in {"a", "b", ..}`, which the compiler makes a constant of."""
    for node in view.function.own(cst.Comparison):
        right = _searched(node)
        if not isinstance(right, (cst.List, cst.Tuple)) or (isinstance(right, cst.Tuple) and not right.lpar):
            continue
        constants = all(isinstance(item.value, _LITERALS) for item in right.elements)
        if len(right.elements) < _SMALLEST or not constants or not view.kinds.hashable(view.kinds.of(node.left)):
            continue
        edit = Edit()
        edit.change[right] = _as_set
        yield Site(
            function=view.function,
            node=node,
            identity=code(node),
            description=f"Test {code(node.left)} against a constant set in {view.label}",
            hypothesis=f"A constant set should improve {view.label} because a lookup replaces {len(right.elements)} comparisons",
            premortem="A few comparisons may cost as little as a lookup. Checked: constants only; the left side can be hashed.",
            expected=-0.1 if loops_around(node, view.module.parents) else -0.05,
            edit=edit,
        )


def _site(view: View, tests: _Tests, edit: Edit, node: cst.CSTNode, identity: str, why: str) -> Site:
    return Site(
        function=view.function,
        node=node,
        identity=identity,
        description=f"Look up {tests.source.text} in a set in {view.label}",
        hypothesis=f"A set should improve {view.label} because `in` on the list {tests.source.text} compares item by item",
        premortem=f"For short lists hashing costs more than comparing. Checked: items and tested values can be hashed; {why}.",
        expected=-0.5,
        edit=edit,
    )
