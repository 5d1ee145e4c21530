"""The number that was read is found with its place, so that a screen can mark it in the output (S3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from autotune_tui import reading
from autotune_tui.config import Metric
from autotune_tui.errors import MeasureError
from autotune_tui.text import without_escapes


@dataclass(frozen=True)
class Output:
    stdout: str = ""
    tail: str = ""
    left_out: int = 0
    wall: float = 0.5
    cpu: float = 0.25
    peak_rss: int = 50 * 2**20
    rss_floor: int = 0


@pytest.mark.parametrize(
    ("fields", "text", "marked"),
    [
        ({"source": "metric_line"}, "a\nMETRIC rate=12.5 rows/s\nb", "METRIC rate=[12.5] rows/s"),
        ({"source": "metric_line"}, "METRIC rate=7\nMETRIC rate=7.0", "METRIC rate=[7]"),
        ({"source": "metric_line"}, "12 %\r\x1b[32mMETRIC rate=\x1b[1m7\x1b[0m\r\n", "12 %\rMETRIC rate=[7]\r"),
        ({"source": "metric_line"}, "\x1b]0;never ended\nMETRIC rate=7\n", "METRIC rate=[7]"),
        ({"source": "regex", "pattern": r"took (\S+) s"}, "x\ntook 1.5 s", "took [1.5] s"),
        ({"source": "regex", "pattern": r"(\w+) (?P<value>\S+) s"}, "took 1.5 s", "took [1.5] s"),
        ({"source": "line", "line": -1}, "x\n  12.5 ms\n\n", "  [12.5] ms"),
        ({"source": "line", "line": 1}, "7\n7", "[7]"),
        ({"source": "json", "path": "$.a"}, '{"a": 1, "a": 3}', '{"a": 1, "a": [3]}'),
        ({"source": "json", "path": "$.r[1].mean"}, '{"r": [{"mean": 1}, {"x": "]},", "mean" : 2.5e3}]}',
         '{"r": [{"mean": 1}, {"x": "]},", "mean" : [2.5e3]}]}'),
        ({"source": "json", "path": "$['ä \\u2028']"}, 'go\n{"b": [], "\\u00e4 \\u2028": 4}\n',
         '{"b": [], "\\u00e4 \\u2028": [4]}'),
        ({"source": "json", "path": "$"}, " 17 ", " [17] "),
    ],
)  # fmt: skip
def test_the_place_of_the_number_is_told(fields: dict[str, Any], text: str, marked: str) -> None:
    output = Output(stdout=text)
    plain = without_escapes(text)
    found = reading.find(Metric(name="rate", **fields), output, plain)
    shown = f"{plain[: found.start]}[{plain[found.start : found.end]}]{plain[found.end :]}"
    assert marked in shown.split("\n")
    assert float(plain[found.start : found.end]) == found.value


def test_a_figure_of_the_harness_has_no_place() -> None:
    assert reading.find(Metric(unit="ms"), Output()) == reading.Found(500.0)


def test_of_two_values_for_one_metric_none_counts() -> None:
    with pytest.raises(MeasureError, match="two different values, 1 and 2"):
        reading.find(Metric(name="rate", source="metric_line"), Output(stdout="METRIC rate=1\nMETRIC rate=2"))
