"""Sessions to test with: records as an engine writes them, and the clock that stamps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import (
    Calibration,
    Config,
    Decision,
    Health,
    Note,
    Phase,
    Plan,
    Record,
    Result,
    Sample,
    Session,
    Usage,
    Validation,
)

IDENTITY = {"pid": 1, "started": 2, "boot_id": "b", "host": "h"}


def clock(step: float = 1.0) -> Callable[[], datetime]:
    """A clock that advances by `step` seconds each time it is read, from 2026-04-04T10:00:00Z."""
    moment = datetime(2026, 4, 4, 10, tzinfo=UTC) - timedelta(seconds=step)

    def now() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=step)
        return moment

    return now


def write(path: Path, records: Iterable[Record]) -> list[Record]:
    """Write the records to a journal; returns them as written."""
    with JournalWriter(path, now=clock()) as writer:
        return [writer.append(record) for record in records]


def opening(direction: str = "lower", target: float | None = 0.5, baseline: float = 1.84) -> list[Record]:
    """Session, segment, calibration and baseline."""
    return [
        Session(
            id="001-import-speed",
            goal="Import a day of events in under a second",
            repo="importer",
            branch="autotune/001-import-speed",
            base_commit="b" * 40,
            agent="offline",
            engine=IDENTITY,
        ),
        *segment(1, direction, target, baseline),
    ]


def segment(number: int, direction: str = "lower", target: float | None = 0.5, baseline: float = 1.84) -> list[Record]:
    return [
        Config(
            name="001-import-speed",
            metric_name="time" if direction == "lower" else "rate",
            metric_unit="s" if direction == "lower" else "rows/s",
            direction=direction,
            segment=number,
            objective={"primaryMetric": "time", "direction": direction},
            budget={"maxIterations": 50},
            health={"maxNoImprovementRuns": 5, "maxCrashStreak": 2},
            recovery={"playbooks": ["reset_worktree", "rebaseline", "pause"], "maxHealingAttempts": 3},
            baseline_commit="b" * 40,
            target=target,
            threshold="1%",
            command="python bench.py",
            scope={"include": ["src/**"], "exclude": []},
        ),
        Phase(phase="calibrate"),
        *[
            Sample(purpose="calibration", block=block, run=run, side="incumbent", value=baseline, seed=block)
            for block in range(2)
            for run in range(4)
        ],
        Calibration(segment=number, pairs=4, sigma=0.018, detectable=0.013, seconds=baseline),
        Phase(phase="calibrate", state="end", seconds=12.0),
        Result(
            index=0,
            commit="bbbbbbb",
            sha="b" * 40,
            metric=baseline,
            status="keep",
            description="baseline",
            segment=number,
            metrics={"wall_time": baseline},
            reason="baseline",
            health="running",
        ),
    ]


def experiment(
    number: int,
    status: str = "discard",
    metric: float | None = 1.9,
    *,
    reason: str = "no_improvement",
    segment: int = 1,
    effect: float | None = 0.01,
    description: str = "Hold the rows in a set",
    blocks: int = 2,
) -> list[Record]:
    """One experiment from its first phase to its result."""
    measured = metric is not None
    commit = f"{number:x}".rjust(7, "c")
    middle: Sequence[Record] = [
        Phase(experiment=number, phase="measure"),
        *[
            Sample(
                experiment=number,
                block=block,
                run=run,
                side="candidate" if run % 2 else "incumbent",
                value=metric,
                metrics={"wall_time": metric or 0.0},
                seed=number,
            )
            for block in range(blocks)
            for run in range(4)
        ],
        Decision(experiment=number, pairs=2 * blocks, effect=effect or 0.0, interval=(-0.02, 0.03)),
        Phase(experiment=number, phase="measure", state="end", seconds=20.0),
    ]
    return [
        Phase(experiment=number, phase="sync"),
        Phase(experiment=number, phase="sync", state="end", seconds=0.1),
        Plan(
            experiment=number,
            agent="offline",
            description=description,
            hypothesis="Membership should improve time because lists are searched",
            strategy="rewrite:list-to-set",
            key=f"key-{number}",
            data={"site": number},
        ),
        *(middle if measured else []),
        Result(
            index=number,
            commit=commit,
            sha=commit * 5,
            metric=metric,
            status=status,
            description=description,
            segment=segment,
            metrics={"wall_time": metric} if metric else {},
            asi={"hypothesis": "", "observation": f"seen {number}", "next": f"try {number + 1}"},
            failure={"crash": "benchmark_crash", "checks_failed": "checks_failed"}.get(status),
            reason="improved" if status == "keep" else reason,
            health="improving" if status == "keep" else "running",
            files=("src/rows.py",),
            effect=effect if measured else None,
            interval=(effect - 0.02, effect + 0.02) if measured and effect is not None else None,
            pairs=2 * blocks if measured else 0,
            seconds=30.0,
        ),
    ]


def keep(
    number: int, metric: float, effect: float, *, segment: int = 1, description: str = "Cache rows"
) -> list[Record]:
    """A keep with its synced intent before the result."""
    records = experiment(number, "keep", metric, segment=segment, effect=effect, description=description)
    intent = Decision(experiment=number, state="keep", effect=effect, from_commit="b" * 40, to_commit="c" * 40)
    return [*records[:-1], intent, records[-1]]


def validated(effect: float, keeps: int, *, segment: int = 1, confirmed: bool = True) -> list[Record]:
    return [
        Phase(phase="validate"),
        *[
            Sample(purpose="validation", block=b, run=r, side="incumbent", value=1.84)
            for b in range(2)
            for r in range(4)
        ],
        Validation(
            segment=segment,
            from_commit="b" * 40,
            to_commit="c" * 40,
            keeps=keeps,
            pairs=40,
            effect=effect,
            interval=(effect - 0.011, effect + 0.012),
            confirmed=confirmed,
            before=1.84,
            after=1.84 * (1 + effect),
        ),
    ]


def typical() -> list[Record]:
    """Two keeps, a discard, a crash, failed checks, a validation and the end."""
    return [
        *opening(),
        *keep(1, 1.402, -0.238, description="Read in blocks"),
        *experiment(2, description="Bind locals | <b>twice</b>"),
        *experiment(3, "crash", None, reason="agent_failed", effect=None),
        Usage(experiment=3, agent="claude", input_tokens=1200, output_tokens=300, usd=0.04),
        *experiment(4, "checks_failed", None, reason="checks", effect=None),
        Health(
            experiment=4, health="crashing", previous="running", reason="2 failures in a row", failure="checks_failed"
        ),
        Health(
            experiment=4,
            health="healing",
            previous="crashing",
            reason="2 failures in a row",
            recovery="reset_worktree",
            heals=1,
            failure="checks_failed",
        ),
        Note(text="both worktrees were made afresh"),
        Health(experiment=4, health="running", previous="healing", reason="the worktrees are new", heals=1),
        *keep(5, 0.61, -0.565, description="Compile the pattern once"),
        *validated(-0.667, 2),
        Session(event="end", outcome="completed", reason="the agent has nothing left to propose"),
    ]
