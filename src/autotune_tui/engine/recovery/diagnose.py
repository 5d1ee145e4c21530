"""The playbook that finds out what is at fault: the changes, the code that was kept, or the machine.

Benchmark and checks run on the incumbent alone. Where they fail, they run in the same way on the segment's first commit,
which worked when the segment began: if it still does, the code is at fault, else what is around it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.engine.core import Engine
from autotune_tui.engine.ready import prepare_both, verify_unchanged
from autotune_tui.engine.recovery.base import Found, nothing
from autotune_tui.engine.sampling import SampleFailed, Sampler, derived_seed
from autotune_tui.engine.signs import unsteady
from autotune_tui.errors import EngineError
from autotune_tui.measure.environment import command_environment, difference, parse, snapshot
from autotune_tui.measure.executors.base import argv_of
from autotune_tui.model.experiment import FAILURES
from autotune_tui.model.format import count, one_line
from autotune_tui.model.health import Failure

RUNS = 6
SURE = 2
"""After so many failures and no success, no further run is needed."""
MOST_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """What happened when benchmark and checks ran on one commit alone."""

    runs: int = 0
    failed: int = 0
    why: str = ""
    """The last failure, in words."""
    unsteady: str = ""
    """How much more the runs vary than they did when the segment began; empty when they do not."""

    @property
    def state(self) -> str:
        """works, fails, or flaky: some runs fail, or they vary far more than they did."""
        if self.failed:
            return "flaky" if self.failed < self.runs else "fails"
        return "flaky" if self.unsteady else "works"

    @property
    def text(self) -> str:
        if self.failed:
            how = f"in {self.failed} of {self.runs} runs" if self.failed < self.runs else "each time"
            return f"fails {how}: {self.why}"
        return self.unsteady or f"works in {count(self.runs, 'run')}"


async def diagnose(engine: Engine, failure: Failure | None) -> Found:
    """Which of them it is, and what follows: a repair of the changes, a repair of the code, or a pause."""
    if failure == "plateau":
        return nothing("experiments run as they should; they only gain nothing")
    tip, first = engine.workspace.tip(), engine.state.baseline_sha
    log = engine.folder.baseline / "diagnose.log"
    noise = failure == "flaky_benchmark"
    now = await try_alone(engine, tip, log, noise=noise)
    before = None
    if now.state != "works" and first != tip:
        before = await try_alone(engine, first, log, noise=noise)
        await prepare_both(engine, tip, log)
    changed = await asyncio.to_thread(what_changed, engine)
    failures = [one_line(e.detail or e.reason, 200) for e in engine.state.experiments if e.status in FAILURES]
    return conclusion(now, before, changed, failures[-1] if failures else "", first)


async def try_alone(engine: Engine, commit: str, log: Path, *, noise: bool) -> Trial:
    """Build, checks and some runs of the benchmark on one commit, as an experiment would run them."""
    try:
        await prepare_both(engine, commit, log)
        await verify_unchanged(engine, log)
    except EngineError as error:
        return Trial(1, 1, one_line(f"{error.title}: {error.message}", 300))
    calibration = engine.state.calibration
    limit = calibration.timeout if calibration else engine.config.benchmark.timeout
    sampler = Sampler(engine, "diagnose", 0, log, limit, calibration.repeat if calibration else 1)
    values: list[float] = []
    failed, why = 0, ""
    began = time.monotonic()
    while (run := failed + len(values)) < RUNS and not (failed >= SURE and not values):
        if run >= SURE and time.monotonic() - began > engine.config.decision.time:
            break
        try:
            taken = await sampler.take(
                "incumbent", seed=derived_seed(engine.seed, "diagnose", commit, run), discard=True
            )
        except SampleFailed as problem:
            failed, why = failed + 1, one_line(problem.detail, 300)
        else:
            values.append(taken.value)
    varies = unsteady(values, calibration) if noise and calibration and not failed else ""
    return Trial(failed + len(values), failed, why, varies)


def what_changed(engine: Engine) -> list[str]:
    """How the machine differs from what the baseline was measured under, a sentence each."""
    record = engine.folder.baseline / "env-snapshot.txt"
    if not record.is_file():
        return []
    benchmark = engine.config.benchmark
    env = command_environment(benchmark.env, passed=engine.config.sandbox.passed)
    now = snapshot(engine.workspace.root, argv_of(benchmark.command), env)
    return difference(parse(record.read_text(encoding="utf-8")), now)


def conclusion(now: Trial, before: Trial | None, changed: Sequence[str], last_failure: str, first: str) -> Found:
    """What is at fault. `before`: the segment's first commit, None where that is the incumbent itself."""
    machine = environment_words(changed)
    if now.state == "works":
        last = f" the last one: {last_failure}" if last_failure else ""
        text = f"the incumbent {now.text}, alone; {machine}; the changes are at fault;{last}".rstrip(";")
        return Found(text, repair="candidates")
    if before is not None and before.state == "works":
        text = (
            f"the code is at fault: the incumbent {now.text}; the segment's first commit {first[:10]} {before.text} under the "
            "same conditions, so a keep since then broke it"
        )
        return Found(text, repair="code", base=first)
    same = f"; the segment's first commit {before.text}, too" if before is not None else ""
    thing = (
        "the benchmark comes and goes by itself" if now.state == "flaky" else "the machine is at fault, not the code"
    )
    text = f"{thing}: the incumbent, which worked when the segment began, {now.text}{same}; {machine}"
    if not now.failed:
        return Found(f"{text}; a new segment would know the new noise")
    return Found(text, pause=f"{text}. Mend that, then go on; rebaseline if figures have changed by it.")


def environment_words(changed: Sequence[str]) -> str:
    """The differences as one phrase."""
    if not changed:
        return "nothing that is recorded of the machine has changed since the baseline"
    more = f" and {len(changed) - MOST_CHANGES} more" if len(changed) > MOST_CHANGES else ""
    return f"changed since the baseline: {', '.join(changed[:MOST_CHANGES])}{more}"
