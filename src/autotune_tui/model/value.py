"""Values: dataclasses with slots that nobody changes.

For a frozen dataclass six methods are generated and compiled, one after the other; for the forty that the first screen needs
that was a twentieth of the time until it. Here it is one, and the base class has the others. That nobody changes a value is
mypy's to see.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

V = TypeVar("V", bound="Value")


class Value:
    """What all values can do: be compared, be a key, and say what they hold."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    _held: ClassVar[attrgetter[Any]]
    """What an instance holds, in the order of its fields; one alone where there is one field."""

    def __eq__(self, other: object) -> bool:
        return self._held(self) == self._held(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._held(self))

    def __repr__(self) -> str:
        said = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self))
        return f"{type(self).__name__}({said})"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[V]) -> type[V]:
    """Make a dataclass with slots of a subclass of `Value`."""
    made = dataclass(slots=True, eq=False, repr=False)(cls)
    made._held = attrgetter(*(one.name for one in dataclasses.fields(made)))
    return made
