"""What happens to the machine while a sample runs: load from elsewhere, heat, another speed limit."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotune_tui.measure.executors.base import Command, argv_of
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.measure.launcher.clocks import clocks, disturbances, speed, throttles
from autotune_tui.stats.disturbance import disturbed, excuse

SPIN = "while True: pass"
LABELS = np.array([True, False, True, False])
ENVIRONMENT = {"PATH": os.environ["PATH"]}
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: elsewhere nobody counts it")


@needs_linux
async def test_the_load_of_others_is_told_from_the_commands_own(tmp_path: Path) -> None:
    """D10: a busy command is no load from elsewhere; a busy neighbour is, on whatever else this machine does."""
    work = Command(
        argv_of([sys.executable, "-c", "import time\nwhile time.process_time() < 0.8: pass"]),
        cwd=tmp_path, env=ENVIRONMENT, timeout=60.0,
    )  # fmt: skip
    async with LocalExecutor() as executor:
        start = asyncio.create_subprocess_exec
        neighbours = [await start(sys.executable, "-c", SPIN) for _ in range(os.cpu_count() or 1)]
        try:
            beside = await executor.run(work)
        finally:
            for neighbour in neighbours:
                neighbour.kill()
                await neighbour.wait()
    assert beside.ok
    assert 0.2 < beside.others <= 1.0


@needs_linux
@pytest.mark.parametrize(("own", "others"), [(0.0, 0.75), (1.0, 0.5), (9.0, 0.0)])
def test_others_have_what_is_not_the_commands(own: float, others: float) -> None:
    """D10: of two processors that were at work for 3 of 4 seconds, one second or all may be the command's own."""
    ticks = os.sysconf("SC_CLK_TCK")
    said = disturbances((0.0, 0.0, 0.0, 0, 0, 0), (2.0, 2.0, 2.0, 0, 4 * ticks, 3 * ticks), own)
    assert said["others"] == pytest.approx(others)
    assert disturbances((0.0,) * 6, (0.1, 0.1, 0.1, 0, 20, 20), 0.0)["others"] == 0.0  # too short to tell


def test_the_machines_own_figures_can_be_read() -> None:
    before = clocks()
    said = disturbances(before, clocks(), 0.0)
    assert set(said) == {"steal", "others", "clock_step", "suspended"}
    assert abs(said["clock_step"]) < 1


def test_heat_and_limits_are_read_where_the_machine_tells_them(tmp_path: Path) -> None:
    """D10: thermal counters of all processors are summed; the limit is that of the first."""
    assert throttles(str(tmp_path)) == 0
    assert speed(str(tmp_path)) == ""
    for processor, count in (("cpu0", 3), ("cpu1", 4)):
        folder = tmp_path / processor / "thermal_throttle"
        folder.mkdir(parents=True)
        (folder / "core_throttle_count").write_text(f"{count}\n")
    limits = tmp_path / "cpu0" / "cpufreq"
    limits.mkdir()
    (limits / "scaling_max_freq").write_text("3400000\n")
    (limits / "scaling_governor").write_text("performance\n")
    assert throttles(str(tmp_path)) == 7
    assert speed(str(tmp_path)) == "3.40 GHz (performance)"


@pytest.mark.parametrize(
    ("machine", "flags"),
    [
        ({"others": 0.9, "others_before": None}, []),
        ({"others": 0.9, "others_before": 0.8}, []),
        ({"others": 0.6, "others_before": 0.1}, ["other programs took 60% of the processors, 10% before"]),
        ({"throttled": 2}, ["a processor was slowed down for its heat"]),
        (
            {"speed": "3.40 GHz (performance) and is now 1.20 GHz (powersave)"},
            ["the processors' limit was 3.40 GHz (performance) and is now 1.20 GHz (powersave)"],
        ),
        ({"interrupted": True}, ["the engine was stopped meanwhile"]),
    ],
)
def test_what_disturbs_a_block_is_said(machine: dict[str, Any], flags: list[str]) -> None:
    """D10: a load that was there before is this machine's normal; one that comes is a disturbance."""
    assert list(disturbed([], np.zeros(4), LABELS, 0.05, 0.0, 0.0, 0.0, **machine)) == flags


@pytest.mark.parametrize(
    ("timed_out", "steal", "interrupted", "words"),
    [
        (True, 0.5, False, "the hypervisor took 50% of the time"),
        (True, 0.05, False, ""),
        (False, 0.5, False, ""),
        (False, 0.0, True, "the machine did not go on meanwhile"),
        (True, 0.5, True, "the machine did not go on meanwhile"),
    ],
)
def test_a_run_that_failed_is_excused_by_what_held_up_the_machine(
    timed_out: bool, steal: float, interrupted: bool, words: str
) -> None:
    """D10: a crash is the code's own however much was stolen; only time is what a hypervisor takes."""
    assert excuse(timed_out=timed_out, steal_share=steal, interrupted=interrupted) == words
