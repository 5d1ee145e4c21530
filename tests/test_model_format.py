"""Numbers look the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.model import format as fmt


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (131.4, "131.4"),
        (1.84, "1.840"),
        (0.0012345, "0.001234"),
        (1234567, "1,234,567"),
        (-1234.567, "−1,235"),
        (3.0, "3"),
        (1e-9, "1.000e-09"),
        (1.5e300, "1.500e+300"),
    ],
)
def test_numbers_have_four_significant_digits_and_a_minus_sign(value: float, text: str) -> None:
    assert fmt.number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "—"),
        (0.61, "s", "610 ms"),
        (1.84, "s", "1.840 s"),
        (0.0000123, "s", "12.30 µs"),
        (84_100_000, "B", "80.20 MiB"),
        (131.4, "ms", "131.4 ms"),
        (1_980_412, "rows/s", "1,980,412 rows/s"),
        (0.9731, "", "0.9731"),
        (0.0, "s", "0 s"),
        (1e-12, "s", "0.001000 ns"),
    ],
)
def test_a_metric_has_its_unit(value: float | None, unit: str, text: str) -> None:
    assert fmt.metric(value, unit) == text


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([1.84, 0.61, None], "s", ("s", ["1.840", "0.610", "—"])),
        ([0.131, 0.0954], "s", ("ms", ["131.0", "95.4"])),
        ([100, 90], "ms", ("ms", ["100", "90"])),
        ([12.0, 0.0005], "", ("", ["12.000000", "0.000500"])),
        ([-0.031, 0.5], "loss", ("loss", ["−0.0310", "0.5000"])),
        ([], "s", ("s", [])),
        ([None], "s", ("s", ["—"])),
    ],
)
def test_a_column_shares_unit_and_decimals(
    values: list[float | None], unit: str, expected: tuple[str, list[str]]
) -> None:
    assert fmt.column(values, unit) == expected


@pytest.mark.parametrize(
    ("effect", "interval", "scale", "unit", "text"),
    [
        (None, None, "log", "", "—"),
        (-0.131, (-0.139, -0.122), "log", "s", "−13.1 % [−13.9, −12.2]"),
        (-0.131, None, "log", "s", "−13.1 %"),
        (0.002, (-0.007, 0.011), "log", "s", "+0.2 % [−0.7, 1.1]"),
        (0.0004, None, "log", "s", "+0.04 %"),
        (0.0, None, "log", "s", "0.0 %"),
        (-0.00001, None, "log", "s", "0.00 %"),
        (12.3, None, "log", "s", "+1,230 %"),
        (-0.031, (-0.04, -0.022), "difference", "loss", "−0.0310 loss [−0.0400, −0.0220]"),
        (0.25, None, "difference", "", "+0.250"),
    ],
)
def test_a_change_has_sign_unit_and_interval(
    effect: float | None, interval: tuple[float, float] | None, scale: str, unit: str, text: str
) -> None:
    assert fmt.change(effect, interval, scale, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00049, "0 ms"),
        (0.85, "850 ms"),
        (0.9999, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3599.7, "1 h 00 min"),
        (3720, "1 h 02 min"),
        (86399, "1 d 00 h"),
        (183600, "2 d 03 h"),
        (-5, "−5.0 s"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert fmt.duration(seconds) == text


@pytest.mark.parametrize(
    ("effect", "direction", "times", "improves"),
    [
        (-0.5, "lower", "2x", True),
        (-0.563, "lower", "2.29x", True),
        (1.29, "higher", "2.29x", True),
        (0.25, "lower", "0.800x", False),
        (-1.0, "lower", "—", True),
        (0.0, "higher", "1x", False),
    ],
)
def test_an_improvement_as_a_factor_points_to_the_better_side(
    effect: float, direction: str, times: str, improves: bool
) -> None:
    assert fmt.times(effect, direction) == times
    assert fmt.improves(effect, direction) is improves


def test_the_better_direction_is_marked() -> None:
    assert fmt.heading("time", "ms", "lower") == "time [ms] ↓"
    assert fmt.heading("score", "", "higher") == "score ↑"
    assert fmt.direction_words("higher") == "higher is better"


def test_amounts_have_their_nouns() -> None:
    assert [fmt.count(0, "keep"), fmt.count(1, "keep"), fmt.count(1234, "keep")] == ["0 keeps", "1 keep", "1,234 keeps"]
    assert fmt.count(2, "entry", "entries") == "2 entries"
    assert [fmt.money(0.42), fmt.money(-1234.5), fmt.money(-0.001)] == ["$0.42", "−$1,234.50", "$0.00"]


def test_text_of_others_is_harmless_on_one_line() -> None:
    assert fmt.one_line("a\x1b[31mred\n\tb\u2028c\x00") == "a [31mred b c"
    assert fmt.one_line("x" * 200, 10) == "x" * 9 + "…"


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["s", "B", "", "rows/s"]))
def test_any_number_can_be_shown(value: float, unit: str) -> None:
    for text in (fmt.number(value), fmt.metric(value, unit), fmt.percent(value), fmt.change(value, (value, value))):
        assert text
        assert "-" not in text.replace("e-", "")
    assert len(fmt.column([value, 1.0], unit)[1]) == 2
