"""Silent agents and benchmarks that come to a stop, in real sessions."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from autotune_tui.engine.watchdog_agent import Silence
from engine_support import EXACT, Session, configure, make_repo

ONE = "[budget]\nexperiments = 1\n"
HANGS = """\
#!/bin/sh
if [ "$(cat src/value.txt)" != 100 ]; then sleep 1000; fi
echo "METRIC cost=$(cat src/value.txt)"
"""
needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux: elsewhere nobody tells what processes do"
)


def alive(mark: str) -> list[int]:
    """Processes whose command line has a mark."""
    return [p.pid for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or [])]


async def test_a_silent_agent_is_stopped_and_its_processes_with_it(tmp_path: Path) -> None:
    """H6: said at half of the time; then it is ended with the reason, as a failure of the agent."""
    mark = f"1000.{os.getpid()}"
    config = configure(tmp_path / "cache", f"echo begins; sleep {mark}", f'{ONE}[watchdogs]\nagent_silence = "1s"')
    session = Session(make_repo(tmp_path, bench=EXACT), config)
    await session.run()
    assert session.verdicts == [("crash", "agent_stalled")]
    assert "The agent said nothing for 1.0 s and was stopped" in session.state.experiments[-1].detail
    assert any("the agent has said nothing for" in text and "it is stopped" in text for text in session.warnings)
    assert alive(mark) == []


async def test_an_agent_that_says_something_now_and_then_may_take_its_time(tmp_path: Path) -> None:
    agent = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.4; done; echo 90 > src/value.txt"
    config = configure(tmp_path / "cache", agent, f'{ONE}[watchdogs]\nagent_silence = "2500ms"')
    session = Session(make_repo(tmp_path, bench=EXACT), config)
    await session.run()
    assert session.verdicts == [("keep", "improvement")]


def test_time_in_which_nobody_could_listen_is_no_silence() -> None:
    """H6: after an hour in which the engine was stopped an agent has been silent for two looks at most."""
    times = iter([0.0, 1.0, 3601.0, 3602.0, 3603.0])
    silence = Silence(lambda: next(times))
    for expected in (1.0, 3.0, 4.0):
        silence.look(heard=0, pace=1.0)
        assert silence.seconds == expected
    silence.look(heard=1, pace=1.0)
    assert silence.seconds == 0.0


@needs_linux
async def test_a_candidate_whose_benchmark_does_nothing_any_more_is_a_stall(tmp_path: Path) -> None:
    """H6: it does not take the whole time limit to see that a benchmark hangs, and what it hangs in is said."""
    more = f'{ONE}[watchdogs]\nstall = "1s"'
    session = Session(make_repo(tmp_path, bench=HANGS), configure(tmp_path / "cache", "echo 90 > src/value.txt", more))
    async with asyncio.timeout(120):
        await session.run()
    assert session.verdicts == [("crash", "timeout")]
    detail = session.state.experiments[-1].detail
    assert "it did nothing for 1 s: no output, no processor time" in detail
    assert "sleep sleeps" in detail


async def test_a_candidate_whose_benchmark_asks_for_something_crashes_with_that_reason(tmp_path: Path) -> None:
    """H6: the agent and the user read that nobody can answer."""
    asks = f'#!/bin/sh\nif [ "$(cat src/value.txt)" != 100 ]; then read answer < /dev/tty || exit 3; fi\n{EXACT}'
    session = Session(make_repo(tmp_path, bench=asks), configure(tmp_path / "cache", "echo 90 > src/value.txt", ONE))
    await session.run()
    status, _ = session.verdicts[0]
    assert status == "crash"
    assert (
        "it wanted a terminal (/dev/tty): commands have no input and no terminal"
        in session.state.experiments[-1].detail
    )
