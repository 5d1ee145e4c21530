"""Estimates, guards, the exclusion of harm, and the t-test of costly benchmarks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autotune_tui.stats.costly import pair_differences, pool_noise, t_quantile, t_tail
from autotune_tui.stats.estimate import estimate, excludes_harm, guard_verdict, harm_significant
from autotune_tui.stats.order import block_order
from autotune_tui.stats.sequential import RULES, Evidence, judge


def drawn(blocks: int, seed: int = 1) -> NDArray[np.bool_]:
    return np.array([block_order(seed, block, 0) for block in range(blocks)])


def runs(blocks: int, seed: int, sigma: float = 0.03) -> NDArray[np.float64]:
    return np.random.default_rng(seed).exponential(sigma, (blocks, 4))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(-0.5, 0.5), st.sampled_from(["fast_half", "mean"]))
def test_the_interval_holds_the_estimate_and_moves_with_the_effect(seed: int, effect: float, location: str) -> None:
    labels, scores = drawn(10, seed), runs(10, seed)
    none, (low, high) = estimate(scores, labels, location=location, seed=3)
    some, (lower, upper) = estimate(scores - effect * labels, labels, location=location, seed=3)
    assert low <= none <= high
    assert (some, lower, upper) == pytest.approx((none + effect, low + effect, high + effect), abs=1e-4)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """D5: of 120 intervals 114 are expected to, and fewer than 107 or all do so once in 200."""
    held = 0
    for seed in range(120):
        labels = drawn(10, seed)
        _, (low, high) = estimate(runs(10, seed) - 0.05 * labels, labels, location="fast_half", seed=seed)
        held += low <= 0.05 <= high
    assert 107 <= held <= 119


def test_higher_levels_give_wider_intervals() -> None:
    labels, scores = drawn(20), runs(20, 5)
    _, usual = estimate(scores, labels, location="fast_half", seed=1)
    _, sure = estimate(scores, labels, location="fast_half", level=0.99, seed=1)
    assert sure[0] < usual[0] < usual[1] < sure[1]


def test_too_few_pairs_exclude_nothing() -> None:
    labels = drawn(1)
    effect, interval = estimate(np.where(labels, 0.0, 1.0), labels, location="fast_half", seed=1)
    assert effect == 1.0
    assert interval == (-math.inf, math.inf)


def test_runs_without_noise_give_the_effect_itself() -> None:
    labels = drawn(20)
    effect, (low, high) = estimate(np.where(labels, 2.0, 2.5), labels, location="fast_half", seed=1)
    assert (effect, low, high) == pytest.approx((0.5, 0.5, 0.5), abs=1e-6)


@pytest.mark.parametrize(
    ("effect", "significant", "excluded"),
    [(-0.2, True, False), (-0.05, False, False), (0.0, False, True), (0.2, False, True)],
)
def test_harm_is_found_and_excluded_around_a_tolerance(effect: float, significant: bool, excluded: bool) -> None:
    """L28: a simplification is kept at the same metric only if harm is excluded."""
    labels = drawn(20)
    scores = runs(20, 3) - effect * labels
    assert harm_significant(scores, labels, 0.05) is significant
    assert excludes_harm(scores, labels, 0.05) is excluded


def test_six_pairs_of_equal_code_do_not_exclude_small_harm() -> None:
    labels = drawn(3)
    scores = runs(3, 8)
    assert not excludes_harm(scores, labels, 0.001)
    assert not harm_significant(scores, labels)


@pytest.mark.parametrize(
    ("change", "tolerance", "vetoed", "words"),
    [
        (1.20, 0.05, True, "+20.0 %, which is more than tolerated"),
        (1.00, 0.05, False, "+0.0 %, within the tolerance"),
        (0.80, 0.00, False, "-20.0 %, within the tolerance"),
        (1.00, 0.00, False, "+0.0 %, within the tolerance"),
        (1.01, 0.00, True, "+1.0 %, which is more than tolerated"),
    ],
)
def test_a_guard_vetoes_harm_beyond_its_tolerance(change: float, tolerance: float, vetoed: bool, words: str) -> None:
    """D6: on a metric without noise the verdict is the change itself."""
    labels = drawn(6)
    verdict = guard_verdict(np.where(labels, 300.0 * change, 300.0), labels, tolerance)
    assert verdict.vetoed is vetoed
    assert verdict.effect == pytest.approx(change - 1)
    assert verdict.upper == pytest.approx(change - 1, abs=1e-6)
    assert words in verdict.text


def test_a_guard_says_how_much_harm_is_not_excluded() -> None:
    labels = drawn(6)
    verdict = guard_verdict(100 * np.exp(runs(6, 2, 0.1)), labels, 0.02)
    assert not verdict.vetoed
    assert verdict.upper > 0.02
    assert f"not excluded: up to {verdict.upper:+.1%}".replace("%", " %") in verdict.text


def test_a_guard_on_two_pairs_says_that_they_exclude_nothing() -> None:
    labels = drawn(1)
    verdict = guard_verdict(np.array([[1.0, 1.01, 0.99, 1.0]]), labels, 0.5)
    assert not verdict.vetoed
    assert math.isinf(verdict.upper)
    assert "so few pairs" in verdict.text


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "relative", "direction", "vetoed"),
    [
        (100.0, 107.0, 5.0, False, "lower", True),
        (100.0, 104.0, 5.0, False, "lower", False),
        (0.0, 3.0, 2.0, False, "lower", True),
        (-10.0, -9.5, 0.1, True, "lower", False),
        (50.0, 40.0, 0.1, True, "higher", True),
        (50.0, 60.0, 0.1, True, "higher", False),
    ],
)
def test_a_guard_takes_absolute_tolerances_zeros_and_metrics_where_more_is_better(
    old: float, new: float, tolerance: float, relative: bool, direction: str, vetoed: bool
) -> None:
    labels = drawn(6)
    verdict = guard_verdict(np.where(labels, new, old), labels, tolerance, relative, direction=direction)
    assert verdict.vetoed is vetoed


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (30, 2.0423), (120, 1.9799)],
)
def test_students_t_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(quantile, abs=1e-4)
    assert t_tail(quantile, 1.0, degrees) == pytest.approx(0.025, abs=1e-5)
    assert t_tail(-quantile, 1.0, degrees) == pytest.approx(0.975, abs=1e-5)


@pytest.mark.parametrize(("value", "tail"), [(1.0, 0.0), (-1.0, 1.0), (0.0, 0.5)])
def test_without_noise_the_sign_decides(value: float, tail: float) -> None:
    assert t_tail(value, 0.0, 3) == tail


def test_the_noise_of_a_segment_is_pooled_without_the_experiments_effects() -> None:
    noise = pool_noise([0.1, -0.1], [[5.1, 4.9, 5.0], [3.0]])
    assert noise.degrees == 4
    assert noise.sigma == pytest.approx(1.4826 * 0.1)
    with pytest.raises(ValueError, match="at least one"):
        pool_noise([], [[1.0]])


def test_pairs_are_the_first_and_the_second_runs_of_each_side() -> None:
    labels = np.array([[True, False, False, True], [True, True, False, False]])
    scores = np.array([[1.0, 10.0, 20.0, 2.0], [3.0, 4.0, 30.0, 40.0]])
    assert pair_differences(scores, labels).tolist() == [9.0, 18.0, 27.0, 36.0]


def costly(effect: float, blocks: int, sigma: float = 0.02, threshold: float = 0.01, degrees: int = 3) -> Evidence:
    """Evidence from pairs that differ by the effect plus and minus sigma, in turn."""
    labels = np.tile([False, True, False, True], (blocks, 1))
    scores = np.tile([0.0, -effect - sigma, 0.0, -effect + sigma], (blocks, 1))
    settings = {"sigma": sigma, "threshold": threshold, "location": "mean", "seed": 1, "degrees": degrees}
    return judge(scores, labels, RULES["costly"], **settings)


@pytest.mark.parametrize(
    ("effect", "blocks", "state", "pairs"),
    [(0.2, 1, "keep", 2), (-0.2, 1, "futile", 2), (0.016, 4, "inconclusive", 8), (0.02, 1, "continue", 2)],
)
def test_a_costly_benchmark_is_decided_from_two_pairs_on_and_called_weak(
    effect: float, blocks: int, state: str, pairs: int
) -> None:
    evidence = costly(effect, blocks, sigma=0.03)
    assert (evidence.state, evidence.pairs, evidence.weak) == (state, pairs, True)
    assert evidence.interval[0] < evidence.effect < evidence.interval[1]


def test_a_costly_keep_reaches_the_threshold_too() -> None:
    assert costly(0.05, 1, sigma=0.001, threshold=0.04).state == "keep"
    assert costly(0.05, 1, sigma=0.001, threshold=0.06).state == "futile"


def test_fewer_degrees_of_freedom_make_a_costly_verdict_more_careful() -> None:
    many, some, few = (costly(0.06, 1, degrees=degrees) for degrees in (30, 3, 1))
    assert few.interval[1] - few.interval[0] > some.interval[1] - some.interval[0]
    assert many == some
