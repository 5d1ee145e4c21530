"""Reads the logs of other tools as if they were journals: their lines become `config` and `result` records.

pi-autoresearch          autoresearch.jsonl or .auto/log.jsonl: JSON lines; rows have a `run` and no `type`
autoresearch             a table: experiment, commit, metric, status, description
karpathy's autoresearch  a table: commit, val_bpb (or another metric), memory_gb, status, description

These tools take one sample of each experiment and record no evidence, so effect and interval stay unknown. A status is
taken over as it is: only "keep" is a keep. The journal of the `autotune` tool needs no translation (see `events`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from autotune_tui.model.events import Config, Record, Result, Unreadable, from_record
from autotune_tui.model.value import Value, frozen

PI = "pi-autoresearch"
AUTORESEARCH = "autoresearch"
KARPATHY = "karpathy's autoresearch"

_FAILURES = {"crash": "benchmark_crash", "checks_failed": "checks_failed"}
_OTHER_COLUMNS = frozenset({"experiment", "commit", "status", "description", "memory_gb"})
_DESCRIBES = {"observation": "result", "next": "next_action_hint"}
"""What `asi` calls it here, and there."""


@frozen
class Translated(Value):
    """Records of some lines. With `again`, they are those of all lines so far: what was said before was wrong."""

    records: tuple[Record, ...]
    unreadable: int = 0
    again: bool = False


class Translator(Protocol):
    """Makes records of one tool's lines, which it gets in order and without their ends."""

    tool: str

    def translate(self, lines: Sequence[bytes]) -> Translated: ...


def recognise(line: bytes) -> Translator | None:
    """The translator for a log that begins with `line`; None when it is no log of another tool that we know."""
    if line.lstrip().startswith(b"{"):
        record = _object(line)
        if record is None or not ("metricName" in record or ("run" in record and "type" not in record)):
            return None
        return _PiLog()
    columns = _names(line.decode("utf-8-sig", "replace"))
    if not {"commit", "status"} <= set(columns) or _metric_column(columns) is None:
        return None
    return _Table(AUTORESEARCH if "experiment" in columns else KARPATHY)


def find_logs(folder: Path) -> list[Path]:
    """The logs of other tools in a folder, the one that was written last first."""
    names = ("autotune.jsonl", "autoresearch.jsonl", ".auto/log.jsonl", "results.tsv")
    found = [path for path in (*(folder / name for name in names), *folder.glob("autoresearch*.tsv")) if path.is_file()]
    return sorted(found, key=lambda path: (-path.stat().st_mtime_ns, path.name))


class _PiLog:
    tool = PI

    def translate(self, lines: Sequence[bytes]) -> Translated:
        records: list[Record] = []
        unreadable = 0
        for line in lines:
            record = _object(line)
            if record is None:
                unreadable += 1
                records.append(_unreadable(line))
            elif record.get("type") == "config":
                records.append(_pi_config(record))
            elif "run" in record:
                records.append(_pi_result(record))
            else:
                records.append(from_record(record))
        return Translated(tuple(records), unreadable)


def _pi_config(record: Mapping[str, Any]) -> Record:
    direction = "higher" if record.get("bestDirection") == "higher" else "lower"
    name = record.get("metricName")
    return from_record(
        {
            "type": "config",
            "timestamp": _time(record.get("timestamp")),
            "name": record.get("name"),
            "metric_name": name,
            "metric_unit": record.get("metricUnit"),
            "direction": direction,
            "objective": {"primaryMetric": name, "direction": direction},
        }
    )


def _pi_result(record: Mapping[str, Any]) -> Record:
    asi = record.get("asi")
    said = dict(asi) if isinstance(asi, dict) else {}
    for ours, theirs in _DESCRIBES.items():
        said.setdefault(ours, said.get(theirs, ""))
    if record.get("confidence") is not None:
        said["confidence"] = record["confidence"]
    status = record.get("status")
    values = {
        **record,
        "type": "result",
        "index": record.get("run"),
        "timestamp": _time(record.get("timestamp")),
        "metric": _measured(record.get("metric"), status),
        "failure": _FAILURES.get(status) if isinstance(status, str) else None,
        "detail": said.get("rollback_reason", ""),
        "asi": said,
    }
    values.pop("segment", None)  # theirs count from 0; ours follow from the `config` records
    return from_record(values)


class _Table:
    """A table with a heading and a line for each experiment.

    The direction is not in the file. It is what most of the kept rows say, since each should be better than the one
    before; when new rows change that, everything is said again.
    """

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self._columns: tuple[str, ...] = ()
        self._direction = ""
        """As it was said; empty before that."""
        self._rows: list[Record] = []
        self._last_kept: float | None = None
        self._rises = 0
        """Kept rows that are higher than the one before, less those that are lower."""

    def translate(self, lines: Sequence[bytes]) -> Translated:
        texts = [line.decode("utf-8-sig", "replace") for line in lines]
        if not self._columns and texts:
            self._columns = _names(texts.pop(0))
        rows = [self._row(text, number) for number, text in enumerate(texts, len(self._rows) + 1)]
        self._rows += rows
        unreadable = sum(isinstance(row, Unreadable) for row in rows)
        direction = "higher" if self._rises > 0 else "lower"
        if direction == self._direction:
            return Translated(tuple(rows), unreadable)
        again, self._direction = self._direction != "", direction
        return Translated((self._config(), *self._rows), unreadable, again)

    def _config(self) -> Record:
        name = self._columns[_metric_column(self._columns) or 0]
        objective = {"primaryMetric": name, "direction": self._direction}
        return Config(name=self.tool, metric_name=name, direction=self._direction, objective=objective)

    def _row(self, text: str, place: int) -> Record:
        cells = dict(zip(self._columns, (cell.strip() for cell in text.split("\t")), strict=False))
        status = cells.get("status", "")
        value = _number(cells.get(self._columns[_metric_column(self._columns) or 0], ""))
        number = _number(cells.get("experiment", ""))
        if not status:
            return Unreadable(text=text[:200])
        if status == "baseline":
            status, cells["description"] = "keep", cells.get("description") or "baseline"
        measured = _measured(value, status)
        if status == "keep" and measured is not None:
            if self._last_kept is not None:
                self._rises += (measured > self._last_kept) - (measured < self._last_kept)
            self._last_kept = measured
        memory = _number(cells.get("memory_gb", ""))
        return Result(
            index=place if number is None else int(number),
            commit=cells.get("commit", ""),
            metric=measured,
            status=status,
            description=cells.get("description", ""),
            metrics={} if not memory else {"memory_gb": memory},
            failure=_FAILURES.get(status),
        )


def _metric_column(columns: Sequence[str]) -> int | None:
    """Where the metric stands: the first column that is none of the known others."""
    return next((place for place, name in enumerate(columns) if name and name not in _OTHER_COLUMNS), None)


def _names(heading: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in heading.split("\t"))


def _measured(value: Any, status: Any) -> float | None:
    """The metric; these tools write 0 for an experiment that failed before it gave one."""
    if type(value) not in (int, float) or not math.isfinite(value) or (status in _FAILURES and value == 0):
        return None
    return float(value)


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _time(value: Any) -> str:
    """A timestamp of ours from one in text, or in milliseconds since 1970."""
    if isinstance(value, str):
        return value
    if type(value) not in (int, float):
        return ""
    try:
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return ""


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _unreadable(line: bytes) -> Unreadable:
    return Unreadable(text=line[:800].decode(errors="replace")[:200])
