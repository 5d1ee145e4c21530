"""One parsed file with everything that the rewrites share: scopes, functions, imports and free names."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from autotune_tui.agents.offline.rewrites.analysis.nodes import (
    block_of,
    climb,
    parents_of,
    small_statement,
    walk,
    walk_own,
)
from autotune_tui.agents.offline.rewrites.analysis.scopes import Scope, Scopes, Variable

_Node = TypeVar("_Node", bound=cst.CSTNode)
_DYNAMIC = frozenset({"exec", "eval", "locals", "vars", "globals", "dir"})
_HARMLESS_DECORATORS = frozenset({"staticmethod", "classmethod", "property"})
_HARMLESS_MODULES = frozenset({"functools", "contextlib", "abc", "typing", "typing_extensions", "atexit", "pytest"})


@dataclass(eq=False)
class Function:
    """A function definition, its scope and its place in the file."""

    module: Module
    node: cst.FunctionDef
    qualname: str
    scope: Scope
    owner: cst.ClassDef | None
    """The class whose body holds it."""

    @property
    def name(self) -> str:
        return self.node.name.value

    @property
    def at_top(self) -> bool:
        return self.module.parents[self.node] is self.module.tree

    @property
    def is_async(self) -> bool:
        return self.node.asynchronous is not None

    @cached_property
    def _own(self) -> dict[type[cst.CSTNode], list[Any]]:
        found: dict[type[cst.CSTNode], list[Any]] = {}
        for node in walk_own(self.node.body):
            found.setdefault(type(node), []).append(node)
        return found

    def own(self, kind: type[_Node]) -> list[_Node]:
        """All nodes of one type in the body, but not in nested functions, lambdas and classes; in the order of the text."""
        return self._own.get(kind, [])

    @cached_property
    def suspends(self) -> bool:
        """Whether other code can run in the middle of it: a generator or a coroutine."""
        return self.is_async or bool(self.own(cst.Yield) or self.own(cst.Await))

    @property
    def rewritable(self) -> bool:
        """Whether its meaning is what its text says: no access to locals by name, no decorator that compiles it."""
        names = {node.value for node in self.own(cst.Name)}
        return not _DYNAMIC & names and all(map(self._harmless, self.node.decorators))

    def _harmless(self, decorator: cst.Decorator) -> bool:
        target = decorator.decorator
        target = target.func if isinstance(target, cst.Call) else target
        if isinstance(target, cst.Attribute) and target.attr.value in ("setter", "getter", "deleter"):
            return True
        name = self.module.qualified(target)
        return self.module.function(target) is not None or (
            name is not None
            and (name.removeprefix("builtins.") in _HARMLESS_DECORATORS or name.partition(".")[0] in _HARMLESS_MODULES)
        )

    def local(self, variable: Variable) -> bool:
        """Whether it is a variable of this function alone: no nested function shares it, nothing deletes it."""
        return variable.scope.frame is self.scope and not variable.captured and not variable.deleted


class Module:
    """A parsed file. `code` of the tree is the source again, byte for byte."""

    def __init__(self, tree: cst.Module) -> None:
        self.tree = tree
        self.parents = parents_of(tree)
        self.scopes = Scopes(tree)
        self.variable_of = self.scopes.variable_of
        self.functions = tuple(self._functions())
        self.function_of = {item.node: item for item in self.functions}

    @cached_property
    def _lines(self) -> dict[cst.CSTNode, int]:
        wrapper = MetadataWrapper(self.tree, unsafe_skip_copy=True)
        return {node: span.start.line for node, span in wrapper.resolve(PositionProvider).items()}

    def line(self, node: cst.CSTNode) -> int:
        return self._lines[node]

    def _functions(self) -> Iterator[Function]:
        for node in walk(self.tree):
            if not isinstance(node, cst.FunctionDef):
                continue
            parts = [node.name.value]
            outer = [up for _, up in climb(node, self.parents) if isinstance(up, (cst.FunctionDef, cst.ClassDef))]
            for up in outer:
                parts += ["<locals>"] * isinstance(up, cst.FunctionDef) + [up.name.value]
            owner = outer[0] if outer and isinstance(outer[0], cst.ClassDef) else None
            yield Function(self, node, ".".join(reversed(parts)), self.scopes.of_node[node], owner)

    @cached_property
    def classes(self) -> dict[str, cst.ClassDef]:
        """Classes at the top of the file whose names mean nothing else."""
        found = {item.name.value: item for item in self.tree.body if isinstance(item, cst.ClassDef)}
        return {name: node for name, node in found.items() if len(self.variable_of[node.name].bindings) == 1}

    def definition(self, variable: Variable) -> cst.CSTNode | None:
        """The only thing that ever binds a variable (its statement, definition or alias), None when there are more."""
        if len(variable.bindings) != 1 or variable.deleted:
            return None
        return self.parents[variable.bindings[0]]

    def value(self, variable: Variable) -> cst.BaseExpression | None:
        """What a variable is bound to when a plain assignment of its own (`x = ..`, `x: T = ..`) is its only binding."""
        target = self.definition(variable)
        if isinstance(target, cst.AnnAssign):
            return target.value
        return self.assigned(target)

    def assigned(self, target: cst.CSTNode | None) -> cst.BaseExpression | None:
        """The right side of `x = ..`, given the target; None for chained assignments, whose targets share one object."""
        if not isinstance(target, cst.AssignTarget):
            return None
        statement = self.parents[target]
        return statement.value if isinstance(statement, cst.Assign) and len(statement.targets) == 1 else None

    def binding_line(self, variable: Variable) -> cst.SimpleStatementLine | None:
        """The line of the assignment that `value` speaks of."""
        target = self.definition(variable)
        if self.value(variable) is None or target is None:
            return None
        return small_statement(target if isinstance(target, cst.AnnAssign) else self.parents[target], self.parents)

    def is_builtin(self, node: cst.CSTNode, *names: str) -> bool:
        return isinstance(node, cst.Name) and node.value in names and self.qualified(node) == f"builtins.{node.value}"

    def builtin_call(self, node: cst.CSTNode, *names: str) -> cst.Call | None:
        return node if isinstance(node, cst.Call) and self.is_builtin(node.func, *names) else None

    def qualified(self, node: cst.CSTNode) -> str | None:
        """What a dotted name means: `builtins.len`, `re.match`, `datetime.datetime.strptime`; None when it is unsure."""
        if isinstance(node, cst.Attribute):
            base = self.qualified(node.value)
            return f"{base}.{node.attr.value}" if base and not base.startswith("builtins.") else None
        if not isinstance(node, cst.Name):
            return None
        variable = self.variable_of.get(node)
        if variable is None:
            return None
        if variable.scope.kind == "builtin":
            known = hasattr(builtins, node.value) and not self.scopes.star_import
            return f"builtins.{node.value}" if known else None
        alias = self.definition(variable)
        while isinstance(alias, (cst.AsName, cst.Attribute)):
            alias = self.parents[alias]
        return self._imported(alias, node.value) if isinstance(alias, cst.ImportAlias) else None

    def _imported(self, alias: cst.ImportAlias, name: str) -> str | None:
        statement = self.parents[alias]
        path = _dotted(alias.name)
        if isinstance(statement, cst.Import):
            return path if alias.asname else name
        if not isinstance(statement, cst.ImportFrom) or statement.relative or statement.module is None:
            return None
        return f"{_dotted(statement.module)}.{path}"

    def function(self, node: cst.CSTNode) -> Function | None:
        """The function of this file, defined once at its top, that a name means."""
        variable = self.variable_of.get(node) if isinstance(node, cst.Name) else None
        if variable is None or variable.scope.kind != "module":
            return None
        definition = self.definition(variable)
        found = self.function_of.get(definition) if isinstance(definition, cst.FunctionDef) else None
        return found if found and found.at_top else None

    @cached_property
    def identifiers(self) -> frozenset[str]:
        return frozenset(node.value for node in walk(self.tree) if isinstance(node, cst.Name))

    def fresh(self, wanted: str) -> str:
        """`wanted`, or with a number behind it when the file uses that name for anything."""
        name, number = wanted, 2
        while name in self.identifiers or hasattr(builtins, name):
            name, number = f"{wanted}_{number}", number + 1
        return name

    def importable(self, module: str, name: str) -> tuple[str, str] | None:
        """How to write `module.name` in any function of the file, and the import line that it needs ("" when it is there).

        None when the name means something else somewhere.
        """
        if self._top_import(name) == f"{module}.{name}":
            return name, ""
        if self._top_import(module) == module:
            return f"{module}.{name}", ""
        return None if name in self._bound_names else (name, f"from {module} import {name}")

    @cached_property
    def _bound_names(self) -> frozenset[str]:
        return frozenset(name for scope in self.scopes.of_node.values() for name in scope.bound)

    def import_statement(self, node: cst.BaseExpression) -> cst.BaseStatement | None:
        """The import at the top of the file (not under an `if` or `try`) that the first name of a dotted one comes from."""
        while isinstance(node, cst.Attribute):
            node = node.value
        variable = self.variable_of.get(node) if isinstance(node, cst.Name) else None
        if variable is None or variable.scope.kind != "module" or self.qualified(node) is None:
            return None
        place = block_of(variable.bindings[0], self.parents)
        return place[0] if place and place[1] is self.tree else None

    def unknown_name(self, name: str) -> bool:
        """Whether a name is neither a built-in nor used in this file for something that the file does not define."""
        loose = self.scopes.module.builtins.variables.get(name)
        return loose is None and not hasattr(builtins, name)

    def free(self, *names: str) -> bool:
        """Whether these built-in names mean the built-ins everywhere in the file."""
        return not self.scopes.star_import and self._bound_names.isdisjoint(names)

    def _top_import(self, text: str) -> str | None:
        """What a name imported once, at the top of the file and bound nowhere else, stands for."""
        bound_in = [scope for scope in self.scopes.of_node.values() if text in scope.bound]
        if bound_in != [self.scopes.module]:
            return None
        variable = self.scopes.module.variables.get(text)
        if variable is None or len(variable.bindings) != 1:
            return None
        place = block_of(variable.bindings[0], self.parents)
        return self.qualified(variable.bindings[0]) if place and place[1] is self.tree else None

    def dominates(self, earlier: cst.CSTNode, later: cst.CSTNode) -> bool:
        """Whether the statement around `later` is reached only through the statement line `earlier`."""
        block = self.parents[earlier]
        if not isinstance(block, (cst.IndentedBlock, cst.Module)):
            return False
        order = list(block.body)
        inside = [child for child, parent in climb(later, self.parents) if parent is block]
        return bool(inside) and order.index(inside[0]) > order.index(earlier)  # type: ignore[arg-type]

    def bound_before(self, variable: Variable, place: cst.CSTNode) -> bool:
        """Whether the variable surely has a value when `place` is reached."""
        if variable.deleted:
            return False
        if variable.nodes("parameter") or variable.scope.kind == "builtin":
            return True
        for name in variable.nodes("store"):
            found = block_of(name, self.parents)
            always = found and _binds_always(found[0]) and not isinstance(self.parents[name], cst.NamedExpr)
            if found and always and self.dominates(found[0], place):
                return True
            if self._target_around(name, place):
                return True
        return False

    def _target_around(self, name: cst.Name, place: cst.CSTNode) -> bool:
        """Whether `place` is in the body of the loop or the `with` that binds `name` as its target."""
        for child, parent in climb(name, self.parents):
            if isinstance(parent, cst.For) and child is parent.target:
                return any(up is parent.body for _, up in climb(place, self.parents))
            if isinstance(parent, cst.With):
                return any(up is parent.body for _, up in climb(place, self.parents))
            if isinstance(parent, cst.CompFor) and child is parent.target:
                comprehension = next(up for _, up in climb(parent, self.parents) if not isinstance(up, cst.CompFor))
                return any(up is comprehension for _, up in climb(place, self.parents))
            if not isinstance(parent, (cst.Tuple, cst.List, cst.Element, cst.AsName, cst.WithItem)):
                return False
        return False


def _binds_always(statement: cst.BaseStatement) -> bool:
    return isinstance(statement, (cst.SimpleStatementLine, cst.FunctionDef, cst.ClassDef))


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    assert isinstance(node, cst.Name)
    return node.value
