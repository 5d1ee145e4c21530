"""The order of runs, the relabelings and the statistic, checked against slow and obvious versions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autotune_tui.stats.order import ARRANGEMENTS, block_order, draw
from autotune_tui.stats.relabel import (
    arrangement_index,
    check,
    continued,
    enumerated,
    reference,
    sampled,
    statistic,
)


def slow_statistic(scores: NDArray[np.float64], labels: NDArray[np.bool_], location: str) -> float:
    sides = [np.sort(scores[~labels]), np.sort(scores[labels])]
    count = -(-sides[0].size // 2) if location == "fast_half" else sides[0].size
    return float(sides[0][:count].mean() - sides[1][:count].mean())


def test_a_block_is_two_runs_of_each_side() -> None:
    orders = {block_order(seed, block, 0) for seed in range(30) for block in range(10)}
    assert orders == {tuple(map(bool, row)) for row in ARRANGEMENTS.tolist()}
    assert all(sum(order) == 2 for order in orders)


def test_all_six_orders_are_equally_likely() -> None:
    """Chi-square over 6,000 blocks; 20.5 is exceeded once in a thousand with five degrees of freedom."""
    counts = dict.fromkeys(map(tuple, ARRANGEMENTS.tolist()), 0)
    for block in range(6000):
        counts[block_order(77, block, 0)] += 1
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 20.5
    assert np.ptp(np.bincount(draw(5, (9,), 60000), minlength=6)) < 600


def test_the_order_is_recomputable_from_the_journalled_seed() -> None:
    """Written down once: a change of these would make old journals' verdicts irreproducible."""
    orders = ["".join("AB"[candidate] for candidate in block_order(2024, block, 0)) for block in range(3)]
    assert orders == ["BBAA", "AABB", "BAAB"]
    assert draw(2024, (2,), 8).tolist() == [5, 5, 0, 3, 3, 1, 3, 3]


def test_a_block_taken_again_and_another_seed_get_orders_of_their_own() -> None:
    first = [block_order(3, block, 0) for block in range(40)]
    assert first != [block_order(3, block, 1) for block in range(40)]
    assert first != [block_order(4, block, 0) for block in range(40)]


@settings(max_examples=60)
@given(
    st.integers(1, 12),
    st.integers(0, 2**31),
    st.sampled_from(["fast_half", "mean"]),
    st.integers(1, 400),
)
def test_the_statistic_is_the_difference_of_the_sides_locations(
    blocks: int, seed: int, location: str, distinct: int
) -> None:
    scores = np.random.default_rng(seed).integers(0, distinct, 4 * blocks) / 7.0
    labels = sampled(seed, 20, blocks)
    expected = [slow_statistic(scores, column, location) for column in labels.T]
    assert statistic(scores, labels, location) == pytest.approx(expected, abs=1e-9)


def test_the_statistic_counts_beyond_a_byte_and_beyond_a_slice() -> None:
    scores, labels = np.random.default_rng(0).normal(size=400), sampled(1, 2500, 100)
    expected = [slow_statistic(scores, column, "fast_half") for column in labels.T]
    assert statistic(scores, labels, "fast_half") == pytest.approx(expected)


@settings(max_examples=40)
@given(st.integers(1, 10), st.integers(0, 2**31), st.floats(-5, 5), st.floats(0.01, 100))
def test_the_statistic_moves_with_the_effect_and_scales_with_the_unit(
    blocks: int, seed: int, shift: float, unit: float
) -> None:
    labels, scores = sampled(seed, 1, blocks), np.random.default_rng(seed).normal(size=4 * blocks)
    own = statistic(scores, labels, "fast_half")
    assert statistic(scores - shift * labels[:, 0], labels, "fast_half") == pytest.approx(own + shift, abs=1e-9)
    assert statistic(unit * scores + 3, labels, "fast_half") == pytest.approx(unit * own, abs=1e-7)
    assert statistic(scores, ~labels, "fast_half") == pytest.approx(-own, abs=1e-12)


def test_all_labelings_of_few_blocks_are_enumerated() -> None:
    columns = {tuple(column) for column in enumerated(3).T}
    assert len(columns) == 216
    expected = {sum(rows, ()) for rows in itertools.product(map(tuple, ARRANGEMENTS.tolist()), repeat=3)}
    assert columns == expected


def test_a_labelling_is_found_among_the_enumerated() -> None:
    for column in range(0, 216, 7):
        assert arrangement_index(enumerated(3)[:, column].reshape(3, 4)) == column


def test_continuations_keep_their_first_blocks_and_go_on() -> None:
    shorter, longer = continued(11, 3, 9, 5), continued(11, 3, 9, 8)
    assert longer.shape == (32, 1944)
    assert np.array_equal(longer[:12], np.repeat(enumerated(3), 9, axis=1))
    assert np.array_equal(longer[:20], shorter)
    assert np.all(longer.reshape(8, 4, -1).sum(axis=1) == 2)
    assert not np.array_equal(longer[12:], continued(12, 3, 9, 8)[12:])


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 9])
def test_the_drawn_labelling_is_always_in_the_reference_set(blocks: int) -> None:
    drawn = np.array([block_order(5, block, 0) for block in range(blocks)])
    labels, own = reference(8, drawn, 199)
    assert labels.shape[1] == (6**blocks if blocks <= 3 else 200)
    assert np.array_equal(labels[:, own], drawn.ravel())


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        (np.zeros((0, 4)), np.zeros((0, 4), bool)),
        (np.zeros((1, 3)), np.zeros((1, 3), bool)),
        (np.zeros((2, 4)), np.array([[True, True, False, False]])),
        (np.zeros((1, 4)), np.array([[True, True, True, False]])),
        (np.full((1, 4), np.nan), np.array([[True, True, False, False]])),
    ],
)
def test_blocks_that_are_not_whole_are_refused(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> None:
    with pytest.raises(ValueError, match=r"must both be|two runs of each|finite"):
        check(scores, labels)
