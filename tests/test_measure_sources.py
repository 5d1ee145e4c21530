"""A metric is read from exactly one place, and what cannot be a number is refused in words."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.config import Metric
from autotune_tui.errors import MeasureError
from autotune_tui.measure import instructions, sources
from autotune_tui.measure.executors.base import Command, Run
from autotune_tui.measure.executors.local import LocalExecutor

HERE = Path("/")


def a_run(stdout: str = "", **fields: Any) -> Run:
    figures: dict[str, Any] = {
        "exit": 0, "signal": None, "timed_out": False, "wall": 0.5, "cpu": 0.25, "peak_rss": 2**20 * 50,
        "stdout": stdout, "tail": stdout[-200:],
    } | fields  # fmt: skip
    return Run(**figures)


@pytest.mark.parametrize(
    ("source", "unit", "value"),
    [
        ("wall_time", "s", 0.5),
        ("wall_time", "ms", 500.0),
        ("wall_time", "laps", 0.5),
        ("cpu_time", "us", 250_000.0),
        ("peak_rss", "MiB", 50.0),
        ("peak_rss", "B", 50 * 2**20),
        ("peak_rss", "MB", 52.4288),
    ],
)
def test_the_harness_figures_are_given_in_the_metrics_unit(source: str, unit: str, value: float) -> None:
    reading = sources.read(Metric(source=source, unit=unit), a_run(), HERE)
    assert reading.value == pytest.approx(value)
    assert reading.metrics == {"wall_time": 0.5, "cpu_time": 0.25, "peak_rss": 50 * 2**20}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("METRIC rate=12.5", 12.5),
        ("noise\n  METRIC rate=12.5 rows/s\nmore", 12.5),
        ("METRIC rate = -1e-3", -0.001),
        ("METRIC rate=.5\nMETRIC rate=0.5", 0.5),
        ("\x1b[32mMETRIC rate=\x1b[1m7\x1b[0m ms\x1b[0m", 7.0),
        ("\ufffd\x00\nMETRIC rate=3\r\n", 3.0),
    ],
)
def test_a_metric_line_is_read(text: str, value: float) -> None:
    assert sources.read(Metric(name="rate", source="metric_line"), a_run(text), HERE).value == value


def test_all_other_metric_lines_come_along_and_cannot_pose_as_the_harness() -> None:
    text = "METRIC rate=1\nMETRIC p99=2.5 ms\nMETRIC wall_time=0.001\nMETRIC bad=nan\nMETRIC two=1\nMETRIC two=2\n"
    reading = sources.read(Metric(name="rate", source="metric_line"), a_run(text), HERE)
    assert reading.metrics == {"wall_time": 0.5, "cpu_time": 0.25, "peak_rss": 50 * 2**20, "p99": 2.5}
    assert reading.problems == {
        "bad": "its value 'nan' is not finite",
        "two": "it has two different values, 1 and 2",
    }


@pytest.mark.parametrize(
    ("fields", "text", "words"),
    [
        ({"source": "metric_line"}, "METRIC rat=1\nMETRIC x=2", "never printed|It printed rat, x. Is it rat?"),
        ({"source": "metric_line"}, "METRIC  alone\nhello", "never printed|Its last line is 'hello'"),
        ({"source": "metric_line"}, "", "never printed|output is empty"),
        ({"source": "metric_line"}, "METRIC rate=nan", "cannot be used|'nan' is not finite"),
        ({"source": "metric_line"}, "METRIC rate=-Infinity s", "cannot be used|not finite"),
        ({"source": "metric_line"}, "METRIC rate=1e999", "cannot be used|not finite"),
        ({"source": "metric_line"}, "METRIC rate=12ms", "cannot be used|'12ms' is not a number"),
        ({"source": "metric_line"}, "METRIC rate=1_000", "cannot be used|not a number"),
        ({"source": "metric_line"}, "METRIC rate=", "cannot be used|not a number"),
        ({"source": "metric_line"}, "METRIC rate=1\nMETRIC rate=2", "cannot be used|two different values, 1 and 2"),
        ({"source": "metric_line"}, "METRIC rate=1 of many things", "never printed"),
        ({"source": "regex", "pattern": r"took (\S+)"}, "x", "matches nothing|'x'"),
        ({"source": "regex", "pattern": r"took (\S+)"}, "took long", "not a number|'long'"),
        ({"source": "regex", "pattern": r"took (\S+)"}, "took inf", "not finite"),
        ({"source": "regex", "pattern": r"took (\S+)"}, "took 1\ntook 2", "two different values|1 and 2"),
        ({"source": "regex", "pattern": r"took (\S+)"}, " \n", "printed nothing"),
        ({"source": "json", "path": "$.a"}, "{", "no JSON"),
        ({"source": "json", "path": "$.a"}, '{"b": 1, "c": 2}', "leads nowhere|top level has b, c"),
        ({"source": "json", "path": "$.a"}, '{"a": "1"}', 'not a number|there is "1"'),
        ({"source": "json", "path": "$.a"}, '{"a": true}', "not a number"),
        ({"source": "json", "path": "$.a"}, '{"a": NaN}', "not finite"),
        ({"source": "json", "path": "$.a[*]"}, '{"a": [1, 2]}', "two different values"),
        ({"source": "line", "line": 3}, "1\n2\n", "There is no line 3|has 2 lines"),
        ({"source": "line", "line": -3}, "1\n2\n", "There is no line -3|has 2 lines"),
        ({"source": "line", "line": 1}, "total: 12 ms", "not a number|'total: 12 ms'"),
        ({"source": "line", "line": 1}, "NaN", "not finite"),
        ({"source": "peak_rss"}, "", "too small to be seen|below the 1074 MB"),
    ],
)
def test_what_is_no_number_is_refused_with_what_was_found(fields: dict[str, Any], text: str, words: str) -> None:
    """Issue: metric never printed, NaN and infinity, two values for one metric, and their like."""
    run = a_run(text, rss_floor=2**30 if fields["source"] == "peak_rss" else 0)
    with pytest.raises(MeasureError) as caught:
        sources.read(Metric(name="rate", **fields), run, HERE)
    assert caught.value.title and caught.value.message and caught.value.hint
    for part in words.split("|"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "text", "value"),
    [
        ({"source": "regex", "pattern": r"(\d+\.\d+)"}, "took 1.5 s", 1.5),
        ({"source": "regex", "pattern": r"took (\S+) (\w+)"}, "took 1.5 s", 1.5),
        ({"source": "regex", "pattern": r"(\w+) (?P<value>\S+) s$"}, "x\ntook 1.5 s\ny", 1.5),
        ({"source": "regex", "pattern": r"took (\S+)"}, "took 2\ntook 2.0", 2.0),
        ({"source": "regex", "pattern": r"took (\S+) s"}, "took \x1b[1m2\x1b[0m s", 2.0),
        ({"source": "json", "path": "$.results[0].mean"}, '{"results": [{"mean": 0.25}]}', 0.25),
        ({"source": "json", "path": "$.a"}, 'starting ..\n{"a": 1}\n{"a": 3}\n', 3.0),
        ({"source": "line", "line": 2}, "x\n 12.5 ms\ny", 12.5),
        ({"source": "line", "line": -1}, "x\n7\n\n", 7.0),
    ],
)
def test_a_number_is_found_where_the_metric_says(fields: dict[str, Any], text: str, value: float) -> None:
    assert sources.read(Metric(name="rate", **fields), a_run(text), HERE).value == value


def test_a_file_of_the_worktree_is_read_if_this_run_wrote_it(tmp_path: Path) -> None:
    metric = Metric(source="json", path="$.mean", file="out/result.json")
    with pytest.raises(MeasureError, match=r"result\.json is missing"):
        sources.read(metric, a_run(), tmp_path)
    file = tmp_path / "out" / "result.json"
    file.parent.mkdir()
    file.write_text('{"mean": 4}')
    written = file.stat().st_mtime
    assert sources.read(metric, a_run(started_at=written - 1), tmp_path).value == 4
    with pytest.raises(MeasureError, match=r"result\.json is old"):
        sources.read(metric, a_run(started_at=written + 1), tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(MeasureError, match="cannot be read"):
        sources.read(metric, a_run(), tmp_path)


def test_bytes_that_are_no_text_do_not_hide_a_number_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\xff\xfe\x80 took 5 s\n")
    assert sources.read(Metric(source="regex", pattern=r"took (\d+)", file="log"), a_run(), tmp_path).value == 5


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind: apt-get install valgrind")
async def test_instructions_are_counted_the_same_each_time(tmp_path: Path) -> None:
    """D1: an exact metric on machines without hardware counters; all processes of the command count."""
    metric = Metric(name="instructions", source="instructions", unit="")
    env = {"PATH": os.environ["PATH"]}
    counts = []
    async with LocalExecutor() as executor:
        for text in ("exec true", "exec true", "true; /bin/true; /bin/true"):
            argv = sources.wrap(metric, ("/bin/sh", "-c", text), tmp_path)
            run = await executor.run(Command(argv, tmp_path, env, 60.0))
            assert run.ok, run.tail
            counts.append(sources.read(metric, run, tmp_path).value)
            assert os.listdir(tmp_path) == []  # noqa: PTH208
    assert counts[0] == counts[1] > 10_000
    assert counts[2] > 1.5 * counts[0]
    with pytest.raises(MeasureError, match="counted nothing"):
        sources.read(metric, run, tmp_path)


def test_missing_valgrind_is_an_error_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MeasureError, match="apt-get install valgrind"):
        instructions.wrap(("true",), tmp_path)


def test_other_sources_run_the_command_as_it_is(tmp_path: Path) -> None:
    assert sources.wrap(Metric(), ("a", "b"), tmp_path) == ("a", "b")
