"""What the launcher costs: time per sample beside `subprocess.run`, the spread it adds, and how fast it drains output.

Run with `python -m benchmarks.launcher`; both sides of each line run alternately in the same process, in pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from autotune_tui.errors import MeasureError
from autotune_tui.measure.executors.base import Command, Limits, Run, argv_of
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.measure.sandbox import open_sandbox, places_of

ENV = {"PATH": os.environ["PATH"]}
GIGABYTE = "head -c 1000000000 /dev/zero"
COMMANDS = {
    "nothing (/bin/true)": ("/bin/true",),
    "python -S -c pass": ("python3", "-S", "-c", "pass"),
    "10,000 lines of output": argv_of("seq 10000"),
}


async def alternate(
    pairs: int, ours: Callable[[], Awaitable[float]], theirs: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Seconds of each side, taken in turns; the side that goes first changes with each pair."""
    mine, other = [], []
    for pair in range(pairs):
        if pair % 2:
            other.append(theirs())
        mine.append(await ours())
        if not pair % 2:
            other.append(theirs())
    return mine, other


async def overhead(executor: LocalExecutor, folder: Path, pairs: int) -> None:
    print(
        f"one sample, fastest quarter of {pairs}: elapsed for the caller, and the wall time that the launcher reports"
    )
    print(f"{'':26}{'launcher':>12}{'subprocess':>12}{'ratio':>8}{'reported':>12}{'its spread':>12}")
    for name, argv in COMMANDS.items():
        command = Command(argv, folder, ENV, 60.0, folder / "bench.log")
        runs: list[Run] = []

        async def ours(command: Command = command, runs: list[Run] = runs) -> float:
            begin = time.perf_counter()
            runs.append(await executor.run(command))
            return time.perf_counter() - begin

        def theirs(argv: tuple[str, ...] = argv) -> float:
            begin = time.perf_counter()
            subprocess.run(
                argv,
                cwd=folder,
                env=ENV,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                check=True,
            )
            return time.perf_counter() - begin

        await ours()
        runs.clear()
        mine, other = (statistics.quantiles(side, n=4)[0] for side in await alternate(pairs, ours, theirs))
        walls = sorted(run.wall for run in runs)
        quartiles = statistics.quantiles(walls, n=4)
        print(
            f"{name:26}{mine * 1e3:>9.2f} ms{other * 1e3:>9.2f} ms{mine / other:>8.2f}"
            f"{quartiles[0] * 1e3:>9.2f} ms{(quartiles[2] - quartiles[0]) / quartiles[1]:>12.1%}"
        )


async def throughput(executor: LocalExecutor, folder: Path, pairs: int) -> None:
    async def ours() -> float:
        begin = time.perf_counter()
        run = await executor.run(Command(argv_of(GIGABYTE), folder, ENV, 60.0, folder / "big.log"))
        assert run.ok, run.failure
        return time.perf_counter() - begin

    def theirs() -> float:
        begin = time.perf_counter()
        subprocess.run(argv_of(f"{GIGABYTE} | cat > /dev/null"), env=ENV, check=True)
        return time.perf_counter() - begin

    mine, other = (statistics.median(side) for side in await alternate(pairs, ours, theirs))
    print(
        f"\n1 GB of output, median of {pairs}: launcher {mine:.2f} s, `| cat > /dev/null` {other:.2f} s, ratio {mine / other:.2f}"
    )


async def confined(executor: LocalExecutor, folder: Path, pairs: int, mode: str) -> None:
    """What the sandbox adds to a run, as the wall time that is reported."""
    places = places_of(home=Path.home(), read=(), covered=(), shown=(), write=(), env=ENV, python=None)
    try:
        sandbox = open_sandbox(mode, ENV, places, 1 << 30)
    except MeasureError as error:
        print(f"\n{error.title}: {error.message}")
        return
    tree = folder / mode / "candidate"
    tree.mkdir(parents=True)
    limits = Limits(memory=1 << 32, processes=1000, file_size=1 << 32, disk=1 << 34)
    print(f"\none run in the sandbox ({sandbox.kind}), fastest quarter of {pairs}")
    print(f"{'':26}{'confined':>12}{'bare':>12}{'ratio':>8}{'added':>12}")
    for name, argv in COMMANDS.items():
        bare = Command(argv, tree, ENV, 60.0)
        walled = replace(bare, prefix=sandbox.prefix(tree, writable=False), limits=limits)
        mine: list[float] = []
        other: list[float] = []
        for pair in range(pairs):
            for command in (walled, bare) if pair % 2 else (bare, walled):
                (mine if command is walled else other).append((await executor.run(command)).wall)
        inside, outside = (statistics.quantiles(side, n=4)[0] for side in (mine, other))
        added = inside - outside
        print(f"{name:26}{inside * 1e3:>9.2f} ms{outside * 1e3:>9.2f} ms{inside / outside:>8.2f}{added * 1e3:>9.2f} ms")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=200, help="pairs of samples for each command")
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder:
        async with LocalExecutor() as executor:
            await overhead(executor, Path(folder), pairs)
            for mode in ("bubblewrap", "landlock"):
                await confined(executor, Path(folder), pairs, mode)
            await throughput(executor, Path(folder), max(3, pairs // 40))
            run = await executor.run(Command(("/bin/true",), Path(folder), ENV, 60.0))
            print(
                f"memory of the launcher afterwards: {run.rss_floor / 1e6:.1f} MB, the least peak RSS that it can report"
            )


if __name__ == "__main__":
    asyncio.run(main())
