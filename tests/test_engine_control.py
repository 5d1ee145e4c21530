"""Commands from a second terminal, signals and kills, while a real engine runs in a process of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from autotune_tui.journal import inbox
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import load_state
from autotune_tui.model.state import SessionState
from engine_support import EXACT, git, make_repo, snapshot
from processes import alive
from test_engine_loop import agent

# Each run takes 0.05 s, so that there is always something under way.
SLOW = "#!/bin/sh\nsleep 0.05\n" + EXACT.replace(
    "cost=$(cat src/value.txt)", "cost=$(cat src/value.txt).$AUTOTUNE_SEED"
)
FOREVER = "echo $((100 + AUTOTUNE_EXPERIMENT)) > src/value.txt"


class Engine:
    """`autotune-tui run` in a process of its own."""

    def __init__(self, tmp_path: Path, script: str = FOREVER, more: str = "", bench: str = SLOW) -> None:
        self.tmp_path = tmp_path
        self.repo = make_repo(tmp_path, bench=bench)
        (self.repo / ".git/info/exclude").write_text("/autotune.toml\n")
        (self.repo / "autotune.toml").write_text(
            f"""goal = "Lower the cost"
agent = "command"
[metric]
name = "cost"
source = "metric_line"
[benchmark]
profile = false
command = "sh bench.sh"
[scope]
include = ["src/**"]
[workspace]
cache = {json.dumps(str(tmp_path / "cache"))}
[decision]
profile = "quick"
[agent_command]
command = {json.dumps(agent(tmp_path, script))}
{more}
"""
        )
        self.folder = SessionFolder.of(self.repo, "001-lower-the-cost")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "autotune_tui", "run", str(self.repo), "--json"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def state(self) -> SessionState:
        return load_state(self.folder.journal)

    def until(self, condition: Callable[[SessionState], object]) -> SessionState:
        """Wait until the journal says so."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.folder.journal.exists() and condition(state := self.state):
                return state
            assert self.process.poll() is None, self.process.communicate()[1]
            select.select([], [], [], 0.02)
        raise AssertionError(f"never came: {self.state}")

    def send(self, command: str) -> tuple[bool, str]:
        """Send a command and wait for the answer."""
        number = inbox.send(self.folder.inbox, command, by="a test")
        state = self.until(lambda state: any(control.id == number for control in state.controls))
        answer = next(control for control in state.controls if control.id == number)
        return answer.accepted, answer.reason

    def ended(self) -> int:
        code = self.process.wait(60)
        self.error = self.process.communicate()[1]
        return code


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    if engine.process.poll() is None:
        engine.process.kill()
        engine.ended()


def measuring(state: SessionState) -> bool:
    return state.current is not None and state.current.number > 0 and len(state.current.samples) > 0


def test_pause_and_resume(engine: Engine) -> None:
    """H3: the block under way is completed, nothing runs while it is paused, and then it goes on."""
    engine.until(measuring)
    assert engine.send("pause") == (True, "pauses when the running phase or block of samples is complete")
    paused = engine.until(lambda state: state.health == "paused")
    assert paused.current is None or len(paused.current.samples) % 4 == 0
    assert engine.send("pause") == (False, "already paused")
    assert engine.state.seq - paused.seq <= 2
    assert engine.send("resume")[0]
    engine.until(lambda state: state.health != "paused" and state.last_number > paused.last_number)
    assert engine.send("resume") == (False, "not paused")


def test_stop_ends_the_session_at_once_and_leaves_nothing(engine: Engine) -> None:
    before = snapshot(engine.repo)
    engine.until(measuring)
    children = psutil.Process(engine.process.pid).children(recursive=True)
    inbox.send(engine.folder.inbox, "stop", by="a test")
    assert engine.ended() == 130
    state = engine.state
    assert state.end is not None
    assert (state.end.outcome, state.end.reason) == ("stopped", "stopped by a test")
    assert not alive(child.pid for child in children)
    assert git(engine.repo, "worktree", "list").count("\n") == 0
    assert not list((engine.tmp_path / "cache").rglob("*"))
    assert not engine.folder.lock.exists()
    assert snapshot(engine.repo) == before


def test_skip_ends_the_experiment_only(engine: Engine) -> None:
    number = engine.until(measuring).current.number  # type: ignore[union-attr]
    assert engine.send("skip")[0]
    state = engine.until(lambda state: state.last_number >= number)
    skipped = next(e for e in state.experiments if e.index == number)
    assert (skipped.status, skipped.reason) == ("discard", "skipped")
    assert state.streaks.no_improvement <= number - 1
    engine.until(lambda state: state.last_number > number)


def test_rebaseline_opens_a_segment_after_the_experiment(engine: Engine) -> None:
    engine.until(measuring)
    assert engine.send("pause")[0]
    assert engine.send("rebaseline")[0]
    assert engine.send("rebaseline") == (False, "already asked for by a test")
    assert engine.send("resume")[0]
    state = engine.until(lambda state: len(state.segments) == 2 and state.baseline is not None)
    assert state.segments[1].number == 2
    engine.until(measuring)


def test_repair_rebuilds_the_worktrees(engine: Engine) -> None:
    engine.until(measuring)
    assert engine.send("repair")[0]
    state = engine.until(lambda state: any(note.text.startswith("reset_worktree") for note in state.notes))
    assert any("the benchmark works on the incumbent" in note.text for note in state.notes)


def test_unknown_commands_and_proposals_to_another_agent_are_refused(engine: Engine) -> None:
    engine.until(measuring)
    assert engine.send("explode") == (False, "there is no command 'explode'")
    accepted, reason = engine.send("propose")
    assert not accepted
    assert "manual" in reason


def test_a_second_engine_says_who_works(engine: Engine) -> None:
    engine.until(measuring)
    second = subprocess.run(
        [sys.executable, "-m", "autotune_tui", "run", str(engine.repo)], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "Another engine works on this session" in second.stderr
    assert str(engine.process.pid) in second.stderr
    engine.until(measuring)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(engine: Engine, number: signal.Signals) -> None:
    engine.until(measuring)
    engine.process.send_signal(number)
    assert engine.ended() == 130
    assert engine.state.end is not None
    assert not engine.folder.lock.exists()
    assert git(engine.repo, "worktree", "list").count("\n") == 0


def test_after_a_kill_the_next_engine_goes_on(engine: Engine) -> None:
    """H4: no process of the killed engine survives it, the unfinished experiment is begun again under its number."""
    state = engine.until(lambda state: measuring(state) and state.last_number >= 1)
    children = psutil.Process(engine.process.pid).children(recursive=True)
    assert state.current is not None
    engine.process.kill()
    engine.ended()
    psutil.wait_procs(children, timeout=10)
    assert not alive(child.pid for child in children)
    before = engine.state
    engine.start()
    state = engine.until(lambda state: state.last_number > before.last_number)
    assert [e.index for e in state.experiments if not e.baseline] == list(range(1, state.last_number + 1))
    assert sum(e.baseline for e in state.experiments) == 1
    assert any("was interrupted" in note.text for note in state.notes)


def test_a_keep_that_was_decided_but_not_journalled_is_finished(tmp_path: Path) -> None:
    """H4: the intent is on disk; whether or not the ref had moved, the next engine finishes the keep."""
    for moved in (True, False):
        folder = tmp_path / str(moved)
        folder.mkdir()
        engine = Engine(folder, "echo 50 > src/value.txt", "[budget]\nexperiments = 1", bench=EXACT)
        assert engine.ended() == 0
        lines = engine.folder.journal.read_text().splitlines()
        intent = next(i for i, line in enumerate(lines) if json.loads(line).get("to_commit") and '"decision"' in line)
        engine.folder.journal.write_text("\n".join(lines[: intent + 1]) + "\n")
        decision = json.loads(lines[intent])
        branch = "refs/heads/autotune/001-lower-the-cost"
        if not moved:
            git(engine.repo, "update-ref", branch, decision["from_commit"])
        engine.start()
        assert engine.ended() == 0
        assert git(engine.repo, "rev-parse", branch) == decision["to_commit"]
        assert [(e.status, e.sha) for e in engine.state.experiments if not e.baseline] == [
            ("keep", decision["to_commit"])
        ]


def test_a_branch_that_somebody_moved_is_not_built_upon(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "echo 50 > src/value.txt", "[budget]\nexperiments = 1", bench=EXACT)
    assert engine.ended() == 0
    git(engine.repo, "branch", "-f", "autotune/001-lower-the-cost", "main")
    text = (engine.folder.config).read_text().replace("experiments = 1", "experiments = 2")
    engine.folder.config.write_text(text)
    engine.start()
    assert engine.ended() == 1
    assert "branch was moved" in engine.error


def test_closing_the_terminal_kills_no_child_unseen(engine: Engine) -> None:
    """A hang-up ends `run` (it lives in that terminal), and its benchmark with it."""
    engine.until(measuring)
    children = psutil.Process(engine.process.pid).children(recursive=True)
    os.kill(engine.process.pid, signal.SIGHUP)
    assert engine.ended() == 130
    psutil.wait_procs(children, timeout=10)
    assert not alive(child.pid for child in children)
