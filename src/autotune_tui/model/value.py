"""Values: dataclasses with slots that nobody changes.

For a frozen dataclass six methods are generated and compiled, one after the other; for the forty that the first screen needs
that was a twelfth of the time until it. Here the base class has them all. That nobody changes a value is mypy's to see.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

V = TypeVar("V", bound="Value")


class Value:
    """What all values can do: be made, be compared, be a key, and say what they hold."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    _names: ClassVar[tuple[str, ...]]
    _defaults: ClassVar[Mapping[str, Any]]
    _makers: ClassVar[tuple[tuple[str, Callable[[], Any]], ...]]
    """The fields of which each instance gets a default of its own."""
    _held: ClassVar[attrgetter[Any]]
    """What an instance holds, in the order of its fields; one alone where there is one field."""

    def __init__(self, *args: Any, **named: Any) -> None:
        values = {**self._defaults, **dict(zip(self._names, args, strict=False)), **named}
        for name, make in self._makers:
            if name not in values:
                values[name] = make()
        if len(values) != len(self._names) or len(args) > len(self._names):
            wrong = sorted({*self._names} ^ values.keys())
            raise TypeError(f"{type(self).__name__}: missing, unknown or too many: {', '.join(wrong) or 'values'}")
        for name, value in values.items():
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        return self._held(self) == self._held(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._held(self))

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names)
        return f"{type(self).__name__}({said})"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[V]) -> type[V]:
    """Make a dataclass with slots of a subclass of `Value`."""
    return _made(dataclass(slots=True, eq=False, repr=False, init=False)(cls))


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_by_thousands(cls: type[V]) -> type[V]:
    """The same for what there is one of for each experiment: its own `__init__` is worth its compilation."""
    return _made(dataclass(slots=True, eq=False, repr=False)(cls))


def _made(made: type[V]) -> type[V]:
    fields = dataclasses.fields(made)
    made._names = tuple(one.name for one in fields)
    made._defaults = {one.name: one.default for one in fields if one.default is not MISSING}
    made._makers = tuple((one.name, one.default_factory) for one in fields if one.default_factory is not MISSING)
    made._held = attrgetter(*made._names)
    return made
