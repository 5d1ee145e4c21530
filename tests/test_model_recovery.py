"""What playbooks put in force, how long it holds, and what it asks of the next experiment: folds and tables."""

from __future__ import annotations

import pytest

from autotune_tui.model.events import Health, Record, Recovery, Result, Session
from autotune_tui.model.guidance import STEPS, Guidance, guidance_of, stuck, tired, words
from autotune_tui.model.health import (
    Limits,
    Streaks,
    choose_playbook,
    count,
    explain,
    healing,
    next_health,
    playbook_after,
    recovery_words,
)
from autotune_tui.model.session import Course
from autotune_tui.model.state import fold
from journal_sessions import experiment, keep, opening, segment

FLAKY = ("flaky_benchmark", "2 runs of the incumbent failed")
STALL = ("stall", "killed after 9 s")
LIMITS = Limits(playbooks=("reset_worktree", "diagnose", "switch_strategy", "rebaseline", "pause"))


def attempt(playbook: str, heals: int = 1) -> Health:
    return Health(health="healing", recovery=playbook, heals=heals, failure="plateau", reason="tired")


NARROWED = [attempt("shrink_scope"), Recovery(playbook="shrink_scope", why="tired", found="f", scope=("a.py",))]
SWITCHED = [attempt("switch_agent"), Recovery(playbook="switch_agent", why="tired", found="f", agent="offline")]
MENDING = [attempt("diagnose"), Recovery(playbook="diagnose", why="x", found="f", repair="candidates")]
BROKEN = [attempt("diagnose"), Recovery(playbook="diagnose", why="x", found="f", repair="code", base="b" * 40)]


@pytest.mark.parametrize(
    ("outcomes", "limits", "health", "failure"),
    [
        ([("discard", FLAKY)], LIMITS, "running", None),
        ([("discard", FLAKY), ("discard", ("", "")), ("discard", FLAKY)], LIMITS, "crashing", "flaky_benchmark"),
        ([("discard", FLAKY), ("keep", ("", "")), ("discard", FLAKY)], LIMITS, "running", None),
        ([("crash", FLAKY), ("crash", FLAKY)], LIMITS, "crashing", "flaky_benchmark"),
        ([("crash", FLAKY), ("checks_failed", ("", ""))], LIMITS, "crashing", "checks_failed"),
        ([("crash", STALL)], LIMITS, "running", None),
        ([("crash", STALL), ("crash", STALL)], LIMITS, "crashing", "stall"),
        ([("crash", STALL), ("crash", ("", ""))], LIMITS, "crashing", "benchmark_crash"),
        ([("crash", ("", "")), ("crash", STALL)], LIMITS, "crashing", "benchmark_crash"),
        ([("crash", STALL), ("discard", ("", "")), ("crash", STALL)], LIMITS, "running", None),
        ([("discard", FLAKY)], Limits(max_crash_streak=1), "crashing", "flaky_benchmark"),
    ],
)
def test_flaky_benchmarks_and_stalls_are_failures_with_names(
    outcomes: list[tuple[str, tuple[str, str]]], limits: Limits, health: str, failure: str | None
) -> None:
    """H1."""
    streaks = Streaks()
    for status, trouble in outcomes:
        streaks = count(streaks, status, trouble=trouble)
    change = next_health(streaks, limits)
    assert (change.health, change.failure) == (health, failure)
    assert ("2 runs of the incumbent failed" in change.reason) is (failure == "flaky_benchmark")


@pytest.mark.parametrize(
    ("configured", "tried", "heals", "chosen"),
    [
        (("diagnose", "rebaseline", "diagnose"), ("diagnose", "rebaseline"), 2, "diagnose"),
        (("diagnose", "rebaseline", "diagnose"), ("diagnose", "rebaseline", "diagnose"), 2, None),
        (("reset_worktree", "rebaseline"), ("reset_worktree",), 0, "rebaseline"),
        (("a", "b", "c", "d"), ("a", "b", "c"), 2, "d"),
        (("a", "b", "c", "d"), ("a", "b", "c"), 3, None),
    ],
)
def test_only_what_had_something_to_do_counts_and_what_is_named_twice_is_tried_twice(
    configured: tuple[str, ...], tried: tuple[str, ...], heals: int, chosen: str | None
) -> None:
    """H2: order and budget."""
    assert choose_playbook(configured, tried, 3, heals) == chosen


def test_a_playbook_without_work_is_followed_by_the_next_until_a_person_is_asked() -> None:
    streaks = Streaks(no_improvement=5)
    change = next_health(streaks, LIMITS)
    names = []
    tried: tuple[str, ...] = ()
    while change.recovery:
        names.append(healing(change).recovery)
        tried = (*tried, change.recovery)
        change = playbook_after(change, LIMITS, tried, 0)
    assert names == ["reset_worktree", "diagnose", "switch_strategy", "rebaseline"]
    assert (change.health, change.failure) == ("paused", "plateau")


@pytest.mark.parametrize(
    ("after", "course"),
    [
        ([], Course()),
        (NARROWED, Course(scope=("a.py",))),
        ([*NARROWED, *experiment(1)], Course(scope=("a.py",))),
        ([*NARROWED, *keep(1, 1.5, -0.1)], Course()),
        ([*NARROWED, attempt("diagnose", 2)], Course()),
        ([*NARROWED, Recovery(playbook="reset_worktree", why="asked for", found="f")], Course(scope=("a.py",))),
        ([*NARROWED, Recovery(playbook="shrink_scope", outcome="over", found="f")], Course()),
        ([*SWITCHED, *keep(1, 1.5, -0.1)], Course(agent="offline")),
        ([*SWITCHED, attempt("shrink_scope", 2), NARROWED[1]], Course(scope=("a.py",), agent="offline")),
        ([*SWITCHED, Session(agent="offline")], Course(agent="offline")),
        ([*SWITCHED, Session(agent="claude")], Course()),
        ([*MENDING, *experiment(1)], Course()),
        ([*MENDING, *experiment(1, "crash", None)], Course(repair="candidates")),
        ([*BROKEN, *experiment(1)], Course(repair="code", base="b" * 40)),
        ([*BROKEN, *keep(1, 1.5, -0.1)], Course()),
        ([*BROKEN, *segment(2)], Course()),
        ([*NARROWED, *segment(2)], Course(scope=("a.py",))),
    ],
)
def test_what_is_in_force_ends_with_the_next_keep_or_playbook(after: list[Record], course: Course) -> None:
    """H2, A7: all of it is a fold of the journal, so a restart goes on with it."""
    assert fold([*opening(), *after]).course == course


def test_a_playbook_without_work_is_no_attempt_and_one_that_was_begun_is_known() -> None:
    begun = fold([*opening(), attempt("diagnose")])
    assert (begun.begun_playbook, begun.heals, begun.tried_playbooks) == ("diagnose", 1, ("diagnose",))
    state = fold([Recovery(playbook="diagnose", why="tired", outcome="nothing", found="all is well")], begun)
    assert (state.begun_playbook, state.heals, state.tried_playbooks) == ("", 0, ("diagnose",))
    assert state.notes[-1].text == "diagnose (tired): nothing to do, all is well"
    asked = fold([Recovery(playbook="rebaseline", why="asked for", outcome="nothing", found="x")], begun)
    assert asked.heals == 1
    assert fold(experiment(1), begun).begun_playbook == ""
    assert begun.recoveries == []
    assert len(fold([*opening(), *NARROWED, *SWITCHED]).recoveries) == 2
    assert fold([*opening(), *NARROWED, *keep(1, 1.5, -0.1)]).recoveries == []


@pytest.mark.parametrize(
    ("after", "rows"),
    [
        (
            [*NARROWED],
            ["Found  shrink_scope (tired): f", "Now    the scope is narrowed to a.py, until the next keep or playbook"],
        ),
        ([*SWITCHED], ["Now    offline proposes instead of the configured agent"]),
        ([*MENDING], ["Now    experiments only repair what fails, until the next keep or playbook"]),
        ([*BROKEN], ["Now    experiments only repair what was kept, until the next keep or playbook"]),
        (
            [attempt("diagnose"), Health(health="paused", failure="flaky_benchmark", reason="it comes and goes")],
            [
                "State  paused (flaky_benchmark: the benchmark comes and goes)",
                "Why    it comes and goes",
                "Tried  diagnose since the last keep; left: reset_worktree, rebaseline, pause",
            ],
        ),
        (
            [*keep(1, 1.5, -0.1), *BROKEN, Health(health="paused", failure="benchmark_crash", reason="3 failures")],
            ["You    veto 1 to take the last keep back; resume to go on; repair or rebaseline first"],
        ),
    ],
)
def test_an_explanation_says_what_was_found_and_what_holds(after: list[Record], rows: list[str]) -> None:
    text = explain(fold([*opening(), *after]))
    for row in rows:
        assert any(line.startswith(row) for line in text.splitlines()), text


def test_an_explanation_fits_on_one_screen_whatever_was_found() -> None:
    found = [Recovery(playbook="diagnose", why="x" * 500, found="y " * 5000, scope=("z.py",) * 99)] * 20
    lines = explain(fold([*opening(), *found])).splitlines()
    assert len(lines) <= 13
    assert max(map(len, lines)) <= 710


def test_what_became_of_a_playbook_is_a_sentence() -> None:
    assert recovery_words(NARROWED[1]) == "shrink_scope (tired): f"  # type: ignore[arg-type]
    over = Recovery(playbook="shrink_scope", outcome="over", found="nothing was left to propose with it")
    assert recovery_words(over) == "shrink_scope is over: nothing was left to propose with it"


def discards(numbers: range, strategy: str = "cache", effect: float | None = 0.0) -> list[Record]:
    return [
        Result(
            index=n, status="discard", reason="no_improvement", strategy=strategy, effect=effect, description=f"d{n}"
        )
        for n in numbers
    ]


@pytest.mark.parametrize(
    ("after", "strategy"),
    [
        (discards(range(1, 3)), ""),
        (discards(range(1, 4)), "cache"),
        ([*discards(range(1, 3)), *discards(range(3, 4), "layout")], ""),
        ([*discards(range(1, 3)), *keep(3, 1.5, -0.1)], ""),
        (discards(range(1, 4), "command"), ""),
        (discards(range(1, 4), ""), ""),
    ],
)
def test_after_three_discards_of_one_kind_another_is_asked_for(after: list[Record], strategy: str) -> None:
    """L19."""
    state = fold([*opening(), *after])
    assert tired([e for e in state.experiments if not e.baseline]) == guidance_of(state).tired == strategy


def test_the_way_out_begins_at_five_in_a_row_and_each_step_has_its_turn() -> None:
    """L20: read, combine, opposite, simplify; with the wins, the near misses and what failed."""
    start = [*opening(), *keep(1, 1.5, -0.1, description="Cache rows")]
    assert guidance_of(fold([*start, *discards(range(2, 6))])).stuck is None
    steps = []
    for last in range(7, 12):
        found = guidance_of(fold([*start, *discards(range(2, last))])).stuck
        assert found is not None
        steps.append(found.step)
    assert steps == [*STEPS, "read"]
    near = [
        *discards(range(2, 5), effect=0.1),
        *discards(range(5, 6), effect=-0.002),
        *discards(range(6, 7), "x", -0.01),
    ]
    found = guidance_of(fold([*start, *near])).stuck
    assert found is not None
    assert ([a.index for a in found.wins], [a.index for a in found.near]) == ([1], [6, 5])
    assert found.failed == (("cache", 4), ("x", 1))
    told = " ".join(words(Guidance(stuck=found)))
    for part in (
        "Nothing was kept in 5",
        "Above all: read the goal",
        "Wins: #1 Cache rows.",
        "Near misses: #6 d6; #5 d5.",
    ):
        assert part in told
    assert "Failed: cache (4 times), x (1 time)." in told


@pytest.mark.parametrize("more", [keep(7, 1.4, -0.1), [Result(index=7, status="discard", reason="skipped")]])
def test_what_a_person_skipped_says_nothing_and_a_keep_ends_the_protocol(more: list[Record]) -> None:
    state = fold([*opening(), *discards(range(1, 7)), *more])
    found = stuck([e for e in state.experiments if not e.baseline], "lower")
    assert (found.experiments if found else None) == (None if state.keeps else 6)


def test_guidance_tells_findings_scope_and_repair() -> None:
    state = fold([*opening(), *NARROWED])
    assert words(guidance_of(state)) == [
        "Found: f.",
        "The scope is narrowed for now; only these may be changed: a.py.",
    ]
    assert words(guidance_of(fold([*opening(), *BROKEN])))[0].startswith("Repair only: mend the code that was kept")
    avoid = Guidance(avoid=("cache",), tired="cache")
    assert words(avoid) == ["These strategies failed and may not be used for now: cache."]
    assert words(Guidance()) == []
