"""Ways out of the screen in a real terminal, none of which the loop may notice: ctrl+z, a crash, a terminal that is gone (H5)."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import holder
from autotune_tui.journal.reader import load_state
from tmux_terminal import PATIENCE, Terminal, repository

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: apt-get install tmux")

CONFIG = """\
goal = "Lower the cost"
agent = "command"
[metric]
name = "cost"
source = "metric_line"
target = 0.000001
[benchmark]
profile = false
command = "sh bench.sh"
[scope]
include = ["src/**"]
[budget]
experiments = 10000
[agent_command]
command = "{agent}"
"""
CRASHING = """\
import sys
from pathlib import Path
from autotune_tui.cli import main
from autotune_tui.ui import views
whole = views.phases
def phases(*arguments, **named):
    api_key = "secret-value"
    if Path("{mark}").exists():
        raise RuntimeError(f"no {{len(api_key)}}")
    return whole(*arguments, **named)
views.phases = phases
sys.argv[1:] = []
main()
"""


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        select.select([], [], [], 0.1)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path, (80, 24))
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path, terminal: Terminal) -> Iterator[SessionFolder]:
    """A session whose engine was killed once it had a result, so that the screen is what starts the next."""
    repo = repository(tmp_path)
    (repo / "autotune.toml").write_text(CONFIG.format(agent=tmp_path / "agent.sh"))
    environment = {**os.environ, **{name: str(tmp_path / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME")}}
    folder = SessionFolder.of(repo, "001-lower-the-cost")
    with subprocess.Popen(
        [sys.executable, "-m", "autotune_tui", "run", "--headless"],
        cwd=repo, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as engine:  # fmt: skip
        try:
            wait_for(lambda: folder.journal.exists() and has_kept(folder), "no keep")
        finally:
            engine.kill()
    yield folder
    found = holder(folder.lock)
    if found is not None:
        os.kill(found["pid"], signal.SIGTERM)
        wait_for(lambda: holder(folder.lock) is None, "the engine did not stop")


def has_kept(folder: SessionFolder) -> bool:
    return any(experiment.kept and not experiment.baseline for experiment in load_state(folder.journal).experiments)


def goes_on(folder: SessionFolder) -> None:
    """The engine is at work, and gets somewhere."""
    assert holder(folder.lock) is not None
    before = load_state(folder.journal).seq
    wait_for(lambda: load_state(folder.journal).seq > before + 10, "the loop does not go on")


def opened(terminal: Terminal, folder: SessionFolder, command: str) -> None:
    terminal.type(f"cd {shlex.quote(str(folder.root.parent.parent))}; clear; {command}")
    terminal.press("Enter")
    terminal.until("Leaderboard", "p pause")
    wait_for(lambda: holder(folder.lock) is not None, "no engine was started")


def test_ctrl_z_gives_the_shell_back_and_fg_the_screen(terminal: Terminal, folder: SessionFolder) -> None:
    opened(terminal, folder, "autotune-tui")
    terminal.press("C-z")
    terminal.until("Stopped", without="Leaderboard")
    goes_on(folder)
    terminal.type("clear; fg")
    terminal.press("Enter")
    terminal.until("Leaderboard", "p pause")
    terminal.press_until("p", "‖ paused")


def test_a_crash_of_the_screen_is_worded_and_leaves_the_engine_running(
    terminal: Terminal, folder: SessionFolder, tmp_path: Path
) -> None:
    """Title, message, where the details are, exit code 1, and never a local variable."""
    mark, program = tmp_path / "mark", tmp_path / "crashing.py"
    program.write_text(CRASHING.format(mark=mark))
    opened(terminal, folder, f"TMPDIR={tmp_path} {sys.executable} {program}; echo code $?")
    mark.touch()
    screen = terminal.until("code 1", without="Leaderboard")
    assert "Something went wrong inside autotune-tui." in screen
    assert "RuntimeError: no 12" in screen and "The details are in" in screen
    details = next(tmp_path.glob("autotune-tui-crash-*.txt")).read_text()
    assert "in phases" in details
    assert "secret-value" not in screen and "secret-value" not in details.replace('api_key = "secret-value"', "")
    goes_on(folder)


def test_a_terminal_that_is_closed_takes_the_screen_with_it_and_not_the_engine(
    terminal: Terminal, folder: SessionFolder
) -> None:
    opened(terminal, folder, "autotune-tui")
    screen = terminal.child()
    terminal.close()
    wait_for(lambda: not Path(f"/proc/{screen}").exists(), "the screen did not end")
    goes_on(folder)
