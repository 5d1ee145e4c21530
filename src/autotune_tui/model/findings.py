"""What the inspector found, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from autotune_tui.model.format import one_line

_SEVERITIES = ("block", "warn", "info")


def words(finding: Mapping[str, Any]) -> str:
    """A finding on one line: `warn: cache: src/rows.py:12: remembers the results of row`. The journal may hold anything."""
    path, line = _text(finding, "path"), finding.get("line")
    place = f"{path}:{line}" if path and isinstance(line, int) and line > 0 else path
    by_model = finding.get("by") == "model"
    rule = _text(finding, "rule") if not by_model else ""  # the model knows no rules
    parts = (_text(finding, "severity"), rule, place, _text(finding, "text"))
    model = " (said by the model)" if by_model else ""
    return f"{one_line(': '.join(part for part in parts if part), 400)}{model}"


def tally(findings: Iterable[Mapping[str, Any]]) -> str:
    """How many there are of each severity: `1 block, 2 warn`; empty when there are none."""
    counts = Counter(_text(finding, "severity") for finding in findings)
    return ", ".join(f"{counts[severity]} {severity}" for severity in _SEVERITIES if counts[severity])


def _text(finding: Mapping[str, Any], name: str) -> str:
    value = finding.get(name)
    return value if isinstance(value, str) else ""
