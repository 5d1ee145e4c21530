"""Compares what was expected with what came: output as text or data, and frozen values. Pure; what came is not trusted.

The first difference is told in words. Whole numbers must be equal; of other numbers those within the tolerance are.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from autotune_tui.oracle.words import clean, cut, in_words

How = Literal["exact", "json", "csv", "text"]

NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\.\d)|(?<!\w)[-+]?(?:nan|inf)(?!\w)", re.IGNORECASE
)
_DTYPE = re.compile(r"[<|][biufc]\d{1,2}")
MOST_WORDS = 300
_MOST_MATCHED = 200
"""Members of two sets that are matched one with the other where numbers differ within the tolerance."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may be apart."""

    relative: float = 0.0
    absolute: float = 0.0

    def same(self, a: float, b: float) -> bool:
        """NaN equals NaN. Without any tolerance, -0.0 is not 0.0."""
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        if not (self.relative or self.absolute):
            return a == b and math.copysign(1, a) == math.copysign(1, b)
        return math.isclose(a, b, rel_tol=self.relative, abs_tol=self.absolute)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place at which two things differ."""

    where: str
    expected: str
    got: str

    @property
    def text(self) -> str:
        """One line that is safe to show; names and values may be a candidate's."""
        where, expected, got = (clean(cut(part, MOST_WORDS)) for part in (self.where, self.expected, self.got))
        return f"{where}: expected {expected}, got {got}"

    def within(self, outer: str) -> Difference:
        """The same difference, seen from further out."""
        return Difference(outer + self.where, self.expected, self.got)


# --- output ---


def compare_output(expected: str, got: str, how: How, tolerance: Tolerance) -> Difference | None:
    """The first difference of two outputs. One that is expected to be no JSON is compared as text."""
    if expected == got:
        return None
    if how == "json" and (documents := _json(expected)) is not None:
        return _compare_documents(documents, got, tolerance)
    if how == "csv":
        return _compare_rows(_rows(expected, expected), _rows(got, expected), tolerance)
    return _compare_lines(expected.splitlines(), got.splitlines(), None if how == "exact" else tolerance)


def _compare_lines(expected: list[str], got: list[str], tolerance: Tolerance | None) -> Difference | None:
    for number, (one, other) in enumerate(zip(expected, got, strict=False), 1):
        if one != other and (tolerance is None or not _same_text(one, other, tolerance)):
            return Difference(f"line {number}", _around(one, other), _around(other, one))
    if len(expected) != len(got):
        return _another_count("line", expected, got)
    # Only ends of lines differ: which is a difference for bytes alone.
    return Difference("the ends of lines", "others", "these") if tolerance is None else None


def _another_count(what: str, expected: Sequence[Any], got: Sequence[Any]) -> Difference:
    number = min(len(expected), len(got))
    missing = f"the end after {what} {number}"
    return Difference(
        f"{what} {number + 1}",
        cut(repr(expected[number])) if number < len(expected) else missing,
        cut(repr(got[number])) if number < len(got) else missing,
    )


def _around(text: str, other: str) -> str:
    """A line in quotes, cut so that the first character that differs is in it."""
    first = next((n for n, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    start = max(0, first - 40) if len(text) > 100 else 0
    return repr(("…" if start else "") + text[start : start + 100] + ("…" if len(text) > start + 100 else ""))


def _same_text(one: str, other: str, tolerance: Tolerance) -> bool:
    """Whether two texts differ in nothing but numbers, and those within the tolerance."""
    if NUMBER.split(one) != NUMBER.split(other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(a == b or _same_number(a, b, tolerance) for a, b in pairs)


def _same_number(one: str, other: str, tolerance: Tolerance) -> bool:
    """Whether two texts are numbers that count as the same; whole numbers only when they are equal."""
    if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other)):
        return False
    if not set(".eEnN") & {*one, *other}:
        return one.lstrip("+") == other.lstrip("+")
    return tolerance.same(float(one), float(other))


def _json(text: str) -> list[Any] | None:
    """The JSON documents of a text: one, or one a line; None when it is something else."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()] or None
    except (ValueError, RecursionError):
        return None


def _compare_documents(expected: list[Any], text: str, tolerance: Tolerance) -> Difference | None:
    got = _json(text)
    if got is None:
        return Difference("", "JSON", cut(repr(text)))
    if len(got) != len(expected):
        return _another_count("document", expected, got)
    for number, (one, other) in enumerate(zip(expected, got, strict=True), 1):
        if found := _compare_json(one, other, "$", tolerance):
            return found.within(f"document {number}, ") if len(expected) > 1 else found
    return None


def _compare_json(one: Any, other: Any, where: str, tolerance: Tolerance) -> Difference | None:
    """Objects are the same in any order of their keys."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            inner = f"{where}.{key}"
            if key not in one or key not in other:
                return Difference(inner, _shown(one, key), _shown(other, key))
            if found := _compare_json(one[key], other[key], inner, tolerance):
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        for number, (a, b) in enumerate(zip(one, other, strict=False)):
            if found := _compare_json(a, b, f"{where}[{number}]", tolerance):
                return found
        if len(one) != len(other):
            return Difference(where, f"{len(one)} entries", f"{len(other)}")
        return None
    if _is_number(one) and _is_number(other) and float in (type(one), type(other)):
        same = tolerance.same(_float(one), _float(other))
    else:
        same = type(one) is type(other) and one == other
    return None if same else Difference(where, cut(json.dumps(one)), cut(json.dumps(other)))


def _shown(table: dict[str, Any], key: str) -> str:
    return cut(json.dumps(table[key])) if key in table else "nothing"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 300 digits
        return math.inf if value > 0 else -math.inf


def _rows(text: str, like: str) -> list[list[str]]:
    """The rows of a table whose delimiter is the one of `,;\\t|` that the first line of `like` has most of."""
    first = like.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return [[line] for line in text.splitlines()]


def _compare_rows(expected: list[list[str]], got: list[list[str]], tolerance: Tolerance) -> Difference | None:
    for number, (one, other) in enumerate(zip(expected, got, strict=False), 1):
        for column, (a, b) in enumerate(zip(one, other, strict=False), 1):
            if a != b and not _same_number(a.strip(), b.strip(), tolerance):
                return Difference(f"row {number}, column {column}", cut(repr(a)), cut(repr(b)))
        if len(one) != len(other):
            return Difference(f"row {number}", f"{len(one)} columns", f"{len(other)}")
    return _another_count("row", expected, got) if len(expected) != len(got) else None


# --- frozen values ---


def compare_frozen(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    """The first difference of two trees of `inside.freeze`; `one` is well formed, `other` may be anything."""
    if type(one) is not list:
        same = (
            tolerance.same(one, other)
            if type(one) is type(other) is float
            else type(one) is type(other) and one == other
        )
        return None if same else _unlike(one, other)
    if type(other) is not list or not other or one[0] != other[0] or len(one) != len(other):
        return None if one == ["unseen"] else _unlike(one, other)
    compare = _BY_TAG.get(one[0])
    if compare is None:
        return None if one == other else _unlike(one, other)
    return compare(one, other, tolerance)


def _unlike(one: Any, other: Any) -> Difference:
    return Difference("", in_words(one), in_words(other))


def _compare_items(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    """["list", items], ["iterator", items, end], and other trees of a list and a rest."""
    if type(other[1]) is not list:
        return _unlike(one, other)
    for number, (a, b) in enumerate(zip(one[1], other[1], strict=False)):
        if found := compare_frozen(a, b, tolerance):
            return found.within(f"[{number}]")
    if len(one[1]) != len(other[1]):
        return Difference("", f"{len(one[1])} items", f"{len(other[1])}: {in_words(other)}")
    return compare_frozen(one[2], other[2], tolerance) if len(one) > 2 else None


def _compare_dicts(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    """The order counts, as it shows wherever a dict is walked through."""
    if not _is_pairs(other[1]):
        return _unlike(one, other)
    for (key, a), (other_key, b) in zip(one[1], other[1], strict=False):
        if compare_frozen(key, other_key, tolerance):
            return Difference("", f"the key {in_words(key)} next", in_words(other_key))
        if found := compare_frozen(a, b, tolerance):
            return found.within(f"[{in_words(key)}]")
    if len(one[1]) != len(other[1]):
        return Difference("", f"{len(one[1])} entries", f"{len(other[1])}: {in_words(other)}")
    return None


def _compare_sets(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    if type(other[1]) is not list:
        return _unlike(one, other)
    theirs = [json.dumps(member) for member in other[1]]
    ours = [json.dumps(member) for member in one[1]]
    missing = [a for a, text in zip(one[1], ours, strict=True) if text not in set(theirs)]
    new = [b for b, text in zip(other[1], theirs, strict=True) if text not in set(ours)]
    if len(theirs) == len(ours) and len(missing) == len(new) <= _MOST_MATCHED:
        for member in missing:
            match = next((n for n, b in enumerate(new) if compare_frozen(member, b, tolerance) is None), None)
            if match is None:
                return Difference("", f"{in_words(member)} among its members", in_words(other))
            del new[match]
        return None
    return _unlike(one, other)


def _compare_objects(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    """["object", type, attributes, rest]. A candidate's object may keep what it has worked out: where its attribute is nobody
    else's by its name and the incumbent has None or nothing, it may hold anything.
    """
    if one[1] != other[1] or not _is_pairs(other[2]):
        return _unlike(one, other)
    theirs = {str(name): value for name, value in other[2]}
    ours = dict(one[2] or ())
    for name, value in ours.items():
        if name not in theirs:
            return Difference(f".{name}", in_words(value), "no such attribute")
        if value is None and name.startswith("_"):
            continue
        if found := compare_frozen(value, theirs[name], tolerance):
            return found.within(f".{name}")
    for name, value in theirs.items() if one[2] is not None else ():
        if name not in ours and not name.startswith("_"):
            return Difference(f".{name}", "no such attribute", in_words(value))
    if type(other[3]) is not list or len(one[3]) != len(other[3]):
        return _unlike(one, other)
    return next((d for a, b in zip(one[3], other[3], strict=True) if (d := compare_frozen(a, b, tolerance))), None)


def _compare_exceptions(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    """["exception", type, args]"""
    if one[1] != other[1] or type(other[2]) is not list or len(one[2]) != len(other[2]):
        return _unlike(one, other)
    differ = any(compare_frozen(a, b, tolerance) for a, b in zip(one[2], other[2], strict=True))
    return _unlike(one, other) if differ else None


def _compare_complex(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    parts = zip(one[1:], other[1:], strict=True)
    return _unlike(one, other) if any(compare_frozen(a, b, tolerance) for a, b in parts) else None


def _compare_arrays(one: Any, other: Any, tolerance: Tolerance) -> Difference | None:
    """["array", dtype, shape, data]: base64 of the values, or a tree where they are no numbers."""
    if one[1:3] != other[1:3]:
        return Difference(
            "", f"an array of {one[1]} with shape {one[2]}", f"one of {cut(str(other[1]))} with {cut(str(other[2]))}"
        )
    if type(one[3]) is not str:
        return compare_frozen(one[3], other[3], tolerance)
    if one[3] == other[3]:
        return None
    a, b = _values(one), _values(other)
    if b is None or a is None:
        return Difference("", "an array", "something that cannot be read")
    if one[1][1] in "fc" and (tolerance.relative or tolerance.absolute):
        with np.errstate(all="ignore"):
            apart = np.abs(a - b) > np.maximum(
                tolerance.relative * np.maximum(np.abs(a), np.abs(b)), tolerance.absolute
            )
            differ = (apart | (np.isfinite(a) != np.isfinite(b)) | np.isinf(a) & (a != b)) & ~(
                np.isnan(a) & np.isnan(b)
            )
    elif one[1][1] in "fc":
        differ = ~((a == b) & (np.signbit(a.real) == np.signbit(b.real)) | np.isnan(a) & np.isnan(b))
    else:
        differ = a != b
    if not differ.any():
        return None
    first = int(np.argmax(differ))
    where = "".join(f"[{index}]" for index in np.unravel_index(first, one[2])) if one[2] else ""
    return Difference(where, str(a[first]), f"{b[first]}; {int(differ.sum())} of {a.size} values differ")


def _values(tree: Any) -> Any:
    """The flat values of an array's tree; None when it is not what it says."""
    try:
        if not _DTYPE.fullmatch(tree[1]):
            return None
        values = np.frombuffer(base64.b64decode(tree[3], validate=True), dtype=tree[1])
    except (TypeError, ValueError, binascii.Error):
        return None
    return values if values.size == math.prod(tree[2]) else None


def _is_pairs(value: Any) -> bool:
    return type(value) is list and all(type(pair) is list and len(pair) == 2 for pair in value)


_BY_TAG = {
    "list": _compare_items, "tuple": _compare_items, "iterator": _compare_items, "dict": _compare_dicts,
    "set": _compare_sets, "frozenset": _compare_sets, "object": _compare_objects, "exception": _compare_exceptions,
    "complex": _compare_complex, "array": _compare_arrays,
}  # fmt: skip
