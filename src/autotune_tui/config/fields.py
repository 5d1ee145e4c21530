"""The fields of a configuration, their defaults, their documentation and their checks.

These models are the single source: the loader's messages, the files that `dump` writes, the reference in the README and the
wizard are made from them. `expects` is what would do, in words, where a field's type does not say it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from autotune_tui.config.agent_acp import AgentAcp, RecipeName, with_program
from autotune_tui.config.agent_claude import AgentClaude
from autotune_tui.config.agent_names import RivalName
from autotune_tui.config.budget import Budget as Budget
from autotune_tui.config.canary import Canary
from autotune_tui.config.end_to_end import EndToEnd
from autotune_tui.config.holdout import Holdout
from autotune_tui.config.hooks import Hooks as Hooks
from autotune_tui.config.inspector import Inspector
from autotune_tui.config.locks import Locks
from autotune_tui.config.metric import Direction as Direction
from autotune_tui.config.metric import Metric as Metric
from autotune_tui.config.metric import MetricName
from autotune_tui.config.metric import Source as Source
from autotune_tui.config.oracle import Oracle
from autotune_tui.config.recovery import HealthLimits as HealthLimits
from autotune_tui.config.recovery import Recovery as Recovery
from autotune_tui.config.sandbox import Sandbox
from autotune_tui.config.second import SecondBenchmark, is_readable
from autotune_tui.config.table import Table as Table
from autotune_tui.config.values import (
    Amount,
    Command,
    Duration,
    RelativePath,
    RequiredCommand,
    Tolerance,
    VariableName,
)
from autotune_tui.config.watchdogs import Watchdogs as Watchdogs


class Benchmark(Table):
    command: RequiredCommand = Field(description="What is measured: a shell command, or a list of arguments")
    build: Command = Field("", description="Run in the worktree after each change, before checks")
    setup: Command = Field(
        "", description="Run once in each new worktree. New files that it leaves stay; tracked ones are put back"
    )
    timeout: Duration = Field(600.0, description="A run that takes longer is killed")
    env: dict[VariableName, str] = Field(
        default_factory=dict,
        description="Environment variables for all commands",
        json_schema_extra={"expects": "a text in quotes"},
    )
    profile: bool = Field(True, description="Profile the benchmark after each keep, for the agent and for you")


class Scope(Table):
    include: list[RelativePath] = Field(
        description="Files that may be changed, as glob patterns",
        min_length=1,
        json_schema_extra={"expects": "at least one pattern, such as src/** or *.py"},
    )
    exclude: list[RelativePath] = Field(default_factory=list, description="Files that may not, although included")


class Checks(Table):
    command: Command = Field("", description="Must exit with 0 for every candidate: tests, types")
    timeout: Duration = Field(600.0, description="Checks that take longer have failed")


class WorkspaceOptions(Table):
    link: list[RelativePath] = Field(
        default_factory=list, description="Ignored paths linked into the worktrees, such as .venv"
    )
    copy_: list[RelativePath] = Field(
        default_factory=list, alias="copy", description="Ignored paths copied into the worktrees"
    )
    cache: str = Field("", description="Where the worktrees live; default: the user's cache folder")


class Decision(Table):
    profile: Literal["quick", "standard", "strict", "costly"] = Field("standard", description="How sure a keep must be")
    time: Duration = Field(1800.0, description="The most time one decision may measure")
    milestone: int = Field(
        5, ge=1, description="Keeps after which the gain is measured again and a milestone is set", strict=True
    )


class Simplicity(Table):
    tolerance: Tolerance = Field(
        Amount(value=0.005, relative=True),
        description="A change that removes code is kept at an equal metric when harm beyond this is excluded",
    )


class AgentCommand(Table):
    command: Command = Field("", description="The executable, run in the candidate worktree")
    recipe: RecipeName = Field(
        "", description="A known program in its place, such as codex; `autotune-tui agents` lists them"
    )
    timeout: Duration = Field(1800.0, description="An agent that takes longer is killed")


class AgentOffline(Table):
    knobs: bool = Field(True, description="Search constants marked with `# autotune: ...`")
    rewrites: bool = Field(True, description="Rewrite hot Python functions")


class SessionConfig(Table):
    goal: str = Field(
        description="What is to become better, in a sentence",
        min_length=1,
        pattern=r"\S",
        json_schema_extra={"expects": "a sentence"},
    )
    name: str = Field("", description="A short name for the session; default: made from the goal")
    agent: str = Field(
        "auto",
        description="auto, offline, claude, acp, command or manual; acp:gemini and the like for a known program; auto: "
        "command or acp if one is named, claude with a key, else offline",
        pattern="^(auto|offline|claude|acp|command|manual)$",
        json_schema_extra={"expects": "auto, offline, claude, acp, command or manual"},
    )
    rivals: list[RivalName] = Field(
        default_factory=list,
        description="Agents that propose at the same time as `agent`, each in a worktree of its own; what they hand in is "
        "measured one after another. claude@low and the like: with that effort",
        json_schema_extra={"expects": "the name of another agent, such as offline, claude@low or acp:gemini"},
    )
    constraints: list[str] = Field(default_factory=list, description="Rules for the agent, in words")
    metric: Metric = Field(default_factory=Metric)
    benchmark: Benchmark
    scope: Scope
    checks: Checks = Field(default_factory=Checks)
    oracle: Oracle = Field(default_factory=Oracle)
    guards: dict[MetricName, Tolerance] = Field(
        default_factory=dict,
        description='Secondary metrics and how much worse they may get: peak_rss = "+5%"',
    )
    holdout: Holdout = Field(default_factory=Holdout)
    end_to_end: EndToEnd = Field(default_factory=EndToEnd)
    budget: Budget = Field(default_factory=Budget)
    health: HealthLimits = Field(default_factory=HealthLimits)
    recovery: Recovery = Field(default_factory=Recovery)
    watchdogs: Watchdogs = Field(default_factory=Watchdogs)
    hooks: Hooks = Field(default_factory=Hooks)
    workspace: WorkspaceOptions = Field(default_factory=WorkspaceOptions)
    sandbox: Sandbox = Field(default_factory=Sandbox)
    inspector: Inspector = Field(default_factory=Inspector)
    locks: Locks = Field(default_factory=Locks)
    canary: Canary = Field(default_factory=Canary)
    decision: Decision = Field(default_factory=Decision)
    simplicity: Simplicity = Field(default_factory=Simplicity)
    agent_command: AgentCommand = Field(default_factory=AgentCommand, validate_default=True)
    agent_offline: AgentOffline = Field(default_factory=AgentOffline)
    agent_claude: AgentClaude = Field(default_factory=AgentClaude)
    agent_acp: AgentAcp = Field(default_factory=AgentAcp, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _names_a_program(cls, data: Any) -> Any:
        return with_program(data)

    @field_validator("rivals")
    @classmethod
    def _are_others(cls, rivals: list[str], info: ValidationInfo) -> list[str]:
        if len({*rivals, info.data.get("agent")}) <= len(rivals):
            raise ValueError("agents other than `agent`, each named once")
        return rivals

    @field_validator("holdout", "end_to_end")
    @classmethod
    def _can_be_read(cls, table: SecondBenchmark, info: ValidationInfo) -> SecondBenchmark:
        return is_readable(table, info.data.get("metric"))

    @field_validator("budget")
    @classmethod
    def _ends(cls, budget: Budget, info: ValidationInfo) -> Budget:
        metric = info.data.get("metric")
        limits = (budget.experiments, budget.time, budget.tokens, budget.usd, budget.deadline or None)
        endless = metric is not None and (metric.target is None or budget.at_target == "go on")
        if endless and all(limit is None for limit in limits):
            raise ValueError("a limit, or metric.target: without either nothing would end the session")
        return budget

    @field_validator("agent_command")
    @classmethod
    def _is_there_for_its_agent(cls, table: AgentCommand, info: ValidationInfo) -> AgentCommand:
        if info.data.get("agent") == "command" and not (table.command or table.recipe):
            # Raised for the table, but the field is the place to look at.
            raise PydanticCustomError(
                "missing_inside",
                "{expects}",
                {"expects": 'the agent\'s command, since agent = "command"', "at": "command"},
            )
        return table

    @field_validator("agent_acp")
    @classmethod
    def _is_there_for_acp(cls, table: AgentAcp, info: ValidationInfo) -> AgentAcp:
        if info.data.get("agent") == "acp" and not (table.command or table.name):
            raise PydanticCustomError(
                "missing_inside", "{expects}", {"expects": 'a program\'s name, since agent = "acp"', "at": "name"}
            )
        return table
