"""Readers that know only the two shared record types show our sessions right.

The reader below was written for this test from the description of the two types alone. It counts segments by their `config`
records and takes the first `result` of a segment for its baseline, as the `autotune` tool's readers do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.journal.reader import load_state
from autotune_tui.model.events import Record
from autotune_tui.model.health import state_file
from autotune_tui.model.leaderboard import best
from journal_sessions import experiment, keep, opening, segment, typical, validated, write


@dataclass
class Shown:
    """What a dashboard shows of the last segment."""

    name: str
    metric: str
    unit: str
    direction: str
    segments: int
    baseline: float
    best: float
    best_commit: str
    statuses: list[str]
    rows: list[tuple[int, str, float | None, str]] = field(default_factory=list)
    no_improvement: int = 0
    failures: int = 0


def show(path: Path) -> Shown:
    config: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    segments = 0
    with path.open() as file:
        for line in file:
            record = json.loads(line)
            if record["type"] == "config":
                config, results = record, []
                segments += 1
            elif record["type"] == "result":
                results.append(record)
    sign = 1 if config["direction"] == "lower" else -1
    kept = [result for result in results if result["status"] == "keep"]
    top = min(kept, key=lambda result: sign * result["metric"])
    shown = Shown(
        name=config["name"],
        metric=config["metric_name"],
        unit=config["metric_unit"],
        direction=config["direction"],
        segments=segments,
        baseline=results[0]["metric"],
        best=top["metric"],
        best_commit=top["commit"][:7],
        statuses=[result["status"] for result in results],
    )
    for result in results:
        shown.rows.append((result["index"], result["commit"][:7], result["metric"], result["description"][:40]))
        if result["status"] == "keep":
            shown.no_improvement = shown.failures = 0
        else:
            shown.no_improvement += 1
            shown.failures = shown.failures + 1 if result["status"] in ("crash", "checks_failed") else 0
    return shown


TWO_SEGMENTS = [
    *opening(),
    *keep(1, 1.4, -0.2),
    *validated(-0.2, 1),
    *segment(2, baseline=1.41),
    *keep(2, 1.2, -0.15, segment=2),
]
RATES = [*opening("higher", 200.0, 100.0), *keep(1, 150.0, 0.5), *keep(2, 140.0, 0.1), *experiment(3, metric=500.0)]
FAILING = [*opening(), *experiment(1), *experiment(2, "crash", None), *experiment(3, "checks_failed", None)]


@pytest.mark.parametrize(
    "records", [typical(), TWO_SEGMENTS, RATES, FAILING], ids=["typical", "segments", "rates", "failing"]
)
def test_a_reader_of_the_two_shared_types_shows_the_session_as_we_do(tmp_path: Path, records: list[Record]) -> None:
    """V4, V8: other tools read what we write."""
    path = tmp_path / "autotune.jsonl"
    write(path, records)
    shown, state = show(path), load_state(path)
    ours = [e for e in state.experiments if e.segment == state.segment_number]
    top = best(state)
    assert top is not None
    assert (shown.name, shown.unit, shown.direction) == (state.config.name, state.config.metric_unit, state.direction)
    assert (shown.metric, shown.segments) == (state.config.metric_name, len(state.segments))
    assert (shown.baseline, shown.best, shown.best_commit) == (state.baseline_value, top.metric, top.commit[:7])
    assert shown.statuses == [e.status for e in ours]
    assert shown.rows == [(e.index, e.commit[:7], e.metric, e.description) for e in ours]


def test_such_a_reader_counts_the_streaks_that_our_state_file_says(tmp_path: Path) -> None:
    path = tmp_path / "autotune.jsonl"
    write(path, FAILING)
    shown, content = show(path), state_file(load_state(path))
    assert (shown.no_improvement, shown.failures) == (content["no_improve"], content["crash_streak"]) == (3, 2)


def test_a_reader_that_waits_for_the_first_result_of_a_segment_finds_the_baseline(tmp_path: Path) -> None:
    path = tmp_path / "autotune.jsonl"
    write(path, TWO_SEGMENTS)
    shown = show(path)
    assert (shown.segments, shown.baseline, shown.best) == (2, 1.41, 1.2)
    assert shown.statuses == ["keep", "keep"]
