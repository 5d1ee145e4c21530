"""`check --once`: the benchmark is run once on the unchanged code, and the number that is read is shown with its place (S3)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from autotune_tui.cli import command_line
from autotune_tui.config import SessionConfig, parse
from autotune_tui.engine.try_once import Ran, ReadAs, Step, try_once
from autotune_tui.measure.sandbox import find_sandbox
from engine_support import git, make_repo

BENCH = "echo loading >&2\necho 'METRIC cost='$(cat src/value.txt)' EUR'\necho '{\"n\": [4, 7]}' > out.json\n"


def settings(tmp_path: Path, **tables: dict[str, Any]) -> SessionConfig:
    lines = [
        'goal = "x"',
        "[scope]",
        'include = ["src/**"]',
        "[workspace]",
        f"cache = {json.dumps(str(tmp_path / 'c'))}",
    ]
    tables.setdefault("metric", {"name": "cost", "source": "metric_line"})
    tables["benchmark"] = {"command": "sh bench.sh"} | tables.get("benchmark", {})
    for table, fields in tables.items():
        lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in fields.items())]
    return parse("\n".join(lines))


async def steps_of(repo: Path, config: SessionConfig) -> list[Step]:
    steps: list[Step] = []
    worked = await try_once(repo, config, steps.append)
    assert worked == (steps[-1].type == "reading")
    return steps


async def test_the_output_comes_as_it_is_printed_and_then_the_number_with_its_place(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench=BENCH)
    steps = await steps_of(
        repo,
        settings(tmp_path, benchmark={"setup": "touch ready", "build": "ls ready"}, sandbox={"outputs": ["out.json"]}),
    )
    assert [step.record()["text"] for step in steps if step.type == "doing"] == [
        "making a worktree of the last commit", "setting up: touch ready", "building: ls ready", "running: sh bench.sh",
    ]  # fmt: skip
    output = "".join(step.record()["text"] for step in steps if step.type == "output")
    # Standard output and error are two pipes: what was printed to which first is not known.
    assert sorted(output.splitlines()) == ["METRIC cost=100 EUR", "loading"]
    run, read = steps[-2:]
    assert isinstance(run, Ran) and isinstance(read, ReadAs)
    assert (run.failure, run.stdout, read.value) == ("", "METRIC cost=100 EUR\n", 100.0)
    assert run.stdout[read.start : read.end] == read.line[read.column :][:3] == "100"
    assert run.wall > 0


async def test_nothing_of_it_stays(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench=BENCH)
    await steps_of(repo, settings(tmp_path))
    assert git(repo, "status", "--porcelain") == ""
    assert len(git(repo, "worktree", "list").splitlines()) == 1
    assert git(repo, "branch", "--list", "autotune/*") == ""
    assert not (repo / ".autotune").exists()


async def test_what_the_run_wrote_to_the_metrics_file_comes_along(tmp_path: Path) -> None:
    metric = {"source": "json", "path": "$.n[1]", "file": "out.json"}
    run, read = (await steps_of(make_repo(tmp_path, bench=BENCH), settings(tmp_path, metric=metric)))[-2:]
    assert isinstance(run, Ran) and isinstance(read, ReadAs)
    assert (run.file, run.file_text, read.value) == ("out.json", '{"n": [4, 7]}\n', 7.0)
    assert run.file_text is not None and run.file_text[read.start : read.end] == "7"


@pytest.mark.parametrize(
    ("bench", "metric", "title"),
    [
        ("echo METRIC cots=1", {"name": "cost", "source": "metric_line"}, "The metric cost was never printed"),
        ("echo broken; exit 3", {}, "The benchmark fails"),
        ("echo hi", {"source": "line", "line": 1, "file": "none"}, "none is missing"),
    ],
)
async def test_an_error_ends_it_and_the_output_can_still_be_read(
    tmp_path: Path, bench: str, metric: dict[str, Any], title: str
) -> None:
    run, error = (await steps_of(make_repo(tmp_path, bench=bench), settings(tmp_path, metric=metric)))[-2:]
    assert isinstance(run, Ran)
    assert run.stdout.split()[0] in ("METRIC", "broken", "hi")
    assert error.record()["title"] == title


async def test_a_set_up_that_fails_is_told(tmp_path: Path) -> None:
    steps = await steps_of(make_repo(tmp_path), settings(tmp_path, benchmark={"setup": "false"}))
    assert steps[-1].record()["title"] == "The set-up command failed"


def test_on_the_command_line_the_number_is_marked_and_with_json_there_are_only_objects(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench=BENCH)
    file = tmp_path / "x.toml"
    file.write_text('goal = "x"\n[scope]\ninclude = ["src"]\n[benchmark]\ncommand = "sh bench.sh"\n'
                    '[metric]\nname = "cost"\nunit = "EUR"\nsource = "metric_line"\n'
                    '[sandbox]\noutputs = ["out.json"]\n')  # fmt: skip
    arguments = ["check", "--once", str(repo), "--file"]
    done = CliRunner().invoke(command_line, [*arguments, str(file)], standalone_mode=False, color=True)
    assert done.return_value == 0
    assert "cost = 100 EUR" in done.output
    assert "METRIC cost=\x1b[7m100\x1b[0m EUR" in done.output
    done = CliRunner().invoke(command_line, [*arguments, "-", "--json"], input=file.read_text(), standalone_mode=False)
    assert [json.loads(row)["type"] for row in done.output.splitlines()][-2:] == ["run", "reading"]


async def test_a_benchmark_that_writes_its_tree_is_told_how_it_may(tmp_path: Path) -> None:
    """While a sample is timed the tree is read-only."""
    if find_sandbox("auto", os.environ).kind == "none":
        pytest.skip("there is no sandbox here: apt install bubblewrap")
    repo = make_repo(tmp_path, bench="touch new && echo METRIC cost=1\n")
    failed = (await steps_of(repo, settings(tmp_path)))[-1].record()
    assert failed["title"] == "The benchmark fails"
    assert "[sandbox] outputs" in failed["hint"]
