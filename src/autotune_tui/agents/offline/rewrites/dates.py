"""cache-strptime: `datetime.strptime(text, "..")` goes through a small cached helper, since logs repeat their dates."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.nodes import code, loops_around
from autotune_tui.agents.offline.rewrites.analysis.uses import positional
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit, behind

_SIZE = 4096
_UNSTEADY = re.compile(r"%[^YmdHMSfjyBbU]")
"""Directives that depend on the locale's settings or the time zone, but for the names of months."""


def sites(view: View) -> Iterator[Site]:
    if view.function.node.decorators:
        return
    done: set[str] = set()
    for node in view.function.own(cst.Call):
        call = _parsing(view, node)
        if call is not None and code(call.func) + code(call.args[1].value) not in done:
            done.add(code(call.func) + code(call.args[1].value))
            site = _site(view, call)
            if site is not None:
                yield site


REWRITE = Rewrite("cache-strptime", sites)


def _parsing(view: View, node: cst.Call) -> cst.Call | None:
    """`datetime.strptime(text, "constant")`, with directives that always mean the same."""
    if view.module.qualified(node.func) != "datetime.datetime.strptime":
        return None
    values = positional(node, 2)
    form = values[1] if values else None
    if not isinstance(form, cst.SimpleString) or view.module.import_statement(node.func) is None:
        return None
    return None if _UNSTEADY.search(str(form.evaluated_value)) else node


def _site(view: View, call: cst.Call) -> Site | None:
    module = view.module
    cache = module.importable("functools", "lru_cache")
    statement = module.import_statement(call.func)
    assert isinstance(call.func, cst.Attribute)
    if cache is None or statement is None or not module.free("str"):
        return None
    name, form, kind = module.fresh("_parse_datetime"), code(call.args[1].value), code(call.func.value)
    edit = Edit()
    edit.need(cache[1])
    helper = (
        f"@{cache[0]}(maxsize={_SIZE})\ndef {name}(text: str) -> {kind}:\n    return {code(call.func)}(text, {form})\n"
    )
    edit.constants.append((helper, behind(module.tree, [statement])))
    for twin in view.function.own(cst.Call):
        if _parsing(view, twin) is twin and code(twin.args[1].value) == form:
            edit.change[twin] = lambda node: node.with_changes(
                func=cst.Name(name), args=[node.args[0].with_changes(comma=cst.MaybeSentinel.DEFAULT)]
            )
    return Site(
        function=view.function,
        node=call,
        identity=f"{code(call.func)} {form}",
        description=f"Remember parsed dates in {view.label}",
        hypothesis=f"A cache should improve {view.label} because strptime is slow and records share their dates",
        premortem=f"If every text is another one, the cache only costs; it keeps {_SIZE} entries."
        " Checked: the format is constant and free of time zones; the result cannot be changed; errors are not kept.",
        expected=-0.4 if loops_around(call, module.parents) else -0.3,
        edit=edit,
    )
