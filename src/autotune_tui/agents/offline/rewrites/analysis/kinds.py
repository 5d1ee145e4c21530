"""Kinds: what is known about a value's type, and whether it can be hashed, changed or iterated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autotune_tui.agents.offline.rewrites.analysis.nodes import words


@dataclass(frozen=True, slots=True)
class Kind:
    """A type as far as it is known. `args` are the kinds of what it holds.

    Names: the built-in types; `tuple` (each item) and `tuple*` (any number of one kind); `dict` (key, value), also for its
    subclasses; `view` (what `keys`, `values`, `items` give) and `iter` (other things that give items of one kind); `union`;
    `object:Row` for a class of the file; `array` for numpy; `number` for something compared with numbers; `hashable` for
    what came out of a set or is a key of a dict; `none`; `nothing` for no value at all; and `unknown`.
    """

    name: str
    args: tuple[Kind, ...] = ()

    @property
    def options(self) -> tuple[Kind, ...]:
        return self.args if self.name == "union" else (self,)

    def is_a(self, *names: str) -> bool:
        """Whether it is surely one of these."""
        return all(option.name in names for option in self.options)


UNKNOWN = Kind("unknown")
NOTHING = Kind("nothing")
NONE = Kind("none")
STR, BYTES, INT, FLOAT, BOOL, NUMBER = (Kind(name) for name in ("str", "bytes", "int", "float", "bool", "number"))
ARRAY, HASHABLE = Kind("array"), Kind("hashable")

_VALUES = words(
    "str bytes int float bool complex number none range date datetime time timedelta Decimal Fraction UUID Path"
)
_EXACT = words("str bytes int bool none date timedelta UUID Path")
SIZED = ("str", "bytes", "list", "set", "frozenset", "dict", "tuple", "tuple*", "range", "deque")
SEQUENCES = ("str", "bytes", "list", "tuple", "tuple*", "range")


def of(name: str, *args: Kind) -> Kind:
    return Kind(name, args)


def join(kinds: Iterable[Kind]) -> Kind:
    """The kind of a value that is one of these; `nothing` adds nothing."""
    options: list[Kind] = []
    for kind in kinds:
        options.extend(option for option in kind.options if option not in options and option != NOTHING)
    if UNKNOWN in options:
        return UNKNOWN
    merged: list[Kind] = []
    for option in options:
        twin = next((i for i, other in enumerate(merged) if _alike(option, other)), None)
        if twin is None:
            merged.append(option)
        else:
            pairs = zip(option.args, merged[twin].args, strict=True)
            merged[twin] = Kind(option.name, tuple(join(pair) for pair in pairs))
    if not merged:
        return NOTHING
    return merged[0] if len(merged) == 1 else Kind("union", tuple(merged))


def _alike(left: Kind, right: Kind) -> bool:
    return left.name == right.name and len(left.args) == len(right.args) and left.name != "tuple"


def hashable(kind: Kind, plain_class: Callable[[str], bool]) -> bool:
    """Whether values can stand in a set and are found there exactly when `==` finds them in a list.

    `plain_class` answers for kinds that are classes of the file (`object:Row`).
    """
    if kind.name in ("union", "tuple", "tuple*", "frozenset"):
        return all(hashable(item, plain_class) for item in kind.args)
    return kind.name in _VALUES or kind == HASHABLE or (kind.name.startswith("object:") and plain_class(kind.name))


def exact(kind: Kind) -> bool:
    """Whether equal values of this kind cannot be told apart (1 and 1.0 can, and 0.0 and -0.0)."""
    if kind.name in ("tuple", "tuple*"):
        return all(exact(item) for item in kind.args)
    return kind.name in _EXACT


def immutable(kind: Kind) -> bool:
    """Whether a value can be shared without anyone noticing."""
    if kind.name in ("union", "tuple", "tuple*", "frozenset"):
        return all(immutable(item) for item in kind.args)
    return kind.name in _VALUES


def item_of(kind: Kind) -> Kind:
    """What iteration over the value gives."""
    return join(_item(option) for option in kind.options)


def _item(kind: Kind) -> Kind:
    if kind.name in ("str", "file"):
        return STR
    if kind.name in ("bytes", "range"):
        return INT
    if kind.name == "tuple":
        return join(kind.args)
    if kind.name in ("set", "frozenset", "dict") and kind.args:
        return HASHABLE if kind.args[0] == UNKNOWN else kind.args[0]
    if kind.name in ("list", "iter", "view", "tuple*", "deque") and kind.args:
        return kind.args[0]
    return NOTHING if kind == NOTHING else UNKNOWN


def sized(kind: Kind) -> bool:
    return kind.is_a(*SIZED)


def sum_of(left: Kind, right: Kind) -> Kind:
    """The kind of `left + right`."""
    if NOTHING in (left, right):
        return right if left == NOTHING else left
    if left.name == right.name and left.name in ("str", "bytes"):
        return left
    if left.name == right.name == "list":
        return of("list", join((left.args[0], right.args[0])))
    if left.name == right.name == "tuple":
        return of("tuple", *left.args, *right.args)
    if left.name in ("tuple", "tuple*") and right.name in ("tuple", "tuple*"):
        return of("tuple*", join((item_of(left), item_of(right))))
    return product_of(left, right)


def product_of(left: Kind, right: Kind) -> Kind:
    """The kind of `left * right` and other arithmetic on numbers that keeps integers whole."""
    if NOTHING in (left, right):
        return right if left == NOTHING else left
    if left.is_a("int", "bool") and right.is_a("int", "bool"):
        return INT
    if left.is_a("int", "bool", "float") and right.is_a("int", "bool", "float"):
        surely = left == FLOAT or right == FLOAT
        return FLOAT if surely else join((INT, FLOAT))
    if left.is_a("int", "bool", "float", "number") and right.is_a("int", "bool", "float", "number"):
        return NUMBER
    return UNKNOWN


def annotation(kind: Kind) -> str:
    """The kind as an annotation of a local variable; "" when it cannot be written."""
    if kind.name in ("str", "bytes", "int", "float", "bool"):
        return kind.name
    if kind.name.startswith("object:"):
        return kind.name.removeprefix("object:")
    parts = [annotation(item) for item in kind.args]
    if kind.name not in ("list", "set", "frozenset", "dict", "deque", "tuple", "tuple*") or not parts or not all(parts):
        return ""
    return f"tuple[{parts[0]}, ...]" if kind.name == "tuple*" else f"{kind.name}[{', '.join(parts)}]"
