"""run, demo and check: which session and configuration they mean, what they show, and the exit code.

The engine has tests of its own; here a stand-in takes its place behind the two adapters of `cli.loop`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import make_dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

import autotune_tui.engine
from autotune_tui.cli import command_line
from autotune_tui.cli.failures import DONE, ERROR, INTERRUPTED, PAUSED
from autotune_tui.config import SessionConfig
from autotune_tui.errors import ConfigError, UsageError
from autotune_tui.journal.files import SessionFolder, find_sessions
from autotune_tui.model.events import Note, Record, Sample

TOML = """\
goal = "Import faster"
[metric]
target = 1
[benchmark]
profile = false
command = "python bench.py"
[scope]
include = ["src/**"]
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    for arguments in (["init", "-q", str(repo)], ["-C", str(repo), "-c", "user.name=A", "-c", "user.email=a@example.org",
                                                   "commit", "-qm", "start", "--allow-empty"]):  # fmt: skip
        subprocess.run(["git", *arguments], check=True)
    return repo


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands in for the engine: notes what it was given and ends as `outcome` says."""
    stand_in = SimpleNamespace(runs=[], outcome="completed", lines=[])

    async def run_session(
        root: Path, session: str, settings: SessionConfig, *, on_event: Callable[[Record], None]
    ) -> SimpleNamespace:
        stand_in.runs.append((root, session, settings))
        on_event(Note(text="at work"))
        SessionFolder.of(root, session).journal.touch()
        return SimpleNamespace(outcome=stand_in.outcome, reason="")

    async def check(
        root: Path, settings: SessionConfig, on_line: Callable[[Any], None], on_sample: Callable[[Any, int], None]
    ) -> list[Any]:
        stand_in.runs.append((root, "", settings))
        for line in stand_in.lines:
            on_line(line)
        on_sample(Sample(value=1.5), 20)
        return list(stand_in.lines)

    for name, content in {"run": run_session, "preflight": check}.items():
        module = ModuleType(f"autotune_tui.engine.{name}")
        setattr(module, content.__name__, content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(autotune_tui.engine, name, module, raising=False)
    return stand_in


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, arguments, standalone_mode=False)


@pytest.mark.parametrize(
    ("outcome", "code"), [("completed", DONE), ("paused", PAUSED), ("stopped", INTERRUPTED), ("failed", ERROR)]
)
def test_the_exit_code_says_how_the_session_ended(repo: Path, engine: SimpleNamespace, outcome: str, code: int) -> None:
    (repo / "autotune.toml").write_text(TOML)
    engine.outcome = outcome
    assert call("run", "--headless", str(repo)).return_value == code


def test_a_clone_with_a_committed_configuration_gets_a_session_of_its_own(repo: Path, engine: SimpleNamespace) -> None:
    (repo / "autotune.toml").write_text(TOML)
    (repo / "src").mkdir()
    result = call("run", str(repo / "src"))
    (run,) = engine.runs
    assert run[:2] == (repo, "001-import-faster")
    assert run[2].metric.target == 1
    said = result.output.splitlines()
    assert said[0] == "at work"
    assert said[1:3] == [
        "No confirmed improvement: nothing was kept.",
        f"What was kept: git -C {repo} log autotune/001-import-faster",
    ]


def test_the_session_that_is_there_goes_on_with_its_own_configuration(repo: Path, engine: SimpleNamespace) -> None:
    (repo / "autotune.toml").write_text(TOML)
    call("run", str(repo))
    (session,) = find_sessions(repo)
    session.config.write_text(TOML.replace("target = 1", "target = 2"))
    call("run", str(repo))
    call("run", str(session.root))
    assert [(name, settings.metric.target) for _, name, settings in engine.runs] == [
        ("001-import-faster", 1),
        ("001-import-faster", 2),
        ("001-import-faster", 2),
    ]


def test_a_fresh_session_leaves_the_records_of_the_earlier_one(repo: Path, engine: SimpleNamespace) -> None:
    """S9: continue, or start fresh and keep the records."""
    folder = SessionFolder.of(repo, "001-import-faster")
    folder.create()
    folder.config.write_text(TOML)
    call("run", "--new", str(repo))
    assert [name for _, name, _ in engine.runs] == ["002-import-faster"]
    assert folder.config.read_text() == TOML


def test_nothing_is_started_where_nothing_is_set_up(repo: Path, engine: SimpleNamespace) -> None:
    result = call("run", str(repo))
    assert isinstance(result.exception, UsageError)
    assert (engine.runs, find_sessions(repo)) == ([], [])


def test_a_broken_configuration_makes_no_session(repo: Path, engine: SimpleNamespace) -> None:
    (repo / "autotune.toml").write_text("goal = 1\n")
    assert isinstance(call("run", str(repo)).exception, ConfigError)
    assert find_sessions(repo) == []


def test_with_json_there_is_nothing_but_records(repo: Path, engine: SimpleNamespace) -> None:
    (repo / "autotune.toml").write_text(TOML)
    (row,) = call("run", "--json", str(repo)).output.splitlines()
    assert json.loads(row)["text"] == "at work"


@pytest.mark.parametrize(("worst", "code"), [("pass", DONE), ("warn", DONE), ("fail", ERROR)])
def test_check_shows_each_line_and_fails_only_on_a_failure(
    repo: Path, engine: SimpleNamespace, worst: str, code: int
) -> None:
    (repo / "autotune.toml").write_text(TOML)
    Line = make_dataclass("Line", ["status", "title", "detail", "hint"])
    engine.lines = [Line("pass", "git", "fine", ""), Line(worst, "noise", "12 %\x1b[31m", "Close the browser.")]
    result = call("check", str(repo))
    assert result.return_value == code
    rows = result.output.splitlines()
    assert rows[0] == "✓ pass  git: fine"
    assert rows[1].endswith(f"{worst}  noise: 12 %")
    assert rows[2].strip() == "Close the browser."
    assert find_sessions(repo) == [], "check makes no session"
    *lines, sample = map(json.loads, call("check", "--json", str(repo)).output.splitlines())
    assert [line["status"] for line in lines] == ["pass", worst]
    assert (sample["type"], sample["value"], sample["expected"]) == ("sample", 1.5, 20)


def test_the_demos_are_listed() -> None:
    names = [row.split()[0] for row in call("demo", "--list").output.splitlines()]
    assert names[0] == "logs"
    assert len(names) >= 3


def test_a_demo_is_a_new_repository_with_a_session(
    tmp_path: Path, engine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("demo").return_value == DONE
    assert call("demo", "logs").return_value == DONE
    assert call("demo", "logs", "--into", "here").return_value == DONE
    assert [root.name for root, _, _ in engine.runs] == ["autotune-demo-logs", "autotune-demo-logs-2", "here"]
    assert {settings.agent for _, _, settings in engine.runs} == {"offline"}


def test_an_unknown_demo_is_told_with_those_that_are(tmp_path: Path, engine: SimpleNamespace) -> None:
    assert "logs" in str(call("demo", "lgos", "--into", str(tmp_path / "x")).exception)
    assert engine.runs == []
