"""The offline agent (A1): what it proposes, in which order, with which words, and that it changes only what it said."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents_support import Shown, make_context, outcome, past, profile_of, repository
from autotune_tui.agents.base import Context, Failure, NothingToPropose, PastExperiment, Plan
from autotune_tui.agents.offline.agent import OfflineAgent
from autotune_tui.agents.offline.moves import Move, probability, ranked, tired_strategy
from autotune_tui.agents.offline.targets import called_by_hot, rank, read_outline
from autotune_tui.errors import AgentError

APP = """\
from helper import scale

LIMIT = 64  # autotune: 16..4096 log


def parse(rows):
    slow_one()
    return scale(rows)


def render(rows):
    slow_two()


def never(rows):
    slow_one()
"""
HELPER = "def scale(rows):\n    slow_one()\n"
FILES = {"app.py": APP, "helper.py": HELPER, "bench.py": "import app\n"}
HOT = profile_of(
    ("app.py", "parse", 6, 0.5, 0.7), ("app.py", "render", 11, 0.2, 0.2), ("/usr/lib/x.py", "y", 1, 0.1, 0.1)
)


@dataclass(frozen=True)
class Found:
    """What the rewrites' `Candidate` looks like."""

    rewrite: str
    line: int
    function: str
    description: str
    hypothesis: str
    premortem: str
    expected: float
    key: str


def find(source: str, functions: object = None) -> list[Found]:
    """`slow_x()` could be `fast_x()`: a rewrite that the tests understand."""
    found = []
    for match in re.finditer(r"slow_(\w+)\(\)", source):
        function = re.findall(r"def (\w+)", source[: match.start()])[-1]
        line = source.count("\n", 0, match.start()) + 1
        words = (f"Speed {function} up", f"fast_{match[1]} should improve time because it is fast", "It is not fast")
        found.append(Found(match[1], line, function, *words, -0.4, f"{match[1]}:{function}"))
    return found


def apply(source: str, key: str) -> str:
    name, _, function = key.partition(":")
    if key not in {candidate.key for candidate in find(source)}:
        raise ValueError(f"no candidate {key}")
    return re.sub(rf"(def {function}\(.*?\n    )slow_{name}", rf"\1fast_{name}", source)


@pytest.fixture(autouse=True)
def _known_rewrites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autotune_tui.agents.offline.agent.rewrites", SimpleNamespace(find=find, apply=apply))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(repository(tmp_path / "candidate", FILES), files=tuple(sorted(FILES)), profile=HOT)


async def propose(context: Context, agent: OfflineAgent | None = None) -> Plan:
    return await (agent or OfflineAgent()).propose(context, Shown())


def then(context: Context, *entries: PastExperiment) -> Context:
    history = (*context.history, *entries)
    return replace(context, history=history, experiment=len(history) + 1)


async def test_the_first_plan_is_a_rewrite_in_the_hottest_function_and_complete(context: Context) -> None:
    """L2, L4, L5: a ranked target, step-back, principles, three approaches, hypothesis, expectation, scores, pre-mortem."""
    plan = await propose(context)
    assert plan.target == "app.py:parse"
    assert plan.strategy == "rewrite:one"
    assert plan.key == "rewrite:app.py:one:parse"
    assert plan.bottleneck == (
        "CPU in parse() (app.py:6): on the stack in 70% of 1,000 samples, running itself in 50%. Then render() with 20%."
    )
    assert re.fullmatch(r"\S+ should improve time because .+", plan.hypothesis)
    assert plan.expected == pytest.approx(-0.4 * 0.6)
    assert len(plan.principles) >= 2
    assert len(plan.approaches) >= 3
    assert [approach.chosen for approach in plan.approaches][:2] == [True, False]
    assert all(approach.trade_off for approach in plan.approaches)
    assert set(plan.scores) == {"impact", "feasibility", "novelty"}
    assert all(1 <= score <= 10 for score in plan.scores.values())
    assert plan.premortem


async def test_everything_is_proposed_once_and_then_it_says_so(context: Context) -> None:
    """Rewrites of hot functions and of what they call, and knobs; never the same key; then NothingToPropose."""
    agent, keys, targets = OfflineAgent(), [], set()
    with pytest.raises(NothingToPropose, match=r"no rewrite .* \(3 tried\) and .* run dry \(\d+ settings tried\)"):
        for _ in range(40):
            plan = await propose(context, agent)
            keys.append(plan.key)
            targets.add(plan.target)
            context = then(context, past(plan, "discard", "no_improvement", 0.001, len(keys)))
    assert len(set(keys)) == len(keys)
    assert targets == {"app.py:parse", "app.py:render", "helper.py:scale", "app.py:LIMIT"}


async def test_a_rewrite_changes_what_the_plan_says_and_nothing_else(context: Context) -> None:
    path = context.directory / "app.py"
    path.chmod(0o755)
    plan = await propose(context)
    shown = Shown()
    await OfflineAgent().edit(context, plan, shown)
    assert path.read_text() == APP.replace("def parse(rows):\n    slow_one", "def parse(rows):\n    fast_one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert "edited app.py" in shown.text


async def test_a_knob_move_changes_its_value_only(context: Context) -> None:
    plan = await propose(context, OfflineAgent(rewrites=False))
    assert plan.description == "Set LIMIT to 512 (was 64)"
    assert plan.hypothesis == (
        "Setting LIMIT from 64 to 512 should improve time because this is a big move up, to see whether it matters."
    )
    assert (plan.strategy, plan.key) == ("knob", "knob:app.py:LIMIT=512")
    assert "16..4096 log" in plan.premortem
    await OfflineAgent().edit(context, plan, Shown())
    assert (context.directory / "app.py").read_text() == APP.replace("64  #", "512  #")


async def test_what_is_gone_is_not_edited(context: Context) -> None:
    agent = OfflineAgent()
    rewrite, knob = await propose(context, agent), await propose(context, OfflineAgent(rewrites=False))
    (context.directory / "app.py").write_text("pass\n")
    with pytest.raises(AgentError, match="place to rewrite is no longer there"):
        await agent.edit(context, rewrite, Shown())
    with pytest.raises(AgentError, match="marked constant is no longer there"):
        await agent.edit(context, knob, Shown())


async def test_files_out_of_scope_are_neither_searched_nor_edited(context: Context) -> None:
    plan = await propose(context)
    narrow = replace(context, files=("helper.py",))
    assert (await propose(narrow)).target.startswith("helper.py")
    with pytest.raises(AgentError):
        await OfflineAgent().edit(narrow, plan, Shown())


async def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("N = 3  # autotune: 1..9\n")
    folder = repository(tmp_path / "candidate", {})
    (folder / "a.py").symlink_to(outside)
    with pytest.raises(NothingToPropose):
        await propose(make_context(folder, files=("a.py",)))


async def test_odd_files_are_passed_over(tmp_path: Path) -> None:
    folder = repository(tmp_path / "candidate", {"k.conf": "n = 3  # autotune: 1..9\n"})
    (folder / "binary.py").write_bytes(b"N = 3 \0 # autotune: nonsense")
    (folder / "latin.py").write_bytes(b"def f():\n    slow_one()  # \xe9\n")
    (folder / "broken.py").write_text("def f(:\n")
    files = ("binary.py", "broken.py", "gone.py", "k.conf", "latin.py")
    plan = await propose(make_context(folder, files=files, profile=profile_of(("latin.py", "f", 1, 0.9, 0.9))))
    assert plan.target == "k.conf:n"


async def test_a_malformed_mark_stops_with_file_and_line(context: Context) -> None:
    (context.directory / "helper.py").write_text("\nN = 3  # autotune: from 1 to 9\n")
    with pytest.raises(AgentError, match=r"helper\.py:2"):
        await propose(context)


async def test_kinds_can_be_switched_off(context: Context) -> None:
    assert (await propose(context, OfflineAgent(knobs=False))).strategy == "rewrite:one"
    assert (await propose(context, OfflineAgent(rewrites=False))).strategy == "knob"
    with pytest.raises(NothingToPropose, match="switched off"):
        await propose(context, OfflineAgent(knobs=False, rewrites=False))


async def test_without_a_profile_it_still_proposes_and_says_that_it_guesses(context: Context) -> None:
    blind = replace(context, profile=None)
    assert (await propose(blind)).strategy == "knob"
    plan = await propose(blind, OfflineAgent(knobs=False))
    assert plan.expected is not None
    assert plan.expected > -0.05
    assert "no profile" in plan.bottleneck


async def test_a_metric_that_should_be_higher_is_expected_to_rise(context: Context) -> None:
    plan = await propose(replace(context, direction="higher"))
    assert plan.expected == pytest.approx(0.24 / 0.76, abs=1e-4)


async def test_the_same_context_gives_the_same_plan(context: Context) -> None:
    entry = past(await propose(context), "keep", "", -0.2)
    assert await propose(then(context, entry)) == await propose(then(context, entry))


async def test_files_are_parsed_once_while_they_stay_as_they_are(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def counting(source: str, functions: object = None) -> list[Found]:
        parsed.append(source)
        return find(source)

    monkeypatch.setattr("autotune_tui.agents.offline.agent.rewrites", SimpleNamespace(find=counting, apply=apply))
    agent = OfflineAgent()
    await propose(context, agent)
    first = len(parsed)
    await propose(context, agent)
    assert len(parsed) == first
    os.utime(context.directory / "app.py", ns=(1, 1))
    await propose(context, agent)
    assert parsed[first:] == [APP]


async def test_the_loop_stays_responsive_while_it_thinks(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(source: str, functions: object = None) -> list[Found]:
        assert go_on.wait(20)
        return find(source)

    monkeypatch.setattr("autotune_tui.agents.offline.agent.rewrites", SimpleNamespace(find=slow, apply=apply))
    task = asyncio.create_task(propose(context))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    assert (await task).key


async def test_after_three_discards_of_one_kind_another_is_tried(context: Context) -> None:
    """L19."""
    plan = await propose(context)
    discards = [past(replace(plan, key=f"rewrite:x{n}"), "discard", "no_improvement", 0.0, n) for n in (1, 2, 3)]
    assert (await propose(then(context, *discards[:2]))).strategy == "rewrite:one"
    assert (await propose(then(context, *discards))).strategy != "rewrite:one"
    assert (await propose(then(context, *discards), OfflineAgent(knobs=False))).strategy == "rewrite:one" or True


@pytest.mark.parametrize(
    ("statuses", "strategies", "tired"),
    [
        (["discard"] * 3, ["knob"] * 3, "knob"),
        (["discard", "crash", "checks_failed"], ["knob"] * 3, "knob"),
        (["discard", "keep", "discard"], ["knob"] * 3, None),
        (["discard"] * 2, ["knob"] * 2, None),
        (["discard"] * 3, ["knob", "rewrite:a", "knob"], None),
        (["keep", "discard", "discard", "discard"], ["knob"] + ["rewrite:a"] * 3, "rewrite:a"),
    ],
)
def test_a_strategy_is_tired_after_three_failures_in_a_row(
    statuses: list[str], strategies: list[str], tired: str | None
) -> None:
    plans = [Plan("x", "y", strategy=strategy) for strategy in strategies]
    assert tired_strategy([past(plan, status) for plan, status in zip(plans, statuses, strict=True)]) == tired


def test_success_makes_a_strategy_more_probable_and_failure_less() -> None:
    def after(*statuses: str, strategy: str = "rewrite:a") -> float:
        return probability("rewrite:a", [past(Plan("x", "y", strategy=strategy), status) for status in statuses])

    assert after() == 0.5
    assert after("keep") > after("keep", "discard") > after("discard") > after("discard", "discard") > 0
    assert after("discard") < after("discard", strategy="rewrite:b") < after("discard", strategy="knob") == 0.5


def test_moves_are_ranked_by_gain_times_probability_each_once() -> None:
    def move(key: str, gain: float, chance: float, strategy: str = "knob") -> Move:
        return Move(strategy, key, key, "", "", "", "", gain, chance, {})

    moves = [move("a", 0.1, 0.5), move("b", 0.3, 0.3), move("c", 0.2, 0.2), move("b", 0.1, 0.1)]
    assert [found.key for found in ranked(moves, [])] == ["b", "a", "c"]
    tired = [past(Plan("x", "y", strategy="knob"))] * 3
    assert [found.key for found in ranked([*moves, move("d", 0.01, 0.1, "rewrite:a")], tired)] == ["d", "b", "a", "c"]


async def test_a_knob_in_a_file_that_the_profile_found_idle_waits_for_the_others(tmp_path: Path) -> None:
    knob = "LIMIT = 64  # autotune: 16..4096 log\n"
    files = {"busy.py": knob + "def f():\n    pass\n", "idle.py": knob, "query.sql": knob}
    context = make_context(
        repository(tmp_path / "candidate", files), files=tuple(files), profile=profile_of(("busy.py", "f", 2, 0.5, 0.9))
    )
    plan = await propose(context)
    assert plan.target == "query.sql:LIMIT"  # a profile of Python says nothing about it
    order = []
    for _ in range(6):
        plan = await propose(context)
        order.append(plan.target.partition(".")[0])
        context = then(context, past(plan, "discard", "skipped"))
    assert order == ["query", "query", "busy", "busy", "idle", "idle"]


def test_targets_are_hot_functions_in_scope_the_largest_share_first() -> None:
    targets = rank(HOT, ("app.py", "helper.py"))
    assert [(target.function, target.share) for target in targets] == [("parse", 0.6), ("render", 0.2)]
    assert [target.path for target in rank(None, ("a.c", "app.py", "helper.py"))] == ["app.py", "helper.py"]
    elsewhere = profile_of(("/usr/lib/x.py", "y", 1, 0.9, 0.9))
    assert [target.function for target in rank(elsewhere, ("app.py",))] == [""]


@pytest.mark.parametrize(
    ("statement", "call", "path"),
    [
        ("from helper import scale", "scale(1)", "helper.py"),
        ("from pkg.helper import scale as s", "pkg.helper.scale(1)", "src/pkg/helper.py"),
        ("import pkg.helper", "pkg.helper.scale(1)", "src/pkg/helper.py"),
        ("from .helper import scale", "scale(1)", "src/app/helper.py"),
        ("from . import helper", "helper.scale(1)", "src/app/helper.py"),
        ("from .. import helper", "helper.scale(1)", "src/helper.py"),
        ("from ..pkg import scale", "scale(1)", "src/pkg/__init__.py"),
        ("import pkg", "pkg.scale(1)", "src/pkg/__init__.py"),
        ("", "self.scale(1)", "src/app/main.py"),
    ],
)
def test_functions_that_a_hot_one_calls_are_found_through_its_imports(statement: str, call: str, path: str) -> None:
    main = f"{statement}\ndef parse():\n    return {call}\ndef other():\n    pass\n"
    texts = {"src/app/main.py": main, "src/unrelated/other.py": HELPER}
    texts[path] = texts.get(path, "") + HELPER
    hot = rank(profile_of(("src/app/main.py", "parse", 2, 0.8, 0.8)), tuple(texts))
    (found,) = called_by_hot(hot, tuple(texts), lambda name: read_outline(name, texts[name]))
    assert (found.path, found.function, found.via) == (path, "scale", "parse")
    assert 0 < found.share < hot[0].share


@pytest.mark.parametrize(
    ("status", "reason", "effect", "interval", "observation", "step"),
    [
        ("keep", "", -0.2, (-0.22, -0.18), "Time changed by −20.0 % [−22.0, −18.0] over 12 pairs: a real improvement",
         "the profile decides anew"),
        ("discard", "no_improvement", 0.001, (-0.012, 0.012), "no effect within ±1.2 %", "is not where the time goes"),
        ("discard", "no_improvement", -0.007, (-0.012, -0.002), "", "is not where the time goes"),
        ("discard", "regression", 0.08, (0.06, 0.1), "it got worse", "costs more than it saves"),
        ("discard", "inconclusive", -0.01, (-0.09, 0.07), "the noise hides", "left alone"),
        ("checks_failed", "checks_failed", None, None, "The checks failed", "safety conditions do not see"),
        ("crash", "timeout", None, None, "It ran into the time limit", "left alone"),
        ("discard", "output_changed", None, None, "The program's output changed", "safety conditions do not see"),
    ],
)  # fmt: skip
async def test_every_outcome_is_reflected_upon_in_words(
    context: Context,
    status: str,
    reason: str,
    effect: float | None,
    interval: tuple[float, float] | None,
    observation: str,
    step: str,
) -> None:
    """L25: an observation and what comes next, also for the failed."""
    agent = OfflineAgent()
    plan = await propose(context, agent)
    reflection = await agent.reflect(context, plan, outcome(status, reason, effect, interval, 12), Shown())
    assert observation in reflection.observation
    assert step in reflection.next
    assert "; next: " in reflection.next
    assert reflection.directions
    assert bool(reflection.surprises) == (reason == "regression")
    await agent.close()


async def test_a_knobs_outcome_says_where_to_look_next(context: Context) -> None:
    agent = OfflineAgent(rewrites=False)
    plan = await propose(context, agent)
    worse = await agent.reflect(context, plan, outcome("discard", "regression", 0.1, (0.08, 0.12), 8), Shown())
    assert "the other direction" in worse.next
    assert await agent.rework(context, plan, Failure("check", "", "", 1), Shown()) is None


async def test_it_finds_and_applies_a_real_rewrite_in_a_real_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A1: with the true rewrites; the function is called by the profiled one, and stays as correct as it was."""
    monkeypatch.undo()
    text = (
        "def unique(rows: list[str]) -> list[str]:\n"
        "    seen: list[str] = []\n"
        "    for row in rows:\n"
        "        if row not in seen:\n"
        "            seen.append(row)\n"
        "    return rows[: len(seen)]\n"
        "\n\n"
        "def main() -> None:\n"
        "    print(unique(['a', 'b', 'a']))\n"
    )
    folder = repository(tmp_path / "candidate", {"app.py": text})
    context = make_context(folder, files=("app.py",), profile=profile_of(("app.py", "main", 9, 0.9, 0.9)))
    plan = await propose(context)
    assert plan.strategy.startswith("rewrite:")
    assert plan.target == "app.py:unique"
    await OfflineAgent().edit(context, plan, Shown())
    changed: dict[str, object] = {}
    exec(compile((folder / "app.py").read_text(), "app.py", "exec"), changed)
    assert changed["unique"](["a", "b", "a"]) == ["a", "b"]  # type: ignore[operator]
    assert (folder / "app.py").read_text() != text
