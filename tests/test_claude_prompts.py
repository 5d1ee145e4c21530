"""What each role is told, rendered from a recorded context, and what it is not told."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents_support import make_context, outcome, profile_of, repository
from autotune_tui.agents.base import Context, Failure, PastExperiment, Plan
from autotune_tui.agents.claude import parts, prompts
from autotune_tui.cli import command_line
from autotune_tui.model.guidance import Attempt, Guidance, Stuck
from engine_support import EXACT, Session, configure, git, make_repo

PLAN = Plan(
    "Parse each date once",
    "Keeping the parsed dates should improve time because 40 dates make up 2,000,000 rows.",
    target="src/app.py:parse",
    strategy="cache",
    premortem="The dates are all different.",
    data={
        "target": "src/app.py:parse",
        "sections": {"The change": "A dict beside the loop.", "Why this one": "It is bold."},
    },
)
DIFF = "diff --git a/src/app.py b/src/app.py\n@@ -1 +1 @@\n-slow()\n+quick()\n"


def tried(index: int, status: str, strategy: str = "cache", effect: float | None = -0.05) -> PastExperiment:
    return PastExperiment(
        index, status, "no_improvement" if status == "discard" else "improvement", f"Try thing {index}", strategy,
        f"key{index}", effect, (-0.08, -0.02) if effect else None, "It should.", f"Saw {index}.", f"Then {index + 1}.",
    )  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> Context:
    history = (tried(1, "keep"), tried(2, "discard"), tried(3, "discard"), tried(4, "discard"))
    context = make_context(
        repository(tmp_path / "candidate", {"src/app.py": "slow()\n"}), files=("src/app.py",), history=history,
        profile=profile_of(("src/app.py", "parse", 3, 0.25, 0.75), ("/usr/lib/x.py", "loads", 0, 0.1, 0.2)),
    )  # fmt: skip
    return dataclasses.replace(context, guidance=Guidance(tired="cache"))


def test_the_planner_is_told_all_that_is_known(context: Context) -> None:
    """L1, L2, L19, L24, L26: goal, figures, profile, results, lessons, kinds, commits, ideas, earlier sessions."""
    prompt = prompts.render("planner", parts.for_planner(context, "c0ffee start", "### 000\nNever x."))
    for words in (
        "# Experiment 5", "Be quick", "stay readable", "time, lower is better", "first commit: 2", "incumbent: 1.5", "target: 1",
        "python bench.py", "- src/app.py", "| 75.0% | 25.0% | parse | src/app.py:3 |", "| loads | /usr/lib/x.py |",
        "#1 keep improvement, −5.0 %", "#4 discard no_improvement", "#4 Saw 4. Next: Then 5.", "cache: tried 4, kept 1",
        "The last 3 were all cache and none was kept: choose another kind.", "health: running", "since the last keep: 3",
        "c0ffee start", "- try harder", "Never x.",
    ):  # fmt: skip
        assert words in prompt.first, words


@pytest.mark.parametrize(
    "technique",
    [
        "kind of bottleneck first", "principles", "three approaches", "as if you had not seen the first ranking",
        "X should improve Y because Z", "impact, feasibility and novelty", "below 5", "Pre-mortem", "Which assumption",
        "three discards of one kind", "opposite of what failed", "hot path", "pushdown", "gradient norm", "uncovered branch",
        "outside of the scope", "has that moved", "messages, warnings and the output", "Which files did the keeps touch",
        "that nobody measures", "Does the benchmark run the code", "what it does that it need not do",
        "what it is compiled to with `disassemble`", "not vectorised", "not inlined", "offsets", "loaded or stored again",
        "looked up in a loop", "early exit", "short circuit", "cache locality", "allocation pressure", "interpreter's lock",
        "invariant, precondition", "weak references", "fragmentation", "partition pruning", "broadcast threshold", "skew",
        "batch size saturation", "signs of overfitting", "regularisation strength", "edge case", "mocked", "back-pressure",
        "How often is it called", "Who relies on its order", "Is the gain larger than what another seed brings",
        "combinations of two or three changes", "removing what no longer pays", "`web_search`", "quadratic",
    ],
)  # fmt: skip
def test_every_technique_of_planning_is_in_the_planners_instructions(technique: str) -> None:
    """L3, L4, L5, L6, L11, L19, L21, L27: each has a sentence of its own; vocabulary and a checklist for each field."""
    text = resources.files("autotune_tui.agents.claude.prompts").joinpath("planner.md").read_text()
    assert technique in " ".join(text.split())


@pytest.mark.parametrize(
    "rule",
    [
        "more than one idea", "out of proportion", "would not understand", "only this benchmark's inputs", "validation",
        "says something else than the change does", "disturbs the measurement", "not ASCII", "uncertainty",
        "something else worse that nobody asked to give up",
    ],
)  # fmt: skip
def test_the_inspector_has_its_whole_checklist(rule: str) -> None:
    """L14."""
    text = resources.files("autotune_tui.agents.claude.prompts").joinpath("inspector.md").read_text()
    assert rule in " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("editor", "this one change and nothing else"), ("editor", "compare old and new code on their own"),
        ("editor", "without a use"), ("editor", "proves nothing"), ("editor", "Never make a test"),
        ("rework", "a wrong name, a missing import"), ("rework", "Checks, tests and benchmarks stay"),
        ("reflector", "what was seen on the way"), ("reflector", "concrete sentences"), ("reflector", "came out otherwise"),
        ("reflector", "three different lessons"), ("house", "Simple beats marginally faster"),
        ("house", "is material"), ("house", "you state no results"),
    ],
)  # fmt: skip
def test_the_other_roles_have_their_rules(name: str, rule: str) -> None:
    """L7, L11, L12, L15, L17, L25, L28."""
    text = resources.files("autotune_tui.agents.claude.prompts").joinpath(f"{name}.md").read_text()
    assert rule in " ".join(text.split())


def test_keeps_are_ranked_and_lessons_are_told_word_by_word(context: Context) -> None:
    """L1, L25: the largest gain first; what a reflection wants later plans to know."""
    small, large = tried(1, "keep", effect=-0.02), tried(2, "keep", effect=-0.3)
    learned = dataclasses.replace(tried(3, "discard"), lessons=("parse() sees 40 strings.", "Sorting is free."))
    context = dataclasses.replace(context, history=(small, large, learned))
    told = parts.for_planner(context, "", "")
    assert [line[:10] for line in told["leaderboard"].splitlines()] == ["- #2 keep ", "- #1 keep "]
    assert "#3 Saw 3. Learned: parse() sees 40 strings. Sorting is free. Next: Then 4." in told["lessons"]
    higher = dataclasses.replace(context, direction="higher")
    assert parts.leaderboard(higher).startswith("- #1 keep")


def test_a_plateau_asks_for_something_bigger(context: Context) -> None:
    """L20: the protocol for being stuck is in the plan's prompt, with what there is to combine."""
    near = Attempt(3, "Hash rows once", "cache", ("src/app.py",), -0.004)
    stuck = Stuck(6, "combine", (), (near,), (("cache", 4),))
    guidance = Guidance(avoid=("cache",), stuck=stuck, findings=("worktrees rebuilt",))
    prompt = prompts.render("planner", parts.for_planner(dataclasses.replace(context, guidance=guidance), "", ""))
    for words in (
        "Small changes have run dry", "Above all: combine earlier wins", "Also: try the opposite", "#3 Hash rows once",
        "Failed: cache (4 times)", "may not be used for now: cache", "Found: worktrees rebuilt.",
    ):  # fmt: skip
        assert words in prompt.first, words


def test_a_first_experiment_without_anything_reads_well(tmp_path: Path) -> None:
    context = make_context(repository(tmp_path / "candidate", {}))
    prompt = prompts.render("planner", parts.for_planner(context, "", ""))
    assert "This is the first experiment." in prompt.first
    assert "## From earlier sessions\nnone" in prompt.first
    assert "There is none." in prompt.first


def test_the_editor_gets_the_plan_and_the_rework_what_failed(context: Context) -> None:
    edit = prompts.render("editor", parts.for_editor(context, PLAN))
    for words in (
        "Parse each date once",
        "A dict beside the loop.",
        "The dates are all different.",
        "src/app.py:parse",
    ):
        assert words in edit.first
    failure = Failure("check", "2 tests failed", "x" * 30_000 + "test_b FAILED", 2)
    rework = prompts.render("rework", parts.for_rework(context, PLAN, failure, DIFF))
    for words in ("attempt 2", "check: 2 tests failed", "characters left out here", "test_b FAILED", "+quick()"):
        assert words in rework.first
    assert "Checks, tests and benchmarks stay" in rework.system


def test_the_inspector_is_told_nothing_of_the_plan(context: Context) -> None:
    """L14: goal, diff and figures, so that no praise persuades it."""
    result = outcome("keep", "improvement", -0.13, (-0.15, -0.11), 12)
    prompt = prompts.render("inspector", parts.for_inspector(context, "Keep the dates", result, DIFF))
    assert "−13.0 % [−15.0, −11.0]" in prompt.first and "12 pairs" in prompt.first
    assert "Keep the dates" in prompt.first and "+quick()" in prompt.first
    for praise in (PLAN.hypothesis, "It is bold.", "Saw 4.", "cache: tried"):
        assert praise not in prompt.first


def test_the_reflector_is_told_how_it_ended(context: Context) -> None:
    """L25: also of a crash, with the end of its output."""
    ended = parts.for_reflector(context, PLAN, outcome("crash", "timeout"), DIFF, "Traceback: boom")
    prompt = prompts.render("reflector", ended)
    for words in ("crash, timeout", "Traceback: boom", "Parse each date once", "+quick()"):
        assert words in prompt.first


@pytest.mark.parametrize("name", prompts.NAMES)
def test_instructions_stay_the_same_from_one_experiment_to_the_next(name: prompts.Name, context: Context) -> None:
    """So that the provider reads them from its cache; what changes comes after them."""
    fields = {
        *parts.for_planner(context, "", ""),
        "plan",
        "attempt",
        "diff",
        "failure",
        "measured",
        "description",
        "outcome",
        "bottleneck",
        "approaches",
        "query",
        "why",
    }
    one, two = (prompts.render(name, dict.fromkeys(fields, words)) for words in ("one", "two"))
    assert one.system == two.system
    assert one.first != two.first
    assert "$" not in one.first
    assert one.system.startswith("You work in one role")


def test_words_of_other_programs_cannot_break_a_prompt(context: Context) -> None:
    hostile = dataclasses.replace(context, goal="Save $goal ${x} $", ideas="\x1b[31mred\x07 $number")
    prompt = prompts.render("planner", parts.for_planner(hostile, "", ""))
    assert "Save $goal ${x} $" in prompt.first
    assert "red $number" in prompt.first and "\x1b" not in prompt.first


def test_what_earlier_sessions_left_is_read_from_their_documents(tmp_path: Path) -> None:
    """L26."""
    for name, file, text in (
        ("001-a", "learnings.md", "Indexes matter."),
        (
            "002-b",
            "autotune.md",
            "# Goal\n\n## Objective\n\nx\n\n## Wins\n\n- cached\n\n## Learned\n\n- rows repeat\n\n## Now\n\ny\n",
        ),
        ("003-c", "autotune.md", "own"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    text = parts.earlier_sessions(tmp_path / "003-c")
    assert text.index("### 002-b") < text.index("### 001-a")
    assert "- cached" in text and "- rows repeat" in text and "Indexes matter." in text
    assert "Objective" not in text and "own" not in text


CONFIG = """\
goal = "Lower the cost"
[metric]
name = "cost"
source = "metric_line"
[benchmark]
command = "sh bench.sh"
[scope]
include = ["src/**"]
"""


def test_the_prompts_can_be_read_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A2: `autotune-tui prompts`, without a key and without a session; the repository stays as it is."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    repo = make_repo(tmp_path, {"autotune.toml": CONFIG})
    done = CliRunner().invoke(command_line, ["prompts", str(repo)])
    assert done.exit_code == 0, done.output
    for words in (
        "=== planner: claude-opus-5-5, effort high",
        "=== rework",
        "=== inspector",
        "submit_plan",
        "- src/value.txt",
    ):
        assert words in done.output
    only = CliRunner().invoke(command_line, ["prompts", str(repo), "--role", "editor", "--json"])
    (name,) = found = json.loads(only.output)
    assert name == "editor"
    assert found["editor"]["model"] == "claude-sonnet-5-5"
    assert found["editor"]["max_tokens"] == 32_000
    assert git(repo, "status", "--porcelain") == ""


async def test_the_prompts_of_a_session_have_its_results(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench=EXACT)
    settings = configure(tmp_path / "cache", "echo 50 > src/value.txt", "[budget]\nexperiments = 1")
    session = Session(repo, settings)
    await session.run()
    from autotune_tui.engine.preview import preview

    planner = (await preview(repo, session.folder, settings))[0]
    assert "# Experiment 2" in planner.first
    assert "#1 keep improvement" in planner.first
    assert "incumbent: 50" in planner.first
