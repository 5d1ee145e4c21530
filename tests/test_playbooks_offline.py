"""The offline agent obeys what the course of a session asks: strategies to leave, wins to combine, the opposite to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agents_support import Shown, make_context, repository
from autotune_tui.agents.base import NothingToPropose, PastExperiment, Plan
from autotune_tui.agents.context_json import context_json
from autotune_tui.agents.offline.agent import OfflineAgent
from autotune_tui.agents.offline.moves import Move, ranked
from autotune_tui.agents.offline.trials import describe
from autotune_tui.model.guidance import Attempt, Guidance, Stuck

START = {"A": 64, "B": 64, "C": 64}
TEXT = "".join(f"{name} = {value}  # autotune: 16..4096 log\n" for name, value in START.items())


def trial(index: int, changes: dict[str, int], effect: float) -> PastExperiment:
    """A discard of the search over constants."""
    base = {f"a.py:{name}": value for name, value in START.items()}
    data = describe({**base, **{f"a.py:{name}": value for name, value in changes.items()}}, base, joint=False)
    return PastExperiment(index, "discard", "no_improvement", "", "knob", f"k{index}", effect, None, "", "", "", data)


def stuck(step: str, near: Sequence[int] = (), failed: Sequence[str] = ()) -> Guidance:
    attempts = tuple(Attempt(number, "", "knob", (), -0.004) for number in near)
    return Guidance(stuck=Stuck(5, step, (), attempts, tuple((name, 5) for name in failed)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("guidance", "combined"),
    [
        (stuck("combine", [2, 1, 3]), {"a.py:A": 512, "a.py:B": 128}),
        (stuck("combine", [1, 4, 3]), {"a.py:A": 512, "a.py:C": 256}),
        (stuck("combine", [1, 4]), None),
        (stuck("combine", [1]), None),
        (stuck("read", [2, 1, 3]), None),
        (Guidance(), None),
    ],
)
async def test_near_misses_with_different_constants_are_tried_at_once(
    tmp_path: Path, guidance: Guidance, combined: dict[str, int] | None
) -> None:
    """L19, L20: two of the best, of each constant only one value."""
    history = (
        trial(1, {"A": 512}, -0.004), trial(2, {"B": 128}, -0.005), trial(3, {"C": 256}, -0.003),
        trial(4, {"A": 1024}, -0.002),
    )  # fmt: skip
    context = make_context(repository(tmp_path / "tree", {"a.py": TEXT}), files=("a.py",), history=history)
    plan = await OfflineAgent().propose(replace(context, guidance=guidance), Shown())
    changed = {name: value for name, value in plan.data["knobs"]["values"].items() if value != 64}
    if combined is None:
        assert len(changed) == 1
        assert "at once" not in plan.hypothesis
    else:
        assert changed == combined
        assert "nearly gained, at once" in plan.hypothesis


async def test_what_may_not_be_used_is_not_proposed(tmp_path: Path) -> None:
    """H2: with nothing else it says so, and the engine decides."""
    context = make_context(repository(tmp_path / "tree", {"a.py": TEXT}), files=("a.py",))
    with pytest.raises(NothingToPropose, match="only what may not be used for now: knob"):
        await OfflineAgent().propose(replace(context, guidance=Guidance(avoid=("knob",))), Shown())
    plan = await OfflineAgent().propose(replace(context, guidance=Guidance(avoid=("rewrite:one",))), Shown())
    assert plan.strategy == "knob"


def test_the_opposite_of_what_failed_comes_first_when_it_is_its_turn() -> None:
    moves = [
        Move(name, name, name, "", "", "", "", gain, 0.5, {}) for name, gain in (("a", 0.9), ("b", 0.5), ("c", 0.1))
    ]

    def order(guidance: Guidance) -> str:
        return "".join(move.key for move in ranked(moves, (), guidance.stuck))

    assert order(Guidance()) == order(stuck("read", failed="ab")) == "abc"
    assert order(stuck("opposite", failed="ab")) == "cab"


async def test_a_program_of_its_own_reads_the_same_in_json(tmp_path: Path) -> None:
    """A4: the data, and the sentences that a person would read."""
    context = make_context(repository(tmp_path / "tree", {"a.py": TEXT}), files=("a.py",))
    guidance = replace(stuck("simplify", [1], ["knob"]), repair="code", scope=("a.py",))
    told = context_json(replace(context, guidance=guidance), Plan("x", "y"))["guidance"]
    assert (told["repair"], told["scope"], told["stuck"]["step"]) == ("code", ("a.py",), "simplify")
    assert told["words"][0] == "Repair only: mend the code that was kept, and try nothing else."
    assert any(line.startswith("Above all: simplify") for line in told["words"])
