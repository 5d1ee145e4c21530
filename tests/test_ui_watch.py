"""`--watch`: a screen that only looks, at sessions and journals that come, go, break and belong to other tools (V4)."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import ClassVar

import pytest

from autotune_tui.cli.screen import watching
from autotune_tui.errors import UsageError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.events import Session
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.store import Store
from journal_sessions import opening, write
from ui_session import make_session, running, until, until_shown
from ui_support import FakeEngine, everything_in

SIZE = (100, 30)


def watch(folder: SessionFolder) -> AutotuneApp:
    return AutotuneApp(Store(folder.journal, folder), mode="watch")


async def test_nothing_is_written_whatever_is_pressed(tmp_path: Path) -> None:
    """V4: `--watch` opens nothing for writing."""
    folder = make_session(tmp_path, *running(4))
    before = everything_in(tmp_path)
    app = watch(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until_shown(pilot, "Leaderboard")
        for key in "psxrbig":
            await pilot.press(key)
        await until_shown(pilot, "this screen only watches")
        await pilot.press("question_mark")
        await until_shown(pilot, "Commands to the loop cannot be given here")
        await pilot.press("escape", "q")
        await until(pilot, lambda: not app.is_running)
    assert everything_in(tmp_path) == before


async def test_it_waits_for_a_session_and_shows_it_when_it_comes(tmp_path: Path) -> None:
    """V4"""
    (tmp_path / ".git").mkdir()
    app = watching(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, f"waiting for a session in {tmp_path}"[:60], "○ not started")
        folder = SessionFolder.of(tmp_path, "001-import-speed")
        folder.create()
        folder.config.write_text("")
        await until_shown(pilot, "waiting for")
        write(folder.journal, opening())
        await until_shown(pilot, "001-import-speed", "1.840")


async def test_the_engine_s_death_and_its_successor_are_seen(tmp_path: Path) -> None:
    """H4, V4"""
    folder = make_session(tmp_path)
    app = watch(folder)
    async with app.run_test(size=SIZE) as pilot:
        with FakeEngine(folder) as engine:
            engine.write(*running(4))
            await until_shown(pilot, "▶ running", "▶ measure")
        await until_shown(pilot, "✗ the engine is gone", "✗ engine gone", "‖ measure stands still")
        with FakeEngine(folder) as engine:
            engine.write(Session(id="001-import-speed"))
            await until_shown(pilot, "▶ running")


@pytest.mark.parametrize("how", ["truncated", "replaced"])
async def test_a_journal_that_begins_anew_is_shown_anew(tmp_path: Path, how: str) -> None:
    folder = make_session(tmp_path)
    app = watch(folder)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "3 tried · 1 kept")
        if how == "truncated":
            os.truncate(folder.journal, 0)
            await until_shown(pilot, "○ not started")
        else:
            write(tmp_path / "new", opening())
            (tmp_path / "new").replace(folder.journal)
            await until_shown(pilot, "0 tried · 0 kept")


async def test_the_journal_of_the_autotune_tool_is_shown_and_said_to_be_one(tmp_path: Path) -> None:
    """V4, S10: what it is, what it cannot tell, and since when it has been silent."""
    (tmp_path / ".git").mkdir()
    path = tmp_path / "autotune.jsonl"
    rows = [
        {
            "type": "config",
            "name": "speed up",
            "metric_name": "ms",
            "metric_unit": "ms",
            "direction": "lower",
            "segment": 1,
        },
        {"type": "result", "index": 0, "metric": 131.4, "status": "keep", "description": "baseline", "segment": 1},
        {"type": "result", "index": 1, "metric": 99.0, "status": "keep", "description": "cache", "segment": 1},
        {"type": "result", "index": 2, "metric": 98.0, "status": "banana", "description": "odd", "segment": 1},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.utime(path, (time.time() - 200, time.time() - 200))
    app = watching(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "autotune journal · 3 runs · single samples, no evidence recorded · silent for 3 min")
        await until_shown(pilot, "speed up", "−24.7 %", "99.0", "? banana")


async def test_a_log_of_pi_autoresearch_is_shown_too(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "autoresearch.jsonl").write_text(
        '{"type":"config","name":"tests","metricName":"seconds","metricUnit":"s","bestDirection":"lower"}\n'
        '{"run":1,"commit":"a1","metric":9.0,"status":"keep","description":"as it was","segment":0}\n'
        '{"run":2,"commit":"a2","metric":7.5,"status":"keep","description":"in parallel","segment":0}\n'
    )
    app = watching(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await until_shown(pilot, "pi-autoresearch journal · 2 runs", "in parall", "−16.7 %")


def test_what_is_watched_may_be_a_repository_a_session_or_a_journal(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "repo")
    lone = tmp_path / "lone.jsonl"
    lone.write_text("")
    for path, journal, found in (
        (tmp_path / "repo", folder.journal, folder),
        (folder.root, folder.journal, folder),
        (folder.journal, folder.journal, folder),
        (lone, lone, None),
        (tmp_path / "later.jsonl", tmp_path / "later.jsonl", None),
        (tmp_path / "repo" / ".autotune" / "002-later", None, SessionFolder.of(tmp_path / "repo", "002-later")),
    ):
        store = watching(path).store
        assert store.folder == found
        assert store.path == (journal or (found and found.journal))
    with pytest.raises(UsageError):
        watching(tmp_path)


class Terminal:
    """`autotune-tui` in a pseudo terminal of 100 x 30."""

    opened: ClassVar[list[Terminal]] = []

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        size = ("COLUMNS", "LINES")  # would be believed before the terminal itself
        environment = {name: value for name, value in os.environ.items() if name not in size}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "autotune_tui", *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=cwd, start_new_session=True,
            env={**environment, "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(slave)
        self.seen = b""
        self.opened.append(self)

    def close(self) -> None:
        """As when its window is closed."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def end(self) -> None:
        """Whatever the test came to, nothing of it stays."""
        self.process.kill()
        self.process.wait(5)
        self.close()

    def until(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen[-4000:]
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 1 << 16)
                except OSError as error:
                    raise AssertionError(f"it ended: {self.seen[-2000:]!r}") from error

    def press(self, keys: str) -> None:
        self.seen = b""
        os.write(self.master, keys.encode())

    def ended(self) -> int:
        """The exit code, once it has ended; what it writes until then is read, as a terminal does."""
        deadline = time.monotonic() + 20
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.master, 1 << 16)
                except OSError:
                    break
        return self.process.wait(5)


@pytest.fixture(autouse=True)
def _no_terminal_stays() -> Iterator[None]:
    yield
    while Terminal.opened:
        Terminal.opened.pop().end()


def test_it_watches_in_a_real_terminal_and_leaves_with_0(tmp_path: Path) -> None:
    """V4: the whole way, from the command line."""
    folder = make_session(tmp_path, *running(4))
    terminal = Terminal("--watch", cwd=tmp_path)
    terminal.until("all commands")
    descriptors = [
        str(Path(f"/proc/{terminal.process.pid}/fd/{name}").readlink()) for name in _writable(terminal.process.pid)
    ]
    assert not [path for path in descriptors if path.startswith(str(folder.root))]
    terminal.press("q")
    assert terminal.ended() == 0


@pytest.mark.parametrize("arguments", [("--watch",), ()], ids=["watch", "live"])
def test_a_terminal_that_vanished_without_a_word_ends_the_screen(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """H5: nobody sends SIGHUP to a process that is in no session of the terminal; it must not spin for ever."""
    folder = make_session(tmp_path, *running(4))
    with FakeEngine(folder) as engine:
        terminal = Terminal(*arguments, cwd=tmp_path)
        terminal.until("all commands")
        terminal.close()
        assert terminal.process.wait(20) == 128 + signal.SIGHUP
        assert engine.commands == []
        assert folder.lock.exists()


def _writable(pid: int) -> list[str]:
    """The descriptors of a process that are open for writing."""
    infos = {path.name: path.read_text() for path in Path(f"/proc/{pid}/fdinfo").iterdir()}
    flags = {name: int(text.split("flags:")[1].split()[0], 8) for name, text in infos.items()}
    return [name for name, flag in flags.items() if flag & (os.O_WRONLY | os.O_RDWR)]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_closed_terminal_ends_the_screen_and_disturbs_nobody(tmp_path: Path, number: signal.Signals) -> None:
    """H5: the engine is a process of its own."""
    folder = make_session(tmp_path, *running(4))
    with FakeEngine(folder) as engine:
        terminal = Terminal(cwd=tmp_path)
        terminal.until("all commands")
        terminal.process.send_signal(number)
        terminal.ended()
        assert engine.commands == []
        assert folder.lock.exists()


def test_many_may_watch_at_once(tmp_path: Path) -> None:
    """H5"""
    make_session(tmp_path, *running(4))
    terminals = [Terminal("--watch", str(tmp_path), cwd=tmp_path) for _ in range(3)]
    for terminal in terminals:
        terminal.until("all commands")
        terminal.press("q")
        assert terminal.ended() == 0
