"""sorted-first-to-min: `sorted(x)[0]`, `sorted(x)[-1]` and `sorted(x)[:n]` find what is wanted without sorting all.

`min` and `max` give the first of equals. A sorted list has the first of equals in front, and at its end the last one, which
is the first of the reversed sequence. An empty `x` must fail with IndexError as before, so `min` stands where `x` is known to
hold something, and `heapq.nsmallest(1, x)[0]`, which is built on `min`, elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis import kinds
from autotune_tui.agents.offline.rewrites.analysis.evidence import always_leaves
from autotune_tui.agents.offline.rewrites.analysis.nodes import climb, code, inline
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import argument, is_target
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit

_MOST = 100
"""`nsmallest` of more is slower than sorting, unless there is very much to sort."""


@dataclass(frozen=True, eq=False, slots=True)
class _Sorted:
    items: cst.BaseExpression
    key: cst.BaseExpression | None
    reverse: bool

    @property
    def tail(self) -> str:
        """The key as a last argument."""
        return f", key={inline(self.key)}" if self.key is not None else ""


def sites(view: View) -> Iterator[Site]:
    for node in view.function.own(cst.Subscript):
        if len(node.slice) != 1 or is_target(view.module, node):
            continue
        call = _sorted(view, node.value)
        index = node.slice[0].slice
        if call is None:
            continue
        site = (
            _one(view, node, call, code(index.value))
            if isinstance(index, cst.Index)
            else _several(view, node, call, index)
        )
        if site is not None:
            yield site


REWRITE = Rewrite("sorted-first-to-min", sites)


def _sorted(view: View, node: cst.BaseExpression) -> _Sorted | None:
    call = view.module.builtin_call(node, "sorted")
    if call is None or not call.args or call.args[0].keyword is not None or any(arg.star for arg in call.args):
        return None
    named = {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}
    if len(named) != len(call.args) - 1 or not named.keys() <= {"key", "reverse"}:
        return None
    reverse = code(named.pop("reverse", cst.Name("False")))
    if reverse not in ("True", "False"):
        return None
    key = named.get("key")
    return _Sorted(call.args[0].value, key if key is None or code(key) != "None" else None, reverse == "True")


def _one(view: View, node: cst.Subscript, call: _Sorted, index: str) -> Site | None:
    if index not in ("0", "-1"):
        return None
    smallest = (index == "0") is not call.reverse
    function = "min" if smallest else "max"
    items = inline(call.items)
    if index == "-1":
        kind = view.kinds.of(call.items)
        alike = call.key is None and kinds.exact(kinds.item_of(kind))
        if not alike and (not kind.is_a(*kinds.SEQUENCES) or not view.module.free("reversed")):
            return None
        items = items if alike else f"reversed({items})"
    edit = Edit()
    if _surely_filled(view, node, call.items) and view.module.free(function):
        edit.replace(node, f"{function}({items}{call.tail})")
    else:
        heap = view.module.importable("heapq", "nsmallest" if smallest else "nlargest")
        if heap is None:
            return None
        edit.need(heap[1])
        edit.replace(node, f"{heap[0]}(1, {items}{call.tail})[0]")
    return _site(
        view, node, edit, f"Find the {'least' if smallest else 'greatest'} item without sorting in {view.label}", -0.3
    )


def _several(view: View, node: cst.Subscript, call: _Sorted, index: cst.BaseSlice) -> Site | None:
    if not isinstance(index, cst.Slice) or index.lower is not None or index.step is not None:
        return None
    count = index.upper
    if not isinstance(count, cst.Integer) or not 0 < count.evaluated_value <= _MOST:
        return None
    heap = view.module.importable("heapq", "nlargest" if call.reverse else "nsmallest")
    if heap is None:
        return None
    edit = Edit()
    edit.need(heap[1])
    edit.replace(node, f"{heap[0]}({code(count)}, {inline(call.items)}{call.tail})")
    return _site(view, node, edit, f"Pick {code(count)} items with a heap, not by sorting all, in {view.label}", -0.2)


def _site(view: View, node: cst.Subscript, edit: Edit, description: str, expected: float) -> Site:
    return Site(
        function=view.function,
        node=node,
        identity=code(node),
        description=description,
        hypothesis=f"One pass should improve {view.label} because sorting everything takes n log n comparisons",
        premortem="Sorting is fast C code, so short lists gain nothing; NaN as a key has no order either way."
        " Checked: among equals the same one is found, and an empty input fails as before.",
        expected=expected,
        edit=edit,
    )


def _surely_filled(view: View, node: cst.CSTNode, items: cst.BaseExpression) -> bool:
    """Whether the container in a variable is known to hold something, by `if x:` around or `if not x: return` before."""
    if isinstance(items, (cst.List, cst.Tuple, cst.Set)):
        return any(isinstance(item, cst.Element) for item in items.elements)
    variable = view.module.variable_of.get(items) if isinstance(items, cst.Name) else None
    if variable is None or not kinds.sized(view.kinds.of_variable(variable)):
        return False
    for child, parent in climb(node, view.module.parents):
        if isinstance(parent, cst.IndentedBlock):
            before = parent.body[: [part is child for part in parent.body].index(True)]
            start = _filled_from(view, parent, before, variable)
            if start is not None:
                return view.analysis.keeps(variable, view.analysis.of(*before[start:], child))
        if isinstance(parent, cst.FunctionDef):
            break
    return False


def _filled_from(view: View, block: cst.IndentedBlock, before: Sequence[cst.CSTNode], variable: Variable) -> int | None:
    """From which of the statements `before` on it is known that the container holds something; None when it is not."""
    for number in range(len(before), 0, -1):
        statement = before[number - 1]
        left = isinstance(statement, cst.If) and statement.orelse is None and always_leaves(statement.body)
        if isinstance(statement, cst.If) and left and _says_empty(view, statement.test, variable):
            return number
    owner = view.module.parents[block]
    guarded = (
        isinstance(owner, (cst.If, cst.While)) and owner.body is block and _says_filled(view, owner.test, variable)
    )
    return 0 if guarded else None


def _says_filled(view: View, test: cst.BaseExpression, variable: Variable) -> bool:
    """`x`, `len(x) > 0`, or such a thing with `and`."""
    if isinstance(test, cst.BooleanOperation) and isinstance(test.operator, cst.And):
        return _says_filled(view, test.left, variable) or _says_filled(view, test.right, variable)
    return _is(view, test, variable) or _compares_length(view, test, variable, cst.GreaterThan)


def _says_empty(view: View, test: cst.BaseExpression, variable: Variable) -> bool:
    """`not x`, `len(x) == 0`, or such a thing with `or`."""
    if isinstance(test, cst.BooleanOperation) and isinstance(test.operator, cst.Or):
        return _says_empty(view, test.left, variable) or _says_empty(view, test.right, variable)
    negated = isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not)
    if negated and isinstance(test, cst.UnaryOperation):
        return _is(view, test.expression, variable)
    return _compares_length(view, test, variable, cst.Equal)


def _compares_length(view: View, test: cst.BaseExpression, variable: Variable, operator: type[cst.BaseCompOp]) -> bool:
    """`len(x) <operator> 0`."""
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
        return False
    call, right = view.module.builtin_call(test.left, "len"), test.comparisons[0]
    item = argument(call) if call is not None else None
    return (
        item is not None
        and _is(view, item, variable)
        and isinstance(right.operator, operator)
        and code(right.comparator) == "0"
    )


def _is(view: View, node: cst.BaseExpression, variable: Variable) -> bool:
    return isinstance(node, cst.Name) and view.module.variable_of.get(node) is variable
