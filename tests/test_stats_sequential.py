"""The decision on a candidate: what is kept, what is dropped, when, and that the error rate is what it says."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autotune_tui.stats.order import block_order
from autotune_tui.stats.relabel import enumerated
from autotune_tui.stats.sequential import RULES, Evidence, Rule, judge, judge_exact

RELABELLING = [rule for rule in RULES.values() if rule.test == "relabel"]


def drawn(blocks: int, seed: int = 1) -> NDArray[np.bool_]:
    return np.array([block_order(seed, block, 0) for block in range(blocks)])


def noise(blocks: int, seed: int, sigma: float = 0.03) -> NDArray[np.float64]:
    """Runs as on a shared machine: skewed, with bursts and a drift."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.exponential(sigma, blocks), 4) + np.linspace(0, 3 * sigma, 4 * blocks)
    return (level + rng.exponential(sigma, 4 * blocks)).reshape(blocks, 4)


def decide(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], profile: str = "standard", **more: object
) -> Evidence:
    settings = {"sigma": 0.04, "threshold": 0.01, "location": "fast_half", "seed": 7} | more
    return judge(scores, labels, RULES[profile], **settings)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_profile_spends_its_alpha_and_no_more(rule: Rule) -> None:
    assert rule.spending[-1] == rule.alpha
    assert list(rule.spending) == sorted(set(rule.spending))
    assert list(rule.looks) == sorted(set(rule.looks))
    assert rule.looks[-1] == rule.most_pairs
    assert all(pairs % 2 == 0 and 0 < pairs <= rule.most_pairs for pairs in rule.judged)


@pytest.mark.parametrize(
    ("profile", "alpha", "most", "first", "floor"),
    [("quick", 0.05, 16, 4, 0.03), ("standard", 0.01, 40, 6, 0.02), ("strict", 0.001, 60, 8, 0.02)],
)
def test_the_profiles_are_those_that_are_documented(
    profile: str, alpha: float, most: int, first: int, floor: float
) -> None:
    rule = RULES[profile]
    assert (rule.alpha, rule.most_pairs, rule.looks[0], rule.target_floor) == (alpha, most, first, floor)


@pytest.mark.parametrize(("profile", "pairs"), [("quick", 4), ("standard", 6), ("strict", 8)])
@pytest.mark.parametrize("seed", range(5))
def test_complete_separation_is_kept_at_the_first_look(profile: str, pairs: int, seed: int) -> None:
    """D3: twelve runs are enough when every candidate run beats every incumbent run."""
    labels = drawn(pairs // 2, seed)
    scores = np.random.default_rng(seed).uniform(0, 0.02, labels.shape) - 0.05 * labels
    assert decide(scores, labels, profile).state == "keep"
    assert decide(scores[:-1], labels[:-1], profile).state == "continue"


@pytest.mark.parametrize(
    ("effect", "state", "most_runs"),
    [(-0.05, "futile", 15), (-0.5, "futile", 8), (0.0, "futile", 20), (0.10, "keep", 20), (0.05, "keep", 40)],
)
def test_clear_cases_are_decided_early(effect: float, state: str, most_runs: int) -> None:
    """D4: a regression of 5 % is dropped within 15 runs on steady noise, a clear gain is kept early."""
    labels = drawn(20)
    scores = np.random.default_rng(4).normal(0, 0.02, labels.shape) - effect * labels
    evidence = decide(scores, labels)
    assert evidence.state == state
    assert 2 * evidence.pairs <= most_runs


def test_a_gain_under_the_threshold_is_never_kept_however_certain() -> None:
    labels = drawn(20)
    scores = np.random.default_rng(0).normal(0, 1e-5, labels.shape) - 0.008 * labels
    assert decide(scores, labels, threshold=0.01).state == "futile"
    assert decide(scores, labels, threshold=0.005, seed=1).state in ("keep", "futile")
    assert decide(scores[:3], labels[:3], threshold=0.005).effect == pytest.approx(0.008, rel=0.01)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.2), st.floats(0.0, 0.15), st.sampled_from(["fast_half", "mean"]))
def test_what_is_kept_reaches_the_threshold(seed: int, effect: float, threshold: float, location: str) -> None:
    labels = drawn(20, seed)
    evidence = decide(noise(20, seed) - effect * labels, labels, threshold=threshold, location=location)
    assert evidence.state != "keep" or evidence.effect >= threshold - 1e-9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(-0.1, 0.1), st.sampled_from(["quick", "standard"]))
def test_a_verdict_can_be_recomputed(seed: int, effect: float, profile: str) -> None:
    """The same blocks give the same verdict, block by block or all at once, whatever follows them."""
    blocks = RULES[profile].most_pairs // 2
    labels = drawn(blocks, seed)
    scores = noise(blocks, seed) - effect * labels
    whole = decide(scores, labels, profile)
    for count in range(1, blocks + 1):
        now = decide(scores[:count], labels[:count], profile)
        if now.state != "continue":
            break
    assert now == whole
    assert 2 * count == whole.pairs


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(-0.1, 0.1), st.floats(-10, 10))
def test_the_unit_of_the_metric_does_not_matter(seed: int, effect: float, shift: float) -> None:
    """On the log scale another unit adds a constant to every score."""
    labels = drawn(20, seed)
    scores = noise(20, seed) - effect * labels
    plain, moved = decide(scores, labels), decide(scores + shift, labels)
    assert (moved.state, moved.pairs, moved.p) == (plain.state, plain.pairs, plain.p)
    assert moved.effect == pytest.approx(plain.effect, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.2))
def test_a_candidate_and_the_incumbent_in_its_place_are_never_both_kept(seed: int, effect: float) -> None:
    labels = drawn(20, seed)
    scores = noise(20, seed) - effect * labels
    one, other = decide(scores, labels, threshold=0.0), decide(scores, ~labels, threshold=0.0)
    assert not one.state == other.state == "keep"


@pytest.mark.parametrize(("profile", "blocks"), [("quick", 2), ("standard", 3)])
@pytest.mark.parametrize("seed", range(4))
def test_at_the_first_look_exactly_the_best_labelling_of_all_would_be_kept(
    profile: str, blocks: int, seed: int
) -> None:
    """Every way the coins could have fallen, on the same runs: one of 36 or 216 may be kept, or none when several tie."""
    scores = noise(blocks, seed)
    kept = [
        decide(scores, column.reshape(blocks, 4), profile, threshold=0.0).state == "keep"
        for column in enumerated(blocks).T
    ]
    assert sum(kept) <= 1
    assert sum(kept) / len(kept) <= RULES[profile].spending[0]


@pytest.mark.parametrize(
    ("profile", "trials", "most"), [("quick", 300, 24), ("standard", 400, 10), ("costly", 300, 24)]
)
def test_candidates_that_change_nothing_are_hardly_ever_kept(profile: str, trials: int, most: int) -> None:
    """D3 on drifting, bursty, skewed noise; the bounds are exceeded by chance once in 200 at the nominal alpha."""
    rule = RULES[profile]
    blocks = rule.most_pairs // 2
    kept = 0
    for trial in range(trials):
        scores = noise(blocks, trial)
        sigma = 1.5 * float(np.std(np.diff(scores[:, :2])))
        evidence = decide(
            scores, drawn(blocks, trial), profile, sigma=sigma, threshold=0.0, seed=trial // 20, degrees=10
        )
        kept += evidence.state == "keep"
    assert kept <= most


def test_labelings_kept_earlier_have_left_the_set() -> None:
    """The test is sequential: without the earlier looks' share the last look would allow more."""
    rule = RULES["standard"]
    assert [int(share * 1944) for share in rule.spending] == [9, 11, 14, 16, 19]
    only_last = dataclasses.replace(rule, looks=(6, 40), spending=(1e-9, 0.01), futility=())
    often = dataclasses.replace(rule, futility=())
    counts = {"often": 0, "last": 0}
    for seed in range(60):
        labels = drawn(20, seed)
        scores = noise(20, seed) - 0.012 * labels
        settings = {"sigma": 0.04, "threshold": 0.0, "location": "fast_half", "seed": 3}
        at_last = judge(scores, labels, only_last, **settings)
        counts["last"] += at_last.state == "keep"
        counts["often"] += judge(scores, labels, often, **settings).state == "keep"
    assert 0 < counts["often"] <= counts["last"]


def test_evidence_says_how_far_it_is_from_a_decision() -> None:
    """V2: pairs, effect, interval and the next look, block by block."""
    labels = drawn(20)
    scores = np.random.default_rng(6).normal(0, 0.03, labels.shape) - 0.03 * labels
    seen = [decide(scores[:blocks], labels[:blocks]) for blocks in range(1, 6)]
    assert [evidence.next_look for evidence in seen] == [4, 6, 8, 10, 12]
    assert [evidence.p is None for evidence in seen] == [True, True, False, True, False]
    assert seen[0].interval is None
    for evidence in seen[1:]:
        low, high = evidence.interval
        assert low < evidence.effect < high
    assert seen[4].interval[1] - seen[4].interval[0] < seen[1].interval[1] - seen[1].interval[0]
    end = decide(scores, labels)
    assert (end.state, end.next_look, end.weak) == ("keep", None, False)
    assert 0 < end.p <= 0.01


def test_forty_pairs_without_a_decision_are_inconclusive() -> None:
    labels = drawn(20)
    scores = np.random.default_rng(2).normal(0, 0.05, labels.shape) - 0.021 * labels
    evidence = decide(scores, labels, sigma=0.01)
    assert (evidence.state, evidence.pairs) == ("inconclusive", 40)


def test_identical_runs_are_not_kept() -> None:
    labels = drawn(20)
    assert decide(np.zeros(labels.shape), labels, sigma=0.0, threshold=0.0).state != "keep"


@pytest.mark.parametrize(
    ("sigma", "threshold", "scale", "target"),
    [
        (0.0, 0.0, "log", -math.log(0.98)),
        (0.4, 0.0, "log", -math.log(0.9)),
        (0.0, 0.05, "log", 0.05),
        (50.0, 0.0, "log", -math.log(0.1)),
        (0.4, 0.0, "difference", 0.1),
        (0.4, 3.0, "difference", 3.0),
    ],
)
def test_futility_tests_for_a_gain_that_can_be_found_and_is_worth_keeping(
    sigma: float, threshold: float, scale: str, target: float
) -> None:
    assert RULES["standard"].target(sigma, threshold, scale) == pytest.approx(target)


@pytest.mark.parametrize("scores", [np.zeros((2, 3)), np.full((2, 4), np.nan)])
def test_blocks_that_are_not_whole_are_refused(scores: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=r"must both be|finite"):
        decide(scores, drawn(2))


@pytest.mark.parametrize("rule", RELABELLING, ids=lambda rule: rule.name)
def test_a_decision_costs_a_tenth_of_a_second_of_cpu_at_most(rule: Rule) -> None:
    """Best of three, as the machine may be busy; each with a fresh reference set."""
    blocks = rule.most_pairs // 2
    labels = drawn(blocks)
    scores = np.random.default_rng(2).normal(0, 0.03, labels.shape) - 0.01 * labels
    unhurried = dataclasses.replace(rule, futility=())
    used = []
    for seed in range(3):
        began = time.process_time()
        judge(scores, labels, unhurried, sigma=0.04, threshold=0.05, location="fast_half", seed=seed)
        used.append(time.process_time() - began)
    assert min(used) < 0.1


@pytest.mark.parametrize(
    ("incumbent", "candidate", "threshold", "state", "effect"),
    [
        ((10.0, 10.0), (9.0, 9.0), 0.5, "keep", 1.0),
        ((10.0, 10.0), (9.8, 9.8), 0.5, "futile", 0.2),
        ((10.0, 10.0), (10.0, 10.0), 0.0, "futile", 0.0),
        ((10.0, 10.0), (11.0, 11.0), 0.0, "futile", -1.0),
        ((10.0, 10.0), (9.0, 9.5), 0.5, "inconclusive", 0.75),
        ((10.0, 11.0), (9.0, 9.0), 0.5, "inconclusive", 1.5),
    ],
)
def test_an_exact_metric_takes_one_run_and_one_confirming_run(
    incumbent: tuple[float, float], candidate: tuple[float, float], threshold: float, state: str, effect: float
) -> None:
    labels = np.array([[False, True, True, False]])
    scores = np.array([[incumbent[0], candidate[0], candidate[1], incumbent[1]]])
    evidence = judge_exact(scores, labels, threshold=threshold)
    assert (evidence.state, evidence.pairs) == (state, 2)
    assert evidence.effect == pytest.approx(effect)
