"""What running a piece of code may change, as far as it can be told from the text.

Taken as given: operators, iteration and attribute reads of unknown objects change no container that they were not given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis import kinds, known
from autotune_tui.agents.offline.rewrites.analysis.annotations import fields_of
from autotune_tui.agents.offline.rewrites.analysis.infer import Kinds
from autotune_tui.agents.offline.rewrites.analysis.module import Function, Module
from autotune_tui.agents.offline.rewrites.analysis.nodes import children, walk, words
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.analysis.uses import is_target, uses_of

_FRESH_DISPLAYS = (cst.List, cst.Dict, cst.Set, cst.ListComp, cst.DictComp, cst.SetComp)
_FRESH_BUILTINS = ("list", "dict", "set", "sorted", "bytearray")
_FRESH_FUNCTIONS = words(
    "collections.defaultdict collections.Counter collections.deque collections.OrderedDict numpy.zeros "
    "numpy.ones numpy.empty numpy.full numpy.arange"
)
_DEFAULTS = ("list", "dict", "set", "int", "float", "str")


@dataclass(slots=True)
class Effects:
    """The changes that a piece of code may make. With `unknown`, all bets are off."""

    unknown: bool = False
    outside: bool = False
    """It prints, reads a clock, draws random numbers, or depends on something else that is not in the code."""
    changed: set[Variable] = field(default_factory=set)
    """Local variables holding an object made by this function alone, which is changed."""
    changed_inside: set[Variable] = field(default_factory=set)
    """Such variables of which a container inside is changed (`rows[0].append(1)`)."""
    rebound: set[Variable] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    """Names of attributes that are stored to, on whatever object."""
    keys: set[str] = field(default_factory=set)
    """Constant string keys that are stored to, on whatever object."""
    calls: set[Function] = field(default_factory=set)
    """Functions of the file that are called."""

    @property
    def none(self) -> bool:
        """Whether nothing but local variables can be different afterwards."""
        return not (self.unknown or self.outside or self.attributes or self.keys)

    def add(self, other: Effects) -> None:
        self.unknown |= other.unknown
        self.outside |= other.outside
        self.changed |= other.changed
        self.changed_inside |= other.changed_inside
        self.rebound |= other.rebound
        self.attributes |= other.attributes
        self.keys |= other.keys
        self.calls |= other.calls


class Analysis:
    """Effects within one file, remembered by function."""

    def __init__(self, module: Module, of_kind: Kinds) -> None:
        self.module = module
        self.kinds = of_kind
        self._known: dict[tuple[cst.CSTNode, ...], Effects] = {}
        self._table: dict[type[cst.CSTNode], Callable[[Any, Effects], None]] = {
            cst.Call: self._call,
            cst.With: self._with,
            cst.AugAssign: self._augment,
            cst.Name: self._name,
            cst.Attribute: self._store,
            cst.Subscript: self._store,
            cst.For: self._loop,
            cst.CompFor: self._loop,
            **dict.fromkeys((cst.Await, cst.Yield, cst.Import, cst.ImportFrom, cst.Del), _anything),
        }

    def of(self, *nodes: cst.CSTNode) -> Effects:
        """What running `nodes` once or more may change, calls included. Bodies of lambdas in them count as run."""
        total = Effects()
        total.add(self._direct(nodes))
        pending, seen = list(total.calls), set(total.calls)
        while pending:
            function = pending.pop()
            called = self._seen_by_callers(function)
            total.add(called)
            pending += called.calls - seen
            seen |= called.calls
        return total

    def _direct(self, nodes: tuple[cst.CSTNode, ...]) -> Effects:
        if nodes not in self._known:
            effects = self._known[nodes] = Effects()
            for root in nodes:
                for node in walk(root, (cst.FunctionDef, cst.ClassDef)):
                    work = self._table.get(type(node))
                    if work is not None:
                        work(node, effects)
        return self._known[nodes]

    def _seen_by_callers(self, function: Function) -> Effects:
        """A function's own effects without those on its own variables."""
        found = self._direct((function.node.body,))
        outer = {variable for variable in found.rebound if variable.scope.frame is not function.scope}
        unknown = found.unknown or function.suspends or bool(function.node.decorators)
        return Effects(
            unknown=unknown,
            outside=found.outside or bool(outer),
            rebound=outer,
            attributes=found.attributes,
            keys=found.keys,
            calls=found.calls,
        )

    def keeps(self, variable: Variable, effects: Effects) -> bool:
        """Whether the variable and the list, dict, set or text that it holds are the same all the while.

        What is changed are objects made by the function itself, so it needs to be known that the variable holds another.
        """
        if effects.unknown or variable in effects.rebound | effects.changed | effects.changed_inside:
            return False
        options = self.kinds.of_variable(variable).options
        if all(map(kinds.immutable, options)):
            return True
        if effects.keys and any(kind.name in ("dict", "unknown") for kind in options):
            return False
        return self._apart(variable) or self.only_private(effects)

    def _apart(self, variable: Variable) -> bool:
        """Whether the variable holds no object that another local variable was given as its own."""
        if self.owned(variable) or variable.bindings == variable.nodes("parameter"):
            return True
        line = self.module.binding_line(variable)
        return line is not None and line in self.module.tree.body

    def only_private(self, effects: Effects) -> bool:
        """Whether nothing else can hold the changed objects: they are never stored, passed on or named again."""
        uses = (use for variable in effects.changed for use in uses_of(self.module, variable))
        return not effects.changed_inside and all(use.kind != "other" for use in uses)

    def fresh(self, node: cst.BaseExpression) -> bool:
        """Whether the expression gives a new container that nothing else holds."""
        if isinstance(node, _FRESH_DISPLAYS):
            return True
        if isinstance(node, cst.BinaryOperation):
            kind = self.kinds.of(node)
            return kind.name == "list" and isinstance(node.operator, (cst.Add, cst.Multiply))
        if isinstance(node, cst.Subscript):
            return self.kinds.of(node).name == "list" and isinstance(node.slice[0].slice, cst.Slice)
        if not isinstance(node, cst.Call):
            return False
        if self.module.is_builtin(node.func, *_FRESH_BUILTINS) or self.module.qualified(node.func) in _FRESH_FUNCTIONS:
            return True
        if not isinstance(node.func, cst.Attribute):
            return False
        owner, method = self.kinds.of(node.func.value), node.func.attr.value
        return (owner == kinds.STR and method in ("split", "rsplit", "splitlines")) or (
            owner.name in ("list", "dict", "set") and method == "copy"
        )

    def owned(self, variable: Variable) -> bool:
        """Whether a local variable only ever holds objects that were made for it (or values that cannot change)."""
        if variable.scope.kind not in ("function", "comprehension") or variable.captured:
            return False
        return all(self._owned_binding(name) for name in variable.nodes("store", "parameter"))

    def _owned_binding(self, name: cst.Name) -> bool:
        parent = self.module.parents[name]
        value = parent.value if isinstance(parent, cst.AnnAssign) else self.module.assigned(parent)
        return value is not None and (self.fresh(value) or kinds.immutable(self.kinds.of(value)))

    def _name(self, node: cst.Name, effects: Effects) -> None:
        if node in self.module.scopes.stored:
            effects.rebound.add(self.module.variable_of[node])

    def _loop(self, node: cst.For | cst.CompFor, effects: Effects) -> None:
        effects.unknown |= node.asynchronous is not None

    def _with(self, node: cst.With, effects: Effects) -> None:
        files = all(self.kinds.of(item.item).name == "file" for item in node.items)
        effects.unknown |= node.asynchronous is not None or not files

    def _augment(self, node: cst.AugAssign, effects: Effects) -> None:
        if not isinstance(node.target, cst.Name):
            return
        variable = self.module.variable_of[node.target]
        effects.rebound.add(variable)
        if kinds.immutable(self.kinds.of_variable(variable)):
            return
        if self.owned(variable):
            effects.changed.add(variable)
        else:
            effects.unknown = True

    def _store(self, node: cst.Attribute | cst.Subscript, effects: Effects) -> None:
        if not is_target(self.module, node):
            return
        if isinstance(node, cst.Attribute):
            effects.attributes.add(node.attr.value)
            return
        root = self._root(node.value)
        if root is not None:
            (effects.changed if isinstance(node.value, cst.Name) else effects.changed_inside).add(root)
            return
        index = node.slice[0].slice
        if isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString):
            effects.keys.add(str(index.value.evaluated_value))
        else:
            effects.unknown = True

    def _root(self, node: cst.BaseExpression) -> Variable | None:
        """The local variable whose own objects `node` is one of: `x`, or `x[..]` where x holds only new containers."""
        if isinstance(node, cst.Name):
            variable = self.module.variable_of.get(node)
            return variable if variable is not None and self.owned(variable) else None
        inner: cst.BaseExpression | None = None
        if isinstance(node, cst.Subscript):
            inner = node.value
        elif (
            isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and node.func.attr.value == "setdefault"
        ):
            inner = node.func.value
        root = self._root(inner) if inner is not None else None
        return root if root is not None and self._holds_fresh(root) else None

    def _holds_fresh(self, variable: Variable) -> bool:
        """Whether everything ever put into the variable's containers is a new container or an unchangeable value."""
        for name in variable.nodes("store"):
            parent = self.module.parents[name]
            value = parent.value if isinstance(parent, cst.AnnAssign) else self.module.assigned(parent)
            if value is None or not self._fresh_inside(value):
                return False
        for use in uses_of(self.module, variable):
            if use.kind in ("in", "for", "builtin", "truth", "item", "slice", "return", "format", "delitem"):
                continue
            if use.kind == "setitem":
                value = self.module.assigned(self.module.parents[use.node])
                augmented = isinstance(self.module.parents[use.node], cst.AugAssign)
                if not augmented and (value is None or not self._fresh_or_value(value)):
                    return False
            elif call := use.call("append", "setdefault", "add"):
                if not call.args or not self._fresh_or_value(call.args[-1].value):
                    return False
            elif not use.call("get", "keys", "values", "items", "pop", "clear", "sort", "reverse", "index", "count"):
                return False
        return True

    def _fresh_inside(self, value: cst.BaseExpression) -> bool:
        if isinstance(value, (cst.List, cst.Set)):
            return all(self._fresh_or_value(item.value) for item in value.elements)
        if isinstance(value, cst.Dict):
            pairs = [item for item in value.elements if isinstance(item, cst.DictElement)]
            return len(pairs) == len(value.elements) and all(self._fresh_or_value(item.value) for item in pairs)
        if isinstance(value, cst.ListComp):
            return self._fresh_or_value(value.elt)
        if isinstance(value, cst.DictComp):
            return self._fresh_or_value(value.value)
        if isinstance(value, cst.Call) and self.module.qualified(value.func) == "collections.defaultdict":
            return len(value.args) == 1 and self.module.is_builtin(value.args[0].value, *_DEFAULTS)
        if self.module.builtin_call(value, "list", "dict", "set"):
            return not isinstance(value, cst.Call) or not value.args
        repeated = isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.Multiply)
        if repeated and isinstance(value, cst.BinaryOperation):
            return kinds.immutable(kinds.item_of(self.kinds.of(value)))
        return False

    def _fresh_or_value(self, value: cst.BaseExpression) -> bool:
        return kinds.immutable(self.kinds.of(value)) or (self.fresh(value) and self._fresh_inside(value))

    def _call(self, node: cst.Call, effects: Effects) -> None:
        name = self.module.qualified(node.func)
        if name is not None:
            self._known_call(name, node, effects)
        elif function := self.module.function(node.func):
            effects.calls.add(function)
        elif isinstance(node.func, cst.Attribute):
            self._method(node, node.func, effects)
        else:
            effects.unknown |= not self._constructs(node)

    def _known_call(self, name: str, node: cst.Call, effects: Effects) -> None:
        if name == "builtins.next":
            effects.outside |= not (node.args and isinstance(node.args[0].value, cst.GeneratorExp))
            return
        effects.unknown |= not known.is_quiet(name)
        effects.outside |= not known.is_pure(name)
        self._callbacks(node, effects, first=name.removeprefix("builtins.") in known.CALLS_FIRST)

    def _callbacks(self, node: cst.Call, effects: Effects, *, first: bool) -> None:
        """Functions handed to a call are called: lambdas are in the text, others must be known."""
        for index, arg in enumerate(node.args):
            given = arg.keyword.value in known.CALLING_KEYWORDS if arg.keyword else first and index == 0
            if not given or isinstance(arg.value, cst.Lambda) or self._is_plain_value(arg.value):
                continue
            function, name = self.module.function(arg.value), self.module.qualified(arg.value)
            if function is not None:
                effects.calls.add(function)
            elif name is None or not known.is_pure(name):
                effects.unknown |= not self._is_getter(arg.value)

    def _is_plain_value(self, node: cst.BaseExpression) -> bool:
        return kinds.immutable(self.kinds.of(node))

    def _is_getter(self, node: cst.BaseExpression) -> bool:
        """`itemgetter(..)`, `attrgetter(..)`, `str.lower` or `counts.get`."""
        if isinstance(node, cst.Call):
            return self.module.qualified(node.func) in ("operator.itemgetter", "operator.attrgetter")
        if not isinstance(node, cst.Attribute):
            return False
        return self.module.is_builtin(node.value, "str") or (
            self.kinds.of(node.value).name in known.PURE_METHODS
            and node.attr.value in known.PURE_METHODS[self.kinds.of(node.value).name]
        )

    def _method(self, node: cst.Call, func: cst.Attribute, effects: Effects) -> None:
        method = func.attr.value
        owner = self.kinds.of(func.value)
        if self.module.is_builtin(func.value, "str", "dict", "int", "bytes"):
            effects.unknown |= method not in ("fromkeys", "maketrans", "from_bytes")
        elif owner.is_a(*known.VALUE_KINDS) or (
            owner.name in known.PURE_METHODS and method in known.PURE_METHODS[owner.name]
        ):
            return
        elif method in known.CHANGING_METHODS:
            root = self._root(func.value)
            effects.unknown |= root is None
            if root is not None:
                (effects.changed if isinstance(func.value, cst.Name) else effects.changed_inside).add(root)
            self._callbacks(node, effects, first=False)
        elif owner.name in ("file", "logger"):
            effects.outside = True
        else:
            effects.outside = True
            effects.unknown |= method not in known.READING_NAMES

    def _constructs(self, node: cst.Call) -> bool:
        """Whether the call makes an instance of a class of the file by code that only stores its arguments."""
        if not isinstance(node.func, cst.Name) or node.func.value not in self.module.classes:
            return False
        owner = self.module.classes[node.func.value]
        if self.module.variable_of.get(node.func) is not self.module.variable_of.get(owner.name):
            return False
        methods = {item.name.value: item for item in owner.body.body if isinstance(item, cst.FunctionDef)}
        if methods.keys() & {"__new__", "__post_init__", "__setattr__"}:
            return False
        form = fields_of(self.module, owner).form
        if form == "class":
            init = methods.get("__init__")
            return init is None or self._only_stores(init)
        return form in ("dataclass", "named tuple", "typed dict") and "__init__" not in methods

    def _only_stores(self, init: cst.FunctionDef) -> bool:
        function = self.module.function_of[init]
        effects = self.of(function.node.body)
        return (
            not effects.unknown
            and not effects.outside
            and not effects.keys
            and not any(
                isinstance(node, cst.Attribute)
                and is_target(self.module, node)
                and not isinstance(node.value, cst.Name)
                for part in children(init.body)
                for node in walk(part)
            )
        )


def _anything(_: cst.CSTNode, effects: Effects) -> None:
    effects.unknown = True
