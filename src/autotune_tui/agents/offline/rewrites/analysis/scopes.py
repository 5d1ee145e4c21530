"""Which variable each name in a file means, by Python's scoping rules.

Written for this purpose rather than taken from `libcst.metadata`: it also sees names bound by `match` patterns, tells
deletions and augmented assignments apart, and needs a fiftieth of the time. The tests hold it against `symtable`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.nodes import COMPREHENSIONS, Comprehension, children

Context = Literal["load", "store", "augment", "delete", "declare", "parameter"]
ScopeKind = Literal["builtin", "module", "function", "lambda", "class", "comprehension"]


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Occurrence:
    """One appearance of a variable's name."""

    node: cst.Name
    scope: Scope
    context: Context


@dataclass(eq=False, repr=False, slots=True)
class Variable:
    name: str
    scope: Scope
    occurrences: list[Occurrence] = field(default_factory=list)

    def nodes(self, *contexts: Context) -> list[cst.Name]:
        return [item.node for item in self.occurrences if item.context in contexts]

    @property
    def loads(self) -> list[cst.Name]:
        return self.nodes("load")

    @property
    def bindings(self) -> list[cst.Name]:
        """Where it gets a value: assignments of all kinds (augmented ones too), parameters, imports, definitions."""
        return self.nodes("store", "augment", "parameter")

    @property
    def captured(self) -> bool:
        """Whether a nested function, lambda or class uses it."""
        home = self.scope.frame
        return any(item.scope.frame is not home for item in self.occurrences)

    @property
    def deleted(self) -> bool:
        return bool(self.nodes("delete"))


@dataclass(eq=False, repr=False, slots=True)
class Scope:
    kind: ScopeKind
    node: cst.CSTNode | None
    parent: Scope | None
    bound: set[str] = field(default_factory=set)
    global_names: set[str] = field(default_factory=set)
    nonlocal_names: set[str] = field(default_factory=set)
    variables: dict[str, Variable] = field(default_factory=dict)

    @property
    def frame(self) -> Scope:
        """The function, class or module that it runs in: a comprehension runs in the frame around it."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope

    def variable(self, name: str) -> Variable:
        return self.variables.setdefault(name, Variable(name, self))

    def lookup(self, name: str) -> Variable:
        """The variable that `name` means when it is used in this scope."""
        scope: Scope = self
        first = True
        while scope.parent is not None:
            if name in scope.global_names:
                return scope.root.variable(name) if name in scope.root.bound else scope.builtins.variable(name)
            visible = first or scope.kind != "class"
            if visible and name in scope.bound and name not in scope.nonlocal_names:
                return scope.variable(name)
            first = False
            scope = scope.parent
        return scope.variable(name)

    @property
    def root(self) -> Scope:
        scope = self
        while scope.kind not in ("module", "builtin") and scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def builtins(self) -> Scope:
        parent = self.root.parent
        assert parent is not None
        return parent


class Scopes:
    """All scopes and variables of a tree."""

    def __init__(self, tree: cst.Module) -> None:
        builtins = Scope("builtin", None, None)
        self.module = Scope("module", tree, builtins)
        self.of_node: dict[cst.CSTNode, Scope] = {tree: self.module}
        self.star_import = False
        self._names: list[Occurrence] = []
        self._visitors: dict[type[cst.CSTNode], Callable[[Any, Scope], None]] = {
            cst.Name: lambda node, scope: self._add(node, scope, "load"),
            cst.Attribute: lambda node, scope: self._visit(node.value, scope),
            cst.Arg: lambda node, scope: self._visit(node.value, scope),
            cst.FunctionDef: self._function,
            cst.Lambda: self._lambda,
            cst.ClassDef: self._class,
            cst.Global: self._global,
            cst.Nonlocal: self._nonlocal,
            cst.Import: self._import,
            cst.ImportFrom: self._import,
            cst.AssignTarget: lambda node, scope: self._target(node.target, scope),
            cst.AnnAssign: self._annotated,
            cst.AugAssign: self._augmented,
            cst.For: self._for,
            cst.AsName: lambda node, scope: self._target(node.name, scope),
            cst.NamedExpr: self._walrus,
            cst.Del: lambda node, scope: self._target(node.target, scope, "delete"),
            cst.MatchAs: self._pattern,
            cst.MatchStar: self._pattern,
            cst.MatchMapping: self._pattern,
            cst.MatchKeywordElement: lambda node, scope: self._visit(node.pattern, scope),
            cst.TypeAlias: self._alias,
            cst.TypeVar: self._pattern,
            cst.TypeVarTuple: self._pattern,
            cst.ParamSpec: self._pattern,
            **dict.fromkeys(COMPREHENSIONS, self._comprehension),
        }
        self._visit_all(children(tree), self.module)
        self.variable_of: dict[cst.Name, Variable] = {}
        self.stored: set[cst.Name] = set()
        """Names that are assigned to, in whatever way but augmented."""
        for item in self._names:
            variable = item.scope.lookup(item.node.value)
            variable.occurrences.append(item)
            self.variable_of[item.node] = variable
            if item.context == "store":
                self.stored.add(item.node)

    def _add(self, node: cst.Name, scope: Scope, context: Context) -> None:
        if context != "load" and node.value not in scope.global_names | scope.nonlocal_names:
            scope.bound.add(node.value)
        self._names.append(Occurrence(node, scope, context))

    def _visit(self, node: cst.CSTNode | None, scope: Scope) -> None:
        if node is None:
            return
        visitor = self._visitors.get(type(node))
        if visitor is not None:
            visitor(node, scope)
        else:
            self._visit_all(children(node), scope)

    def _visit_all(self, nodes: Any, scope: Scope) -> None:
        for node in nodes:
            self._visit(node, scope)

    def _open(self, kind: ScopeKind, node: cst.CSTNode, parent: Scope) -> Scope:
        scope = self.of_node[node] = Scope(kind, node, parent)
        return scope

    def _target(self, node: cst.CSTNode, scope: Scope, context: Context = "store") -> None:
        if isinstance(node, cst.Name):
            self._add(node, scope, context)
        elif isinstance(node, (cst.Tuple, cst.List)):
            for element in node.elements:
                self._target(element.value, scope, context)
        else:
            self._visit(node, scope)

    def _parameters(self, node: cst.Parameters, outer: Scope, inner: Scope) -> None:
        extra = [item for item in (node.star_arg, node.star_kwarg) if isinstance(item, cst.Param)]
        for param in (*node.posonly_params, *node.params, *node.kwonly_params, *extra):
            self._visit(param.annotation, outer)
            self._visit(param.default, outer)
            self._add(param.name, inner, "parameter")

    def _function(self, node: cst.FunctionDef, scope: Scope) -> None:
        self._add(node.name, scope, "store")
        self._visit_all(node.decorators, scope)
        inner = self._open("function", node, scope)
        self._visit(node.type_parameters, inner)
        self._parameters(node.params, scope, inner)
        self._visit(node.returns, scope)
        self._declarations(node.body, inner)
        self._visit(node.body, inner)

    def _lambda(self, node: cst.Lambda, scope: Scope) -> None:
        inner = self._open("lambda", node, scope)
        self._parameters(node.params, scope, inner)
        self._visit(node.body, inner)

    def _class(self, node: cst.ClassDef, scope: Scope) -> None:
        self._add(node.name, scope, "store")
        self._visit_all((*node.decorators, *node.bases, *node.keywords), scope)
        inner = self._open("class", node, scope)
        self._visit(node.type_parameters, inner)
        self._declarations(node.body, inner)
        self._visit(node.body, inner)

    def _comprehension(self, node: Comprehension, scope: Scope) -> None:
        self._visit(node.for_in.iter, scope)
        inner = self._open("comprehension", node, scope)
        loop: cst.CompFor | None = node.for_in
        while loop is not None:
            if loop is not node.for_in:
                self._visit(loop.iter, inner)
            self._target(loop.target, inner)
            self._visit_all(loop.ifs, inner)
            loop = loop.inner_for_in
        parts = (node.key, node.value) if isinstance(node, cst.DictComp) else (node.elt,)
        self._visit_all(parts, inner)

    def _declarations(self, body: cst.CSTNode, scope: Scope) -> None:
        """`global` and `nonlocal` first, since they rule the whole block."""
        pending = [body]
        while pending:
            node = pending.pop()
            if isinstance(node, cst.Global):
                scope.global_names.update(item.name.value for item in node.names)
            elif isinstance(node, cst.Nonlocal):
                scope.nonlocal_names.update(item.name.value for item in node.names)
            elif not isinstance(node, (cst.BaseExpression, cst.FunctionDef, cst.ClassDef)):
                pending.extend(children(node))

    def _global(self, node: cst.Global, scope: Scope) -> None:
        for item in node.names:
            scope.root.bound.add(item.name.value)

    def _nonlocal(self, node: cst.Nonlocal, scope: Scope) -> None:
        pass

    def _import(self, node: cst.Import | cst.ImportFrom, scope: Scope) -> None:
        if isinstance(node.names, cst.ImportStar):
            self.star_import = True
            return
        for alias in node.names:
            name: cst.CSTNode = alias.asname.name if alias.asname else alias.name
            while isinstance(name, cst.Attribute):
                name = name.value
            self._target(name, scope)

    def _annotated(self, node: cst.AnnAssign, scope: Scope) -> None:
        self._visit(node.annotation, scope)
        self._visit(node.value, scope)
        self._target(node.target, scope, "store" if node.value is not None else "declare")

    def _augmented(self, node: cst.AugAssign, scope: Scope) -> None:
        self._visit(node.value, scope)
        self._target(node.target, scope, "augment")

    def _for(self, node: cst.For, scope: Scope) -> None:
        self._visit(node.iter, scope)
        self._target(node.target, scope)
        self._visit(node.body, scope)
        self._visit(node.orelse, scope)

    def _walrus(self, node: cst.NamedExpr, scope: Scope) -> None:
        self._visit(node.value, scope)
        self._target(node.target, scope.frame)

    def _pattern(self, node: cst.CSTNode, scope: Scope) -> None:
        """A node whose names of its own (`name`, `rest`) are bound and whose other children are visited."""
        named = (getattr(node, "name", None), getattr(node, "rest", None))
        for child in children(node):
            if isinstance(child, cst.Name) and any(child is name for name in named):
                self._target(child, scope)
            else:
                self._visit(child, scope)

    def _alias(self, node: cst.TypeAlias, scope: Scope) -> None:
        self._target(node.name, scope)
        inner = self._open("function", node, scope)
        self._visit(node.type_parameters, inner)
        self._visit(node.value, inner)
