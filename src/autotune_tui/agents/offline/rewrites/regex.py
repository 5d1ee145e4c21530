"""compile-regex: `re.match("..", text)` in a function uses a pattern that is compiled once, at the top of the file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.nodes import code, inline, loops_around
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import Edit, Transform, behind

_PLACES = {
    "match": ("string", "flags"),
    "fullmatch": ("string", "flags"),
    "search": ("string", "flags"),
    "findall": ("string", "flags"),
    "finditer": ("string", "flags"),
    "split": ("string", "maxsplit", "flags"),
    "sub": ("repl", "string", "count", "flags"),
    "subn": ("repl", "string", "count", "flags"),
    "compile": ("flags",),
}
"""What follows the pattern in the functions of `re`. A compiled pattern's methods take the same, but for the flags."""
_FLAGS = {"A", "ASCII", "I", "IGNORECASE", "M", "MULTILINE", "S", "DOTALL", "X", "VERBOSE", "U", "UNICODE"}


def sites(view: View) -> Iterator[Site]:
    for node in view.function.own(cst.Call):
        site = _site(view, node)
        if site is not None:
            yield site


REWRITE = Rewrite("compile-regex", sites)


def _site(view: View, node: cst.Call) -> Site | None:
    module = view.module
    called = module.qualified(node.func) or ""
    function = called.removeprefix("re.")
    base = _base(view, node.func) if called.startswith("re.") and function in _PLACES else None
    arguments = _arguments(node, _PLACES[function]) if base is not None else None
    if base is None or arguments is None:
        return None
    flags = next((arg.value for label, arg in arguments if label == "flags"), None)
    pattern = node.args[0].value
    text, anchors = _constant_text(view, pattern)
    if text is None or not _compiles(view, text, flags):
        return None
    name = module.fresh(f"_{view.function.name.strip('_').upper()}_PATTERN")
    edit = Edit()
    edit.need(base.import_line)
    flag_text = f", {inline(flags)}" if flags is not None else ""
    edit.constants.append(
        (
            f"{name} = {base.name}.compile({inline(pattern)}{flag_text})",
            behind(view.module.tree, [*anchors, *base.anchors]),
        )
    )
    kept = [label not in ("pattern", "flags") for label, _ in [("pattern", None), *arguments]]
    edit.change[node] = _method(name, function, kept)
    return Site(
        function=view.function,
        node=node,
        identity=code(node),
        description=f"Compile the pattern of re.{function} in {view.label} once",
        hypothesis=f"A compiled pattern should improve {view.label} because re looks the pattern up on every call",
        premortem="The lookup costs little beside a long match. Checked: the pattern and the flags are constants that compile,"
        " and `re` is the standard module.",
        expected=-0.15 if loops_around(node, module.parents) else -0.1,
        edit=edit,
    )


@dataclass(frozen=True, slots=True)
class _Base:
    """How to write the module `re` at the top of the file, and which statement must come first."""

    name: str
    import_line: str = ""
    anchors: tuple[cst.BaseStatement, ...] = ()


def _base(view: View, func: cst.BaseExpression) -> _Base | None:
    statement = view.module.import_statement(func)
    if statement is None:
        return None
    if isinstance(func, cst.Attribute):
        return _Base(code(func.value), "", (statement,))
    return _Base("re", "import re") if view.module.free("re") else None


def _arguments(node: cst.Call, places: tuple[str, ...]) -> list[tuple[str, cst.Arg]] | None:
    """What each argument behind the pattern is; None when that cannot be said."""
    if not node.args or any(arg.star for arg in node.args) or node.args[0].keyword is not None:
        return None
    if len(node.args) - 1 > len(places):
        return None
    labels = [arg.keyword.value if arg.keyword else places[i] for i, arg in enumerate(node.args[1:])]
    return list(zip(labels, node.args[1:], strict=True)) if set(labels) <= set(places) else None


def _constant_text(view: View, node: cst.BaseExpression) -> tuple[str | bytes | None, list[cst.BaseStatement]]:
    """The pattern, and the statement at the top of the file that gives it its name, if it has one."""
    if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        value = node.evaluated_value
        return (value if isinstance(value, (str, bytes)) else None), []
    variable = view.module.variable_of.get(node) if isinstance(node, cst.Name) else None
    if variable is None or variable.scope.kind != "module":
        return None, []
    line, named = view.module.binding_line(variable), view.module.value(variable)
    if (
        line is None
        or line not in view.module.tree.body
        or not isinstance(named, (cst.SimpleString, cst.ConcatenatedString))
    ):
        return None, []
    text, _ = _constant_text(view, named)
    return text, [line]


def _compiles(view: View, text: str | bytes, flags: cst.BaseExpression | None) -> bool:
    """Whether the pattern is right; a warning counts as wrong."""
    value = _flag_value(view, flags) if flags is not None else 0
    if value is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(text, value)
        except (re.error, ValueError, OverflowError, RecursionError, Warning):
            return False
    return True


def _flag_value(view: View, node: cst.BaseExpression) -> int | None:
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.BitOr):
        left, right = _flag_value(view, node.left), _flag_value(view, node.right)
        return None if left is None or right is None else left | right
    module, _, flag = (view.module.qualified(node) or "").rpartition(".")
    at_top = view.module.import_statement(node) is not None
    return int(getattr(re, flag)) if module == "re" and flag in _FLAGS and at_top else None


def _method(name: str, function: str, kept: list[bool]) -> Transform:
    def change(call: cst.Call) -> cst.BaseExpression:
        if function == "compile":
            return cst.Name(name)
        args = [arg for arg, keep in zip(call.args, kept, strict=True) if keep]
        if args:
            args[-1] = args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return call.with_changes(func=cst.Attribute(cst.Name(name), cst.Name(function)), args=args)

    return change
