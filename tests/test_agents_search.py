"""The knob search: finds good values in few experiments, learns from discards, and never repeats itself (A1)."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping

import pytest

from autotune_tui.agents.base import PastExperiment
from autotune_tui.agents.offline.knobs import find_knobs, set_knobs
from autotune_tui.agents.offline.marks import Value
from autotune_tui.agents.offline.search import KnobMove, Search
from autotune_tui.agents.offline.trials import describe, read_trials

Surface = Callable[[Mapping[str, Value]], float | None]

THREE = "int a=64; // autotune: 16..4096 log\nint b=1; // autotune: 1..64\nint c=0; // autotune: {0, 1, 2}\n"
COUPLED = "int a=64; // autotune: 16..4096 log\nint b=64; // autotune: 16..4096 log\n"


def three(v: Mapping[str, Value]) -> float:
    """Best at a=700, b=20, c=1; 2.45 times that at the start."""
    a, b, c = float(v["a"]), float(v["b"]), int(v["c"])
    return math.exp(0.05 * math.log2(a / 700) ** 2 + 0.5 * ((b - 20) / 30) ** 2 + (0.1, 0.0, 0.3)[c])


def coupled(v: Mapping[str, Value]) -> float:
    """Best at a=900, b=40, in a valley that runs across both axes."""
    x, y = math.log2(float(v["a"]) / 900), math.log2(float(v["b"]) / 40)
    return math.exp(0.05 * (x + y) ** 2 + 0.02 * (x - y) ** 2)


class Session:
    """A session of knob experiments on a surface: noise of 0.3 %, gains of 1 % are kept, None fails the checks."""

    def __init__(self, text: str, surface: Surface, seed: int = 1, direction: str = "lower") -> None:
        self.text, self.surface, self.direction = text, surface, direction
        self.history: list[PastExperiment] = []
        self.moves: list[KnobMove] = []
        self._noise = random.Random(seed)

    @property
    def values(self) -> dict[str, Value]:
        return {knob.name: knob.value for knob in find_knobs("a.c", self.text)}

    @property
    def level(self) -> float:
        level = self.surface(self.values)
        assert level is not None
        return level

    def search(self) -> Search:
        direction = "lower" if self.direction == "lower" else "higher"
        return Search(find_knobs("a.c", self.text), read_trials(self.history, direction))

    def step(self) -> KnobMove | None:
        knobs, search = find_knobs("a.c", self.text), self.search()
        moves = search.moves(len(self.history) + 1)
        if not moves:
            return None
        move = moves[0]
        changed = set_knobs(self.text, knobs, move.changes)
        level = self.surface({knob.name: knob.value for knob in find_knobs("a.c", changed)})
        effect = None if level is None else level / self.level * math.exp(self._noise.gauss(0, 0.003)) - 1
        better = effect is not None and (effect < -0.01 if self.direction == "lower" else effect > 0.01)
        status = "keep" if better else "discard" if effect is not None else "checks_failed"
        data = describe({**search.setting, **move.changes}, search.setting, move.joint)
        self.history.append(
            PastExperiment(len(self.history) + 1, status, "", "", "knob", "", effect, None, "", "", "", data)
        )
        self.moves.append(move)
        if better:
            self.text = changed
        return move

    def run(self, steps: int) -> Session:
        while len(self.history) < steps and self.step():
            pass
        return self


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_independent_knobs_are_near_their_best_after_12_experiments(seed: int) -> None:
    session = Session(THREE, three, seed).run(12)
    assert session.level < 1.04, session.values


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_coupled_knobs_come_within_6_percent_of_their_best_in_30_experiments(seed: int) -> None:
    session = Session(COUPLED, coupled, seed).run(30)
    assert session.level < 1.06, session.values


def test_a_metric_that_should_be_higher_is_searched_upwards() -> None:
    session = Session(THREE, lambda v: 1 / three(v), direction="higher").run(12)
    assert session.level > 1 / 1.04, session.values


def test_no_combination_is_proposed_twice_and_the_search_ends_by_itself() -> None:
    session = Session(THREE, three).run(200)
    tried = []
    for entry in session.history:
        tried.append(tuple(sorted(entry.data["knobs"]["values"].items())))
    assert len(set(tried)) == len(tried)
    assert len(tried) < 60
    assert session.search().moves(999) == []


def test_a_small_space_is_tried_completely() -> None:
    text = 'char *m="a"; // autotune: {"a", "b"}\nbool f=true; // autotune: {true, false}\n'
    session = Session(text, lambda v: 1.0 + 0.2 * (v["m"] == "b") * (v["f"] is False)).run(50)
    tried = {tuple(entry.data["knobs"]["values"].values()) for entry in session.history}
    assert tried == {("a", False), ("b", True), ("b", False)}


def test_first_moves_are_big_and_of_one_knob() -> None:
    session = Session(COUPLED, lambda v: 1.0)
    search = session.search()
    assert [move.changes for move in search.moves(1)] == [
        {"a.c:a": 512}, {"a.c:a": 32}, {"a.c:b": 512}, {"a.c:b": 32},
    ]  # fmt: skip


def test_a_gain_is_followed_in_the_same_direction() -> None:
    session = Session("int a=64; // autotune: 16..4096 log\n", lambda v: 1 / float(v["a"])).run(4)
    assert session.values == {"a": 4096}
    assert [move.changes["a.c:a"] for move in session.moves] == [512, 1024, 2048, 4096]


def test_a_loss_turns_the_direction() -> None:
    session = Session("int a=64; // autotune: 16..4096 log\n", lambda v: float(v["a"])).run(2)
    assert [move.changes["a.c:a"] for move in session.moves] == [512, 32]


def test_a_flat_knob_is_left_for_those_that_matter() -> None:
    session = Session(COUPLED, lambda v: 1 + abs(math.log2(float(v["b"]) / 300))).run(12)
    assert [knob.name for knob in session.search().live()] == ["b"]
    assert sum("a.c:a" in move.changes for move in session.moves) == 2


def test_a_knob_that_breaks_the_checks_twice_is_left_alone() -> None:
    def surface(v: Mapping[str, Value]) -> float | None:
        return 1 + abs(math.log2(float(v["b"]) / 300)) if v["a"] == 64 else None

    session = Session(COUPLED, surface).run(40)
    assert session.search().curves["a.c:a"].blocked
    assert sum("a.c:a" in move.changes for move in session.moves) == 2
    assert session.level < 1.2  # from 3.2


def test_proposals_depend_on_the_history_only() -> None:
    """A resumed session goes on as an uninterrupted one would."""
    first, second = Session(THREE, three, seed=5).run(16), Session(THREE, three, seed=5).run(16)
    assert first.moves == second.moves
    assert any(move.joint for move in first.moves)


def test_a_log_range_below_zero_is_searched() -> None:
    text = "PRAGMA cache_size = -2000; // autotune: -64000..-1000 log\n"
    session = Session(text, lambda v: 10 - math.log10(-float(v["cache_size"]))).run(30)
    assert -64000 <= int(session.values["cache_size"]) < -30_000


def test_another_change_that_was_kept_is_not_taken_for_a_gain_of_the_values_set_then() -> None:
    session = Session(COUPLED, coupled).run(1)
    rewrite = PastExperiment(2, "keep", "", "", "rewrite:x", "k", -0.5, None, "", "", "", {})
    assert session.history[0].effect is not None
    session.history.append(rewrite)
    session.step()
    kept, later = read_trials(session.history, "lower")
    assert kept.level == pytest.approx(math.log1p(session.history[0].effect))
    assert later.level == pytest.approx(kept.level + (later.effect or 0.0))


def test_differences_are_added_up_as_they_are() -> None:
    """A metric that can be zero or negative has effects below -1, of which no logarithm exists."""
    data = describe({"k": 2}, {"k": 1}, False)
    history = [PastExperiment(1, "keep", "", "", "knob", "", -3.5, None, "", "", "", data, "difference")]
    assert read_trials(history, "lower")[0].effect == -3.5


@pytest.mark.parametrize(
    "data",
    [{}, {"knobs": 3}, {"knobs": {"values": {"a": 1}}}, {"knobs": {"values": {"a": 1}, "base": {"b": 1}}},
     {"knobs": {"values": {"a": [1]}, "base": {"a": 1}}}],
)  # fmt: skip
def test_data_of_another_making_is_passed_over(data: dict[str, object]) -> None:
    history = [PastExperiment(1, "keep", "", "", "knob", "", -0.5, None, "", "", "", data)]
    assert read_trials(history, "lower") == []


def test_a_value_that_failed_by_itself_is_in_no_joint_move() -> None:
    """L6: "sampled" broke the checks alone, so no combination with it is worth an experiment."""
    text = 'N = 8  # autotune: 1..64 log\nMODE = "exact"  # autotune: {"exact", "sampled"}\n'
    knobs = find_knobs("a.py", text)
    mode = next(knob.id for knob in knobs if knob.value == "exact")
    number = next(knob.id for knob in knobs if knob.value == 8)
    base: dict[str, Value] = {mode: "exact", number: 8}

    def past(index: int, status: str, values: dict[str, Value], effect: float | None) -> PastExperiment:
        data = describe(values, {name: base[name] for name in values}, False)
        return PastExperiment(index, status, status, "", "knob", "", effect, None, "", "", "", data)

    history = [past(1, "checks_failed", {mode: "sampled"}, None), past(2, "discard", {number: 64}, 0.05)]
    tried = {1: 0.08, 2: 0.06, 3: 0.05, 4: 0.04, 5: 0.03, 6: 0.02, 7: 0.01, 10: 0.01, 16: 0.02, 22: 0.03, 32: 0.04}
    history += [past(index, "discard", {number: value}, worse) for index, (value, worse) in enumerate(tried.items(), 3)]
    joint = 0
    for seed in range(20):
        moves = Search(knobs, read_trials(history, "lower")).moves(seed)
        joint += any(move.joint for move in moves)
        assert not any(move.changes.get(mode) == "sampled" for move in moves)
    assert joint
