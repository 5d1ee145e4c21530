"""The logs of other tools are read as if they were journals, by the same reader."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.journal.follow import follow
from autotune_tui.journal.foreign import AUTORESEARCH, KARPATHY, PI, find_logs
from autotune_tui.journal.reader import JournalTail, load_state
from autotune_tui.model.leaderboard import best, rank
from autotune_tui.model.state import fold
from autotune_tui.report import final_report, leaderboard

CONFIG = {
    "type": "config",
    "name": "Faster parser",
    "metricName": "parse_µs",
    "metricUnit": "µs",
    "bestDirection": "lower",
}


def run(number: int, metric: float, status: str = "keep", **fields: Any) -> dict[str, Any]:
    row = {"run": number, "commit": f"c{number:06}", "metric": metric, "metrics": {"allocs": 10.0 * number}}
    return {
        **row,
        "status": status,
        "description": f"idea {number}",
        "timestamp": 1773348490227,
        "segment": 0,
        **fields,
    }


def jsonl(path: Path, *records: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return path


def table(path: Path, *rows: str) -> Path:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(row.replace("|", "\t") + "\n" for row in rows)
    return path


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    return jsonl(
        tmp_path / ".auto" / "log.jsonl",
        CONFIG,
        run(1, 3818, description="baseline"),
        {"type": "hook", "stage": "after", "exit_code": 0},
        run(2, 4063, "discard", asi={"hypothesis": "fewer copies", "result": "slower", "next_action_hint": "undo"}),
        run(3, 0, "crash", asi={"rollback_reason": "it no longer parses"}),
        run(4, 3900, "checks_failed"),
        run(5, 3490, confidence=2.5),
    )


def test_a_log_of_pi_autoresearch_shows_metric_runs_and_what_was_learned(pi: Path) -> None:
    """V4: the journals of other tools."""
    state = load_state(pi)
    assert (state.config.metric_name, state.config.metric_unit, state.direction) == ("parse_µs", "µs", "lower")
    assert (state.baseline_value, state.incumbent_value, state.experiment_count) == (3818, 3490, 4)
    discard, crash, checks, keep = state.experiments[1:]
    assert (discard.hypothesis, discard.observation, discard.next) == ("fewer copies", "slower", "undo")
    assert (crash.status, crash.metric, crash.detail) == ("crash", None, "it no longer parses")
    assert (crash.failure, checks.failure, checks.metric) == ("benchmark_crash", "checks_failed", 3900)
    assert (keep.kept, keep.asi["confidence"], keep.metrics) == (True, 2.5, {"allocs": 50.0})
    assert (keep.effect, keep.interval, keep.pairs) == (None, None, 0)
    assert state.experiments[0].timestamp == "2026-03-12T20:48:10.227Z"
    assert state.unknown == 1


def test_each_config_record_of_such_a_log_opens_a_segment_with_a_baseline_of_its_own(pi: Path) -> None:
    jsonl(pi, {**CONFIG, "metricName": "rate", "metricUnit": "", "bestDirection": "higher"})
    jsonl(pi, run(6, 100, segment=1), run(7, 120, segment=1))
    state = load_state(pi)
    assert [segment.number for segment in state.segments] == [1, 2]
    assert (state.direction, state.baseline_value, state.incumbent_value) == ("higher", 100, 120)


def test_an_unknown_status_of_another_tool_is_shown_as_it_is_and_is_no_keep(pi: Path) -> None:
    jsonl(pi, run(6, 1.0, "KEEP!"), run(7, 1.0, "promoted"))
    state = load_state(pi)
    assert [experiment.status for experiment in state.experiments[-2:]] == ["KEEP!", "promoted"]
    assert state.incumbent_value == 3490
    top = best(state)
    assert top is not None and top.metric == 3490
    assert [row.kind for row in rank(state)][-4:-2] == ["other", "other"]


ROWS = (
    "experiment|commit|metric|status|description",
    "0|abc1234|61.0|baseline|baseline",
    "1|abc1235|64.5|keep|cache the fixtures",
    "2|abc1236|63.0|discard|shorter timeouts (no gain)",
    "3|-|0.0|crash|import loop",
    "4|abc1238|70.25|keep|parametrise",
)


def test_a_table_of_autoresearch_says_its_direction_by_what_was_kept(tmp_path: Path) -> None:
    state = load_state(table(tmp_path / "autoresearch-passrate.tsv", *ROWS))
    assert (state.config.metric_name, state.direction) == ("metric", "higher")
    assert (state.baseline_value, state.incumbent_value) == (61.0, 70.25)
    assert [e.status for e in state.experiments] == ["keep", "keep", "discard", "crash", "keep"]
    assert [e.index for e in state.experiments] == [0, 1, 2, 3, 4]
    assert state.experiments[3].metric is None
    assert len(state.segments) == 1


@pytest.mark.parametrize("memory", [True, False])
def test_a_table_of_karpathys_autoresearch_names_its_metric_in_its_heading(tmp_path: Path, memory: bool) -> None:
    rows = ["commit|val_bpb|memory_gb|status|description", "a1b2c3d|0.9979|44.0|keep|baseline"]
    rows += ["b2c3d4e|0.9932|44.2|keep|raise LR", "c3d4e5f|0.000000|0.0|crash|double width"]
    if not memory:
        rows = ["|".join(cell for place, cell in enumerate(row.split("|")) if place != 2) for row in rows]
    state = load_state(table(tmp_path / "results.tsv", *rows))
    assert (state.config.metric_name, state.direction) == ("val_bpb", "lower")
    assert (state.baseline_value, state.incumbent_value) == (0.9979, 0.9932)
    assert state.experiments[0].metrics == ({"memory_gb": 44.0} if memory else {})
    assert (state.experiments[2].index, state.experiments[2].metric) == (3, None)


def test_a_growing_table_is_said_again_when_its_direction_turns_out_to_be_the_other(tmp_path: Path) -> None:
    tail = JournalTail(table(tmp_path / "autoresearch-x.tsv", *ROWS[:2]))
    state = fold(tail.read())
    assert (tail.tool, tail.restarted, state.direction) == (AUTORESEARCH, False, "lower")
    table(tail.path, *ROWS[2:])
    state = fold(tail.read())
    assert (tail.restarted, state.direction, state.incumbent_value) == (True, "higher", 70.25)
    table(tail.path, "5|abc1239|71.0|keep|more")
    state = fold(tail.read(), state)
    assert (tail.restarted, len(state.segments), state.incumbent_value) == (False, 1, 71.0)


def test_lines_of_such_logs_that_cannot_be_read_are_counted_and_not_fatal(tmp_path: Path, pi: Path) -> None:
    with pi.open("ab") as file:
        file.write(
            b"not json \xff\n" + b'{"run": 6, "metric": NaN, "status": "discard", "timestamp": 1e300}\n{"run": 7'
        )
    tail = JournalTail(pi)
    state = fold(tail.read())
    assert (tail.tool, tail.unreadable, state.unreadable) == (PI, 1, 1)
    assert (state.experiments[-1].index, state.experiments[-1].metric) == (6, None)
    path = table(
        tmp_path / "results.tsv", "commit|val_bpb|memory_gb|status|description", "a|1.0|1|keep|b", "torn", "a|x"
    )
    tail = JournalTail(path)
    state = fold(tail.read())
    assert (tail.tool, tail.unreadable, state.experiment_count) == (KARPATHY, 2, 0)


async def test_following_such_a_log_says_whose_it_is_and_brings_what_is_added(pi: Path) -> None:
    """V4: --watch on the journal of another tool."""
    batches = follow(pi, poll=True)
    first = await anext(batches)
    assert (first.tool, len(first.records)) == (PI, 7)
    jsonl(pi, run(6, 3300))
    second = await anext(batches)
    assert [getattr(record, "metric", None) for record in second.records] == [3300]
    await batches.aclose()


def test_a_log_that_is_replaced_by_one_of_another_kind_is_read_afresh(pi: Path) -> None:
    tail = JournalTail(pi)
    tail.read()
    pi.unlink()
    table(pi, *ROWS)
    state = fold(tail.read())
    assert (tail.tool, tail.restarted, state.incumbent_value) == (AUTORESEARCH, True, 70.25)


def test_reports_are_made_of_such_logs_and_claim_nothing_that_was_not_measured_again(pi: Path) -> None:
    """V5: the report of another tool's journal."""
    state = load_state(pi)
    assert "No confirmed improvement: 1 keep, not measured again against the baseline." in final_report(state)
    assert "3,490" in leaderboard(state)


def test_the_logs_of_a_folder_are_found_the_latest_first(tmp_path: Path, pi: Path) -> None:
    older = table(tmp_path / "results.tsv", "commit|val_bpb|memory_gb|status|description")
    os.utime(older, ns=(0, 0))
    assert find_logs(tmp_path) == [pi, older]
    assert find_logs(tmp_path / "missing") == []
