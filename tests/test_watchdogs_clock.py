"""Sleep, stops and jumps of the clock: noticed, said, not counted as work, and no part of a sample."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.engine import run as engine_run
from autotune_tui.engine.watchdog_clock import BEAT_SECONDS, STOPPED, Moment, Pulse, interruption, now
from autotune_tui.headless import line
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.measure.executors.base import Command, Run
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.model.events import Interruption, Record, Sample
from autotune_tui.model.events import Session as Begun
from autotune_tui.model.state import fold
from engine_support import EXACT, Session, configure, make_repo

BEFORE = Moment(wall=1_000_000.0, whole=500.0, awake=400.0, worked=9.0)


def after(wall: float, whole: float, awake: float, worked: float = 0.01) -> Moment:
    return Moment(BEFORE.wall + wall, BEFORE.whole + whole, BEFORE.awake + awake, BEFORE.worked + worked)


@pytest.mark.parametrize(
    ("moment", "continued", "kind", "words"),
    [
        (after(0.5, 0.5, 0.5), False, "", ""),
        (after(0.5, 0.5, 0.5), True, "", ""),
        (after(9.0, 9.0, 9.0, 8.5), False, "", ""),
        (after(9.0, 9.0, 9.0), False, "", ""),
        (after(7200.5, 7200.5, 0.5), False, "suspended", "the machine was suspended for 2 h 00 min"),
        (after(9.0, 9.0, 9.0), True, "stopped", "the engine was stopped for 9.0 s"),
        (after(90.0, 90.0, 90.0), False, "stopped", "the engine stood still for 1 min 30 s"),
        (after(90.0, 90.0, 90.0, 89.0), False, "", ""),
        (after(3600.5, 0.5, 0.5), False, "clock", "the clock was set forward by 1 h 00 min"),
        (after(-3599.5, 0.5, 0.5), False, "clock", "the clock was set back by 1 h 00 min"),
        (after(90.5, 60.5, 0.5), False, "suspended", "for 1 min 00 s; the clock was set forward by 30.0 s"),
    ],
)
def test_three_clocks_tell_what_lies_between_two_beats(moment: Moment, continued: bool, kind: str, words: str) -> None:
    """H6: sleep, a stop, a frozen machine and a clock that was set; slow work of the engine's own is none of them."""
    found = interruption(BEFORE, moment, continued=continued)
    assert (found.kind if found else "") == kind
    assert words in (found.text if found else "")
    if found:
        assert found.since == "1970-01-12T13:46:40.000Z"


@pytest.mark.parametrize(
    ("at", "since", "elapsed"),
    [
        ("2026-01-01T02:10:00.000Z", "2026-01-01T00:10:00.000Z", 610.0),  # two hours of sleep, or a clock set forward
        ("2025-12-31T23:00:00.000Z", "2026-01-01T00:10:00.000Z", 610.0),  # a clock set back
    ],
)
def test_the_time_of_an_interruption_is_no_time_of_work(at: str, since: str, elapsed: float) -> None:
    """L23: ten minutes of work, an interruption, ten seconds of work: so much is used of the budget."""
    state = fold(
        [
            Begun(timestamp="2026-01-01T00:00:00.000Z"),
            Interruption(timestamp=at, since=since, kind="suspended", seconds=7200.0, text="the machine slept"),
        ]
    )
    later = at[:17] + "10.000Z"
    assert state.elapsed(later) == pytest.approx(elapsed)
    assert [(note.level, note.text) for note in state.notes] == [("warning", "the machine slept")]
    assert line(Interruption(text="the machine slept"), state) == "warning: the machine slept"


def test_the_clocks_of_this_machine_go_on_together() -> None:
    first = now()
    assert interruption(first, now(), continued=False) is None


def test_without_a_regular_beat_a_long_time_between_two_means_nothing() -> None:
    """Such as in a preflight, which has no watch: it waits for a long build, and then takes a sample."""
    assert interruption(BEFORE, after(900.0, 900.0, 900.0), continued=False, watched=False) is None
    found = interruption(BEFORE, after(900.0, 900.0, 300.0), continued=False, watched=False)
    assert found is not None
    assert found.kind == "suspended"


class Held(LocalExecutor):
    """The first run of the candidate that counts takes place while the machine is held up."""

    seen = 0
    how: Mapping[str, Any] = {}

    async def run(self, command: Command) -> Run:
        done = await super().run(command)
        if command.purpose == "benchmark" and command.cwd.name == "candidate" and "AUTOTUNE_SEED" in command.env:
            Held.seen += 1
            if Held.seen == 7:
                return replace(done, **Held.how)
        return done


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"suspended": 60.0}, "the machine was suspended for 60.0 s"),
        ({"suspended": 60.0, "exit": 1}, "a run is made again, as the machine did not go on meanwhile: exit code 1"),
        (
            {"steal": 0.6, "timed_out": True},
            "a run is made again, as the hypervisor took 60% of the time: killed after",
        ),
    ],
    ids=["a block", "a run that failed by sleep", "a run that took too long by steal"],
)
async def test_what_was_measured_while_the_machine_was_held_up_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any], words: str
) -> None:
    """D10, H6: a block is taken again as a block; a run that failed meanwhile is no crash of the candidate."""
    monkeypatch.setattr(Held, "seen", 0)
    monkeypatch.setattr(Held, "how", how)
    monkeypatch.setattr(engine_run, "LocalExecutor", Held)
    agent = "echo 90 > src/value.txt"
    session = Session(
        make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", agent, "[budget]\nexperiments = 1")
    )
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    said = [note.text for note in session.state.notes]
    assert sum(words in text for text in said) == 1
    taken = [record for record in session.events if isinstance(record, Sample) and record.attempt == 1]
    # Blocks are taken again for what is said only: for this sleep, or where the machine was disturbed in earnest.
    assert len(taken) % 4 == 0
    assert bool(taken) is any(" is taken again (1 of" in text for text in said)


class Jumping:
    """The clocks of a machine that sleeps for an hour once it is told to."""

    def __init__(self) -> None:
        self.slept = 0.0

    def __call__(self) -> Moment:
        real = now()
        return replace(real, wall=real.wall + self.slept, whole=real.whole + self.slept)


async def test_a_beat_records_the_sleep_once() -> None:
    clock, records = Jumping(), list[Record]()
    pulse = Pulse(clock)
    pulse.beat(records.append)
    clock.slept = 3600.0
    pulse.beat(records.append)
    pulse.beat(records.append)
    assert [record.type for record in records] == ["interruption"]
    assert pulse.count == 1


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition; fail when it never comes."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (a condition of another process, which tells us nothing)
            await asyncio.sleep(0.02)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], SessionFolder]]:
    """An engine of its own on a session that goes on until it is stopped."""
    repo = make_repo(tmp_path, bench=EXACT)
    config = tmp_path / "autotune.toml"
    config.write_text(
        'goal = "Lower"\nagent = "command"\n[metric]\nname = "cost"\nsource = "metric_line"\ntarget = 0.5\n[benchmark]\n'
        f'command = "sh bench.sh"\n[scope]\ninclude = ["src/**"]\n[workspace]\ncache = "{tmp_path / "cache"}"\n'
        '[agent_command]\ncommand = "echo $((100 - AUTOTUNE_EXPERIMENT)) > src/value.txt"\n[canary]\nfiles = 0\n'
    )
    program = [sys.executable, "-m", "autotune_tui"]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    subprocess.run(
        [*program, "init", "--file", str(config), str(repo)], check=True, capture_output=True, env=environment
    )
    process = subprocess.Popen(
        [*program, "run", str(repo)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        yield process, SessionFolder.of(repo, "001-lower")
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


async def test_an_engine_that_is_stopped_and_continued_says_so_and_goes_on(
    started: tuple[subprocess.Popen[bytes], SessionFolder],
) -> None:
    """H6: SIGSTOP and SIGCONT of a real engine; the time between is recorded, is not counted, and the work goes on."""
    process, folder = started
    await until(lambda: folder.journal.is_file() and load_state(folder.journal).experiment_count >= 1)
    process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    await until(lambda: time.monotonic() - began > STOPPED + 2 * BEAT_SECONDS)
    before = load_state(folder.journal)
    process.send_signal(signal.SIGCONT)
    await until(lambda: load_state(folder.journal).experiment_count >= before.experiment_count + 2)
    found = [record for record in read_journal(folder.journal) if isinstance(record, Interruption)]
    assert [record.kind for record in found] == ["stopped"]
    assert found[0].seconds > STOPPED
    assert "the engine was stopped for" in found[0].text
    state = load_state(folder.journal)
    assert state.end is None
    whole = sum(record.seconds for record in found)
    assert state.elapsed() < time.monotonic() - began + before.elapsed() - whole + 1
