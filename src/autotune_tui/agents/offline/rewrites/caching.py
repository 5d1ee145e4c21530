"""cache-recursion and cache-parser: functions that are asked the same again and again remember their answers."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.kinds import STR
from autotune_tui.agents.offline.rewrites.analysis.nodes import code, loops_around, walk
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit
from autotune_tui.agents.offline.rewrites.purity import cacheable, parameters

_SIZE = 4096
"""Entries of a cache for texts, so that a long run over ever new texts keeps little memory."""
_SMALLEST_BODY = 3


def recursion_sites(view: View) -> Iterator[Site]:
    """Recursive functions that call themselves at more than one place or in a loop, so that answers repeat."""
    calls = [node for node in walk(view.function.node.body) if _calls_itself(view, node)]
    repeated = len(calls) > 1 or any(loops_around(call, view.module.parents) for call in calls)
    annotated = all(param.annotation is not None for param in parameters(view))
    wanted = view.module.importable("functools", "cache" if annotated else "lru_cache")
    if not repeated or wanted is None or not cacheable(view):
        return
    decorator = wanted[0] if annotated else f"{wanted[0]}(maxsize=None, typed=True)"
    yield _site(view, "recursive calls", decorator, wanted[1], f"Remember the results of {view.label}", -0.9)


def parser_sites(view: View) -> Iterator[Site]:
    """Functions of one text that are called from a loop of the file."""
    wanted = view.module.importable("functools", "lru_cache")
    params = parameters(view)
    if len(params) != 1 or wanted is None or view.kinds.of_variable(view.module.variable_of[params[0].name]) != STR:
        return
    calls = view.module.variable_of[view.function.node.name].loads
    looped = any(loops_around(name, view.module.parents) for name in calls)
    if not looped or any(_calls_itself(view, node) for node in walk(view.function.node.body)):
        return
    working = sum(isinstance(node, (cst.Call, cst.For, cst.While)) for node in walk(view.function.node.body))
    if (working < _SMALLEST_BODY and not _parses_time(view)) or not cacheable(view):
        return
    yield _site(
        view,
        "texts",
        f"{wanted[0]}(maxsize={_SIZE})",
        wanted[1],
        f"Remember what {view.label} made of recent texts",
        -0.3,
    )


RECURSION = Rewrite("cache-recursion", recursion_sites)
PARSER = Rewrite("cache-parser", parser_sites)


def _calls_itself(view: View, node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Call) and view.module.function(node.func) is view.function


def _parses_time(view: View) -> bool:
    called = (view.module.qualified(node.func) for node in walk(view.function.node.body) if isinstance(node, cst.Call))
    return any(name in ("datetime.datetime.strptime", "time.strptime", "decimal.Decimal") for name in called)


def _site(view: View, repeats: str, decorator: str, import_line: str, description: str, expected: float) -> Site:
    edit = Edit()
    edit.need(import_line)
    line = cst.Decorator(cst.parse_expression(decorator))
    edit.change[view.function.node] = lambda node: node.with_changes(decorators=[line])
    return Site(
        function=view.function,
        node=view.function.node,
        identity=f"def {view.function.name}({', '.join(code(param.name) for param in parameters(view))})",
        description=description,
        hypothesis=f"A cache should improve {view.label} because the same {repeats} come up again and are worked out anew",
        premortem="If arguments seldom repeat, the cache only costs time and memory; it lets recursion go a little less deep."
        " Checked: no side effects, nothing changeable is read, arguments are hashable and results unchangeable.",
        expected=expected,
        edit=edit,
    )
