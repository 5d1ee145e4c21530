"""The builder: writes the benchmark or the regression tests that a repository lacks, before anything is optimised (S6)."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from autotune_tui.agents.base import Built, Kind
from autotune_tui.agents.claude import parts, prompts
from autotune_tui.agents.claude.conversation import Answer
from autotune_tui.agents.claude.plan import Words
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.base import Input, Refused, shortened
from autotune_tui.agents.claude.tools.commands import Runner
from autotune_tui.scope import ScopeMatcher

RUNS = 3
SECONDS = 300.0
"""What one run of a command that was just written may take."""
MOST_OUTPUT = 4000
_KEPT = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", "node_modules", "target"})
_METRIC = re.compile(r"^METRIC ([\w.-]+)=(\S+)\s*$", re.M)


class BenchmarkAnswer(Input):
    command: Words = Field(description="Runs the benchmark from the repository's root, such as: python bench/bench.py")
    metric: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.-]{0,40}$")] = Field(
        description="The metric's name"
    )
    unit: str = Field("", max_length=20, description="Its unit, such as s or rows/s")
    direction: Literal["lower", "higher"] = Field(description="Which way is better")
    about: Words = Field(
        description="What it does and what it leaves out, for the person who decides, in a few sentences"
    )


class TestsAnswer(Input):
    __test__ = False

    command: Words = Field(description="Runs the tests from the repository's root, such as: python -m unittest -q")
    about: Words = Field(description="What they cover and what not, for the person who decides, in a few sentences")


async def build(step: Step, kind: Kind) -> Built:
    """What was written, after runs that passed. Raises BudgetReached, AgentError."""
    none_yet = replace(step.commands, build="", checks="", benchmark="")
    step = replace(step, commands=none_yet)
    code = ScopeMatcher(step.context.exclude, (), ())
    material = parts.for_builder(step.context, sorted(name for name in step.worktree.known if code.allows(name)))
    if kind == "benchmark":
        asked: Answer[BenchmarkAnswer, Built] = Answer(
            "submit_benchmark", "Hands in the benchmark, which is then run.", BenchmarkAnswer, _Trial(step).benchmark
        )
        prompt = prompts.render("benchmark", material)
        return await step.conversation.hold("builder", prompt.system, prompt.first, step.changing, asked, title=kind)
    tests = Answer("submit_tests", "Hands in the tests, which are then run.", TestsAnswer, _Trial(step).tests)
    prompt = prompts.render("tests", material)
    return await step.conversation.hold("builder", prompt.system, prompt.first, step.changing, tests, title=kind)


class _Trial:
    """Runs what was handed in, and sends it back with what went wrong."""

    def __init__(self, step: Step) -> None:
        self._step = step

    async def benchmark(self, given: BenchmarkAnswer) -> Built:
        files = await self._files()
        values = [_value(await self._run(given.command, seed), given.metric) for seed in range(1, RUNS + 1)]
        if len(set(values)) == 1 and given.unit in ("s", "ms", "us", "ns"):
            raise Refused(f"The time was {values[0]:g} in all {RUNS} runs, to the last digit: that was not measured.")
        return Built(
            "benchmark",
            given.command,
            tuple(files),
            given.about,
            given.metric,
            given.unit,
            given.direction,
            tuple(values),
        )

    async def tests(self, given: TestsAnswer) -> Built:
        files = await self._files()
        for seed in range(1, RUNS + 1):
            await self._run(given.command, seed)
        return Built("tests", given.command, tuple(files), given.about)

    async def _files(self) -> list[str]:
        """What was written. Raises Refused for nothing, and for what is not new."""
        worktree = self._step.worktree
        changed = await self._changed()
        if outside := [name for name in changed if not worktree.allows(name)]:
            raise Refused(f"Only new files outside of the code may be written. Undo: {', '.join(outside[:10])}.")
        if not changed:
            raise Refused("Nothing was written.")
        return changed

    async def _changed(self) -> list[str]:
        """The files that differ, but for what interpreters and runners keep for themselves."""
        return [name for name in await self._step.worktree.changed() if not _KEPT.intersection(name.split("/"))]

    async def _run(self, command: str, seed: int) -> str:
        """What a run prints. Raises Refused when it fails, and when it leaves files."""
        before = await self._changed()
        runner = Runner(self._step.worktree, self._step.commands)
        said = await runner.run(command, SECONDS, {"AUTOTUNE_SEED": str(seed)})
        how, _, output = said.partition("\n")
        if not how.startswith("exit code 0"):
            raise Refused(f"`{command}` failed: {how}\n{shortened(output, MOST_OUTPUT)}")
        if left := sorted({*await self._changed()} - {*before}):
            raise Refused(f"A run of `{command}` leaves files that git does not ignore: {', '.join(left[:10])}.")
        return output


def _value(output: str, metric: str) -> float:
    """The metric's value in the output of a run. Raises Refused."""
    found = [value for name, value in _METRIC.findall(output) if name == metric]
    if len(found) != 1:
        raise Refused(
            f"The output has {len(found)} lines METRIC {metric}=value; there must be one.\n{shortened(output, MOST_OUTPUT)}"
        )
    try:
        value = float(found[0])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(f"{found[0]} is no plain number.")
    return value
