"""Values behave as frozen dataclasses do, but that nothing stops a program from changing one."""

from __future__ import annotations

from dataclasses import field, fields, replace

import pytest

from autotune_tui.model.value import Value, frozen


@frozen
class Point(Value):
    x: int
    y: int = 0


@frozen
class Place(Value):
    x: int
    y: int = 0


@frozen
class Name(Value):
    text: str


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Point(1), Point(1, 0), True),
        (Point(1), Point(1, 2), False),
        (Point(1), Place(1), False),
        (Point(1), (1, 0), False),
        (Name("a"), Name("a"), True),
        (Name("a"), Name("b"), False),
        (Name("a"), "a", False),
    ],
)
def test_values_are_equal_when_they_are_of_one_kind_and_hold_the_same(one: object, other: object, same: bool) -> None:
    assert (one == other) is same
    assert len({one, other}) == (1 if same else 2)


def test_a_value_says_what_it_holds_and_has_slots() -> None:
    assert (repr(Point(1, 2)), repr(Name("a"))) == ("Point(x=1, y=2)", "Name(text='a')")
    assert not hasattr(Point(1), "__dict__")
    assert [one.name for one in fields(Point)] == ["x", "y"]


@frozen
class Held(Value):
    name: str
    parts: dict[str, int] = field(default_factory=dict)


def test_each_value_has_a_default_of_its_own() -> None:
    one, other = Held("a"), Held(name="a")
    assert one == other and one.parts == {} and one.parts is not other.parts
    assert Held("a", {"b": 1}).parts == {"b": 1}


@pytest.mark.parametrize(
    ("args", "named"),
    [((), {}), ((), {"y": 1}), ((1, 2, 3), {}), ((1,), {"z": 1})],
    ids=["none", "one of two", "too many", "unknown"],
)
def test_a_value_is_made_of_its_fields(args: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(*args, **named)


def test_a_value_with_other_content_is_a_new_one() -> None:
    one = Point(1, 2)
    assert (replace(one, y=3), one) == (Point(1, 3), Point(1, 2))
    with pytest.raises(TypeError):
        hash(replace(one, y=[]))  # type: ignore[arg-type]
