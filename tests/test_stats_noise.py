"""Scales, noise figures and what is said of them, as tables of what goes in and what comes out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.stats.disturbance import disturbed
from autotune_tui.stats.noise import (
    detectable_effect,
    is_exact,
    mad_confidence,
    noise_sources,
    pair_noise,
    prefers_cpu_time,
    side_noise,
    spread,
)
from autotune_tui.stats.scale import choose_scale, gain_score, harm_score, relative_change, to_scores

POSITIVE = st.floats(1e-6, 1e9)


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1.0, 2.0], "log"), ([0.0, 2.0], "difference"), ([-1.0, 2.0], "difference"), ([[1e-9], [3.0]], "log")],
)
def test_metrics_that_can_be_zero_or_negative_are_compared_by_differences(values: list[float], scale: str) -> None:
    assert choose_scale(values) == scale


@pytest.mark.parametrize(("direction", "scale"), [(d, s) for d in ("lower", "higher") for s in ("log", "difference")])
def test_a_better_value_always_has_a_lower_score(direction: str, scale: str) -> None:
    worse, better = (20.0, 10.0) if direction == "lower" else (10.0, 20.0)
    scores = to_scores([worse, better], direction, scale)
    assert scores[1] < scores[0]


@pytest.mark.parametrize("values", [[1.0, math.nan], [math.inf, 1.0]])
def test_a_value_that_is_not_finite_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        to_scores(values, "lower", "difference")


def test_the_log_scale_refuses_zero() -> None:
    with pytest.raises(ValueError, match="above zero"):
        to_scores([0.0, 1.0], "lower", "log")


@pytest.mark.parametrize(
    ("old", "new", "direction", "scale", "change"),
    [
        (100.0, 87.0, "lower", "log", -0.13),
        (100.0, 113.0, "lower", "log", 0.13),
        (100.0, 113.0, "higher", "log", 0.13),
        (3.0, 2.5, "lower", "difference", -0.5),
        (-1.0, 2.0, "higher", "difference", 3.0),
    ],
)
def test_an_effect_is_told_as_a_change_of_the_metric_in_its_own_direction(
    old: float, new: float, direction: str, scale: str, change: float
) -> None:
    before, after = to_scores([old, new], direction, scale)
    assert relative_change(float(before - after), scale, direction) == pytest.approx(change)


@pytest.mark.parametrize(
    ("amount", "relative", "scale", "direction", "level", "gain", "harm"),
    [
        (0.01, True, "log", "lower", 200.0, -math.log(0.99), math.log(1.01)),
        (0.01, True, "log", "higher", 200.0, math.log(1.01), -math.log(0.99)),
        (2.0, False, "log", "lower", 200.0, -math.log(0.99), math.log(1.01)),
        (0.05, False, "difference", "lower", 3.0, 0.05, 0.05),
        (0.1, True, "difference", "higher", -3.0, 0.3, 0.3),
        (0.0, True, "log", "lower", 1.0, 0.0, 0.0),
    ],
)
def test_thresholds_and_tolerances_become_score_differences(
    amount: float, relative: bool, scale: str, direction: str, level: float, gain: float, harm: float
) -> None:
    assert gain_score(amount, relative, scale, direction, level) == pytest.approx(gain)
    assert harm_score(amount, relative, scale, direction, level) == pytest.approx(harm)


def test_a_threshold_of_more_than_everything_stays_finite() -> None:
    assert math.isfinite(gain_score(5.0, True, "log", "lower", 1.0))


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=12), st.floats(1e-3, 1e3))
def test_pair_noise_does_not_depend_on_the_unit_nor_on_which_side_is_which(
    pairs: list[tuple[float, float]], unit: float
) -> None:
    a, b = np.array(pairs).T
    assert pair_noise(a * unit, b * unit, "log") == pytest.approx(pair_noise(b, a, "log"), rel=1e-6, abs=1e-9)


def test_pair_noise_estimates_the_deviation_of_a_pairs_difference() -> None:
    """D1: the noise floor is known before the baseline is locked."""
    runs = np.exp(np.random.default_rng(1).normal(3, 0.03, (2, 4000)))
    assert pair_noise(runs[0], runs[1], "log") == pytest.approx(0.03 * math.sqrt(2), rel=0.05)
    assert pair_noise([1.0, 5.0, 2.0], [1.0, 4.0, 0.0], "difference") == pytest.approx(1.4826)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [1.0, 2.0])])
def test_pair_noise_needs_pairs(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="pairs"):
        pair_noise(a, b, "log")


def test_an_experiments_own_noise_does_not_contain_its_effect() -> None:
    labels = np.tile([True, False, False, True], (6, 1))
    scores = np.random.default_rng(2).normal(0, 0.05, (6, 4))
    assert side_noise(scores - 3.0 * labels, labels) == pytest.approx(side_noise(scores, labels))


def test_forty_pairs_detect_about_seven_tenths_of_the_noise() -> None:
    assert detectable_effect(0.1, 40) == pytest.approx(0.07, rel=0.02)
    assert detectable_effect(0.1, 10) == pytest.approx(2 * detectable_effect(0.1, 40))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([10.0, 11.0, 9.0, 10.0, 10.0, 500.0], 0.2),
        ([7.0, 7.0], 0.0),
        ([], 0.0),
        ([-1.0, 0.0, 1.0], math.inf),
    ],
)
def test_the_spread_is_that_of_the_first_five_runs(values: list[float], expected: float) -> None:
    assert spread(values) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "exact"), [([5, 5, 5], True), ([5, 5, 6], False), ([5], False), ([], False), ([[1.5, 1.5]], True)]
)
def test_a_metric_that_never_changes_is_exact(values: list[float], exact: bool) -> None:
    assert is_exact(values) is exact


@pytest.mark.parametrize(
    ("wall_noise", "cpu_noise", "cpu_per_wall", "prefers"),
    [(0.2, 0.01, 0.99, True), (0.02, 0.019, 0.99, False), (0.2, 0.01, 0.5, False)],
)
def test_cpu_time_is_offered_where_it_is_steadier_and_the_command_hardly_waits(
    wall_noise: float, cpu_noise: float, cpu_per_wall: float, prefers: bool
) -> None:
    wobble = np.linspace(-1, 1, 10)
    wall_a, wall_b = 1 + wall_noise * np.abs(wobble), np.ones(10)
    cpu_a, cpu_b = cpu_per_wall * (1 + cpu_noise * np.abs(wobble)), np.full(10, cpu_per_wall)
    assert prefers_cpu_time(wall_a, wall_b, cpu_a, cpu_b) is prefers


def test_cpu_time_of_zero_is_never_offered() -> None:
    assert not prefers_cpu_time([1.0, 2.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0])


@pytest.mark.parametrize(
    ("improvement", "values", "confidence"),
    [
        (3.0, [10.0, 9.0, 7.0], 3.0),
        (-4.0, [10.0, 12.0, 14.0, 9.0], 4.0 / 1.5),
        (3.0, [10.0, 7.0], None),
        (3.0, [10.0, 10.0, 10.0, 7.0], None),
    ],
)
def test_the_confidence_of_other_tools_is_shown_as_they_compute_it(
    improvement: float, values: list[float], confidence: float | None
) -> None:
    """D2: improvement over the median absolute deviation, from three results on."""
    shown = mad_confidence(improvement, values)
    assert shown is None if confidence is None else shown == pytest.approx(confidence)


STEADY = [1.0, 1.01, 0.99, 1.0, 1.005, 0.995, 1.0, 1.01]


@pytest.mark.parametrize(
    ("values", "more", "words"),
    [
        (STEADY, {}, []),
        ([1.5, *STEADY], {}, ["warm-up"]),
        ([1.0, 1.0, 1.01, 1.0, 1.3, 1.31, 1.3, 1.3], {}, ["drift"]),
        ([*STEADY, 2.0, *STEADY], {}, ["1 of 16 runs", "spikes"]),
        (STEADY, {"steal": [0.0, 0.08]}, ["8%", "steal"]),
        (STEADY, {"cpu_share": [0.4, 0.5, 0.6]}, ["waits", "50%"]),
        (STEADY, {"load": 3.5, "cores": 2}, ["load 3.5 on 2 cores"]),
        (STEADY, {"load": 3.5, "cores": 2, "cpu_share": [0.5, 0.5]}, ["load 3.5 on 2 cores"]),
        (STEADY, {"frequencies": [1.2e9, 3.4e9]}, ["1.2 and 3.4 GHz"]),
    ],
)
def test_a_person_is_told_where_the_noise_may_come_from(values: list[float], more: dict, words: list[str]) -> None:
    """D10, D1: warm-up, drift, spikes, other work, steal, waiting and clock changes are named."""
    said = noise_sources(values, **more)
    assert len(said) == (1 if words else 0)
    assert all(word in said[0] for word in words)


LABELS = np.array([True, False, True, False])
REFERENCE = [0.0, 0.01, -0.01, 0.02]


@pytest.mark.parametrize(
    ("reference", "block", "machine", "flags"),
    [
        (REFERENCE, [0.0, 0.0, 0.0, 0.0], (0.0, 0.0, 0.0), []),
        (REFERENCE, [9.0, 0.0, 9.0, 0.0], (0.0, 0.0, 0.0), []),
        (REFERENCE, [0.0, 0.9, 0.0, 0.8], (0.0, 0.0, 0.0), ["level"]),
        (REFERENCE, [0.0, -0.9, 0.0, -0.8], (0.0, 0.0, 0.0), ["level"]),
        (REFERENCE, [0.0, 0.9, 0.0, 0.0], (0.0, 0.0, 0.0), []),
        ([], [0.0, 0.9, 0.0, 0.8], (0.0, 0.0, 0.0), []),
        (REFERENCE, [0.0, 0.0, 0.0, 0.0], (0.3, 0.0, 0.0), ["30%"]),
        (REFERENCE, [0.0, 0.0, 0.0, 0.0], (0.0, -2.0, 0.0), ["-2.00 s"]),
        (REFERENCE, [0.0, 0.9, 0.0, 0.9], (0.3, 1.0, 60.0), ["level", "30%", "+1.00 s", "60.0 s"]),
    ],
)
def test_a_disturbed_block_is_noticed_by_the_incumbent_and_the_machine_alone(
    reference: list[float], block: list[float], machine: tuple[float, float, float], flags: list[str]
) -> None:
    """D10: one slow run is noise, a level that moved is not; the candidate's values say nothing about the machine."""
    said = disturbed(reference, np.array(block), LABELS, 0.05, *machine)
    assert len(said) == len(flags)
    assert all(word in flag for word, flag in zip(flags, said, strict=True))
