"""Kinds from annotations, and the fields of classes that are declared in the same file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis import kinds
from autotune_tui.agents.offline.rewrites.analysis.kinds import UNKNOWN, Kind, join, of
from autotune_tui.agents.offline.rewrites.analysis.module import Module

_PLAIN = {
    "builtins.str": kinds.STR,
    "builtins.bytes": kinds.BYTES,
    "builtins.int": kinds.INT,
    "builtins.float": kinds.FLOAT,
    "builtins.bool": kinds.BOOL,
    "builtins.complex": of("complex"),
    "datetime.date": of("date"),
    "datetime.datetime": of("datetime"),
    "datetime.time": of("time"),
    "datetime.timedelta": of("timedelta"),
    "decimal.Decimal": of("Decimal"),
    "fractions.Fraction": of("Fraction"),
    "uuid.UUID": of("UUID"),
    "pathlib.Path": of("Path"),
    "numpy.ndarray": kinds.ARRAY,
    "numpy.typing.NDArray": kinds.ARRAY,
    "re.Pattern": of("pattern"),
}
_HOLDERS = {
    **{f"builtins.{name}": name for name in ("list", "set", "frozenset", "dict", "tuple")},
    **{f"typing.{name.title()}": name for name in ("list", "set", "dict", "tuple")},
    "typing.FrozenSet": "frozenset",
    "collections.deque": "deque",
    "typing.Deque": "deque",
    "collections.defaultdict": "dict",
    "typing.DefaultDict": "dict",
    "collections.OrderedDict": "dict",
    "collections.Counter": "counter",
    "typing.Counter": "counter",
    **{
        f"{module}.{name}": "iter"
        for module in ("typing", "collections.abc")
        for name in ("Iterable", "Iterator", "Sequence", "Collection", "Generator", "Set", "MutableSequence")
    },
}
_WRAPPERS = frozenset({"typing.Final", "typing.ClassVar", "typing.Annotated", "typing.Required"})
_DEEPEST = 8


def annotated(module: Module, node: cst.BaseExpression, depth: int = 0) -> Kind:
    """The kind that an annotation promises; `unknown` for what the file does not define or that is too wide."""
    if depth > _DEEPEST:
        return UNKNOWN
    if isinstance(node, cst.SimpleString):
        return _quoted(module, node)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.BitOr):
        return join((annotated(module, node.left, depth + 1), annotated(module, node.right, depth + 1)))
    if isinstance(node, cst.Subscript):
        return _generic(module, node, depth)
    if isinstance(node, cst.Name) and node.value == "None":
        return kinds.NONE
    name = module.qualified(node)
    if name in _HOLDERS:
        return _holder(_HOLDERS[name], [])
    if name is not None:
        return _PLAIN.get(name, UNKNOWN)
    return _own_name(module, node, depth) if isinstance(node, cst.Name) else UNKNOWN


def _own_name(module: Module, node: cst.Name, depth: int) -> Kind:
    """A class or an alias (`Row = dict[str, str]`) of the file."""
    variable = module.variable_of.get(node)
    if variable is None or variable.scope.kind != "module":
        return UNKNOWN
    definition = module.definition(variable)
    if isinstance(definition, cst.ClassDef):
        return of(f"object:{node.value}") if module.classes.get(node.value) is definition else UNKNOWN
    value = module.value(variable)
    return annotated(module, value, depth + 1) if isinstance(value, (cst.Subscript, cst.BinaryOperation)) else UNKNOWN


def _quoted(module: Module, node: cst.SimpleString) -> Kind:
    """A forward reference: only the bare name of a class or of a built-in type."""
    text = str(node.evaluated_value)
    if text in module.classes:
        return of(f"object:{text}")
    bound = text in module.scopes.module.bound or module.scopes.star_import
    return UNKNOWN if bound else _PLAIN.get(f"builtins.{text}", UNKNOWN)


def _generic(module: Module, node: cst.Subscript, depth: int) -> Kind:
    name = module.qualified(node.value)
    parts = [element.slice.value for element in node.slice if isinstance(element.slice, cst.Index)]
    if name == "typing.Literal":
        literals = (cst.SimpleString, cst.Integer)
        texts = [kinds.STR if isinstance(part, cst.SimpleString) else kinds.INT for part in parts]
        return join(texts) if all(isinstance(part, literals) for part in parts) else UNKNOWN
    if name == "numpy.typing.NDArray":
        return kinds.ARRAY
    if name == "re.Pattern":
        return of("pattern")
    if name in ("builtins.tuple", "typing.Tuple"):
        return _tuple(module, parts, depth)
    if name in ("typing.Optional", "typing.Union"):
        extra = [kinds.NONE] if name == "typing.Optional" else []
        return join([*(annotated(module, part, depth + 1) for part in parts), *extra])
    if name in _WRAPPERS and parts:
        return annotated(module, parts[0], depth + 1)
    if name in _HOLDERS:
        return _holder(_HOLDERS[name], [annotated(module, part, depth + 1) for part in parts])
    return UNKNOWN


def _tuple(module: Module, parts: list[cst.BaseExpression], depth: int) -> Kind:
    if len(parts) == 2 and isinstance(parts[1], cst.Ellipsis):
        return of("tuple*", annotated(module, parts[0], depth + 1))
    return of("tuple", *(annotated(module, part, depth + 1) for part in parts))


def _holder(name: str, parts: list[Kind]) -> Kind:
    if name == "tuple":
        return of("tuple*", UNKNOWN)
    if name == "counter":
        return of("dict", parts[0] if parts else UNKNOWN, kinds.INT)
    if name == "dict":
        return of("dict", *(parts if len(parts) == 2 else (UNKNOWN, UNKNOWN)))
    return of(name, parts[0] if parts else UNKNOWN)


@dataclass(frozen=True, slots=True)
class Fields:
    """What a class of the file says about its instances."""

    form: Literal["class", "dataclass", "named tuple", "typed dict", "enum", "derived"]
    kinds: dict[str, Kind]

    @property
    def by_item(self) -> bool:
        return self.form == "typed dict"


def fields_of(module: Module, owner: cst.ClassDef) -> Fields:
    """The declared fields of a class: those of dataclasses, named tuples, typed dicts and annotated `__init__` arguments.

    Fields whose reading may run code or fail (properties, `__getattr__`, bases from elsewhere) are left out.
    """
    form = _form(module, owner)
    methods = [item for item in owner.body.body if isinstance(item, cst.FunctionDef)]
    names = {item.name.value for item in methods}
    if form in ("derived", "enum") or names & {"__getattr__", "__getattribute__"}:
        return Fields(form, {})
    if form == "class":
        return Fields(form, _stored_by_init(module, methods))
    declared: dict[str, Kind] = {}
    for line in owner.body.body:
        small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
        if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
            declared[small.target.value] = annotated(module, small.annotation.annotation)
    return Fields(form, {name: kind for name, kind in declared.items() if name not in names})


def _form(
    module: Module, owner: cst.ClassDef
) -> Literal["class", "dataclass", "named tuple", "typed dict", "enum", "derived"]:
    bases = [module.qualified(base.value) for base in owner.bases]
    decorators = [item.decorator for item in owner.decorators]
    names = [module.qualified(item.func if isinstance(item, cst.Call) else item) for item in decorators]
    if bases == ["typing.NamedTuple"] and not decorators and not owner.keywords:
        return "named tuple"
    if bases == ["typing.TypedDict"] and not decorators and not owner.keywords:
        return "typed dict"
    if bases in (["enum.Enum"], ["enum.StrEnum"], ["enum.IntEnum"]) and not owner.keywords:
        return "enum"
    if bases or owner.keywords:
        return "derived"
    if names == ["dataclasses.dataclass"]:
        return "dataclass"
    return "derived" if decorators else "class"


def _stored_by_init(module: Module, methods: list[cst.FunctionDef]) -> dict[str, Kind]:
    """`self.x = x` at the top of `__init__`, where x is an annotated argument; or `self.x: int = ..`."""
    init = next((item for item in methods if item.name.value == "__init__"), None)
    found: dict[str, Kind] = {}
    if init is None or init.decorators or not init.params.params:
        return found
    me = init.params.params[0].name.value
    params = {param.name.value: param.annotation for param in (*init.params.params, *init.params.kwonly_params)}
    for line in init.body.body:
        small = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
        if isinstance(small, cst.AnnAssign) and small.value is not None:
            target, note = small.target, small.annotation
        elif isinstance(small, cst.Assign) and len(small.targets) == 1 and isinstance(small.value, cst.Name):
            if len(module.variable_of[small.value].bindings) != 1:
                continue
            target, value_note = small.targets[0].target, params.get(small.value.value)
            if value_note is None:
                continue
            note = value_note
        else:
            continue
        if isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name) and target.value.value == me:
            found[target.attr.value] = annotated(module, note.annotation)
    hidden = {item.name.value for item in methods}
    return {name: kind for name, kind in found.items() if name not in hidden}
