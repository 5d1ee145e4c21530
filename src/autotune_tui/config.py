"""SessionConfig: what a session is to do, read from and written to `autotune.toml`.

The models below are the single source of the fields, their defaults and their documentation; the wizard and the reference
in the README are made from them.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: object) -> float:
    """Seconds of "90s", "10m", "1h30m" or a plain number of seconds. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration such as 30s, 10m or 1h30m")
    if isinstance(value, str):
        text = value.replace(" ", "")
        parts = _DURATION.findall(text)
        if parts and "".join(n + u for n, u in parts) == text:
            value = sum(float(n) * _UNITS[u] for n, u in parts)
        else:
            try:
                value = float(text)
            except ValueError:
                raise ValueError("a duration such as 30s, 10m or 1h30m") from None
    if not 0 < value < float("inf"):
        raise ValueError("a duration above zero")
    return float(value)


class Amount(BaseModel):
    """A change that is either relative ("1%", "+5%") or absolute (0.05)."""

    model_config = ConfigDict(frozen=True)
    value: float
    relative: bool

    def __str__(self) -> str:
        return f"{self.value * 100:g}%" if self.relative else f"{self.value:g}"


def parse_amount(value: object) -> object:
    """An `Amount` of "1%", "+5%", "0.05" or a number. Raises ValueError."""
    if isinstance(value, str):
        match = re.fullmatch(r"\+?(\d+(?:\.\d+)?(?:[eE]-?\d+)?)\s*(%?)", value.strip())
        if not match:
            raise ValueError('a percentage such as "1%" or a number in the metric\'s unit')
        number, percent = float(match[1]), match[2] == "%"
        return Amount(value=number / 100 if percent else number, relative=percent)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value < float("inf"):
            raise ValueError("zero or more")
        return Amount(value=float(value), relative=False)
    return value


Duration = Annotated[float, BeforeValidator(parse_duration)]
Tolerance = Annotated[Amount, BeforeValidator(parse_amount)]
Command = str | list[str]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Direction(StrEnum):
    LOWER = "lower"
    HIGHER = "higher"


class Source(StrEnum):
    WALL_TIME = "wall_time"
    CPU_TIME = "cpu_time"
    PEAK_RSS = "peak_rss"
    INSTRUCTIONS = "instructions"
    METRIC_LINE = "metric_line"
    REGEX = "regex"
    JSON = "json"
    LINE = "line"


class Metric(Table):
    name: str = Field("time", description="The metric's name, as `METRIC name=value` prints it", pattern=r"^[\w.\-/]+$")
    unit: str = Field("s", description="Its unit, for people")
    direction: Direction = Field(Direction.LOWER, description="Which way is better")
    source: Source = Field(Source.WALL_TIME, description="Where the number is read from")
    pattern: str = Field("", description="For regex: a regular expression; group 1 (or `value`) is the number")
    path: str = Field("", description="For json: a JSONPath to the number, such as $.results[0].mean")
    file: str = Field("", description="For json, regex and line: read this file of the worktree, not stdout")
    line: int = Field(0, description="For line: the line's number, from 1; negative counts from the end")
    target: float | None = Field(None, description="The value at which the session ends")
    threshold: Tolerance = Field(Amount(value=0.01, relative=True), description="The least gain worth keeping")
    location: Literal["fast_half", "mean"] = Field(
        "fast_half",
        description="fast_half for run times and sizes, mean for losses and scores (symmetric noise)",
    )


class Benchmark(Table):
    command: Command = Field(description="What is measured: a shell command, or a list of arguments")
    build: Command = Field("", description="Run in the worktree after each change, before checks")
    setup: Command = Field("", description="Run once in each new worktree")
    timeout: Duration = Field(600.0, description="A run that takes longer is killed")
    env: dict[str, str] = Field(default_factory=dict, description="Environment variables for all commands")


class Scope(Table):
    include: list[str] = Field(description="Files that may be changed, as glob patterns", min_length=1)
    exclude: list[str] = Field(default_factory=list, description="Files that may not, although included")


class Checks(Table):
    command: Command = Field("", description="Must exit with 0 for every candidate: tests, types")
    timeout: Duration = Field(600.0, description="Checks that take longer have failed")


class Budget(Table):
    experiments: int | None = Field(50, ge=1, description="The most experiments")
    time: Duration | None = Field(8 * 3600.0, description="The most time")
    tokens: int | None = Field(None, ge=1, description="The most tokens, input and output")
    usd: float | None = Field(None, gt=0, description="The most money")


class HealthLimits(Table):
    max_no_improvement: int = Field(5, ge=1, description="Experiments without a keep until plateaued")
    max_crash_streak: int = Field(2, ge=1, description="Failures in a row until crashing")


class Recovery(Table):
    playbooks: list[Literal["reset_worktree", "rebaseline", "pause"]] = Field(
        default_factory=lambda: ["reset_worktree", "rebaseline", "pause"], description="Tried in this order"
    )
    max_attempts: int = Field(3, ge=0, description="Recovery attempts until the session pauses with a reason")


class WorkspaceOptions(Table):
    link: list[str] = Field(default_factory=list, description="Ignored paths linked into the worktrees, such as .venv")
    copy_: list[str] = Field(default_factory=list, alias="copy", description="Ignored paths copied into the worktrees")
    cache: str = Field("", description="Where the worktrees live; default: the user's cache folder")


class Decision(Table):
    profile: Literal["quick", "standard", "strict", "costly"] = Field("standard", description="How sure a keep must be")
    time: Duration = Field(1800.0, description="The most time one decision may measure")


class AgentCommand(Table):
    command: Command = Field("", description="The executable, run in the candidate worktree")
    timeout: Duration = Field(1800.0, description="An agent that takes longer is killed")


class AgentOffline(Table):
    knobs: bool = Field(True, description="Search constants marked with `# autotune: ...`")
    rewrites: bool = Field(True, description="Rewrite hot Python functions")


class SessionConfig(Table):
    goal: str = Field(description="What is to become better, in a sentence", min_length=1)
    name: str = Field("", description="A short name for the session; default: made from the goal")
    agent: str = Field(
        "auto", description="auto, offline, command or manual", pattern="^(auto|offline|command|manual)$"
    )
    constraints: list[str] = Field(default_factory=list, description="Rules for the agent, in words")
    metric: Metric = Field(default_factory=Metric)
    benchmark: Benchmark
    scope: Scope
    checks: Checks = Field(default_factory=Checks)
    guards: dict[str, Tolerance] = Field(
        default_factory=dict,
        description='Secondary metrics and how much worse they may get: peak_rss = "+5%"',
    )
    budget: Budget = Field(default_factory=Budget)
    health: HealthLimits = Field(default_factory=HealthLimits)
    recovery: Recovery = Field(default_factory=Recovery)
    workspace: WorkspaceOptions = Field(default_factory=WorkspaceOptions)
    decision: Decision = Field(default_factory=Decision)
    agent_command: AgentCommand = Field(default_factory=AgentCommand)
    agent_offline: AgentOffline = Field(default_factory=AgentOffline)
