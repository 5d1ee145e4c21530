"""Which JSON values fit a record's field, by the field's annotation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import NoneType
from typing import Any

WRONG: Any = object()
"""What a converter returns for a value that does not fit."""
_MOST = sys.float_info.max


def _finite(value: Any) -> Any:
    return value if value is None or -_MOST <= value <= _MOST else WRONG


def _numbers(value: dict[str, Any]) -> Any:
    for number in value.values():
        if type(number) not in _NUMBER or not -_MOST <= number <= _MOST:
            return {k: v for k, v in value.items() if type(v) in _NUMBER and -_MOST <= v <= _MOST}
    return value


def _pair(value: Any) -> Any:
    if value is None or (len(value) == 2 and all(type(v) in _NUMBER and -_MOST <= v <= _MOST for v in value)):
        return value and tuple(value)
    return WRONG


def _texts(value: Any) -> Any:
    return tuple(v for v in value if isinstance(v, str))


def _objects(value: Any) -> Any:
    return tuple(v for v in value if isinstance(v, dict))


_NUMBER = frozenset({int, float})
_SEQUENCE = frozenset({list, tuple})
READERS: dict[str, tuple[frozenset[type], Callable[[Any], Any] | None]] = {
    "str": (frozenset({str}), None),
    "str | None": (frozenset({str, NoneType}), None),
    "bool": (frozenset({bool}), None),
    "int": (frozenset({int}), None),
    "int | None": (frozenset({int, NoneType}), None),
    "float": (_NUMBER, _finite),
    "float | None": (_NUMBER | {NoneType}, _finite),
    "tuple[float, float]": (_SEQUENCE, _pair),
    "tuple[float, float] | None": (_SEQUENCE | {NoneType}, _pair),
    "tuple[str, ...]": (_SEQUENCE, _texts),
    "tuple[Mapping[str, Any], ...]": (_SEQUENCE, _objects),
    "Mapping[str, Any]": (frozenset({dict}), None),
    "Mapping[str, float]": (frozenset({dict}), _numbers),
    "Mapping[str, int]": (frozenset({dict}), _numbers),
}
"""For each annotation that a record's field may have: the JSON types that fit it, and the check or conversion that they need."""
