"""How other tools decide whether a change is better, as procedures on a replayed machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autotune_tui.stats.noise import mad_confidence

Floats = NDArray[np.float64]


class Machine:
    """Runs the benchmark: hands out a trace in order, and goes on at its start after its end."""

    def __init__(self, logs: Floats, rng: np.random.Generator) -> None:
        self._logs = logs
        self._rng = rng
        self.place = self.seed = self.session_seed = 0

    def begin(self) -> None:
        """Another session, at a random place of the trace."""
        self.seed = self.session_seed = int(self._rng.integers(2**31))
        self.wait()

    def wait(self) -> None:
        """Until some other time, a random place of the trace."""
        self.place = int(self._rng.integers(self._logs.size))

    def look_ahead(self, count: int) -> Floats:
        return self._logs.take(np.arange(self.place, self.place + count), mode="wrap")

    def pass_by(self, count: int) -> None:
        self.place = (self.place + count) % self._logs.size
        self.seed += 1

    def run(self, count: int, effect: float = 0.0) -> Floats:
        times = self.look_ahead(count) + math.log1p(-effect)
        self.pass_by(count)
        return times


@dataclass(frozen=True, slots=True)
class Outcome:
    kept: bool
    runs: int
    gain: float = 0.0
    """What a keep claims, as a log ratio to the best before it."""


class Procedure(Protocol):
    """A way to decide on candidates."""

    name: str
    session: int
    """Experiments between two starts when single decisions are counted."""

    def start(self, machine: Machine) -> None: ...

    def step(self, machine: Machine, effect: float) -> Outcome: ...


@dataclass
class StoredBest:
    """The rivals that compare with a stored figure: a location of so many runs, which must be lower by a margin."""

    name: str
    count: int
    least: bool
    margin: float = 0.0
    confidence: float | None = None
    """The MAD confidence asked for from three results on."""
    session: int = 1
    best: float = 0.0
    results: list[float] = field(default_factory=list)

    def _measure(self, machine: Machine, effect: float = 0.0) -> float:
        times = machine.run(self.count, effect)
        return float(times.min() if self.least else np.median(times))

    def start(self, machine: Machine) -> None:
        self.best = self._measure(machine)
        self.results = [math.exp(self.best)]

    def step(self, machine: Machine, effect: float) -> Outcome:
        new = self._measure(machine, effect)
        self.results.append(math.exp(new))
        kept = new < self.best + math.log1p(-self.margin)
        if kept and self.confidence is not None:
            shown = mad_confidence(self.results[0] - math.exp(new), self.results)
            kept = shown is None or shown >= self.confidence
        gain = self.best - new if kept else 0.0
        if kept:
            self.best = new
        return Outcome(kept, self.count, gain)


@dataclass
class MannWhitney:
    """Ten runs of the incumbent, then ten of the candidate; two-sided .05, and the candidate's median is lower."""

    name: str = "10 + 10 one after the other, Mann-Whitney .05"
    session: int = 1

    def start(self, machine: Machine) -> None:
        pass

    def step(self, machine: Machine, effect: float) -> Outcome:
        old, new = machine.run(10), machine.run(10, effect)
        wins = int(np.count_nonzero(new[:, None] < old[None, :]))
        kept = rank_sum_tail(wins, 10) <= 0.025
        return Outcome(kept, 20, float(np.median(old) - np.median(new)) if kept else 0.0)


@dataclass
class Alternating:
    """Pairs in a fixed order up to 40, a two-sided Wilcoxon test after each: looking until it is significant."""

    name: str = "alternating pairs, Wilcoxon .01, looked at as they come"
    session: int = 1

    def start(self, machine: Machine) -> None:
        pass

    def step(self, machine: Machine, effect: float) -> Outcome:
        times = machine.look_ahead(80).reshape(-1, 2)
        differences = times[:, 0] - (times[:, 1] + math.log1p(-effect))
        size = np.argsort(np.abs(differences), kind="stable")
        for pairs in range(5, 41):
            ranked = size[size < pairs]
            total = int(np.sum(np.flatnonzero(differences[ranked] > 0) + 1))
            if total >= signed_rank_critical(pairs):
                machine.pass_by(2 * pairs)
                return Outcome(True, 2 * pairs, float(np.median(differences[:pairs])))
        machine.pass_by(80)
        return Outcome(False, 80)


@lru_cache
def rank_sum_tail(wins: int, size: int) -> float:
    """P(U >= wins) of two groups of `size` values without ties, by counting (Mann and Whitney, 1947)."""
    ways = np.zeros((size + 1, 2 * size * size), dtype=np.float64)
    ways[0, 0] = 1
    for rank in range(2 * size):
        for chosen in range(min(rank + 1, size), 0, -1):
            ways[chosen, rank:] += ways[chosen - 1, : ways.shape[1] - rank]
    counts = ways[size, size * (size - 1) // 2 :]
    return float(counts[wins:].sum() / counts.sum())


@lru_cache
def signed_rank_critical(pairs: int) -> int:
    """The least sum of positive ranks with a one-sided P <= .005, by counting (Wilcoxon, 1945)."""
    ways = np.ones(1)
    for rank in range(1, pairs + 1):
        ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
    tails = np.cumsum(ways[::-1])[::-1] / ways.sum()
    return int(np.argmax(tails <= 0.005)) if tails[-1] <= 0.005 else ways.size


RIVALS: tuple[Procedure, ...] = (
    StoredBest("one run against the best so far", 1, least=True),
    StoredBest("MAD confidence of 2 or more", 1, least=True, confidence=2.0),
    StoredBest("median of 5 against a stored baseline", 5, least=False),
    StoredBest("least of 10, over 5 %, stored baseline", 10, least=True, margin=0.05),
    MannWhitney(),
    Alternating(),
)
