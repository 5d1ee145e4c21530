"""Output and frozen values are compared: the first difference is told in words."""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import itertools
import json
import math
import pathlib
import re
import threading
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.oracle.compare import Difference, Tolerance, compare_frozen, compare_output
from autotune_tui.oracle.inside.freeze import MOST_ITEMS, frozen
from autotune_tui.oracle.words import call_in_words, in_words

EXACT = Tolerance()
NEAR = Tolerance(relative=1e-6)


# --- output ---


@pytest.mark.parametrize(
    ("how", "expected", "got", "difference"),
    [
        ("exact", "a\nb\n", "a\nb\n", None),
        ("exact", "a\nb\n", "a\nc\n", "line 2: expected 'b', got 'c'"),
        ("exact", "a\nb\n", "a\n", "line 2: expected 'b', got the end after line 1"),
        ("exact", "a\n", "a\nb\n", "line 2: expected the end after line 1, got 'b'"),
        ("exact", "a\r\n", "a\n", "the ends of lines: expected others, got these"),
        ("exact", "1.0", "1.00", "line 1: expected '1.0', got '1.00'"),
        ("text", "a\r\n", "a\n", None),
        ("text", "mean 1.5s of 20", "mean 1.5000001s of 20", None),
        ("text", "mean 1.5s of 20", "mean 1.50001s of 20", "line 1: expected 'mean 1.5s of 20', got 'mean 1.50001s of 20'"),
        ("text", "20 rows", "21 rows", "line 1: expected '20 rows', got '21 rows'"),
        ("text", "+3 nan inf", "3 NaN inf", None),
        ("text", "inf", "-inf", "line 1: expected 'inf', got '-inf'"),
        ("text", "v1.2.3", "v1.2.4", "line 1: expected 'v1.2.3', got 'v1.2.4'"),
        ("text", "1e-3", "0.001", None),
        ("text", "x 1", "y 1", "line 1: expected 'x 1', got 'y 1'"),
        ("json", '{"a": 1, "b": [1.0, 2]}', '{"b": [1.0000001, 2],\n "a": 1}', None),
        ("json", '{"a": [{"b": 1}]}', '{"a": [{"b": 2}]}', "$.a[0].b: expected 1, got 2"),
        ("json", '{"a": 1}', '{"a": 1, "b": 2}', "$.b: expected nothing, got 2"),
        ("json", '{"a": 1}', "{}", "$.a: expected 1, got nothing"),
        ("json", "[1, 2]", "[1]", "$: expected 2 entries, got 1"),
        ("json", "[true]", "[1]", "$[0]: expected true, got 1"),
        ("json", "[3.0]", "[3]", None),
        ("json", "[NaN]", "[NaN]", None),
        ("json", "[1.5]", "[1" + "0" * 400 + "]", "$[0]: expected 1.5, got 1" + "0" * 98 + "…"),
        ("json", "{}", "oops", ": expected JSON, got 'oops'"),
        ("json", "{}", "[" * 100_000, ": expected JSON, got '" + "[" * 98 + "…"),
        ("json", '{"a": 1}\n{"a": 2}\n', '{"a": 1}\n{"a": 3}\n', "document 2, $.a: expected 2, got 3"),
        ("json", '{"a": 1}\n{"a": 2}\n', '{"a": 1}\n', "document 2: expected {'a': 2}, got the end after document 1"),
        ("json", "took 1.0 s", "took 1.0000001 s", None),
        ("csv", "a;b\n1,5;2.5\n", "a;b\n1,5;2.5000001\n", None),
        ("csv", "a,b\n1,2.5\n", "a,b\n1,2.6\n", "row 2, column 2: expected '2.5', got '2.6'"),
        ("csv", "a,b\n1,x\n", "a,b\n2,x\n", "row 2, column 1: expected '1', got '2'"),
        ("csv", "a,b\n1,2\n", "a,b\n1,2,3\n", "row 2: expected 2 columns, got 3"),
        ("csv", "a,b\n", "a,b\n1,2\n", "row 2: expected the end after row 1, got ['1', '2']"),
        ("csv", 'a,"b\nc"\n', 'a,"b\nd"\n', "row 1, column 2: expected 'b\\nc', got 'b\\nd'"),
    ],
)  # fmt: skip
def test_the_first_difference_of_two_outputs(how: Any, expected: str, got: str, difference: str | None) -> None:
    """Exact, or by the numbers in JSON, CSV and text; whole numbers are always exact (L10)."""
    found = compare_output(expected, got, how, NEAR)
    assert (found and found.text) == difference


def test_a_long_line_is_shown_where_it_differs() -> None:
    found = compare_output("x" * 500 + "a" + "y" * 500, "x" * 500 + "b" + "y" * 500, "exact", EXACT)
    assert found is not None and "…" + "x" * 40 + "a" in found.expected and len(found.text) < 300


@pytest.mark.parametrize(
    ("tolerance", "a", "b", "same"),
    [
        (EXACT, 0.1 + 0.2, 0.3, False),
        (NEAR, 0.1 + 0.2, 0.3, True),
        (EXACT, math.nan, math.nan, True),
        (NEAR, math.nan, 1.0, False),
        (EXACT, 0.0, -0.0, False),
        (NEAR, 0.0, -0.0, True),
        (NEAR, math.inf, math.inf, True),
        (NEAR, math.inf, -math.inf, False),
        (NEAR, 0.0, 1e-12, False),
        (Tolerance(absolute=1e-9), 0.0, 1e-12, True),
        (Tolerance(absolute=0.5), 10.0, 10.4, True),
    ],
)
def test_when_two_numbers_count_as_the_same(tolerance: Tolerance, a: float, b: float, same: bool) -> None:
    """Also within lists, sets and arrays."""
    assert tolerance.same(a, b) is tolerance.same(b, a) is same
    for wrapped in (
        lambda x: [x],
        lambda x: {x},
        lambda x: {"k": x},
        lambda x: np.array([1.0, x]),
        lambda x: complex(1, x),
    ):
        assert (compare_frozen(frozen(wrapped(a)), frozen(wrapped(b)), tolerance) is None) is same


# --- frozen values ---


class Plain:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any) -> None:
        self.a = a


@dataclass
class Data:
    x: int
    y: list[float] = field(default_factory=list)


class Point(NamedTuple):
    x: float
    y: float


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Words(list[str]):
    pass


class Sized:
    def __init__(self, items: list[int], size: int = 1) -> None:
        self._items, self._size = items, size

    def __reduce__(self) -> Any:
        return Sized, (self._items,)


class Odd(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("no")


def count_up() -> Any:
    yield 1
    yield 2
    raise Odd("enough")


PAIRS: list[tuple[Any, Any, str]] = [
    (1, 2, ": expected 1, got 2"),
    (1, 1.0, ": expected 1, got 1.0"),
    (1, True, ": expected 1, got True"),
    (None, 0, ": expected None, got 0"),
    (10**30, 10**30 + 1, ": expected 0xc9f2c9cd04674edea40000000, got 0xc9f2c9cd04674edea40000001"),
    ("a", b"a", ": expected 'a', got b'a'"),
    (b"a", b"b", ": expected b'a', got b'b'"),
    (b"a", bytearray(b"a"), ": expected b'a', got b'a'"),
    ([1, 2], [1, 3], "[1]: expected 2, got 3"),
    ([1, 2], [1], ": expected 2 items, got 1: [1]"),
    ([1], (1,), ": expected [1], got (1,)"),
    ({"a": [0, {"b": 1}]}, {"a": [0, {"b": 2}]}, "['a'][1]['b']: expected 1, got 2"),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ": expected the key 'a' next, got 'b'"),
    ({"a": 1}, {"a": 1, "b": 2}, ": expected 1 entries, got 2: {'a': 1, 'b': 2}"),
    ({1, 2}, {1, 3}, ": expected 2 among its members, got {1, 3}"),
    ({1, 2}, {1}, ": expected {1, 2}, got {1}"),
    ({1}, frozenset({1}), ": expected {1}, got {1}"),
    (Plain(a=1), Plain(a=2), ".a: expected 1, got 2"),
    (Plain(a=1), Plain(), ".a: expected 1, got no such attribute"),
    (Plain(), Plain(a=1), ".a: expected no such attribute, got 1"),
    (Plain(_a=1), Plain(), "._a: expected 1, got no such attribute"),
    (Slotted(1), Slotted([1]), ".a: expected 1, got [1]"),
    (Data(1, [1.0]), Data(1, [2.0]), ".y[0]: expected 1.0, got 2.0"),
    (Point(1, 2), Point(1, 3), "[1]: expected 2, got 3"),
    (Colour.RED, Colour.BLUE, "Colour.RED, got "),
    (Words(["a"]), Words(["b"]), "[0]: expected 'a', got 'b'"),
    (Words(["a"]), ["a"], ": expected Words(['a']), got ['a']"),
    (collections.deque([1], 3), collections.deque([1], 4), "[1]: expected 3, got 4"),
    (collections.OrderedDict(a=1), collections.OrderedDict(a=2), "['a']: expected 1, got 2"),
    (collections.Counter("aab"), collections.Counter("ab"), "[0]['a']: expected 2, got 1"),
    (collections.defaultdict(list), collections.defaultdict(set), "[0]: expected list, got set"),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00"), "[0]: expected '1.0', got '1.00'"),
    (fractions.Fraction(1, 2), fractions.Fraction(1, 3), "._denominator: expected 2, got 3"),
    (datetime.date(2024, 1, 1), datetime.date(2024, 1, 2), "[0]: expected b'"),
    (pathlib.PurePosixPath("a/b"), pathlib.PurePosixPath("a/c"), "expected 'b', got 'c'"),
    (re.compile("a"), re.compile("a", re.I), "[1]: expected 32, got 34"),
    (range(3), range(4), "[1]: expected 3, got 4"),
    (array.array("d", [1.0]), array.array("d", [2.0]), "expected"),
    (functools.partial(int, base=2), functools.partial(int, base=3), "expected 2, got 3"),
    (ValueError("a"), ValueError("b"), ": expected ValueError('a'), got ValueError('b')"),
    (ValueError("a"), KeyError("a"), ": expected ValueError('a'), got KeyError('a')"),
    (len, max, ": expected len, got max"),
    (int, float, ": expected int, got float"),
    (iter([1, 2]), iter([1]), ": expected 2 items, got 1: <1>"),
    (count_up(), iter([1, 2]), ": expected Odd('enough'), got 'ends'"),
    (itertools.count(), itertools.count(1), "[0]: expected 0, got 1"),
    (np.array([1, 2]), np.array([1, 3]), "[1]: expected 2, got 3; 1 of 2 values differ"),
    (
        np.array([1.0, 2.0]),
        np.array([[1.0, 2.0]]),
        ": expected an array of <f8 with shape [2], got one of <f8 with [1, 2]",
    ),
    (
        np.array([1.0]),
        np.array([1.0], dtype="f4"),
        ": expected an array of <f8 with shape [1], got one of <f4 with [1]",
    ),
    (np.array([[1.0, np.nan]]), np.array([[1.0, 3.0]]), "[0][1]: expected nan, got 3.0; 1 of 2 values differ"),
    (np.float64(1.0), 1.0, "expected array of <f8 with shape (), got 1.0"),
    (np.float64(1.0), np.float64(2.0), ": expected 1.0, got 2.0; 1 of 1 values differ"),
    (np.array(["a"]), np.array(["b"]), "[0]: expected 'a', got 'b'"),
    (np.array([{}], dtype=object), np.array([{1: 2}], dtype=object), "[0]: expected 0 entries, got 1: {1: 2}"),
    (object(), Plain(), "expected object(), got Plain()"),
    (threading.Lock(), None, "expected a "),
]


def deep(value: Any) -> Any:
    """The tree as it comes out of a file."""
    return json.loads(json.dumps(frozen(value)))


@pytest.mark.parametrize(("one", "other", "difference"), PAIRS, ids=lambda value: type(value).__name__)
def test_the_first_difference_of_two_values(one: Any, other: Any, difference: str) -> None:
    """Kinds of values are told apart, places are named as one would write them in Python (L10)."""
    a, b = deep(one), deep(other)
    found = compare_frozen(a, b, EXACT)
    assert found is not None and difference in found.text
    assert compare_frozen(b, a, EXACT) is not None or "_a" in found.where
    assert compare_frozen(a, a, EXACT) is None and compare_frozen(b, b, EXACT) is None


def test_what_an_object_has_worked_out_for_itself_is_no_difference() -> None:
    """A candidate may cache: an attribute more whose name begins with _ is nobody else's."""
    assert compare_frozen(deep(Plain(a=1)), deep(Plain(a=1, _cache={})), EXACT) is None
    assert compare_frozen(deep(Plain(a=1, _cache=None)), deep(Plain(a=1, _cache={})), EXACT) is None
    assert compare_frozen(deep(Plain(a=1, _cache={})), deep(Plain(a=1, _cache={1: 2})), EXACT) is not None
    assert compare_frozen(deep(Plain(a=1, _cache={})), deep(Plain(a=1, _cache=None)), EXACT) is not None


def test_state_that_pickle_passes_over_is_compared_too() -> None:
    """What a class leaves out of its pickles may still be what an edit breaks."""
    found = compare_frozen(deep(Sized([1])), deep(Sized([1], 0)), EXACT)
    assert found is not None and found.text == "._size: expected 1, got 0"
    assert compare_frozen(frozen(Sized([1]), untouched=True), deep(Sized([1], 0)), EXACT) is None
    assert compare_frozen(frozen(Sized([1]), untouched=True), deep(Sized([2])), EXACT) is not None


def test_endless_and_circular_and_huge_values_come_to_an_end() -> None:
    assert frozen(itertools.count())[1] == list(range(MOST_ITEMS))
    circle: list[Any] = [1]
    circle.append({"again": circle})
    assert deep(circle) == ["list", [1, ["dict", [["again", ["cycle", 2]]]]]]
    assert "..." in in_words(deep(circle))
    assert frozen("x" * 50_000_000) == frozen(list(range(1_000_000))) == ["too large"]
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    assert frozen(nested) == ["too large"]


def test_an_iterator_that_the_program_still_needs_is_left_alone() -> None:
    """What is not looked at while recording matches whatever comes of it later."""
    items = iter([1, 2])
    assert frozen({"i": items}, untouched=True) == ["dict", [["i", ["unseen"]]]]
    assert list(items) == [1, 2]
    assert compare_frozen(["unseen"], deep(iter([3])), EXACT) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
        | st.frozensets(st.integers() | st.text(), max_size=4)
        | st.builds(lambda value: Plain(value=value), inner)
    ),
    max_leaves=12,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["list", "dict", "set", "object", "array", "exception", "iterator", "<f8", "too large", "bytes"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=15,
)  # fmt: skip


@given(VALUES)
def test_every_value_equals_itself_after_a_journey_through_a_file(value: Any) -> None:
    assert compare_frozen(deep(value), deep(value), EXACT) is None
    assert in_words(deep(value))


@given(VALUES, JSON)
def test_whatever_a_candidate_writes_is_compared_and_told(value: Any, forged: Any) -> None:
    """A forged record is a difference like any other; it never ends the engine."""
    found = compare_frozen(deep(value), forged, NEAR)
    assert found is None or (isinstance(found, Difference) and found.text)
    assert in_words(forged) and call_in_words("m:f", forged)


def test_what_is_told_is_one_short_line_that_no_terminal_obeys() -> None:
    found = compare_output("{}", json.dumps({"\x1b[2J" + "k" * 5000 + "\n": 1}), "json", EXACT)
    assert found is not None and len(found.text) < 400 and found.text.isprintable()


def test_forged_arrays_are_told_as_such() -> None:
    honest = deep(np.array([1.0, 2.0]))
    for data in ("", "AAAA", "not base64!", None, ["list", []], "é"):
        found = compare_frozen(honest, ["array", "<f8", [2], data], NEAR)
        assert found is not None and found.text


def test_a_call_is_shown_as_it_would_be_written() -> None:
    arguments = deep(((1, "a", Point(0.5, 2)), {"key": [None] * 3}))
    assert (
        call_in_words("package.module:Class.method", arguments)
        == "method(1, 'a', Point((0.5, 2)), key=[None, None, None])"
    )
