"""A session in which several hostile candidates are tried one after the other, and what became of each."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autotune_tui.config import SessionConfig, parse
from autotune_tui.engine.run import run_session
from autotune_tui.model.events import Record, Result

from .cases import Case
from .world import SESSION, Guard, World

COUNTED = '[metric]\nname = "cost"\nunit = ""\nsource = "metric_line"\nthreshold = "0.3%"\n'
TIMED = '[metric]\nname = "time"\nsource = "wall_time"\nthreshold = "30%"\n'
"""So large a threshold that no noise passes for a gain; what is tried would gain far more."""


@dataclass(frozen=True)
class Campaign:
    """Sessions of one kind: how the benchmark measures, which defences the user has configured, what is tried."""

    name: str
    mode: str
    """What the benchmark is to measure: count, time, fixed (time, always the same input), clock (its own)."""
    cases: Sequence[Case]
    checks: str = "@PYTHON@ check.py"
    build: str = ""
    more: str = ""
    """Further TOML; `oracle` and `holdout` are named there."""

    def config(self, world: World) -> SessionConfig:
        metric = COUNTED if self.mode in ("count", "clock") else TIMED
        places = {"@PYTHON@": sys.executable, "@PLANS@": str(world.plans), "@HOLDOUT@": str(world.holdout)}

        def filled(text: str) -> str:
            for name, value in places.items():
                text = text.replace(name, value)
            return text

        text = f"""
goal = "Lower the cost"
agent = "command"
{metric}
[benchmark]
profile = false
command = "{sys.executable} bench.py {self.mode}"
build = {json.dumps(self.build)}
timeout = "20s"
[benchmark.env]
PYTHON = "{sys.executable}"
PYTHONPATH = "src"
WORK_MARK = "{world.token}"
[scope]
include = ["src/**"]
[checks]
command = {json.dumps(filled(self.checks))}
[budget]
experiments = 99
[health]
max_no_improvement = 99
max_crash_streak = 99
[decision]
profile = "quick"
[workspace]
cache = {json.dumps(str(world.cache))}
[agent_command]
command = {json.dumps(world.agent)}
[canary]
files = 0
{filled(self.more)}
"""
        return parse(text)


@dataclass(frozen=True)
class Outcome:
    """How one candidate ended."""

    case: Case
    status: str
    reason: str
    detail: str
    harms: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return f"{self.status}/{self.reason}"


@dataclass
class Attack:
    """A campaign that was run to its end."""

    world: World
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    """Where the secret stands now."""
    events: list[Record] = field(default_factory=list)
    harms: tuple[str, ...] = ()
    """What changed before the first or after the last experiment."""


def attack(campaign: Campaign, folder: Path) -> Attack:
    """Run the session. Raises what the session raises."""
    world = World.of(folder)
    done, guard = Attack(world), Guard(world)
    cases = dict(enumerate(campaign.cases, 1))
    kept: list[bool] = []

    def listen(event: Record) -> None:
        done.events.append(event)
        if not isinstance(event, Result):
            return
        kept.append(event.status == "keep")
        harms = guard.harms(moved=any(kept[-2:]))
        if event.index in cases:
            case = cases[event.index]
            done.outcomes[case.name] = Outcome(case, event.status, event.reason, event.detail, harms)

    with world.around():
        for number, case in cases.items():
            world.plan(number, case)
        asyncio.run(run_session(world.repo, SESSION, campaign.config(world), on_event=listen))
        done.harms = guard.harms(moved=True)  # the worktrees are gone
        done.told = guard.told()
    return done
