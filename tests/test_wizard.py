"""The setup wizard, used as a person uses it: each step, each refusal, leaving and coming back."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Button

from autotune_tui.config import parse
from autotune_tui.errors import UsageError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.ui.wizard.drafts import DraftStore
from autotune_tui.ui.wizard.goal import Recipes
from autotune_tui.ui.wizard.output_view import OutputView
from autotune_tui.ui.wizard.scope_step import ScopeView
from autotune_tui.ui.wizard.summary import Table
from ui_session import shown, until, until_shown
from wizard_support import (  # fmt: skip
    FIRST,
    ONCE,
    ROOT,
    RUN,
    Host,
    Programs,
    a_look,
    go_to,
    line,
    programs,
    run_once,
    step_of,
    type_into,
    until_step,
    walk_to,
)

__all__ = ["programs"]

SIZES = [(80, 24), (120, 40), (160, 50)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_from_the_goal_to_a_session_with_the_keyboard_alone(programs: Programs, size: tuple[int, int]) -> None:
    """S1: goal, benchmark, scope, checks, agent, preflight, summary; it starts on an explicit confirmation."""
    app = Host()
    async with app.run_test(size=size) as pilot:
        await walk_to(pilot, "Preflight")
        await pilot.press("f5")
        await until_shown(pilot, "20 of 20 runs", "! It works; 1 of 7 findings is worth knowing")
        await pilot.press("ctrl+n")
        await until_step(pilot, "Start")
        assert [call[0] for call in programs.calls] == ["init", "check", "check"], "nothing was set up yet"
        await pilot.press("ctrl+n", "ctrl+n", "ctrl+n")
        assert [call[0] for call in programs.calls] == ["init", "check", "check"], (
            "the key that goes on does not start it"
        )
        await pilot.press("enter")
        await until(pilot, lambda: app.outcome == "001-import")
    assert programs.calls[-1] == ("init", "--json", "--file", "-", str(ROOT))
    config = parse(programs.texts[-1])
    assert config.goal == "Import a day in under a second"
    assert (config.benchmark.command, config.metric.name, config.metric.unit) == (
        "python3 bench.py",
        "rows_per_s",
        "rows/s",
    )
    assert (config.metric.target, config.metric.direction) == (2500000, "lower")
    assert (config.scope.include, config.scope.exclude) == (["importer/**"], ["vendor/"])
    assert config.checks.command == "python3 -m pytest -q"
    assert programs.texts[-2] == programs.texts[-1], "what was checked is what is set up"


# --- looking


async def test_the_repository_is_looked_at_and_suggestions_are_filled_in(programs: Programs) -> None:
    """S4."""
    programs.look = [a_look("Uncommitted changes are not part of the session: notes.txt.").record()]
    async with Host().run_test(size=(80, 24)) as pilot:
        await until_shown(
            pilot, "Python, 9 files", "checks: 2 test files", "! Uncommitted changes", "Start from a recipe"
        )
        await pilot.press("x", "ctrl+n")
        await until_shown(pilot, "python3 bench.py", "found: bench.py prints METRIC rows_per_s", "● METRIC line")


async def test_a_repository_where_no_session_can_work_is_refused_with_the_reason(programs: Programs) -> None:
    programs.look = UsageError("The repository has no commit yet", "/x", "Commit what is there.")
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "The repository has no commit yet", "Commit what is there.", "esc leaves")
        await pilot.press("ctrl+n", "f5", "ctrl+b", "escape")
        await until(pilot, lambda: app.outcome is None)


# --- the goal


async def test_a_goal_is_asked_for_before_one_goes_on(programs: Programs) -> None:
    async with Host().run_test(size=(80, 24)) as pilot:
        await until_step(pilot, "Goal")
        assert "✗" not in shown(pilot.app), "nothing is wrong before one has typed"
        await pilot.press("ctrl+n")
        await until_shown(pilot, "✗ a sentence", "1 of 7")
        await pilot.press("x")
        await until(pilot, lambda: "✗" not in shown(pilot.app))


async def test_a_recipe_fills_in_command_and_metric(programs: Programs) -> None:
    """S5."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_step(pilot, "Goal")
        await pilot.press("x")
        app.wizard.query_one(Recipes).focus()
        await until(
            pilot,
            lambda: any(
                row.split()[2:-1] == ["Peak", "memory", "of", "a", "Python", "program", "fits", "here"]
                for row in shown(app).split("\n")
                if "Peak memory of a P" in row
            ),
        )
        await pilot.press("down", "down", "enter")
        await until_shown(pilot, "● Peak memory of a Python program", "The largest resident set of any process")
        await pilot.press("ctrl+n")
        await until_shown(pilot, "● peak memory", "MiB", "python3 bench.py")
        draft = app.wizard.draft
        assert (draft.text("metric.source"), draft.text("metric.name")) == ("peak_rss", "peak_rss")


# --- the benchmark


async def test_the_command_is_run_and_the_number_marked_in_its_output(programs: Programs) -> None:
    """S3."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Benchmark")
        await run_once(pilot)
        await until_shown(
            pilot, "importer: cache is cold", "Output of the last run, 1.9 s", "✓ read as rows_per_s = 1,980,412"
        )
        view = app.wizard.query_one(OutputView).view
        assert view.lines[view.line][view.start : view.end] == "1980412"
        assert programs.calls[-1] == ("check", "--once", "--json", "--file", "-", str(ROOT))
        assert parse(programs.texts[-1]).benchmark.command == "python3 bench.py"


async def test_another_source_reads_the_last_output_without_another_run(programs: Programs) -> None:
    """S3."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Benchmark")
        await run_once(pilot)
        app.wizard._focus_on("metric.source")
        await pilot.press("right")
        await until_shown(pilot, "Pattern", "✗ the metric's fields are not right yet")
        await type_into(pilot, "metric.pattern", r"parsed ([0-9,]+)")
        await until_shown(pilot, "✗ The metric is not a number")
        await type_into(pilot, "metric.pattern", r"loading (\d+)")
        await until_shown(pilot, "✓ read as rows_per_s = 365")
        view = app.wizard.query_one(OutputView).view
        assert view.lines[view.line][view.start : view.end] == "365"
        app.wizard._focus_on("metric.source")
        await pilot.press(*["left"] * 7)
        await until_shown(pilot, "● wall time", "✓ read as time = 1.910 s")
        assert app.wizard.query_one(OutputView).view.line == -1
        await pilot.press(*["right"] * 5)
        await until_shown(pilot, r"loading (\d+)")
    assert [call[:2] for call in programs.calls] == [("init", "--suggest"), ("check", "--once")]


async def test_going_on_before_a_number_was_read_is_held_once(programs: Programs) -> None:
    """S3: the number is shown before going on."""
    async with Host().run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Benchmark")
        await type_into(pilot, "metric.target", "1")
        await pilot.press("ctrl+n")
        await until_shown(pilot, "✗ no number was read yet: F5 runs the command", "2 of 7")
        await pilot.press("ctrl+n")
        await until_step(pilot, "Scope")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("metric.target", "as fast as possible", '✗ "as fast as possible" is no target: the number at which you'),
        ("metric.target", "", "✗ the number at which you would stop, or none"),
        ("metric.threshold", "a lot", '✗ a percentage such as "1%"'),
        ("benchmark.command", "", "✗ What is measured: a shell command"),
        ("metric.name", "two words", "✗ a name of letters, digits"),
    ],
)
async def test_vague_or_wrong_words_are_refused_under_their_field(
    programs: Programs, name: str, text: str, said: str
) -> None:
    """S2."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Benchmark")
        await run_once(pilot)
        await type_into(pilot, "metric.target", "7")
        await type_into(pilot, name, text)
        if text:
            await until_shown(pilot, said)
        await pilot.press("ctrl+n")
        await until_shown(pilot, said, "2 of 7")
        assert app.focused is not None and app.focused.name == name
        assert app.wizard.draft.text(name) == text, "what was typed is kept"


async def test_the_target_is_set_against_the_last_run(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Benchmark")
        await run_once(pilot)
        await type_into(pilot, "metric.target", "2500000")
        await until_shown(pilot, "! the last run reaches it already")
        app.wizard._focus_on("metric.direction")
        await pilot.press("right")
        await until_shown(pilot, "✓ +26.2 % from the last run")
        await type_into(pilot, "metric.target", "none")
        await until_shown(pilot, "no target: the session goes on until a limit of its budget")


async def test_a_run_can_be_stopped(programs: Programs) -> None:
    programs.hold_after = 3
    async with Host().run_test(size=(80, 24)) as pilot:
        await until_step(pilot, "Goal")
        await pilot.press("x", "ctrl+n")
        await until_step(pilot, "Benchmark")
        await pilot.press("f5")
        await until_shown(pilot, "f5 stop", "running: python3 bench.py", "importer: cache is cold")
        await pilot.press("f5")
        await until_shown(pilot, "f5 run")
        assert programs.cancelled == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*ONCE[:3], {**RUN, "failure": "exit code 3"}, {"type": "error", "title": "The benchmark fails",
          "message": "exit code 3.", "hint": ""}], "✗ The benchmark fails. exit code 3."),
        ([{"type": "error", "title": "The set-up command failed", "message": "`false` failed: exit code 1.", "hint": "Mend it."}],
         "✗ The set-up command failed. `false` failed: exit code 1. Mend it."),
        (UsageError("Something broke", "Badly."), "✗ Something broke. Badly."),
        ([*ONCE[:3], {**RUN, "stdout": "METRIC rows=7\n"}], "✗ The metric rows_per_s was never printed. It printed rows."),
    ],
)  # fmt: skip
async def test_why_there_is_no_number_is_told(programs: Programs, lines: object, said: str) -> None:
    programs.once = lines  # type: ignore[assignment]
    async with Host().run_test(size=(120, 40)) as pilot:
        await until_step(pilot, "Goal")
        await pilot.press("x", "ctrl+n")
        await until_step(pilot, "Benchmark")
        await pilot.press("f5")
        await until_shown(pilot, said)


async def test_down_goes_through_what_was_found_and_enter_to_the_next_field(programs: Programs) -> None:
    """S4."""
    app = Host()
    record = a_look().record()
    record["benchmarks"] = [*record["benchmarks"], {"command": "make bench", "why": "Makefile", "fields": {}}]
    programs.look = [record]
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Benchmark")
        await until_shown(pilot, "↓ 1 more")
        await pilot.press("down")
        await until_shown(pilot, "make bench", "found: Makefile")
        await pilot.press("down")
        await until_shown(pilot, "found: bench.py prints METRIC")
        await pilot.press("enter")
        assert app.focused is not None and app.focused.name == "benchmark.build"


# --- the scope


async def test_the_scope_is_a_tree_with_counts_that_space_changes(programs: Programs) -> None:
    """S1: scope in and out; L9: what the commands name is locked."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Scope")
        await until_shown(pilot, "● 3 of 9 files may be changed, 693 of ", "▣ 2 locked", "◐ part", "▣ locked bench.py")
        app.wizard.query_one(ScopeView).focus()
        await pilot.press("down", "right")
        await until_shown(pilot, "○ out    vendor/", "● in     read.py")
        await pilot.press("down", "down", "down", "space")
        await until_shown(pilot, "● 2 of 9 files", "○ out    read.py")
        assert app.wizard.draft.text("scope.exclude") == "vendor/ importer/read.py"
        await pilot.press("space")
        await until_shown(pilot, "● 3 of 9 files", "● in     read.py")
        await pilot.press("left", "space")
        await until_shown(pilot, "● in     importer/", "● 4 of 9 files")
        await pilot.press("left")
        await until(pilot, lambda: "read.py" not in shown(app))


async def test_patterns_can_be_typed_and_wrong_ones_are_refused(programs: Programs) -> None:
    async with Host().run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Scope")
        await type_into(pilot, "scope.include", "importer/r*.py tests")
        await until_shown(pilot, "● 4 of 9 files may be changed")
        await type_into(pilot, "scope.include", "../x")
        await until_shown(pilot, "✗ a path inside the repository, without ..")
        await pilot.press("ctrl+n")
        await until_shown(pilot, "3 of 7")


async def test_a_locked_file_is_unlocked_by_naming_it(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Scope")
        await until_shown(pilot, "▣ locked bench.py")
        app.wizard.query_one(ScopeView).focus()
        await pilot.press("down", "down", "down")
        await until_shown(pilot, "space names a locked file")
        await pilot.press("space")
        await until_shown(pilot, "● in     bench.py", "▣ 1 locked")


# --- checks, agent


async def test_limits_are_checked_as_one_types(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Checks")
        await until_shown(pilot, "python3 -m pytest -q", "found: 2 test files")
        await type_into(pilot, "guards", "peak_rss")
        await until_shown(pilot, "✗ NAME=VALUE, with blanks between several")
        await type_into(pilot, "guards", "peak_rss=+5%")
        await type_into(pilot, "checks.timeout", "soon")
        await until_shown(pilot, "✗ a duration such as 30s, 10m or 1h30m")
        await type_into(pilot, "checks.timeout", "90s")
        await pilot.press("ctrl+n")
        await until_step(pilot, "Agent")
        await type_into(pilot, "budget.experiments", "some")
        await until_shown(pilot, "✗ a whole number")
        await type_into(pilot, "budget.experiments", "12")
        config = app.wizard.draft.config()
        assert str(config.guards["peak_rss"]) == "5%"
        assert (config.checks.timeout, config.budget.experiments) == (90.0, 12)


async def test_an_agent_that_is_a_command_needs_one(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Agent")
        await pilot.press("right", "right", "right", "right")
        await until_shown(pilot, "● command", "Program")
        assert "Rewrites" not in shown(app)
        await pilot.press("ctrl+n")
        await until_shown(pilot, "✗ the agent's command", "5 of 7")
        assert app.focused is not None and app.focused.name == "agent_command.command"
        await pilot.press(*"./agent", "ctrl+n")
        await until_step(pilot, "Preflight")


# --- preflight and start


async def test_the_preflight_is_drawn_while_it_runs_and_can_be_stopped(programs: Programs) -> None:
    """S7."""
    async with Host().run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Preflight")
        await until_shown(pilot, "F5 tries everything on the unchanged code")
        programs.hold_after = len(FIRST) + 7
        await pilot.press("f5")
        await until_shown(
            pilot, "7 of 20 runs", "✓ steady: the first 5 spread over 3.1% (limit 5%)", "✓ git", "! git", "f5 stop"
        )
        await pilot.press("f5")
        await until_shown(pilot, "Something was changed since it ran", "f5 run")
        assert programs.cancelled == 1
        programs.hold_after = None
        await pilot.press("f5")
        await until_shown(pilot, "20 of 20 runs", "takes 23.0 s to 2 min 34 s", "10 A/A pairs")


async def test_what_the_preflight_finds_wrong_is_shown_with_what_to_do(programs: Programs) -> None:
    title = "The checks fail on code that was not changed"
    programs.check = [
        *FIRST[:1],
        line("fail", title, "`pytest` failed: exit code 1.\nE  assert 1 == 2", "Name .venv in link."),
    ]
    async with Host().run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Preflight")
        await pilot.press("f5")
        await until_shown(pilot, "✗ The checks fail on code that was not changed", "E assert 1 == 2", "Name .venv in link.",
                          "✗ 1 of 2 findings would keep the session from working")  # fmt: skip


async def test_the_summary_shows_all_parameters_and_leads_to_each(programs: Programs) -> None:
    """S1."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Start")
        await until_shown(
            pilot, "metric.target", "2500000", "you", "suggested", "! The preflight was not run with these parameters"
        )
        table = app.wizard.query_one(Table)
        await pilot.press("end")
        await until_shown(pilot, "default")
        table.highlighted = table.get_option_index("checks.command")
        await pilot.press("enter")
        await until_step(pilot, "Checks")
        assert app.focused is not None and app.focused.name == "checks.command"


async def test_nothing_can_start_while_something_is_missing(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Start")
        await app.wizard._go(1)
        await type_into(pilot, "metric.target", "soon")
        await app.wizard._go(6)
        await until_shown(pilot, "✗ Not yet: metric.target", "! Benchmark", "✗ wrong; enter goes there")
        assert app.wizard.query_one("#start", Button).disabled
        await app.wizard._go(5)
        await pilot.press("f5")
        await until_shown(pilot, "✗ First: metric.target")
        assert [call[0] for call in programs.calls] == ["init"]


async def test_what_init_refuses_is_shown_and_the_wizard_stays(programs: Programs) -> None:
    programs.init = UsageError("The repository is read-only", "Cannot write .autotune.")
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Start")
        await pilot.press("ctrl+n", "enter")
        await until_shown(pilot, "✗ The repository is read-only. Cannot write .autotune.")
        assert app.outcome == "still there"


async def test_no_target_and_a_shared_file_are_told_to_init(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Scope")
        await pilot.press("ctrl+b")
        await type_into(pilot, "metric.target", "none")
        await app.wizard._go(6)
        await until_step(pilot, "Start")
        await pilot.press("tab", "right")
        await pilot.press("ctrl+n", "enter")
        await until(pilot, lambda: app.outcome == "001-import")
    assert programs.calls[-1] == ("init", "--json", "--file", "-", "--no-target", "--share", str(ROOT))
    assert "experiments = 50" in programs.texts[-1]


# --- back, leaving, coming back


async def test_going_back_loses_nothing(programs: Programs) -> None:
    """S1."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await walk_to(pilot, "Agent")
        await until_shown(pilot, "5 of 7")
        for _ in range(9):
            await pilot.press("ctrl+b")
        await until_shown(pilot, "1 of 7", "Import a day in under a second")
        await pilot.press("ctrl+n")
        await until_shown(pilot, "2500000", "✓ read as rows_per_s")


async def test_leaving_half_way_offers_a_draft_which_the_next_start_offers_again(programs: Programs) -> None:
    """S1."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Scope")
        await pilot.press("escape")
        await until_shown(pilot, "Leave the wizard?", "Keep a draft", "Throw it away", "Go on here")
        await pilot.press("escape")
        await until(pilot, lambda: "Leave" not in shown(app))
        assert app.outcome == "still there"
        await pilot.press("escape", "enter")
        await until(pilot, lambda: app.outcome is None)
    again = Host()
    async with again.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Go on with the draft", "in step Scope", "Start from what is found here")
        await pilot.press("enter")
        await until_step(pilot, "Scope")
        assert again.wizard.draft.text("goal") == "Import a day in under a second"
        await pilot.press("escape", "down", "enter")
        await until(pilot, lambda: again.outcome is None)
    assert DraftStore(ROOT).load() is None


async def test_leaving_with_nothing_typed_asks_nothing(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await until_step(pilot, "Goal")
        await pilot.press("escape")
        await until(pilot, lambda: app.outcome is None)
    assert DraftStore(ROOT).load() is None


async def test_a_set_up_session_leaves_no_draft(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Start")
        assert DraftStore(ROOT).load() is not None, "a draft is kept on the way, should the terminal go away"
        await pilot.press("ctrl+n", "enter")
        await until(pilot, lambda: app.outcome == "001-import")
    assert DraftStore(ROOT).load() is None


TOML = 'goal = "Old goal"\n[metric]\ntarget = 3\n[benchmark]\ncommand = "make bench"\n[scope]\ninclude = ["a"]\n'


@pytest.mark.parametrize(
    ("downs", "goal"), [(0, "Shared goal"), (1, "Old goal"), (3, "")], ids=["shared file", "last session", "afresh"]
)
async def test_a_new_session_can_start_from_what_is_there(
    programs: Programs, tmp_path: Path, downs: int, goal: str
) -> None:
    """S9: start fresh and keep the records."""
    folder = SessionFolder.of(tmp_path, "001-old")
    folder.create()
    folder.config.write_text(TOML)
    (tmp_path / "autotune.toml").write_text(TOML.replace("Old", "Shared"))
    app = Host(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(
            pilot, "Where shall it start from?", "Start from 001-old", "No new session: go on with 001-old"
        )
        await pilot.press(*["down"] * downs, "enter")
        await until_step(pilot, "Goal")
        assert app.wizard.draft.text("goal") == goal
        assert app.wizard.draft.value("metric.source") == ("metric_line" if not goal else "wall_time")
    assert folder.config.read_text() == TOML


async def test_the_session_that_is_there_can_go_on_instead(programs: Programs, tmp_path: Path) -> None:
    """S9: continue."""
    folder = SessionFolder.of(tmp_path, "001-old")
    folder.create()
    folder.config.write_text(TOML)
    app = Host(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "No new session: go on with 001-old")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.outcome == "001-old")


async def test_a_broken_configuration_is_told_and_passed_over(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "autotune.toml").write_text("goal = 1\n")
    async with Host(tmp_path).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Start from the repository's autotune.toml")
        await pilot.press("enter")
        await until_shown(pilot, "The configuration has", "The form starts from what was found here")
        await pilot.press("escape")
        await until_step(pilot, "Goal")


# --- the frame


async def test_help_lists_the_keys_and_the_same_without_a_screen(programs: Programs) -> None:
    """S12."""
    async with Host().run_test(size=(80, 24)) as pilot:
        await until_step(pilot, "Goal")
        await pilot.press("f1")
        await until_shown(pilot, "Nothing is started before you say so", "ctrl+n, ctrl+b", "init --suggest")
        await pilot.press("escape")
        await until(pilot, lambda: "The wizard" not in shown(pilot.app))


async def test_on_a_wide_screen_the_file_that_will_be_written_stands_beside(programs: Programs) -> None:
    async with Host().run_test(size=(140, 45)) as pilot:
        await until_shown(pilot, "autotune.toml", "What will be written stands here as")
        await go_to(pilot, "Scope")
        await until_shown(pilot, "[scope]", 'include = ["importer/**"]', "target = 2500000")


@pytest.mark.parametrize("title", ["Goal", "Benchmark", "Scope", "Checks", "Agent", "Preflight", "Start"])
async def test_every_step_fits_into_80_columns(programs: Programs, title: str) -> None:
    async with Host().run_test(size=(80, 24)) as pilot:
        await go_to(pilot, title)
        rows = shown(pilot.app).split("\n")
        assert all(len(row) <= 80 for row in rows)
        assert rows[0].endswith(title) and "esc quit, keeping a draft" in rows[-1]
        assert step_of(pilot) is not None and not any("…" in row for row in rows)


async def test_tables_that_few_people_set_are_folded_and_open_where_something_is_wrong(programs: Programs) -> None:
    """S12: every field of the configuration can be set here."""
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Agent")
        await until_shown(pilot, "▶ Sandbox: agent, read")
        assert "File size" not in shown(app)
        app.wizard._focus_on("sandbox.memory")
        await until_shown(pilot, "▼ Sandbox", "File size")
        assert app.focused is not None and app.focused.name == "sandbox.memory"
        await pilot.press("backspace", *"a lot")
        await until_shown(pilot, "✗ ")
