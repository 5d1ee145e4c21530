"""The samples of one experiment, from where they can be had, and what they say together. No widgets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from autotune_tui.journal.reader import JournalTail
from autotune_tui.model import format as fmt
from autotune_tui.model.events import Sample
from autotune_tui.model.experiment import add_sample
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.details.subject import Subject

Side = Literal["incumbent", "candidate"]
SIDES: tuple[Side, Side] = ("incumbent", "candidate")


@frozen
class Run(Value):
    """One sample, in the metric's unit."""

    side: Side
    value: float
    disturbed: bool = False


@frozen
class SamplesView(Value):
    """What the samples tab shows."""

    number: int
    runs: tuple[Run, ...]
    """In the order in which they were taken."""
    name: str = ""
    unit: str = ""
    direction: str = "lower"
    scale: str = "log"
    effect: float | None = None
    interval: tuple[float, float] | None = None
    pairs: int = 0
    weak: bool = False
    retaken: int = 0
    """Blocks that were taken again, which are not among the runs."""
    metrics: tuple[tuple[str, float], ...] = ()
    """Other metrics of the candidate."""
    confirmations: tuple[str, ...] = ()
    """What second benchmarks said, in words."""
    empty: str = ""
    """Why there are no runs."""

    def values(self, side: Side) -> list[float]:
        return [run.value for run in self.runs if run.side == side]

    def level(self, side: Side) -> float | None:
        """The mean of the side's better half, which is what it is judged by."""
        values = sorted(self.values(side), reverse=self.direction == "higher")
        half = values[: math.ceil(len(values) / 2)]
        return math.fsum(half) / len(half) if half else None


def samples_view(subject: Subject, runs: Sequence[Run], retaken: int = 0) -> SamplesView:
    """The view of an experiment whose runs were found."""
    ended, running = subject.ended, subject.running
    decision = running.decision if running else None
    about = ended or decision
    segment = subject.segment
    calibration = segment.calibration if segment else None
    return SamplesView(
        number=subject.number,
        runs=tuple(runs),
        name=segment.config.metric_name if segment else "",
        unit=subject.unit,
        direction=subject.direction,
        scale=about.scale if about else calibration.scale if calibration else "log",
        effect=about.effect if about else None,
        interval=about.interval if about else None,
        pairs=about.pairs if about else 0,
        weak=about.weak if about else False,
        retaken=running.retaken if running else retaken,
        metrics=tuple(ended.metrics.items()) if ended and not ended.baseline else (),
        confirmations=tuple(map(fmt.confirmation, ended.confirmations)) if ended else (),
        empty="" if runs else _why_empty(subject),
    )


def find_runs(
    subject: Subject, journal: Path | None, calibration: Sequence[Sample] = ()
) -> tuple[tuple[Run, ...], int]:
    """The runs and the number of blocks that were taken again, from the state, the artifact or the journal.

    Reads files, a long journal for as long as a second, so it is to be called in a thread. Raises JournalError.
    """
    if subject.running is not None:
        return from_records(subject.running.samples), subject.running.retaken
    if subject.ended is not None and subject.ended.baseline:
        return from_records(calibration), 0
    if subject.folder is not None:
        runs = from_text(subject.folder / "result.txt")
        if runs:
            return runs, 0
    return from_journal(journal, subject.number) if journal is not None else ((), 0)


def from_records(samples: Iterable[Sample]) -> tuple[Run, ...]:
    """The samples that have a value and a side."""
    return tuple(
        Run("candidate" if sample.side == "candidate" else "incumbent", sample.value, bool(sample.flags))
        for sample in samples
        if sample.value is not None and sample.side in SIDES
    )


def from_text(path: Path) -> tuple[Run, ...]:
    """The runs of result.txt: a heading, then side and value of each."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    runs: list[Run] = []
    for line in lines[1:]:
        side, _, text = line.partition("\t")
        value = _number(text)
        if side in SIDES and value is not None:
            runs.append(Run("candidate" if side == "candidate" else "incumbent", value))
    return tuple(runs)


def from_journal(path: Path, number: int) -> tuple[tuple[Run, ...], int]:
    """The runs of the experiment's last start that the journal holds."""
    kept: list[Sample] = []
    retaken = 0
    for record in JournalTail(path).stream():
        if isinstance(record, Sample) and record.experiment == number and record.purpose == "experiment":
            if record.block == record.run == record.attempt == 0:
                kept, retaken = [], 0  # it was begun again after a restart
            retaken += add_sample(kept, record)
    return from_records(kept), retaken


def _why_empty(subject: Subject) -> str:
    if subject.running is not None:
        return "The samples of both sides appear here as they are taken, once the change is made and its checks pass."
    if subject.ended is not None and subject.ended.baseline:
        return "The runs of the calibration would stand here; the journal of this segment keeps none."
    if subject.ended is not None and not subject.ended.phases and subject.ended.metric is not None:
        return "No samples were recorded: this journal holds one value for each experiment, and no pairs."
    return "It ended before anything was measured. Else the samples of both sides would stand here, in their order."


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
