"""Samples and blocks: run the benchmark, read its number, journal it.

A block is four runs, two of the incumbent and two of the candidate, in an order drawn uniformly from the six arrangements
(decision.md). The first run of each side shares a seed with the other side's first, the second with the second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune_tui.config import Command, Metric
from autotune_tui.engine.core import Engine
from autotune_tui.errors import MeasureError
from autotune_tui.measure import sources
from autotune_tui.measure.executors.base import Run, argv_of
from autotune_tui.model.events import Sample
from autotune_tui.stats.disturbance import SUSPENDED, disturbed, excuse
from autotune_tui.stats.order import block_order
from autotune_tui.stats.scale import Scale, to_scores
from autotune_tui.workspace import Side

MOST_RETAKES = 3
"""Disturbed blocks are taken again at most this often in one comparison; a machine that stays disturbed is its new normal."""


class SampleFailed(Exception):
    """A run gave no usable number. `reason` is a code: benchmark_crash, timeout, no_metric."""

    def __init__(self, side: Side, reason: str, detail: str, output: str) -> None:
        super().__init__(side, reason, detail)
        self.side = side
        self.reason = reason
        self.detail = detail
        self.output = output


@dataclass(frozen=True, slots=True)
class Taken:
    """One sample: the primary metric, every metric, and the run behind them."""

    value: float
    metrics: dict[str, float]
    run: Run
    interrupted: bool = False
    """Whether the engine was stopped, or the machine slept, meanwhile."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is run for a sample, and where its number is read from."""

    command: Command
    metric: Metric
    folders: tuple[Path, ...] = ()
    """Shown to it alone."""
    sealed: bool = False
    """What it sees must not get out: it writes nothing that lasts."""


@dataclass
class Sampler:
    """Takes samples for one purpose (calibration, experiment, validation, holdout, end_to_end)."""

    engine: Engine
    purpose: str
    experiment: int
    log: Path
    timeout: float
    repeat: int = 1
    other: Bench | None = None
    """A benchmark that is not the session's own."""

    @property
    def bench(self) -> Bench:
        config = self.engine.config
        return self.other or Bench(config.benchmark.command, config.metric)

    async def take(
        self, side: Side, *, seed: int, block: int = 0, attempt: int = 0, run: int = 0, discard: bool = False
    ) -> Taken:
        """Run the benchmark once. With `discard` it is a warm-up: nothing is journalled. Raises SampleFailed."""
        metric = self.bench.metric
        done, interrupted = await self._run(side, seed, discard)
        if not done.ok and (why := excuse(timed_out=done.timed_out, steal_share=done.steal, interrupted=interrupted)):
            self.engine.note(f"a run is made again, as {why}: {done.failure}", experiment=self.experiment)
            done, interrupted = await self._run(side, seed, discard)
        if not done.ok:
            reason = "timeout" if done.timed_out or done.stalled else "benchmark_crash"
            raise SampleFailed(side, reason, done.failure, done.tail)
        try:
            reading = sources.read(metric, done, self.engine.tree(side))
        except MeasureError as error:
            raise SampleFailed(side, "no_metric", f"{error.title}: {error.message}", done.tail) from error
        if not discard:
            self.engine.record(
                Sample(
                    experiment=self.experiment,
                    purpose=self.purpose,
                    block=block,
                    attempt=attempt,
                    run=run,
                    side=side,
                    value=reading.value,
                    metrics=reading.metrics,
                    seed=seed,
                    exit=done.exit or 0,
                )
            )
        return Taken(reading.value, dict(reading.metrics), done, interrupted)

    async def _run(self, side: Side, seed: int, discard: bool) -> tuple[Run, bool]:
        """One run, and whether the engine was stopped or the machine slept meanwhile."""
        bench, pulse = self.bench, self.engine.pulse
        interruptions = pulse.count
        done = await self.engine.command(
            list(sources.wrap(bench.metric, argv_of(bench.command), self.engine.tree(side))),
            side,
            limit=self.timeout,
            log=self.log,
            env={"AUTOTUNE_SEED": str(seed)},
            repeat=self.repeat,
            # Both sides are of one commit that is kept: their first runs may leave bytecode, and nothing is judged yet.
            writable=discard and self.purpose == "calibration",
            read=bench.folders,
            sealed=bench.sealed,
        )
        pulse.beat(self.engine.record)
        return done, pulse.count > interruptions or done.suspended > SUSPENDED


@dataclass
class Blocks:
    """The complete blocks of a comparison so far, oldest first."""

    candidate: list[tuple[bool, bool, bool, bool]] = field(default_factory=list)
    taken: list[tuple[Taken, Taken, Taken, Taken]] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        return 2 * len(self.taken)

    @property
    def usual_load(self) -> float | None:
        """The share of the machine that other programs used, median of all runs; None before there are any."""
        return float(np.median([sample.run.others for block in self.taken for sample in block])) if self.taken else None

    @property
    def labels(self) -> NDArray[np.bool_]:
        """Shape (blocks, 4); True where the candidate ran."""
        return np.array(self.candidate, dtype=np.bool_).reshape(-1, 4)

    def values(self, metric: str | None = None) -> NDArray[np.float64]:
        """Shape (blocks, 4): the primary metric, or a named one (NaN where a run did not report it)."""
        rows = [
            [sample.value if metric is None else sample.metrics.get(metric, float("nan")) for sample in block]
            for block in self.taken
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 4)

    def side(self, side: Side, metric: str | None = None) -> NDArray[np.float64]:
        """The values of one side, in the order in which they were taken."""
        wanted = self.labels if side == "candidate" else ~self.labels
        return self.values(metric)[wanted]


@dataclass
class Comparison:
    """Blocks of samples of the two worktrees as they stand, one block at a time."""

    sampler: Sampler
    seed: int
    sigma: float
    scale: Scale
    blocks: Blocks = field(default_factory=Blocks)
    retakes: int = 0
    attempts: dict[int, int] = field(default_factory=dict)
    """The first attempt at a block, where earlier ones were interrupted."""

    def take_over(self, saved: Sequence[Sequence[Sample]], like: Mapping[Side, Taken]) -> None:
        """Begin with blocks that were taken before; `like`: a run of each side, for what the journal has not of them."""
        for block in saved:
            first, second, third, fourth = (
                Taken(
                    sample.value or 0.0,
                    dict(sample.metrics),
                    like["candidate" if _is_candidate(sample) else "incumbent"].run,
                )
                for sample in block
            )
            one, two, three, four = map(_is_candidate, block)
            self.blocks.taken.append((first, second, third, fourth))
            self.blocks.candidate.append((one, two, three, four))

    async def next_block(self) -> None:
        """Take one more block; a block during which the machine was disturbed is taken again, both sides."""
        number = len(self.blocks.taken)
        begun = self.attempts.get(number, 0)
        for attempt in range(begun, begun + MOST_RETAKES + 1):
            order = block_order(self.seed, number, attempt)
            taken = await self._take(number, attempt, order)
            flags = self._flags(taken, order)
            if not flags:
                break
            if self.retakes == MOST_RETAKES:
                if attempt > begun:
                    self._note(f"block {number + 1} stays as it is: the machine seems to stay so")
                break
            self.retakes += 1
            self._note(f"block {number + 1} is taken again ({self.retakes} of {MOST_RETAKES}): {', '.join(flags)}")
        self.blocks.candidate.append(order)
        self.blocks.taken.append(taken)

    async def _take(
        self, number: int, attempt: int, order: tuple[bool, bool, bool, bool]
    ) -> tuple[Taken, Taken, Taken, Taken]:
        taken: list[Taken] = []
        ran = {"incumbent": 0, "candidate": 0}
        for position, is_candidate in enumerate(order):
            side: Side = "candidate" if is_candidate else "incumbent"
            pair = 2 * number + ran[side]
            ran[side] += 1
            taken.append(
                await self.sampler.take(
                    side,
                    seed=derived_seed(self.seed, "inputs", pair, attempt),
                    block=number,
                    attempt=attempt,
                    run=position,
                )
            )
        return taken[0], taken[1], taken[2], taken[3]

    def _note(self, text: str) -> None:
        self.sampler.engine.note(text, experiment=self.sampler.experiment)

    def _flags(self, taken: Sequence[Taken], order: tuple[bool, bool, bool, bool]) -> tuple[str, ...]:
        direction = self.sampler.bench.metric.direction
        reference = self.blocks.side("incumbent")
        return disturbed(
            to_scores(reference, direction, self.scale),
            to_scores(np.array([sample.value for sample in taken]), direction, self.scale),
            np.array(order, dtype=np.bool_),
            self.sigma,
            max(sample.run.steal for sample in taken),
            max((sample.run.clock_step for sample in taken), key=abs),
            max(sample.run.suspended for sample in taken),
            others=max(sample.run.others for sample in taken),
            others_before=self.blocks.usual_load,
            throttled=sum(sample.run.throttled for sample in taken),
            speed=next((sample.run.speed for sample in taken if sample.run.speed), ""),
            interrupted=any(sample.interrupted for sample in taken),
        )


def _is_candidate(sample: Sample) -> bool:
    return sample.side == "candidate"


def derived_seed(seed: int, *parts: object) -> int:
    """A 31-bit seed for one use, so that no two uses share random numbers."""
    text = ":".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") >> 1
