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
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune_tui.stats.costly import pair_differences, pool_noise
from autotune_tui.stats.disturbance import disturbed
from autotune_tui.stats.estimate import estimate
from autotune_tui.stats.noise import pair_noise
from autotune_tui.stats.order import PAIRS_PER_BLOCK, block_order
from autotune_tui.stats.sequential import RULES, judge, judge_exact
from benchmarks.rivals import RIVALS, Floats, Machine, Outcome, Procedure

DATA = Path(__file__).parent / "data"
TRACES = ("quiet", "busy")
EFFECTS = (0.0, 0.01, 0.02, 0.05, 0.10, -0.05)
CHAIN = 50
"""Useless experiments in a row, after which a tool says how much it gained."""

VALIDATION_BLOCKS = 20
MOST_RETAKES = 3
FIRST_BLOCKS = 6
"""Most experiments end within so many blocks; only for the others the rest is looked at. The verdict is the same."""

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
        rule, sigma, degrees = RULES[self.profile], self.sigma, 0
        if rule.test == "t":
            noise = pool_noise(self.pooled[0], self.pooled[1:])
            sigma, degrees = noise.sigma, noise.degrees
        most = rule.most_pairs // PAIRS_PER_BLOCK
        for count in (min(FIRST_BLOCKS, most), most):
            times, labels, ends = retaken(machine, count, effect, self.sigma)
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
            if evidence.state != "continue":
                break
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
    """Where the benchmark is steadier: the trace with its noise shrunk, and normal noise without any bursts."""
    normal = np.random.default_rng(seed).normal(size=20000)
    texts = []
    for name, shape in (("shrunk", logs), ("normal", normal)):
        found = sessions(Ours(), quieter(shape, 0.015), 0.02, trials, CHAIN, seed)
        null = sessions(Ours(), quieter(shape, 0.02), 0.0, trials, CHAIN, seed)
        texts.append(
            f"{name} noise: 2 % found at sigma 1.5 %: {kept(found):.1%} in {runs(found):.1f} runs; "
            f"null dropped at sigma 2 %: after {runs(null):.1f} runs, kept {kept(null):.2%}"
        )
    return "\n".join(texts)


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
