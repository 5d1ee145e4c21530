"""An experiment under way, and the two ways in which a phase ends it or sends it back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autotune_tui import inspector
from autotune_tui.agents.base import Agent, AgentEvent, Edit, Plan, Reflection
from autotune_tui.engine import resume
from autotune_tui.engine.control import Control
from autotune_tui.engine.core import Engine
from autotune_tui.engine.measuring import Measured
from autotune_tui.engine.override import Wish
from autotune_tui.engine.verdict import Verdict
from autotune_tui.model import events
from autotune_tui.model.format import one_line
from autotune_tui.model.profile import Profile
from autotune_tui.workspace import Change, Place
from autotune_tui.workspace.leftovers import Mark

if TYPE_CHECKING:
    from autotune_tui.engine.rivals import Rival


class Ended(Exception):
    """The experiment has its verdict before or without a keep."""

    def __init__(self, status: str, reason: str, detail: str) -> None:
        super().__init__(status, reason, detail)
        self.verdict = Verdict(status, reason, detail)


class Failed(Exception):
    """A build, a check or the oracle failed; the agent may rework."""

    def __init__(self, phase: Literal["build", "check", "oracle"], verdict: Verdict, output: str) -> None:
        super().__init__(phase, verdict)
        self.phase: Literal["build", "check", "oracle"] = phase
        self.verdict = verdict
        self.output = output


@dataclass
class Experiment:
    """The experiment under way."""

    engine: Engine
    control: Control
    number: int
    incumbent: str
    folder: Path
    outside_before: float
    agent: Agent
    """Who proposes, reworks and reflects."""
    place: Place = "candidate"
    """The worktree in which it is edited."""
    rivals: list[Rival] = field(default_factory=list)
    """What other agents propose at the same time."""
    beside: tuple[str, ...] = ()
    """The other agents that are at work at the same time: none may spend more of the budget than its share."""
    proposal: events.Proposal | None = None
    """What one of them had proposed, and is tried now."""
    began: float = field(default_factory=time.monotonic)
    wish: Wish | None = None
    """Of a rescue: whose it is, and what is tried again; there is no agent then."""
    profile: Profile | None = None
    plan: Plan | None = None
    edit: Edit = field(default_factory=Edit)
    changes: list[Change] = field(default_factory=list)
    files: tuple[str, ...] = ()
    commit: str = ""
    made: Mapping[str, Mark] = field(default_factory=dict)
    """What the candidate's build left, beside the commit."""
    seen: Mapping[str, Mark] = field(default_factory=dict)
    """All that was in the candidate's worktree when only those who may had written in it."""
    change_key: str = ""
    """Hash of the change, to recognise one that was tried before."""
    taken: resume.HalfDone | None = None
    """What is gone on with, when it was interrupted before."""
    saved: resume.Saved | None = None
    """Samples of the commit that were taken before and count."""
    measured: Measured | None = None
    looked_at: inspector.Change | None = None
    """The change as the inspector sees it."""
    verdict: Verdict | None = None
    reflection: Reflection = field(default_factory=lambda: Reflection("", ""))
    heard: int = 0
    """How often the agent has said something."""

    lost_runs: list[str] = field(default_factory=list)
    """Runs of the incumbent that failed, each in words."""
    hung: bool = False
    """Whether the build or the checks, when they last failed, had to be stopped."""

    @property
    def reference(self) -> str:
        """The commit that it is measured against: the incumbent, but for a repair of it the last one that worked."""
        return self.incumbent if self.wish else self.engine.state.course.base or self.incumbent

    @property
    def log(self) -> Path:
        return self.folder / "bench.log"

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def own_seconds(self) -> float:
        """What the loop itself cost: everything but commands and agents."""
        return self.seconds - (self.engine.outside - self.outside_before)

    @property
    def description(self) -> str:
        """One line: the agent's last word on its change."""
        text = self.edit.description or (self.plan.description if self.plan else "") or "no proposal"
        return one_line(text, 100)

    def emit(self, event: AgentEvent) -> None:
        """What the agent says while it works: usage and notices are journalled, its transcript is its own."""
        self.heard += 1
        if event.kind == "usage":
            self.engine.record(
                events.Usage(
                    experiment=self.number,
                    agent=self.agent.name,
                    input_tokens=int(event.usage.get("input_tokens", 0)),
                    output_tokens=int(event.usage.get("output_tokens", 0)),
                    cache_read_tokens=int(event.usage.get("cache_read_tokens", 0)),
                    cache_write_tokens=int(event.usage.get("cache_write_tokens", 0)),
                    role=event.text,
                    usd=float(event.usage.get("usd", 0.0)),
                )
            )
        elif event.kind == "notice":
            self.engine.note(event.text, experiment=self.number)


Step = Callable[[Experiment], Awaitable[None]]
