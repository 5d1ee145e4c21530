"""Whether a function may be answered from a cache: the same arguments always give the same unchangeable value."""

from __future__ import annotations

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis import kinds
from autotune_tui.agents.offline.rewrites.analysis.kinds import Kind
from autotune_tui.agents.offline.rewrites.analysis.module import Function
from autotune_tui.agents.offline.rewrites.analysis.nodes import walk
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.base import View

_ARGUMENTS = ("str", "bytes", "int", "bool", "none", "number", "date", "frozenset", "tuple", "tuple*")


def cacheable(view: View) -> bool:
    """Whether the view's function is a plain one at the top of the file whose calls nobody can tell from cached ones."""
    function = view.function
    if (
        not function.at_top
        or function.node.decorators
        or function.suspends
        or function.node.type_parameters is not None
    ):
        return False
    if len(view.module.variable_of[function.node.name].bindings) != 1 or not _plain_parameters(view):
        return False
    effects = view.analysis.of(function.node.body)
    own = all(variable.scope.frame is function.scope for variable in effects.rebound)
    if not effects.none or not own or not kinds.immutable(view.kinds.of_result(function)):
        return False
    return _reads_constants(view, function, set())


def parameters(view: View) -> list[cst.Param]:
    params = view.function.node.params
    return [*params.posonly_params, *params.params, *params.kwonly_params]


def _plain_parameters(view: View) -> bool:
    params = view.function.node.params
    if isinstance(params.star_arg, cst.Param) or params.star_kwarg is not None or not parameters(view):
        return False
    found = [view.kinds.of_parameter(view.module.variable_of[param.name], param) for param in parameters(view)]
    return all(_argument(option) for kind in found for option in kind.options)


def _argument(kind: Kind) -> bool:
    """Whether a value can be a cache's key without mixing up values that differ (1.0 and 1, 0.0 and -0.0)."""
    return kind.name in _ARGUMENTS and all(_argument(option) for item in kind.args for option in item.options)


def _reads_constants(view: View, function: Function, seen: set[Function]) -> bool:
    """Whether a function, and those of the file that it calls, read nothing of the file that could change."""
    if function in seen:
        return True
    seen.add(function)
    for node in walk(function.node.body):
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            return False
        variable = view.module.variable_of.get(node) if isinstance(node, cst.Name) else None
        if variable is None or variable.scope.kind != "module" or not isinstance(node, cst.Name):
            continue
        called = view.module.function(node)
        if not _constant(view, variable, node) or (called is not None and not _reads_constants(view, called, seen)):
            return False
    return True


def _constant(view: View, variable: Variable, name: cst.Name) -> bool:
    """Whether a name of the file means the same unchangeable thing at all times, or is only called."""
    definition = view.module.definition(variable)
    if isinstance(definition, (cst.FunctionDef, cst.ClassDef, cst.ImportAlias, cst.AsName, cst.Attribute)):
        whole: cst.BaseExpression = name
        while isinstance(parent := view.module.parents[whole], cst.Attribute):
            whole = parent
        call = view.module.parents[whole]
        return (isinstance(call, cst.Call) and call.func is whole) or (view.module.qualified(whole) or "").startswith(
            "math."
        )
    line = view.module.binding_line(variable)
    at_top = line is not None and line in view.module.tree.body
    return at_top and kinds.immutable(view.kinds.of_variable(variable))
