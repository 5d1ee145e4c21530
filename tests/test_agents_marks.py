"""What a mark may say, and what its domain means."""

from __future__ import annotations

import pytest

from autotune_tui.agents.offline.marks import Choices, Domain, Range, Value, parse


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("16..4096 log", Range(16, 4096, log=True)),
        (" 1..64 ", Range(1, 64)),
        ("1_000..100_000", Range(1000, 100_000)),
        ("0x10..0x40", Range(16, 64)),
        ("0.1..0.9", Range(0.1, 0.9)),
        ("1e-4..1e-1 log", Range(1e-4, 1e-1, log=True)),
        ("-64000..-1000 log", Range(-64000, -1000, log=True)),
        ("16..4096 step 16", Range(16, 4096, step=16)),
        ("10..99 step 16", Range(10, 90, step=16)),
        ("0..1 step 0.25", Range(0, 1, step=0.25)),
        ("{1, 2, 4}", Choices((1, 2, 4))),
        ('{"a", "b"}', Choices(("a", "b"))),
        ("{'a', 'b c',}", Choices(("a", "b c"))),
        ("{true, false}", Choices((True, False))),
        ("{WAL, DELETE}", Choices(("WAL", "DELETE"))),
        ("{0.5, 1}", Choices((0.5, 1))),
    ],
)
def test_a_mark_is_a_range_or_choices(text: str, domain: Domain) -> None:
    assert parse(text) == domain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing stands after it"),
        ("16-4096", "neither a range nor a choice"),
        ("16..", "no upper end"),
        ("..16", "not a number"),
        ("a..b", "not a number"),
        ("64..16", "below the upper end"),
        ("5..5", "below the upper end"),
        ("0..10 log", "may not contain zero"),
        ("-5..10 log", "may not contain zero"),
        ("1..64 logarithmic", "neither `log` nor `step N`"),
        ("1..64 step", "not a number"),
        ("1..64 step 0", "step must be above zero"),
        ("1..64 step 100", "fit into the range"),
        ("1..64 log step 2", "do not go together"),
        ("1..inf", "not a finite number"),
        ("nan..1", "not a finite number"),
        ("{1, 2", "closing brace"),
        ("{1, 2} or so", "closing brace"),
        ("{}", "at least two"),
        ("{1}", "at least two"),
        ("{1, 1}", "at least two"),
        ('{1, "a"}', "different kinds"),
        ("{true, 1}", "different kinds"),
        ('{"a" "b"}', "cannot read"),
        ('{"a, "b"}', "cannot read"),
    ],
)
def test_a_malformed_mark_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    ("domain", "position", "value"),
    [
        (Range(0, 100), 0.5, 50),
        (Range(1, 10_000, log=True), 0.5, 100),
        (Range(16, 4096, log=True), 0.6, 512),  # 447 by itself: the ends are powers of two
        (Range(-64000, -1000, log=True), 0.5, -8000),
        (Range(16, 4096, step=16), 0.01, 64),
        (Range(0.0, 1.0, step=0.1), 0.31, 0.3),
        (Range(0.1, 0.9), 1 / 3, 0.3667),
        (Range(0, 10), 7.0, 10),
    ],
)
def test_positions_of_a_range_are_allowed_values(domain: Range, position: float, value: Value) -> None:
    found = domain.at(position)
    assert found == value
    assert type(found) is type(value)
    assert domain.contains(found)


def test_small_domains_can_be_listed() -> None:
    assert Range(1, 4).options() == (1, 2, 3, 4)
    assert Range(10, 90, step=40).options() == (10, 50, 90)
    assert Range(1, 65).options() is None
    assert Range(0.1, 0.9).options() is None


@pytest.mark.parametrize("text", ["16..4096 log", "10..90 step 16", '{"a", "b"}', "{true, false}", "{1, 2, 4}"])
def test_a_domain_is_shown_as_it_was_written(text: str) -> None:
    assert str(parse(text)) == text
