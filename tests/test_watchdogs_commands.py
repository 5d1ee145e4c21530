"""Commands that come to a stop or want to ask somebody are noticed, with real processes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autotune_tui.measure.asking import asks_for_input
from autotune_tui.measure.executors.base import Command, Run, argv_of
from autotune_tui.measure.executors.local import LocalExecutor

PYTHON = shlex.quote(sys.executable)
needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux: elsewhere nobody tells what processes do"
)
WAITS_FOR_TERMINAL = "import os, pty; main, side = pty.openpty(); os.read(side, 1)"
WAITS_FOR_LOCK = "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"
WORKS_BELOW = f"{PYTHON} -c 'import time; end = time.time() + 3\nwhile time.time() < end: pass'"
SPINS = """
import os, time
if os.fork() == 0:
    os.setsid()
    end = time.time() + 3
    while time.time() < end: pass
    open("done", "w")
"""
DAEMON = f"{PYTHON} -c {shlex.quote(SPINS)} >/dev/null 2>&1; while [ ! -e done ]; do sleep 0.1; done"


@pytest.fixture
async def executor() -> AsyncIterator[LocalExecutor]:
    async with LocalExecutor(grace=0.2) as executor:
        yield executor


async def run(executor: LocalExecutor, folder: Path, command: str | list[str], stall: float) -> Run:
    environment = {"PATH": os.environ["PATH"]}
    return await executor.run(Command(argv_of(command), cwd=folder, env=environment, timeout=60.0, stall=stall))


@needs_linux
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("sleep 100", "sleep sleeps"),
        (f"echo begins; {PYTHON} -c {shlex.quote(WAITS_FOR_LOCK)}; true", "waits for a lock"),
        (f"{PYTHON} -c {shlex.quote(WAITS_FOR_TERMINAL)}; true", "waits for input from a terminal"),
        ("mkfifo pipe; cat pipe; true", "cat waits for another program"),
        ("kill -STOP $$", "was stopped by a signal"),
    ],
)
async def test_a_command_that_does_nothing_is_killed_and_what_it_waits_for_is_said(
    executor: LocalExecutor, tmp_path: Path, command: str, words: str
) -> None:
    """H6: neither output nor processor time for the configured time; the text says what the process waits for."""
    done = await run(executor, tmp_path, command, stall=1.0)
    assert done.stalled
    assert not done.ok
    assert not done.timed_out
    assert "it did nothing for 1 s: no output, no processor time" in done.failure
    assert words in done.failure


@needs_linux
@pytest.mark.parametrize(
    "command",
    ["for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.3; done", f"{WORKS_BELOW}; true", DAEMON],
    ids=["prints", "works in a child", "works in a daemon"],
)
async def test_a_command_that_prints_or_works_goes_on(executor: LocalExecutor, tmp_path: Path, command: str) -> None:
    """H6: a child's or a daemon's work is the command's."""
    done = await run(executor, tmp_path, command, stall=2.0)
    assert done.ok, done.failure


async def test_without_a_limit_a_command_may_sleep(executor: LocalExecutor, tmp_path: Path) -> None:
    done = await run(executor, tmp_path, "sleep 0.5", stall=0.0)
    assert done.ok


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo hello; read answer < /dev/tty", "it wanted a terminal (/dev/tty)"),
        (f"{PYTHON} -c 'input(\"Which one? \")'", "it read its standard input, which is empty"),
        ("printf 'Overwrite the file? [y/N] '; read answer", "it asked '[y/N]'"),
        ("printf 'Password: '; read word", "it asked 'Password:'"),
        (f"{PYTHON} -c 'import termios; termios.tcgetattr(0)'", "it wanted a terminal"),
    ],
)
async def test_a_command_that_wants_to_ask_fails_and_that_is_said(
    executor: LocalExecutor, tmp_path: Path, command: str, words: str
) -> None:
    """H6: there is no terminal and nothing to read, so it cannot hang; the failure's text says what it wanted."""
    done = await run(executor, tmp_path, command, stall=0.0)
    assert done.failure.startswith("exit code ")
    assert f"{words}: commands have no input and no terminal" in done.failure


async def test_a_question_that_is_asked_for_ever_is_named_when_it_is_killed(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    """H6: such as a program that wants y or n and takes the end of its input for neither."""
    command = Command(
        argv_of("while true; do printf 'Continue? '; read answer; done"),
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, timeout=0.5,
    )  # fmt: skip
    done = await executor.run(command)
    assert done.timed_out
    assert "it asked" in done.failure


@pytest.mark.parametrize(
    "output",
    ["", "3 passed", "Traceback\nValueError: password is wrong", "METRIC time=3\n", "login works\nexit"],
)
def test_other_failures_are_left_as_they_are(output: str) -> None:
    assert asks_for_input(output) == ""
