"""One whole set-up on a real repository, with real processes all the way (S1, S3, S4, S7, S12)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from autotune_tui.config import load
from autotune_tui.journal.files import SessionFolder
from autotune_tui.ui.wizard.output_view import OutputView
from engine_support import git, make_repo, snapshot
from ui_session import shown
from wizard_support import Host, step_of, type_into

BENCH = """\
#!/bin/sh
# Reads a number and prints it as the metric, and where it is at.
echo "reading $(wc -c < src/value.txt) bytes, seed $AUTOTUNE_SEED" >&2
echo "METRIC cost=$(cat src/value.txt) EUR"
"""
TEST = 'test "$(cat src/value.txt)" -gt 0\n'
PATIENCE = 60.0
"""Seconds: each step starts Python anew, on a machine that others use as well."""


async def wait(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, shown(pilot.app)
        await pilot.pause(0.05)


async def wait_for(pilot: Pilot[None], *texts: str) -> None:
    await wait(pilot, lambda: all(text in shown(pilot.app) for text in texts))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_repo(tmp_path, {"test.sh": TEST, "Makefile": "test:\n\tsh test.sh\n", "src/other.txt": "x\n"}, BENCH)


async def test_a_session_is_set_up_on_a_repository_from_the_first_look_to_the_start(repo: Path) -> None:
    before = snapshot(repo)
    app = Host(repo)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, "Found here: Shell, 5 files", "checks: Makefile")
        await pilot.press(*"Lower the cost", "ctrl+n")
        await wait_for(pilot, "sh bench.sh", "found: bench.sh prints METRIC cost")
        await pilot.press("f5")
        await wait_for(
            pilot, "✓ read as cost = 100 EUR", "reading 4 bytes", "METRIC cost=100 EUR", "Output of the last run"
        )
        view = app.wizard.query_one(OutputView).view
        assert view.lines[view.line][view.start : view.end] == "100"
        await type_into(pilot, "metric.target", "50")
        await wait_for(pilot, "✓ −50.0 % from the last run")
        await pilot.press("ctrl+n")
        await wait_for(pilot, "3 of 7")
        await type_into(pilot, "scope.include", "src/value.txt")
        await wait_for(pilot, "● 1 of 5 files may be changed")
        await pilot.press("ctrl+n")
        await wait_for(pilot, "make test")
        await pilot.press("ctrl+n")
        await wait_for(pilot, "5 of 7")
        await pilot.press("ctrl+n", "f5")
        await wait_for(pilot, "✓ All 13 findings are good.", "`make test` passes")
        app.wizard.query_one("PreflightStep VerticalScroll").scroll_end(animate=False)
        await wait_for(
            pilot,
            "every run gave the same value",
            "AUTOTUNE_SEED is named in bench.sh",
            "2 files locked: Makefile; bench.sh",
        )
        await pilot.press("ctrl+n")
        await wait_for(pilot, "Preflight: ✓ All 13 findings are good.")
        assert not (repo / ".autotune").exists()
        assert snapshot(repo) == before
        await pilot.press("ctrl+n", "enter")
        await wait(pilot, lambda: app.outcome != "still there")
    assert app.outcome == "001-lower-the-cost"
    config = load(SessionFolder.of(repo, app.outcome).config)
    assert (config.goal, config.benchmark.command, config.checks.command) == (
        "Lower the cost",
        "sh bench.sh",
        "make test",
    )
    assert (config.metric.name, config.metric.unit, config.metric.target) == ("cost", "EUR", 50.0)
    assert config.scope.include == ["src/value.txt"]
    assert snapshot(repo) == before  # before git looks: that writes the index anew
    assert git(repo, "status", "--porcelain") == ""


async def test_a_run_that_is_stopped_leaves_nothing(repo: Path) -> None:
    (repo / "bench.sh").write_text("echo started; sleep 600\n")
    git(repo, "commit", "-qam", "slow")
    app = Host(repo)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, "Found here")
        await pilot.press("x", "ctrl+n")
        await wait_for(pilot, "2 of 7")
        await pilot.press("f5")
        await wait_for(pilot, "│ started", "f5 stop")
        await pilot.press("f5")
        await wait_for(pilot, "f5 run")
        step = step_of(pilot)
        assert step is not None and not step.running
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    assert git(repo, "branch", "--list", "autotune/*") == ""
