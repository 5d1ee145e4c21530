"""What folding a long journal costs: time, peak memory, and both beside bare `json.loads` of the same lines.

    python -m benchmarks.fold [RECORDS]

Makes a journal as a real session writes it (nine of ten records are samples), 100,000 records by default, and takes each
figure in a fresh process: seconds of CPU, best of five, and peak resident memory of one pass.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Config, Decision, Phase, Plan, Record, Result, Sample, Session
from autotune_tui.model.state import fold

_PHASES = ("sync", "profile", "plan", "edit", "scope", "commit", "build", "check", "measure", "decide", "reflect")
_BLOCKS = 20
_REPEATS = 5
_TARGET_SECONDS = 1.0
_TARGET_MB = 200.0


def session() -> Iterator[Record]:
    """The records of a session without an end; every fifth experiment is a keep."""
    yield Session(id="001-import-speed", goal="Import a day of events in under a second", agent="offline")
    yield Config(name="001-import-speed", metric_name="time", metric_unit="s", objective={"primaryMetric": "time"})
    yield Result(commit="a1b2c3d", metric=1.84, status="keep", description="baseline")
    number = 0
    while True:
        number += 1
        yield from experiment(number)


def experiment(number: int) -> Iterator[Record]:
    value = 1.84 * 0.99 ** (number // 5)
    for phase in _PHASES:
        yield Phase(experiment=number, phase=phase)
        if phase == "plan":
            yield Plan(experiment=number, description="Hold the rows in a set", strategy="rewrite:list-to-set")
        if phase == "measure":
            for block in range(_BLOCKS):
                yield from (sample(number, block, run, value) for run in range(4))
                yield Decision(experiment=number, pairs=2 * block + 2, effect=-0.0123, interval=(-0.02, 0.001))
        yield Phase(experiment=number, phase=phase, state="end", seconds=0.0123)
    yield Result(
        index=number,
        commit="a1b2c3d",
        metric=value,
        status="discard" if number % 5 else "keep",
        description="Hold the rows in a set",
        metrics={"wall_time": value, "cpu_time": value, "peak_rss": 84_100_000},
        reason="no_improvement",
        pairs=40,
    )


def sample(number: int, block: int, run: int, value: float) -> Sample:
    measured = round(value * (1 + 0.001 * (run + block)), 6)
    return Sample(
        experiment=number,
        block=block,
        run=run,
        side="candidate" if run % 2 else "incumbent",
        value=measured,
        metrics={"wall_time": measured, "cpu_time": measured, "peak_rss": 84_100_000 + run},
        seed=number * 1000 + block,
    )


def write(path: Path, records: int) -> None:
    moment = datetime(2026, 4, 4, 10, tzinfo=UTC)

    def now() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=1)
        return moment

    with JournalWriter(path, now=now) as writer:
        for _, record in zip(range(records), session(), strict=False):
            writer.append(record)


def work(kind: str, path: Path) -> None:
    if kind == "bare json.loads":
        with path.open() as file:
            for line in file:
                json.loads(line)
    elif kind == "load_state":
        load_state(path)
    else:
        fold(read_journal(path))


def measure(kind: str, path: Path) -> None:
    """Runs in a process of its own, so that memory is of this kind alone."""
    work(kind, path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(_REPEATS):
        begin = time.process_time()
        work(kind, path)
        times.append(time.process_time() - begin)
    print(json.dumps({"seconds": min(times), "mb": peak / (1024 if sys.platform == "linux" else 1024**2)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", nargs="?", type=int, default=100_000)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure[0], Path(arguments.measure[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "autotune.jsonl"
        begin = time.process_time()
        write(path, arguments.records)
        spent = time.process_time() - begin
        size = path.stat().st_size
        print(
            f"{arguments.records:,} records, {size / 1e6:.1f} MB; written in {spent / arguments.records * 1e6:.0f} µs each"
        )
        bare = 0.0
        for kind in ("bare json.loads", "load_state", "fold(read_journal)"):
            command = [sys.executable, "-m", "benchmarks.fold", "--measure", kind, str(path)]
            figures = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            bare = bare or figures["seconds"]
            line = f"{kind:20} {figures['seconds']:6.3f} s  {figures['seconds'] / bare:5.2f}x  {figures['mb']:6.1f} MB"
            if kind == "load_state":
                ok = figures["seconds"] < _TARGET_SECONDS and figures["mb"] < _TARGET_MB
                line += f"   {'within' if ok else 'beyond'} {_TARGET_SECONDS:g} s and {_TARGET_MB:g} MB"
            print(line)


if __name__ == "__main__":
    main()
