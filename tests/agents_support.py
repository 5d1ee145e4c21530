"""Contexts, repositories and outcomes for the tests of agents."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autotune_tui.agents.base import AgentEvent, Context, Outcome, PastExperiment, Plan, Submission
from autotune_tui.model.profile import HotSpot, Profile


@dataclass
class Shown:
    """Collects what an agent emits."""

    events: list[AgentEvent] = field(default_factory=list)

    def __call__(self, event: AgentEvent) -> None:
        self.events.append(event)

    @property
    def text(self) -> str:
        return "\n".join(event.text for event in self.events)


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A git repository with these files committed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "start"]):
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True)
    return folder


def profile_of(*spots: tuple[str, str, int, float, float]) -> Profile:
    """A profile of (file, function, line, self share, total share)."""
    return Profile("py-spy", "c0ffee", 2.0, 1000, tuple(HotSpot(*spot) for spot in spots), folded="main;parse 1000")


def make_context(
    directory: Path,
    *,
    files: tuple[str, ...] = (),
    history: tuple[PastExperiment, ...] = (),
    profile: Profile | None = None,
    direction: Literal["lower", "higher"] = "lower",
    submission: Submission | None = None,
    environment: Mapping[str, str] | None = None,
) -> Context:
    """The context of the experiment that follows the history."""
    artifacts = directory.parent / f"{directory.name}-artifacts"
    artifacts.mkdir(exist_ok=True)

    async def submitted() -> Submission:
        assert submission is not None
        return submission

    return Context(
        experiment=len(history) + 1,
        goal="Be quick",
        constraints=("stay readable",),
        metric="time",
        unit="s",
        direction=direction,
        benchmark="python bench.py",
        include=("**",),
        exclude=(),
        files=files,
        directory=directory,
        artifacts=artifacts,
        incumbent="c0ffee",
        baseline_value=2.0,
        incumbent_value=1.5,
        target=1.0,
        profile=profile,
        history=history,
        ideas="- try harder\n",
        health="running",
        environment=environment or {"PATH": os.environ["PATH"]},
        submitted=submitted,
    )


def past(
    plan: Plan, status: str = "discard", reason: str = "", effect: float | None = None, index: int = 1
) -> PastExperiment:
    """An experiment that a plan led to."""
    return PastExperiment(
        index,
        status,
        reason,
        plan.description,
        plan.strategy,
        plan.key,
        effect,
        None,
        plan.hypothesis,
        "",
        "",
        plan.data,
    )


def outcome(
    status: str, reason: str = "", effect: float | None = None, interval: Any = None, pairs: int = 0
) -> Outcome:
    return Outcome(status, reason, effect, interval, pairs, "")
