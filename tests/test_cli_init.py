"""`init`: a session from options alone (S12), refused until success is a number (S2)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from autotune_tui.cli import command_line
from autotune_tui.config import Amount, Source, load
from autotune_tui.errors import ConfigError, UsageError, WorkspaceError
from autotune_tui.journal.files import find_sessions

BASICS = ("--goal", "Import faster!", "--command", "python bench.py", "--include", "src/**")


def git(repo: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", repo, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "start", "--allow-empty")
    return tmp_path


def init(repo: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command_line, ["init", str(repo), *arguments], standalone_mode=False)


def test_a_session_is_set_up_from_options(repo: Path) -> None:
    result = init(repo, *BASICS, "--target", "0.5", "--check", "pytest -q", "--guard", "peak_rss=+5%", "--env", "A=b=c",
                  "--experiments", "7", "--exclude", "src/a", "--exclude", "src/b", "--source", "cpu_time")  # fmt: skip
    assert result.exception is None
    (session,) = find_sessions(repo)
    assert session.id == "001-import-faster"
    config = load(session.config)
    assert (config.goal, config.benchmark.command) == ("Import faster!", "python bench.py")
    assert (config.metric.target, config.metric.source) == (0.5, Source.CPU_TIME)
    assert config.guards == {"peak_rss": Amount(value=0.05, relative=True)}
    assert (config.benchmark.env, config.scope.exclude) == ({"A": "b=c"}, ["src/a", "src/b"])
    assert (config.checks.command, config.budget.experiments) == ("pytest -q", 7)


def test_a_session_is_set_up_from_a_file_and_options_that_change_it(repo: Path) -> None:
    """S12: everything the wizard does can be done by flags and by a file."""
    file = repo / "mine.toml"
    file.write_text(
        'goal = "Import"\n[metric]\nname = "rate"\ntarget = 2\n[benchmark]\ncommand = "x"\n[scope]\ninclude = ["a"]\n'
    )
    result = init(repo, "--file", str(file), "--json", "--unit", "rows/s", "--command", "y", "--guard", "p99=5%")
    assert result.exception is None
    (session,) = find_sessions(repo)
    assert json.loads(result.output) == {"session": "001-import", "config": str(session.config)}
    config = load(session.config)
    assert (config.metric.name, config.metric.unit, config.metric.target) == ("rate", "rows/s", 2.0)
    assert (config.benchmark.command, config.scope.include) == ("y", ["a"])
    assert config.guards == {"p99": Amount(value=0.05, relative=True)}


def test_a_file_without_a_number_is_refused_as_well(repo: Path) -> None:
    """S2."""
    file = repo / "mine.toml"
    file.write_text('goal = "Import"\n[benchmark]\ncommand = "x"\n[scope]\ninclude = ["a"]\n[budget]\ntime = "1h"\n')
    assert "no number to reach" in str(init(repo, "--file", str(file)).exception)
    assert init(repo, "--file", str(file), "--no-target").exception is None
    file.write_text("goal =")
    assert isinstance(init(repo, "--file", str(file)).exception, ConfigError)
    assert isinstance(init(repo, "--file", str(repo / "none")).exception, UsageError)


@pytest.mark.parametrize("missing", ["--goal", "--command", "--include"])
def test_what_no_session_can_do_without_is_asked_for(repo: Path, missing: str) -> None:
    left = [
        part for name, value in zip(BASICS[::2], BASICS[1::2], strict=True) if name != missing for part in (name, value)
    ]
    error = init(repo, *left, "--target", "1").exception
    assert isinstance(error, click.UsageError)
    assert missing in str(error)


def test_git_status_stays_as_it_was(repo: Path) -> None:
    assert init(repo, *BASICS, "--target", "1").exception is None
    assert git(repo, "status", "--porcelain") == ""


def test_the_configuration_is_shared_only_when_asked(repo: Path) -> None:
    init(repo, *BASICS, "--target", "1", "--share")
    assert load(repo / "autotune.toml") == load(find_sessions(repo)[0].config)


def test_a_second_session_gets_the_next_number_and_the_first_stays(repo: Path) -> None:
    init(repo, *BASICS, "--target", "1")
    init(repo, *BASICS, "--target", "1", "--name", "Again")
    assert [session.id for session in find_sessions(repo)] == ["001-import-faster", "002-again"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give --target NUMBER, the value at which you would stop"),
        (("--no-target",), "Add --experiments NUMBER or --time DURATION"),
        (("--target", "1", "--no-target", "--time", "1h"), "contradict"),
        (("--target", "as fast as possible"), "give the number at which you would stop"),
        (("--target", "nan"), "give the number at which you would stop"),
    ],
)
def test_success_must_be_a_number(repo: Path, arguments: tuple[str, ...], said: str) -> None:
    error = init(repo, *BASICS, *arguments).exception
    assert isinstance(error, UsageError | click.BadParameter)
    assert said in str(error)
    assert find_sessions(repo) == []


def test_no_target_is_fine_when_it_is_said_together_with_a_limit(repo: Path) -> None:
    assert init(repo, *BASICS, "--no-target", "--time", "1h").exception is None
    assert load(find_sessions(repo)[0].config).budget.time == 3600.0


def test_wrong_options_are_told_by_field_and_nothing_is_written(repo: Path) -> None:
    error = init(
        repo, *BASICS, "--target", "1", "--threshold", "much", "--timeout", "soon", "--metric-file", "../x"
    ).exception
    assert isinstance(error, ConfigError)
    assert [line.split(": ")[1] for line in error.message.splitlines()] == [
        "metric.file", "metric.threshold", "benchmark.timeout",
    ]  # fmt: skip
    assert find_sessions(repo) == []


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert isinstance(init(tmp_path, *BASICS, "--target", "1").exception, WorkspaceError)
    assert not (tmp_path / ".autotune").exists()
