"""Changing the declared type of a local variable together with its value."""

from __future__ import annotations

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.nodes import code
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.base import View
from autotune_tui.agents.offline.rewrites.edits import Edit


def redeclare(view: View, variable: Variable, name: str, edit: Edit) -> bool:
    """`x: list[T] = ..` becomes `x: name[T] = ..`; False for any other annotation."""
    definition = view.module.definition(variable)
    if not isinstance(definition, cst.AnnAssign):
        return not variable.nodes("declare")
    base = _base(definition)
    if not _is_list(view, base):
        return False
    edit.replace(base, name)
    return True


def item_annotation(view: View, variable: Variable) -> str:
    """The `T` of `x: list[T] = ..` as source, "" when there is none."""
    definition = view.module.definition(variable)
    annotation = definition.annotation.annotation if isinstance(definition, cst.AnnAssign) else None
    if not isinstance(annotation, cst.Subscript) or not _is_list(view, annotation.value):
        return ""
    return code(annotation.slice[0])


def _base(definition: cst.AnnAssign) -> cst.BaseExpression:
    annotation = definition.annotation.annotation
    return annotation.value if isinstance(annotation, cst.Subscript) else annotation


def _is_list(view: View, node: cst.BaseExpression) -> bool:
    return view.module.qualified(node) in ("builtins.list", "typing.List")
