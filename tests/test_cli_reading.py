"""status, explain, log, show and diff: what a session's files say, without an engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autotune_tui.cli import command_line
from autotune_tui.errors import UsageError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model import events

PATCH = b"--- a/src/caf\xe9.py\r\n+++ b/src/caf\xe9.py\r\n-\x1b[31mold\n+new\n"


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    """A session with a baseline, a keep, a discard and an experiment under way."""
    (tmp_path / ".git").mkdir()
    folder = SessionFolder.of(tmp_path, "001-import-speed")
    folder.create()
    records = [
        events.Session(id=folder.id, goal="Import faster", agent="offline"),
        events.Config(metric_name="time", metric_unit="s", direction="lower", target=0.5, threshold="1%"),
        events.Result(index=0, metric=1.3, status="keep", description="baseline", reason="baseline"),
        events.Phase(experiment=1, phase="measure", state="end", seconds=12.5),
        events.Result(
            index=1, metric=1.1, status="keep", description="Join strings once", effect=-0.15, interval=(-0.17, -0.13),
            pairs=12, sha="a" * 40, files=("src/rows.py",), asi={"hypothesis": "fewer copies", "next": "try lists"},
            folder="experiments/001-join-strings-once", seconds=14.0,
        ),
        events.Result(index=2, metric=1.1, status="discard", description="Cache", detail="no gain", effect=0.0, pairs=8),
        events.Health(health="improving", previous="running", reason="1 keep in a row", next="go on"),
        events.Note(level="warning", text="the machine was suspended"),
        events.Phase(experiment=3, phase="plan"),
    ]  # fmt: skip
    with JournalWriter(folder.journal, now=lambda: datetime(2026, 4, 4, tzinfo=UTC)) as journal:
        for record in records:
            journal.append(record)
    patch = folder.experiment(1, "Join strings once") / "diff.patch"
    patch.parent.mkdir()
    patch.write_bytes(PATCH)
    (folder.experiments / "0010-other").mkdir()
    return folder


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, arguments, standalone_mode=False)


def test_status_says_what_is_done_and_how_good_it_is(session: SessionFolder) -> None:
    with EngineLock(session.lock):
        lines = call("status", str(session.root)).output.splitlines()
    assert lines[0] == "001-import-speed: Import faster"
    assert lines[1].startswith("improving, engine at work (process ")
    assert lines[2] == "time [s]: baseline 1.300, now 1.100, target 0.500"
    assert "not measured again" in lines[3], "the steps' gains are never multiplied"
    assert lines[4] == "2 experiments: 1 discard, 1 keep"
    assert lines[5] == "now: #3 plan"


def test_status_without_an_engine_shows_nothing_as_being_done(session: SessionFolder) -> None:
    output = call("status", str(session.root)).output
    assert "improving, but its engine is gone; `autotune-tui run` goes on" in output
    assert "now:" not in output.replace("now 1.100", "")


def test_status_for_programs_has_numbers_not_words(session: SessionFolder) -> None:
    data = json.loads(call("status", "--json", str(session.root)).output)
    assert data["metric"] == {
        "name": "time", "unit": "s", "direction": "lower", "target": 0.5, "baseline": 1.3, "incumbent": 1.1,
    }  # fmt: skip
    assert data["experiments"] == {"keep": 1, "discard": 1}
    assert (data["engine"], data["current"], data["health"]) == (None, None, "improving")


def test_status_before_the_first_run_says_so(session: SessionFolder) -> None:
    session.journal.unlink()
    assert "not started" in call("status", str(session.root)).output


def test_explain_gives_the_reason_and_what_is_next(session: SessionFolder) -> None:
    lines = call("explain", str(session.root)).output.splitlines()
    assert [line[:5].strip() for line in lines] == ["State", "Why", "Count", "Tried", "Next", "You", "Note"]
    assert lines[0] == "State  improving"
    assert lines[1].startswith("Why    1 keep in a row")
    assert lines[-1] == "Note   1 warning, the last: the machine was suspended"


def test_explain_for_programs_is_the_state_that_other_tools_read(session: SessionFolder) -> None:
    data = json.loads(call("explain", "--json", str(session.root)).output)
    assert {"active", "mode", "health", "failure", "reason", "recovery", "heals", "n_exp"} <= set(data)
    assert (data["found"], data["holds"]) == ([], [])


def test_log_has_a_line_for_each_experiment(session: SessionFolder) -> None:
    assert call("log", str(session.root)).output.splitlines() == [
        "segment 1, baseline: 1.300 s",
        "#1 ✓ keep: Join strings once — −15.0 % [−17.0, −13.0], 1.100 s, 12 pairs",
        "#2 · discard: Cache — 0.0 %, 1.100 s, 8 pairs — no gain",
    ]


def test_log_for_programs_has_an_object_for_each(session: SessionFolder) -> None:
    rows = [json.loads(row) for row in call("log", "--json", str(session.root)).output.splitlines()]
    assert [(row["index"], row["status"], row["baseline"]) for row in rows] == [
        (0, "keep", True),
        (1, "keep", False),
        (2, "discard", False),
    ]
    assert rows[1]["interval"] == [-0.17, -0.13]


def test_show_tells_why_what_and_what_was_learned(session: SessionFolder) -> None:
    lines = call("show", "1", str(session.root)).output.splitlines()
    assert lines[0].startswith("#1 ✓ keep: Join strings once")
    assert "  hypothesis: fewer copies" in lines
    assert "  next: try lists" in lines
    assert "  files: src/rows.py" in lines
    assert "  time: 14.0 s (measure 12.5 s)" in lines


def test_show_0_is_the_baseline(session: SessionFolder) -> None:
    assert call("show", "0", str(session.root)).output.startswith("baseline of segment 1: 1.300 s")


@pytest.mark.parametrize("command", ["show", "diff"])
def test_a_number_that_is_not_there_is_answered_with_those_that_are(session: SessionFolder, command: str) -> None:
    result = call(command, "7", str(session.root))
    assert isinstance(result.exception, UsageError)
    assert "Experiments so far: 1 to 2." in str(result.exception)


def test_diff_is_the_patch_byte_for_byte(session: SessionFolder) -> None:
    assert call("diff", "1", str(session.root)).stdout_bytes == PATCH


def test_a_session_is_named_by_id_number_or_name(session: SessionFolder) -> None:
    root = session.root.parent.parent
    other = SessionFolder.of(root, "002-memory")
    other.create()
    other.config.touch()
    for wanted in ("1", "001", "001-import-speed", "import-speed"):
        assert call("status", "-s", wanted, str(root)).output.startswith("001-import-speed")
    assert call("status", str(root / ".autotune")).output.startswith("002-memory")


def test_a_repository_without_a_session_is_told_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert "autotune-tui init" in str(call("status", str(tmp_path)).exception)


def test_a_folder_outside_git_is_told(tmp_path: Path) -> None:
    assert isinstance(call("status", str(tmp_path)).exception, UsageError)
