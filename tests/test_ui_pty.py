"""A whole session as a person has it, in a real terminal: set up, watched, steered, left, found again, stopped (S1, H3, H5)."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import holder
from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.model.events import Control
from engine_support import git, snapshot
from tmux_terminal import Terminal, repository

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: apt-get install tmux")


@pytest.fixture(params=[(80, 24), (140, 45)], ids=["80x24", "140x45"])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path)


def set_up(terminal: Terminal, repo: Path) -> None:
    """The wizard, from the first step to the start."""
    terminal.type(f"cd {shlex.quote(str(repo))}; clear; autotune-tui")
    terminal.press("Enter")
    terminal.until("1 of 7", "checks: Makefile")
    terminal.type("Lower the cost")
    terminal.until("Lower the cost")
    terminal.press("C-n")
    terminal.until("2 of 7", "found: bench.sh prints METRIC cost")
    terminal.press("F5")
    terminal.until("read as cost = ", "working on 100")
    terminal.press("C-n")  # what is missing is asked for
    terminal.until("the number at which you would stop, or none")
    terminal.type("1")
    terminal.until("from the last run")
    terminal.press("C-n")
    terminal.until("3 of 7", "0 of 3 files may be changed")
    terminal.type("src/**")
    terminal.until("1 of 3 files may be changed")
    terminal.press("C-n")
    terminal.until("4 of 7", "make test")
    terminal.press("C-n")
    terminal.until("5 of 7", "● auto")
    terminal.press("Right", "Right", "Right", "Right")
    terminal.until("● command", "Program")
    terminal.press("Tab")
    terminal.until("The executable, run in the candidate worktree")
    terminal.type(str(repo.parent / "agent.sh"))
    terminal.until("agent.sh")
    terminal.press("C-n")
    terminal.until("6 of 7")
    terminal.press("F5")
    terminal.until("findings", "It works")
    terminal.press("C-n")
    terminal.until("7 of 7", "Everything that the session will do")
    assert not (repo / ".autotune").exists(), "nothing starts before it is confirmed"
    terminal.press("C-n", "Enter")


def test_a_session_is_set_up_watched_steered_left_found_again_and_stopped(terminal: Terminal, repo: Path) -> None:
    """S1, S12, V1, H3, H5: what a person does who has read only the README."""
    before = snapshot(repo)
    set_up(terminal, repo)
    terminal.until("Leaderboard", "● keep")
    folder = SessionFolder.of(repo, "001-lower-the-cost")

    terminal.press("p")
    terminal.until("‖ paused", "paused: asked for by", "p resume")
    terminal.press("p")
    terminal.until("p pause", without="‖ paused")

    terminal.press("i")
    terminal.until("An idea")
    terminal.type("Use a smaller number")
    terminal.press("Enter")
    terminal.until("Added to autotune.ideas.md")

    terminal.press("b")
    terminal.until("Measure a new baseline?")
    terminal.press("Tab", "Enter")
    terminal.until("segment 2")
    terminal.press("r")
    terminal.until("✓ repair")

    terminal.press("q")
    terminal.until("Leave")
    terminal.press("Enter")
    terminal.until("The loop goes on without a screen")
    assert holder(folder.lock) is not None

    terminal.type("clear; autotune-tui")
    terminal.press("Enter")
    terminal.until("Leaderboard", "segment 2", "p pause")
    terminal.press("x")
    terminal.until("Stop")
    terminal.press("Tab", "Enter")
    terminal.until("stopped", "g go on")
    terminal.press("q")
    terminal.until("What was kept:")

    state = load_state(folder.journal)
    control = [event for event in read_journal(folder.journal) if isinstance(event, Control)]
    assert [event.command for event in control if not event.state] == [
        "pause",
        "resume",
        "rebaseline",
        "repair",
        "stop",
    ]
    assert all(event.accepted for event in control) and all(event.state != "failed" for event in control)
    assert "Use a smaller number" in folder.ideas.read_text()
    assert len(state.segments) == 2
    assert holder(folder.lock) is None
    assert snapshot(repo) == before
    assert git(repo, "status", "--porcelain") == ""
