"""Turns any value into plain data (JSON) in which equal values look equal: the engine never loads an object of a candidate.

None, bool, float, str and ints of 64 bits are themselves. All else is a list that begins with what it is:
["int", hex], ["complex", re, im], ["bytes"|"bytearray", base64], ["list"|"tuple", [..]], ["dict", [[key, value], ..]],
["set"|"frozenset", [.. in a fixed order]], ["array", dtype, shape, base64 or a tree], ["iterator", [..], how it ended],
["exception", type, args], ["name", "module.name"], ["object", type, [[attribute, value], ..] or None, [what else it is made of]],
["opaque", type], ["cycle", how many levels up], ["unseen"]; "what else" is trees, too.
"""

from __future__ import annotations

import base64
import copyreg
import enum
import io
import json
import sys
import types
from collections.abc import Iterable
from typing import Any

MOST_NODES = 200_000
"""Of one value; a string counts one for every 32 characters, an array for every 32 bytes."""
MOST_ITEMS = 1000
"""Taken from one iterator, which may be endless."""
MOST_LEVELS = 60

_PLAIN = (type(None), bool, float)
_NAMED = (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)


class TooLarge(Exception):
    """The value is too large, or nested too deeply, to be compared."""


class Freezer:
    """Freezes one value. Iterators are used up; with `untouched`, as somebody still needs them, they are "unseen"."""

    def __init__(self, untouched: bool = False) -> None:
        self._untouched = untouched
        self._left = MOST_NODES
        self._open: dict[int, int] = {}

    def freeze(self, value: Any) -> Any:
        """The tree of a value. Raises TooLarge."""
        kind = type(value)
        self._take(1)
        if kind in _PLAIN:
            return value
        if kind is str:
            self._take(len(value) // 32)
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 63 else self._large(value)
        if id(value) in self._open:
            return ["cycle", len(self._open) - self._open[id(value)]]
        if len(self._open) >= MOST_LEVELS:
            raise TooLarge("nested too deeply")
        self._open[id(value)] = len(self._open)
        try:
            return self._inner(value, kind)
        finally:
            del self._open[id(value)]

    def _take(self, nodes: int) -> None:
        self._left -= nodes
        if self._left < 0:
            raise TooLarge("too large")

    def _large(self, value: int) -> Any:
        self._take(value.bit_length() // 256)
        return ["int", hex(value)]

    def _inner(self, value: Any, kind: type) -> Any:
        if kind is list or kind is tuple:
            return [kind.__name__, self._all(value)]
        if kind is dict:
            return ["dict", [[self.freeze(key), self.freeze(item)] for key, item in value.items()]]
        if kind is set or kind is frozenset:
            return [kind.__name__, sorted(self._all(value), key=json.dumps)]
        if kind is bytes or kind is bytearray:
            self._take(len(value) // 32)
            return [kind.__name__, base64.b64encode(value).decode()]
        if kind is complex:
            return ["complex", value.real, value.imag]
        if isinstance(value, BaseException):
            return ["exception", name_of(kind), self._all(value.args)]
        if isinstance(value, type) or kind in _NAMED:
            return ["name", name_of(value)]
        if kind is types.ModuleType:
            return ["name", value.__name__]
        numpy = sys.modules.get("numpy")
        if numpy is not None and (kind is numpy.ndarray or isinstance(value, numpy.generic)):
            return self._array(value, numpy)
        if isinstance(value, enum.Enum):
            return ["name", f"{name_of(kind)}.{value.name or value.value}"]
        if hasattr(kind, "__next__") and not isinstance(value, io.IOBase):
            return self._iterator(value)
        return self._object(value, kind)

    def _all(self, values: Iterable[Any]) -> list[Any]:
        return [self.freeze(value) for value in values]

    def _array(self, value: Any, numpy: Any) -> Any:
        self._take(value.nbytes // 32)
        shape = list(value.shape)
        if value.dtype.kind not in "biufc":
            return ["array", value.dtype.str, shape, self.freeze(value.tolist())]
        order = value.dtype.newbyteorder("<")
        data = numpy.ascontiguousarray(value, dtype=order).tobytes()
        return ["array", order.str, shape, base64.b64encode(data).decode()]

    def _iterator(self, value: Any) -> Any:
        if self._untouched:
            return ["unseen"]
        items: list[Any] = []
        try:
            for item in value:
                items.append(self.freeze(item))
                if len(items) == MOST_ITEMS:
                    return ["iterator", items, "goes on"]
        except TooLarge:
            raise
        except Exception as error:
            return ["iterator", items, self.freeze(error)]
        return ["iterator", items, "ends"]

    def _object(self, value: Any, kind: type) -> Any:
        """An object is its attributes, and what pickle would keep of it where its class says so. What pickle passes over is not
        looked at when it is left untouched: an object that was loaded again does not have it.
        """
        name, custom = name_of(kind), _is_custom(kind)
        state = _attributes(value, kind)
        try:
            reduce = copyreg.dispatch_table.get(kind)
            reduced = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # whatever a class raises here, it cannot be taken apart this way
            return ["object", name, self._fields(state), []] if state is not None else ["opaque", name]
        if isinstance(reduced, str):
            return ["name", f"{kind.__module__}.{reduced}"]
        function, arguments, kept, items, pairs = (*reduced, None, None, None)[:5]
        made: list[Any] = []
        if function not in (copyreg.__newobj__, copyreg.__newobj_ex__):  # type: ignore[attr-defined]
            made.append(["name", name_of(function)])
            made.append(["tuple", self._all(arguments)])
        elif arguments[1:]:
            made.append(["tuple", self._all(arguments[1:])])
        if custom and kept is not None:
            made.append(self.freeze(kept))
        if items is not None:
            made.append(["list", self._all(items)])
        if pairs is not None:
            made.append(["dict", [[self.freeze(key), self.freeze(item)] for key, item in pairs]])
        return ["object", name, None if custom and self._untouched else self._fields(state or {}), made]

    def _fields(self, state: dict[Any, Any]) -> Any:
        return [[str(key), self.freeze(state[key])] for key in sorted(state, key=str)]


def _attributes(value: Any, kind: type) -> dict[Any, Any] | None:
    """What an object holds in its own dict and slots; None when it has neither."""
    own = getattr(value, "__dict__", None)
    slots = {name: getattr(value, name) for name in copyreg._slotnames(kind) if hasattr(value, name)}  # type: ignore[attr-defined]
    return {**slots, **own} if type(own) is dict else slots or None


def _is_custom(kind: type) -> bool:
    """Whether a class says by itself what pickle keeps of its objects."""
    hooks = ("__reduce_ex__", "__reduce__", "__getstate__")
    return kind in copyreg.dispatch_table or any(
        getattr(kind, hook, None) is not getattr(object, hook, None) for hook in hooks
    )


def frozen(value: Any, untouched: bool = False) -> Any:
    """The tree of a value, or `["too large"]`."""
    try:
        return Freezer(untouched).freeze(value)
    except (TooLarge, RecursionError):
        return ["too large"]


def name_of(thing: Any) -> str:
    """A class or function by its module and name."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", type(thing).__name__)
    return name if module in (None, "builtins") else f"{module}.{name}"
