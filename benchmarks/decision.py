"""How honest and how quick decisions are: our rule and those of other tools, replayed on recorded noise.

    python -m benchmarks.decision [--trials N] [--quick]

The traces in `data/` are consecutive run times of one fixed program on a shared machine (`quiet`: pair noise 4.6 %, `busy`:
with other jobs, 6.2 %). The runs of an experiment are a window of a trace, never shuffled, since the autocorrelation is the
point; each experiment starts at a random place, since minutes pass while the next change is written. A candidate's times
are scaled by a known factor. Ours goes in sessions of fifty experiments on one calibration.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autotune_tui.stats.costly import pair_differences, pool_noise
from autotune_tui.stats.disturbance import disturbed
from autotune_tui.stats.estimate import estimate
from autotune_tui.stats.noise import mad_confidence, pair_noise
from autotune_tui.stats.order import PAIRS_PER_BLOCK, block_order
from autotune_tui.stats.sequential import RULES, judge, judge_exact

Floats = NDArray[np.float64]

DATA = Path(__file__).parent / "data"
TRACES = ("quiet", "busy")
EFFECTS = (0.0, 0.01, 0.02, 0.05, 0.10, -0.05)
CHAIN = 50
"""Useless experiments in a row, after which a tool says how much it gained."""

VALIDATION_BLOCKS = 20
MOST_RETAKES = 3
CALIBRATION_BLOCKS = {"quick": 3, "standard": 5, "strict": 5, "costly": 1}


def recorded(name: str) -> Floats:
    """Logs of a trace's wall times, in the order in which they were taken."""
    return np.log(np.loadtxt(DATA / f"noise_{name}.csv", delimiter=",", skiprows=1)[:, 0])


def neighbour_noise(logs: Floats) -> float:
    """Pair noise of runs next to each other."""
    return pair_noise(logs[:-1], logs[1:], "difference")


def quieter(logs: Floats, sigma: float) -> Floats:
    """The same trace with its noise shrunk to a pair noise of `sigma`."""
    middle = float(np.median(logs))
    return middle + (logs - middle) * (sigma / neighbour_noise(logs))


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


@dataclass
class Ours:
    """A decision profile as the engine uses it: calibrate once, then judge candidates block by block."""

    profile: str = "standard"
    threshold: float = 0.0
    session: int = CHAIN
    name: str = ""
    sigma: float = 0.0
    pooled: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = f"ours: {self.profile}, threshold {self.threshold:.0%}"

    def start(self, machine: Machine) -> None:
        times, labels = blocks(machine, CALIBRATION_BLOCKS[self.profile])
        machine.pass_by(times.size)
        self.sigma = pair_noise(times[~labels], times[labels], "difference")
        self.pooled = [pair_differences(times, labels)]

    def step(self, machine: Machine, effect: float) -> Outcome:
        rule = RULES[self.profile]
        times, labels, ends = retaken(machine, rule.most_pairs // PAIRS_PER_BLOCK, effect, self.sigma)
        sigma, degrees = self.sigma, 0
        if rule.test == "t":
            noise = pool_noise(self.pooled[0], self.pooled[1:])
            sigma, degrees = noise.sigma, noise.degrees
        evidence = judge(
            times,
            labels,
            rule,
            sigma=sigma,
            threshold=-math.log1p(-self.threshold),
            location="fast_half",
            seed=machine.session_seed,
            degrees=degrees,
        )
        self.pooled.append(pair_differences(times, labels)[: evidence.pairs])
        used = ends[evidence.pairs // PAIRS_PER_BLOCK - 1]
        machine.pass_by(used)
        kept = evidence.state == "keep"
        return Outcome(kept, used, evidence.effect if kept else 0.0)


def blocks(machine: Machine, count: int, effect: float = 0.0) -> tuple[Floats, NDArray[np.bool_]]:
    """The scores and labels of the next blocks, which the machine has not passed by yet."""
    labels = np.array([block_order(machine.seed, block, 0) for block in range(count)])
    return machine.look_ahead(4 * count).reshape(-1, 4) + math.log1p(-effect) * labels, labels


def retaken(machine: Machine, count: int, effect: float, sigma: float) -> tuple[Floats, NDArray[np.bool_], list[int]]:
    """`blocks` as the engine takes them, disturbed ones again; and how many runs it took to the end of each."""
    times, labels, ends = np.empty((count, 4)), np.empty((count, 4), dtype=np.bool_), []
    place = 0
    runs = machine.look_ahead(4 * (count + MOST_RETAKES))
    for block in range(count):
        for attempt in range(MOST_RETAKES + 1):
            labels[block] = block_order(machine.seed, block, attempt)
            times[block] = runs[place : place + 4] + math.log1p(-effect) * labels[block]
            place += 4
            reference = times[:block][~labels[:block]]
            exhausted = place // 4 == block + 1 + MOST_RETAKES
            if exhausted or not disturbed(reference, times[block], labels[block], sigma, 0.0, 0.0, 0.0):
                break
        ends.append(place)
    return times, labels, ends


def remeasured(machine: Machine, effect: float = 0.0) -> tuple[float, tuple[float, float]]:
    """The claim at the end: forty fresh pairs, a number fixed beforehand."""
    times, labels = blocks(machine, VALIDATION_BLOCKS, effect)
    found = estimate(times, labels, location="fast_half", seed=machine.seed)
    machine.pass_by(times.size)
    return found


def sessions(
    procedure: Procedure, logs: Floats, effect: float, decisions: int, length: int, seed: int
) -> list[list[Outcome]]:
    """Decisions on candidates with one true effect, in sessions of so many, each at a time of its own."""
    machine = Machine(logs, np.random.default_rng(seed))
    outcomes: list[list[Outcome]] = []
    for decision in range(decisions):
        if decision % length == 0:
            machine.begin()
            procedure.start(machine)
            outcomes.append([])
        machine.wait()
        outcomes[-1].append(procedure.step(machine, effect))
    return outcomes


def claims(chains: list[list[Outcome]], logs: Floats, seed: int) -> tuple[float, float]:
    """Mean gain claimed after chains of useless experiments, and the mean of what a re-measurement confirms of it."""
    machine = Machine(logs, np.random.default_rng(seed))
    claimed, confirmed = [], []
    for chain in chains:
        total = sum(outcome.gain for outcome in chain)
        claimed.append(-math.expm1(-total))
        machine.begin()
        effect, (lower, _) = remeasured(machine) if total else (0.0, (0.0, 0.0))
        confirmed.append(-math.expm1(-effect) if lower > 0 else 0.0)
    return float(np.mean(claimed)), float(np.mean(confirmed))


def kept(outcomes: list[list[Outcome]]) -> float:
    return float(np.mean([outcome.kept for session in outcomes for outcome in session]))


def runs(outcomes: list[list[Outcome]]) -> float:
    return float(np.mean([outcome.runs for session in outcomes for outcome in session]))


RIVALS: tuple[Procedure, ...] = (
    StoredBest("one run against the best so far", 1, least=True),
    StoredBest("MAD confidence of 2 or more", 1, least=True, confidence=2.0),
    StoredBest("median of 5 against a stored baseline", 5, least=False),
    StoredBest("least of 10, over 5 %, stored baseline", 10, least=True, margin=0.05),
    MannWhitney(),
    Alternating(),
)
HEADER = f"{'rule':56}{'A/A kept':>9}   {'1 / 2 / 5 / 10 % found':>24}{'runs: 0 / 5 / -5 %':>21}{'claimed':>9}{'confirmed':>11}"


def row(procedure: Procedure, logs: Floats, trials: int, seed: int) -> str:
    """One line of the table. Nulls are cheap and matter most, so they get twice the trials."""
    cells = {
        effect: sessions(procedure, logs, effect, trials * (1 if effect else 2), procedure.session, seed + index)
        for index, effect in enumerate(EFFECTS)
    }
    found = " / ".join(f"{kept(cells[effect]):.0%}".rstrip("%") for effect in EFFECTS[1:5])
    spent = " / ".join(f"{runs(cells[effect]):.1f}" for effect in (0.0, 0.05, -0.05))
    chains = cells[0.0]
    if procedure.session != CHAIN:
        chains = sessions(procedure, logs, 0.0, 4 * trials, CHAIN, seed + len(EFFECTS))
    claimed, confirmed = claims(chains, logs, seed)
    return f"{procedure.name:56}{kept(cells[0.0]):>9.2%}   {found:>24}{spent:>21}{claimed:>9.1%}{confirmed:>11.2%}"


def exact_row() -> str:
    """A metric without noise: one run and one confirming run of each side."""
    labels = np.array([block_order(0, 0, 0)])
    scores = [np.log(np.where(labels, 1e6 * (1 - effect), 1e6)) for effect in EFFECTS]
    states = [judge_exact(score, labels, threshold=-math.log1p(-0.01)).state == "keep" for score in scores]
    found = " / ".join(f"{state:.0%}".rstrip("%") for state in states[1:5])
    return f"{'ours: exact, threshold 1%':56}{float(states[0]):>9.2%}   {found:>24}{'4.0 / 4.0 / 4.0':>21}"


def intervals(logs: Floats, trials: int, seed: int) -> str:
    """How often the re-measurement's interval holds the truth, and how often it calls nothing a gain."""
    machine = Machine(logs, np.random.default_rng(seed))
    held = headlines = 0
    for _ in range(trials):
        machine.begin()
        _, (lower, upper) = remeasured(machine)
        held += lower <= 0 <= upper
        headlines += lower > 0
    return f"interval coverage {held / trials:.1%}, null sessions with a significant headline {headlines / trials:.1%}"


def small_noise(logs: Floats, trials: int, seed: int) -> str:
    """Where the benchmark is steadier than the recorded one."""
    ours, steady, steadier = Ours(), quieter(logs, 0.02), quieter(logs, 0.015)
    found = sessions(ours, steadier, 0.02, trials, CHAIN, seed)
    null = sessions(ours, steady, 0.0, trials, CHAIN, seed)
    return (
        f"2 % gains found at sigma 1.5 %: {kept(found):.1%} in {runs(found):.1f} runs; "
        f"null dropped at sigma 2 %: after {runs(null):.1f} runs, kept {kept(null):.2%}"
    )


def cpu(logs: Floats, seed: int) -> str:
    """CPU of one call of `judge` with all pairs of a candidate that stays undecided for long, each with a fresh seed."""
    machine, texts = Machine(logs, np.random.default_rng(seed)), []
    for profile, rule in RULES.items():
        used = []
        for _ in range(40):
            machine.begin()
            times, labels = blocks(machine, rule.most_pairs // PAIRS_PER_BLOCK, 0.02)
            began = time.process_time()
            judge(times, labels, rule, sigma=0.02, threshold=0.0, location="fast_half", seed=machine.seed)
            used.append(time.process_time() - began)
        texts.append(f"{profile} {1000 * float(np.median(used)):.1f} (at most {1000 * max(used):.0f})")
    return f"CPU of a whole decision, ms: {', '.join(texts)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=3000, help="decisions per cell (default 3000)")
    parser.add_argument("--quick", action="store_true", help="150 decisions per cell, in less than a minute")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    trials, show = 150 if options.quick else options.trials, partial(print, flush=True)
    for name in TRACES:
        logs = recorded(name)
        show(f"\n{name}: {logs.size} runs, pair noise {neighbour_noise(logs):.1%}, {trials} decisions a cell\n{HEADER}")
        ours = [Ours("standard", 0.0), Ours("standard", 0.01), Ours("quick", 0.01), Ours("strict", 0.01)]
        for procedure in (*RIVALS, *ours, Ours("costly", 0.01)):
            show(row(procedure, logs, trials, options.seed))
        show(exact_row())
        for part in (intervals, small_noise):
            show(part(logs, trials, options.seed))
        show(cpu(logs, options.seed))


if __name__ == "__main__":
    main()
