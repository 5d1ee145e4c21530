"""L14: the inspector's rules, each with a cheat that it must see and an honest twin that it must let pass."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from autotune_tui.config.inspector import Rule
from autotune_tui.inspector import RULES, Change, FileChange, Finding, Gain, Material, Policy, blocked, inspect
from inspector_cases import BEFORE, CASES, MATERIAL, TWIN_PATHS, Case, change

IDS = [f"{case.rule}: {case.name}" for case in CASES]


def _of(findings: tuple[Finding, ...], rule: str) -> list[Finding]:
    return [finding for finding in findings if finding.rule == rule]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_cheat_is_found_where_it_stands(case: Case) -> None:
    """The rule names it with the severity that it has by default, at a line of the file."""
    found = inspect(change(case, case.cheat))
    severities = {finding.severity for finding in _of(found, case.rule)}
    assert case.severity in severities, found
    worst = next(finding for finding in _of(found, case.rule) if finding.severity == case.severity)
    assert worst.path == case.path
    assert bool(blocked(found)) == any(finding.severity == "block" for finding in found)
    assert case.severity != "block" or blocked(found)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_its_honest_twin_is_not_refused(case: Case) -> None:
    twin = replace(case, path=TWIN_PATHS.get(case.path, case.path))
    found = inspect(change(twin, twin.twin))
    assert blocked(found) == ""
    assert case.severity == "block" or not _of(found, case.rule), "the rule does not tell the two apart"


def test_every_rule_has_a_case_and_a_name_in_the_configuration() -> None:
    assert set(RULES) == set(get_args(Rule))
    assert {case.rule for case in CASES} | {"size", "complexity"} == set(RULES)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_stood_there_before_is_nothing_new(case: Case) -> None:
    """The cheat's text in the code before is not the change's; nor is it when the file has moved."""
    after = change(case, case.cheat).files[0].new or ""
    same = Change((FileChange(case.path, after, after + "\n"),), case.material)
    assert not _of(inspect(same), case.rule)


def test_code_that_moves_to_another_file_is_nothing_new() -> None:
    helper = "import time\n\n\ndef now():\n    return time.time()\n"
    moved = Change((FileChange("work/a.py", helper + "X = 1\n", "X = 1\n"), FileChange("work/b.py", None, helper)))
    assert [finding.rule for finding in inspect(moved)] == ["signature"]
    renamed = Change((FileChange("work/b.py", helper, helper.replace("time.time()", "time.monotonic()"), "work/a.py"),))
    assert inspect(renamed) == ()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(), "warn"),
        (Policy(block=frozenset({"clock"})), "block"),
        (Policy(warn=frozenset({"clock"})), "warn"),
        (Policy(allow=frozenset({"clock"})), ""),
    ],
)
def test_the_user_sets_what_a_rule_does(policy: Policy, expected: str) -> None:
    case = next(case for case in CASES if case.name == "a sleep")
    found = _of(inspect(change(case, case.cheat), policy), "clock")
    assert "".join({finding.severity for finding in found}) == expected


def test_a_refusal_names_the_rule_the_place_and_what_is_there() -> None:
    case = next(case for case in CASES if case.name == "the benchmark's size")
    reason = blocked(inspect(change(case, case.cheat)))
    assert reason == "special_case: work/score.py:14: compares with 48213, which the benchmark has"


@pytest.mark.parametrize(
    ("lines", "gain", "told"),
    [(50, Gain(0.01), False), (300, Gain(0.01), True), (300, Gain(0.30), False), (300, Gain(0.30, interval=(0.01, 0.5)), True),
     (300, Gain(2.0, relative=False), False), (500, Gain(2.0, relative=False), True), (300, None, False)],
)  # fmt: skip
def test_a_big_change_must_be_worth_its_gain(lines: int, gain: Gain | None, told: bool) -> None:
    """Lines are weighed against the lower end of the gain's interval; a gain in units cannot pay for lines."""
    text = "".join(f"X{number} = {number}\n" for number in range(lines))
    found = inspect(Change((FileChange("work/x.py", "", text),), gain=gain))
    assert ("size" in {finding.rule for finding in found}) is told


def test_added_branches_must_be_worth_their_gain() -> None:
    """Cyclomatic complexity: twenty branches for one percent are told, for thirty percent they are not."""
    branches = "".join(f"    if rows == {number}:\n        return {number}\n" for number in range(20))
    text = f"def f(rows):\n{branches}    return 0\n"
    files = (FileChange("work/x.py", "def f(rows):\n    return 0\n", text),)
    assert "adds 20 branches for a gain of at least 1" in {
        finding.text[:41] for finding in inspect(Change(files, gain=Gain(0.01))) if finding.rule == "complexity"
    }
    assert not _of(inspect(Change(files, gain=Gain(0.3))), "complexity")


def test_marked_settings_may_take_any_value() -> None:
    """What the user marked as tunable is theirs to allow; a mark that the change brings itself allows nothing."""
    before = 'STEPS = 200  # autotune: 10..500\nDTYPE = "float64"  # autotune: {"float64", "float32"}\n'
    after = before.replace("200", "20").replace('"float64"  #', '"float32"  #')
    assert inspect(Change((FileChange("work/x.py", before, after),))) == ()
    own = Change((FileChange("work/x.py", "STEPS = 200\n", "STEPS = 20  # autotune: 10..500\n"),))
    assert [finding.rule for finding in inspect(own)] == ["precision"]


@pytest.mark.parametrize(
    "text",
    ["def f(:\n", "x = 1\0\n", "x = " + "(" * 500 + ")" * 500, "x = " + "-" * 5000 + "1", "x = " + " + ".join(["1"] * 20000)],
    ids=["no Python", "a NUL", "brackets", "signs", "a long sum"],
)  # fmt: skip
def test_code_that_cannot_be_read_is_said_and_never_passed_over(text: str) -> None:
    found = inspect(
        Change((FileChange("work/x.py", BEFORE, f"{text}\nimport os\nos.getenv('AUTOTUNE_SEED')\n"),), MATERIAL)
    )
    assert blocked(found)
    assert any("read" in finding.text or finding.rule == "environment" for finding in found)


def test_a_file_that_is_too_long_or_no_text_is_refused() -> None:
    found = inspect(Change((FileChange("work/x.py", BEFORE, "", unread=True),)))
    assert blocked(found).startswith("dynamic_code: work/x.py: is too long")
    picture = Change((FileChange("docs/logo.png", None, "", unread=True),), Material())
    assert inspect(picture) == ()


def test_control_characters_do_not_reach_the_screen() -> None:
    """A path or a line with escapes is shown without them."""
    found = inspect(Change((FileChange("work/\x1b[31mx\n.py", None, "import os\nos.nice(3)  # \x1b[2J\n"),)))
    assert found
    assert all(char.isprintable() for finding in found for char in f"{finding.words}{finding.excerpt}")
