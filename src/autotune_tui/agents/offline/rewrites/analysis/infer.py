"""Works out the kind of an expression or a variable from literals, annotations, known calls and all assignments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis import kinds
from autotune_tui.agents.offline.rewrites.analysis.annotations import annotated, fields_of
from autotune_tui.agents.offline.rewrites.analysis.evidence import (
    CONTAINERS,
    always_leaves,
    opened,
    ordered_with_number,
    text_mode,
)
from autotune_tui.agents.offline.rewrites.analysis.kinds import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    NOTHING,
    STR,
    UNKNOWN,
    Kind,
    item_of,
    join,
    of,
)
from autotune_tui.agents.offline.rewrites.analysis.known import BUILTIN_RESULTS, FUNCTION_RESULTS, METHOD_RESULTS
from autotune_tui.agents.offline.rewrites.analysis.module import Function, Module
from autotune_tui.agents.offline.rewrites.analysis.nodes import climb, words
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import Use, uses_of

_SHAPED = words("list set frozenset tuple sorted reversed iter enumerate zip dict sum min max abs round filter")
"""Built-ins whose result's kind depends on the arguments."""
_COMPARED = ("str", "bytes", "int", "float", "bool", "number", "none", "list", "tuple", "tuple*", "set", "dict")
_MOST_STEPS, _DEEPEST = 100_000, 120
"""Bounds on the work for one file and on the depth of one question; beyond them a kind is unknown."""


class Kinds:
    """Kinds for one file, remembered. A kind that depends on itself is worked out from the other assignments."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._known: dict[object, Kind] = {}
        self._assumed: dict[object, Kind] = {}
        """What is being worked out, outermost first, and what it is taken for meanwhile."""
        self._cut = 0
        """The outermost entry of `_assumed` that was asked for since the last start."""
        self._steps = 0
        self._table: dict[type[cst.CSTNode], Callable[[Any], Kind]] = {
            cst.Integer: lambda _: INT,
            cst.Float: lambda _: FLOAT,
            cst.Imaginary: lambda _: of("complex"),
            cst.SimpleString: lambda node: kinds.BYTES if "b" in node.prefix.lower() else STR,
            cst.ConcatenatedString: lambda node: self.of(node.left),
            cst.FormattedString: lambda _: STR,
            cst.Name: self._name,
            cst.Tuple: lambda node: self._display("tuple", node),
            cst.List: lambda node: self._display("list", node),
            cst.Set: lambda node: self._display("set", node),
            cst.Dict: self._dict,
            cst.ListComp: lambda node: of("list", self.of(node.elt)),
            cst.SetComp: lambda node: of("set", self.of(node.elt)),
            cst.GeneratorExp: lambda node: of("iter", self.of(node.elt)),
            cst.DictComp: lambda node: of("dict", self.of(node.key), self.of(node.value)),
            cst.BinaryOperation: lambda node: self._binary(node.operator, self.of(node.left), self.of(node.right)),
            cst.UnaryOperation: self._unary,
            cst.BooleanOperation: lambda node: join((self.of(node.left), self.of(node.right))),
            cst.Comparison: self._comparison,
            cst.IfExp: lambda node: join((self.of(node.body), self.of(node.orelse))),
            cst.NamedExpr: lambda node: self.of(node.value),
            cst.Subscript: self._subscript,
            cst.Attribute: self._attribute,
            cst.Call: self._call,
        }

    def of(self, node: cst.BaseExpression) -> Kind:
        """The kind of an expression; `unknown` when in doubt."""
        work = self._table.get(type(node))
        return self._remembered(node, lambda: work(node)) if work else UNKNOWN

    def of_variable(self, variable: Variable) -> Kind:
        """The kind of every value that the variable may hold."""
        return self._remembered(variable, lambda: self._variable(variable))

    def of_result(self, function: Function) -> Kind:
        """The kind of what a function returns."""
        return self._remembered(function, lambda: self._result(function))

    def hashable(self, kind: Kind) -> bool:
        """Whether a set finds a value of this kind exactly when a list does."""
        return kinds.hashable(kind, self._plain_class)

    def _plain_class(self, name: str) -> bool:
        """Whether instances of a class of the file are compared by identity or by value without surprise."""
        owner = self.module.classes.get(name.removeprefix("object:"))
        fields = fields_of(self.module, owner) if owner else None
        if owner is None or fields is None or self.module.identifiers & {"__eq__", "__hash__"}:
            return False
        if fields.form == "named tuple":
            return all(map(self.hashable, fields.kinds.values()))
        return fields.form == "enum" or (fields.form == "class" and not owner.bases)

    def _remembered(self, key: object, work: Callable[[], Kind]) -> Kind:
        """`work()`, once. What depends on itself is first worked out as if it gave nothing, and then must hold as it is."""
        if key in self._known:
            return self._known[key]
        if key in self._assumed:
            self._cut = min(self._cut, list(self._assumed).index(key))
            return self._assumed[key]
        self._steps += 1
        if self._steps > _MOST_STEPS or len(self._assumed) > _DEEPEST:
            return UNKNOWN
        before, depth = self._cut, len(self._assumed)
        self._assumed[key], self._cut = NOTHING, depth + 1
        kind = work()
        if self._cut == depth:
            self._assumed[key] = kind
            kind = kind if work() == kind else UNKNOWN
        del self._assumed[key]
        if self._cut >= depth:
            self._known[key] = kind
        else:
            before = min(before, self._cut)
        self._cut = before
        return kind

    def _name(self, node: cst.Name) -> Kind:
        if node.value in ("True", "False"):
            return BOOL
        if node.value == "None":
            return NONE
        variable = self.module.variable_of.get(node)
        return self.of_variable(variable) if variable is not None else UNKNOWN

    def _display(self, name: str, node: cst.Tuple | cst.List | cst.Set) -> Kind:
        parts = [
            item_of(self.of(item.value)) if isinstance(item, cst.StarredElement) else self.of(item.value)
            for item in node.elements
        ]
        starred = any(isinstance(item, cst.StarredElement) for item in node.elements)
        if name == "tuple":
            return of("tuple*", join(parts)) if starred else of("tuple", *parts)
        return of(name, join(parts))

    def _dict(self, node: cst.Dict) -> Kind:
        pairs = [item for item in node.elements if isinstance(item, cst.DictElement)]
        if len(pairs) != len(node.elements):
            return of("dict", UNKNOWN, UNKNOWN)
        return of("dict", join(self.of(item.key) for item in pairs), join(self.of(item.value) for item in pairs))

    def _binary(self, operator: cst.BaseBinaryOp | cst.BaseAugOp, left: Kind, right: Kind) -> Kind:
        if isinstance(operator, (cst.Add, cst.AddAssign)):
            text = STR in (left, right)
            return STR if text and {left, right} <= {STR, UNKNOWN, NOTHING} else kinds.sum_of(left, right)
        if isinstance(operator, (cst.Modulo, cst.ModuloAssign)) and left == STR:
            return STR
        if isinstance(operator, (cst.Multiply, cst.MultiplyAssign)):
            for repeated, count in ((left, right), (right, left)):
                if repeated.name in ("str", "bytes", "list") and count.is_a("int", "bool", "unknown"):
                    return repeated
        if isinstance(operator, (cst.Divide, cst.DivideAssign)):
            numbers = all(side.is_a("int", "float", "bool", "nothing") for side in (left, right))
            return FLOAT if numbers else kinds.product_of(left, right)
        if isinstance(operator, (cst.Power, cst.PowerAssign)) and right != INT:
            return UNKNOWN
        bits = (cst.BitAnd, cst.BitOr, cst.BitXor, cst.BitAndAssign, cst.BitOrAssign, cst.BitXorAssign)
        if isinstance(operator, bits) and not (left == right == INT):
            return left if left == right and left.name in ("set", "frozenset", "bool") else UNKNOWN
        kind = kinds.product_of(left, right)
        return join((INT, FLOAT)) if isinstance(operator, (cst.Power, cst.PowerAssign)) and kind == INT else kind

    def _unary(self, node: cst.UnaryOperation) -> Kind:
        if isinstance(node.operator, cst.Not):
            return BOOL
        kind = self.of(node.expression)
        return INT if kind == BOOL else kind if kind.is_a("int", "float", "number") else UNKNOWN

    def _comparison(self, node: cst.Comparison) -> Kind:
        operators = [item.operator for item in node.comparisons]
        if all(isinstance(operator, (cst.In, cst.NotIn, cst.Is, cst.IsNot)) for operator in operators):
            return BOOL
        sides = [node.left, *(item.comparator for item in node.comparisons)]
        return BOOL if all(self.of(side).is_a(*_COMPARED) for side in sides) else UNKNOWN

    def _subscript(self, node: cst.Subscript) -> Kind:
        kind = self.of(node.value)
        if kind == NOTHING or len(node.slice) != 1:
            return kind if kind == NOTHING else UNKNOWN
        index = node.slice[0].slice
        if not isinstance(index, cst.Index):
            same = kind.name in ("str", "bytes", "list", "tuple*")
            return kind if same else of("tuple*", join(kind.args)) if kind.name == "tuple" else UNKNOWN
        if kind.name == "dict":
            return kind.args[1]
        if (
            kind.name == "tuple"
            and isinstance(index.value, cst.Integer)
            and index.value.evaluated_value < len(kind.args)
        ):
            return kind.args[index.value.evaluated_value]
        if kind.name.startswith("object:") and isinstance(index.value, cst.SimpleString):
            return self._field(kind, str(index.value.evaluated_value), item=True)
        return item_of(kind) if kind.is_a("list", "str", "tuple", "tuple*", "deque", "bytes", "range") else UNKNOWN

    def _attribute(self, node: cst.Attribute) -> Kind:
        name = self.module.qualified(node)
        if name in ("math.pi", "math.e", "math.inf", "math.nan", "math.tau"):
            return FLOAT
        return join(self._field(option, node.attr.value, item=False) for option in self.of(node.value).options)

    def _field(self, kind: Kind, name: str, *, item: bool) -> Kind:
        if kind == NOTHING:
            return NOTHING
        owner = self.module.classes.get(kind.name.removeprefix("object:")) if kind.name.startswith("object:") else None
        fields = fields_of(self.module, owner) if owner else None
        return fields.kinds.get(name, UNKNOWN) if fields and fields.by_item is item else UNKNOWN

    def field_is_plain(self, kind: Kind, name: str, *, item: bool) -> bool:
        """Whether reading the field (`x.name`, or `x["name"]` with `item`) always works and runs no code."""
        return self._field(kind, name, item=item) not in (UNKNOWN, NOTHING)

    def _call(self, node: cst.Call) -> Kind:
        name = self.module.qualified(node.func)
        if name is not None and name.startswith("builtins."):
            return self._builtin(name.removeprefix("builtins."), node)
        if name is not None:
            return FUNCTION_RESULTS.get(name, UNKNOWN)
        function = self.module.function(node.func)
        if function is not None and not function.node.decorators:
            return self.of_result(function)
        if isinstance(node.func, cst.Name) and node.func.value in self.module.classes:
            return self._constructed(node.func)
        if isinstance(node.func, cst.Attribute):
            method = node.func.attr.value
            return join(
                METHOD_RESULTS.get((option.name, method), _unknown)(option)
                for option in self.of(node.func.value).options
            )
        return UNKNOWN

    def _builtin(self, name: str, node: cst.Call) -> Kind:
        result = BUILTIN_RESULTS.get(name)
        if result is None or (name == "open" and not text_mode(node)):
            return UNKNOWN
        keywords = {arg.keyword.value for arg in node.args if arg.keyword is not None}
        if name in _SHAPED and (any(arg.star for arg in node.args) or keywords - {"key", "reverse", "strict"}):
            return of("dict", UNKNOWN, UNKNOWN) if name == "dict" else UNKNOWN
        return result([self.of(arg.value) for arg in node.args if arg.keyword is None])

    def _constructed(self, name: cst.Name) -> Kind:
        owner = self.module.classes[name.value]
        same = self.module.variable_of.get(name) is self.module.variable_of.get(owner.name)
        return of(f"object:{name.value}") if same else UNKNOWN

    def _result(self, function: Function) -> Kind:
        if function.suspends:
            return UNKNOWN
        if function.node.returns is not None:
            return annotated(self.module, function.node.returns.annotation)
        returned = function.own(cst.Return)
        end = [] if always_leaves(function.node.body) else [NONE]
        return join([*(self.of(node.value) if node.value else NONE for node in returned), *end])

    def _variable(self, variable: Variable) -> Kind:
        if variable.scope.kind in ("builtin", "class"):
            return UNKNOWN
        bound = [self._binding(variable, name) for name in variable.bindings]
        kind = join(bound) if bound else UNKNOWN
        parents = [self.module.parents[name] for name in variable.nodes("store", "augment", "parameter", "declare")]
        declared = any(isinstance(parent, (cst.AnnAssign, cst.Param)) for parent in parents)
        return kind if declared else self._filled(variable, kind)

    def _filled(self, variable: Variable, kind: Kind) -> Kind:
        """The kind of a container with what is put into it later; its items are unknown once others may put some in."""
        if not any(option.name in CONTAINERS for option in kind.options):
            return kind
        added = [self._added(use) for use in uses_of(self.module, variable)]
        return join(self._widened(option, added) for option in kind.options)

    def _widened(self, kind: Kind, added: list[tuple[Kind, ...] | None]) -> Kind:
        if kind.name not in CONTAINERS or not kind.args:
            return kind
        if None in added:
            return Kind(kind.name, tuple(UNKNOWN for _ in kind.args))
        rows = [kind.args]
        for row in added:
            if row and len(kind.args) == 1:
                rows.append(row[-1:])
            elif row:
                rows.append(row if len(row) == 2 else (UNKNOWN, UNKNOWN))
        return Kind(kind.name, tuple(opened(join(column)) for column in zip(*rows, strict=True)))

    def _added(self, use: Use) -> tuple[Kind, ...] | None:
        """Kinds that one use adds to the container: () for none, None when that cannot be said."""
        if use.kind in ("in", "for", "builtin", "truth", "item", "slice", "delitem", "return", "format"):
            return ()
        if use.kind == "setitem":
            return self._stored(use.node)
        if use.kind == "augment" and isinstance(use.node, cst.AugAssign):
            return (item_of(self.of(use.node.value)),)
        if use.kind != "method" or not isinstance(use.node, cst.Call):
            return None
        values = [self.of(arg.value) for arg in use.node.args]
        if use.detail in ("append", "appendleft", "add") and len(values) == 1:
            return (values[0],)
        if use.detail in ("extend", "update", "extendleft") and len(values) == 1:
            return (item_of(values[0]),) if values[0].name != "dict" else values[0].args
        if use.detail == "insert" and len(values) == 2:
            return (values[1],)
        if use.detail == "setdefault" and len(values) == 2:
            return (values[0], values[1])
        quiet = words("pop popleft clear sort reverse remove discard index count get keys values items copy popitem")
        return () if use.detail in quiet else None

    def _stored(self, node: cst.CSTNode) -> tuple[Kind, ...] | None:
        """Key and value kinds of `x[k] = v`; also right for a list, whose key says nothing about its items."""
        target = self.module.parents[node]
        value = self.module.assigned(target)
        if (
            not isinstance(node, cst.Subscript)
            or len(node.slice) != 1
            or not isinstance(node.slice[0].slice, cst.Index)
        ):
            return None
        key = self.of(node.slice[0].slice.value)
        if isinstance(target, cst.AugAssign) and target.target is node:
            return (key, UNKNOWN)
        return (key, self.of(value)) if value is not None else None

    def _binding(self, variable: Variable, name: cst.Name) -> Kind:
        parent = self.module.parents[name]
        if isinstance(parent, cst.Param):
            return self.of_parameter(variable, parent)
        if isinstance(parent, cst.AnnAssign):
            return annotated(self.module, parent.annotation.annotation)
        if isinstance(parent, cst.AugAssign):
            return self._binary(parent.operator, self.of_variable(variable), self.of(parent.value))
        if isinstance(parent, cst.NamedExpr):
            return self.of(parent.value)
        return self._unpacked(name)

    def _unpacked(self, name: cst.Name) -> Kind:
        """The kind of a name somewhere in the target of an assignment, a loop or a `with`."""
        path: list[int] = []
        for child, parent in climb(name, self.module.parents):
            if isinstance(parent, (cst.Tuple, cst.List)):
                if any(isinstance(element, cst.StarredElement) for element in parent.elements):
                    return UNKNOWN
                path.append([element is child for element in parent.elements].index(True))
            elif isinstance(parent, cst.AssignTarget):
                statement = self.module.parents[parent]
                return self._descend(self.of(statement.value), path) if isinstance(statement, cst.Assign) else UNKNOWN
            elif isinstance(parent, (cst.For, cst.CompFor)):
                return self._descend(item_of(self.of(parent.iter)), path) if parent.asynchronous is None else UNKNOWN
            elif isinstance(parent, cst.WithItem):
                kind = self.of(parent.item)
                return kind if kind.name == "file" and not path else UNKNOWN
            elif not isinstance(parent, (cst.Element, cst.AsName)):
                return UNKNOWN
        return UNKNOWN

    def _descend(self, kind: Kind, path: list[int]) -> Kind:
        for index in reversed(path):
            fixed = kind.name == "tuple" and index < len(kind.args)
            kind = kind.args[index] if fixed else item_of(kind)
        return kind

    def of_parameter(self, variable: Variable, node: cst.Param) -> Kind:
        """The kind of what callers hand in."""
        owner = self.module.parents[self.module.parents[node]]
        if node.star:
            inner = annotated(self.module, node.annotation.annotation) if node.annotation else UNKNOWN
            return of("tuple*", inner) if node.star == "*" else of("dict", STR, inner)
        if node.annotation is not None:
            kind = annotated(self.module, node.annotation.annotation)
            return join((kind, self.of(node.default))) if node.default is not None else kind
        function = self.module.function_of.get(owner) if isinstance(owner, cst.FunctionDef) else None
        if function is None:
            return UNKNOWN
        first = function.node.params.params[:1]
        if function.owner is not None and node in first and not function.node.decorators:
            owner_name = function.owner.name.value
            return of(f"object:{owner_name}") if self.module.classes.get(owner_name) is function.owner else UNKNOWN
        return kinds.NUMBER if ordered_with_number(self.module, variable) else UNKNOWN


def _unknown(kind: Kind) -> Kind:
    """What an unknown method of a value gives; of no value at all, nothing."""
    return NOTHING if kind == NOTHING else UNKNOWN
