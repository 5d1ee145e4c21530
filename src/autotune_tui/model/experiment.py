"""The parts of a session's state: segments, experiments that ended, and the one that runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autotune_tui.model.events import (
    Calibration,
    Candidate,
    Config,
    Confirmation,
    Decision,
    Plan,
    Result,
    Sample,
    Validation,
    Veto,
)
from autotune_tui.model.value import Value, frozen, frozen_by_thousands

KEEP = "keep"
VETOED = "vetoed"
"""The status of a keep that a person took back."""
BY_HAND = "by_hand"
"""The reason of a keep that proved no gain and that a person wanted all the same."""
FAILURES = frozenset({"crash", "checks_failed"})


@frozen_by_thousands
class Experiment(Value):
    """An experiment that ended, or a baseline (`baseline` is true and `index` usually 0). Samples are not kept.

    `effect` and `interval` are what the pairs said (see `events`); None where no evidence was recorded.
    """

    index: int
    segment: int
    status: str
    baseline: bool = False
    reason: str = ""
    detail: str = ""
    description: str = ""
    hypothesis: str = ""
    observation: str = ""
    next: str = ""
    asi: Mapping[str, Any] = field(default_factory=dict)
    metric: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    effect: float | None = None
    interval: tuple[float, float] | None = None
    scale: str = "log"
    pairs: int = 0
    weak: bool = False
    strategy: str = ""
    key: str = ""
    target: str = ""
    expected: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """The plan's `data`, which is the agent's own."""
    commit: str = ""
    sha: str = ""
    files: tuple[str, ...] = ()
    folder: str = ""
    seconds: float = 0.0
    phases: tuple[tuple[str, float], ...] = ()
    """The phases it went through and the seconds each took."""
    timestamp: str = ""
    failure: str | None = None
    health: str = ""
    recovery: str | None = None
    mode: str = "optimize"
    environment: str = ""
    incumbent: str = ""
    """The commit that the candidate was made from and measured against."""
    change: str = ""
    """The workspace's key of the diff."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What the inspector said of the change, see `events.Inspection`; each with `by`."""
    confirmations: tuple[Confirmation, ...] = ()
    """What second benchmarks say of it: the holdout, the end-to-end one."""
    rescues: int | None = None
    """The experiment whose change was tried again by a person's wish."""
    by: str = ""
    """Who wished it, and why."""
    why: str = ""
    veto: Veto | None = None
    """Who took this keep back, when and why."""

    @property
    def kept(self) -> bool:
        """Whether it is a keep; an unknown status never is, nor is a baseline."""
        return self.status == KEEP and not self.baseline

    @property
    def failed(self) -> bool:
        return self.status in FAILURES


@dataclass(slots=True)
class CurrentExperiment:
    """What is being done now. Number 0 is work for the segment: its calibration, baseline or validation."""

    number: int
    phase: str = ""
    """The phase that runs, or the last that ended."""
    phase_state: str = ""
    """start or end."""
    phase_started: str = ""
    """Timestamp of the phase's start."""
    started: str = ""
    """Timestamp of the experiment's first record."""
    phases: tuple[tuple[str, float], ...] = ()
    """Phases that ended, with the seconds each took."""
    text: str = ""
    """What the last phase record said."""
    plan: Plan | None = None
    candidate: Candidate | None = None
    """The agent's change, once it is a commit."""
    resumed: bool = False
    """It is about to go on after an interruption."""
    samples: list[Sample] = field(default_factory=list)
    """The samples of the experiment; of a block that was taken again, only the last attempt's."""
    retaken: int = 0
    """Blocks that were taken again because the machine was disturbed."""
    decision: Decision | None = None
    """The last look at the evidence."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What the inspector said of the change so far."""
    confirmations: tuple[Confirmation, ...] = ()


@frozen
class Segment(Value):
    """Experiments that share a baseline."""

    number: int
    config: Config
    baseline: Experiment | None = None
    keeps: int = 0
    last_keep: Experiment | None = None
    calibration: Calibration | None = None
    validation: Validation | None = None
    """The last of the segment."""
    reverted: Veto | None = None
    """The last veto, when no keep has followed it: the branch is at its commit."""

    @property
    def incumbent(self) -> Experiment | None:
        """The last keep, else the baseline."""
        return self.last_keep or self.baseline


def add_sample(samples: list[Sample], sample: Sample) -> bool:
    """Append the sample; the first of a new attempt at the last block removes the earlier attempt, and true is returned."""
    before = len(samples)
    while samples and samples[-1].block == sample.block and samples[-1].attempt < sample.attempt:
        samples.pop()
    retaken = len(samples) < before
    samples.append(sample)
    return retaken


def complete_blocks(samples: Sequence[Sample], size: int = 4) -> list[tuple[Sample, ...]]:
    """The blocks that have all their runs, in order, each in the order the runs were taken; of each, the last attempt."""
    attempts: dict[int, int] = {}
    for sample in samples:
        attempts[sample.block] = max(attempts.get(sample.block, 0), sample.attempt)
    blocks: dict[int, dict[int, Sample]] = {}
    for sample in samples:
        if sample.attempt == attempts[sample.block]:
            blocks.setdefault(sample.block, {})[sample.run] = sample
    return [tuple(block[run] for run in sorted(block)) for _, block in sorted(blocks.items()) if len(block) == size]


def from_result(result: Result, *, index: int, segment: int, baseline: bool, current: CurrentExperiment) -> Experiment:
    """The summary of an experiment: its result, and what its plan and its phases add to it.

    Words that many experiments share are held once: there may be thousands.
    """
    once = sys.intern
    plan = current.plan
    decision = current.decision
    return Experiment(
        index=index,
        segment=segment,
        status=once(result.status),
        baseline=baseline,
        reason=once(result.reason),
        detail=result.detail,
        description=result.description or (plan.description if plan else ""),
        hypothesis=_text(result.asi, "hypothesis") or (plan.hypothesis if plan else ""),
        observation=_text(result.asi, "observation"),
        next=_text(result.asi, "next"),
        asi={once(name): value for name, value in result.asi.items()},
        metric=result.metric,
        metrics={once(name): value for name, value in result.metrics.items()},
        effect=result.effect,
        interval=result.interval,
        scale=once(result.scale),
        pairs=result.pairs,
        weak=decision.weak if decision else False,
        strategy=once(result.strategy or (plan.strategy if plan else "")),
        key=result.key or (plan.key if plan else ""),
        target=plan.target if plan else "",
        expected=plan.expected if plan else None,
        data=plan.data if plan else {},
        commit=result.commit,
        sha=result.sha,
        files=result.files,
        folder=result.folder,
        seconds=result.seconds,
        phases=current.phases,
        timestamp=result.timestamp,
        failure=result.failure,
        health=once(result.health),
        recovery=result.recovery,
        mode=once(result.mode),
        environment=once(result.environment),
        incumbent=once(result.incumbent),
        change=result.change,
        findings=current.findings,
        confirmations=current.confirmations,
        rescues=result.rescues,
        by=result.by,
        why=result.why,
    )


def _text(mapping: Mapping[str, Any], name: str) -> str:
    value = mapping.get(name)
    return value if isinstance(value, str) else ""
