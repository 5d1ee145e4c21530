"""The protocol between the engine and whatever proposes and edits.

The engine knows agents only by this file. A call may be cancelled at any moment (`asyncio.CancelledError`); an agent then
stops its own processes and lets the cancellation pass. An agent states no metric: only what the harness read counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from autotune_tui.errors import AgentError
from autotune_tui.model.guidance import Guidance
from autotune_tui.model.profile import Profile

Scale = Literal["log", "difference"]


@dataclass(frozen=True, slots=True)
class PastExperiment:
    """What an agent may know of an earlier experiment."""

    index: int
    status: str
    reason: str
    description: str
    strategy: str
    key: str
    """The plan's `key`: what was tried, in a form that can be compared."""
    effect: float | None
    """Change of the metric as measured (-0.13: it fell by 13 %), None when nothing was measured."""
    interval: tuple[float, float] | None
    hypothesis: str
    observation: str
    next: str
    data: Mapping[str, Any] = field(default_factory=dict)
    """The plan's `data`, as it was journalled."""
    scale: Scale = "log"
    """What effect and interval are: relative changes (log), or differences in the metric's unit."""
    lessons: tuple[str, ...] = ()
    """What its reflection wants later plans to know."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A change handed in by a person (`autotune-tui propose`)."""

    description: str
    patch: str = ""
    """A unified diff to apply to the candidate worktree; empty when the worktree was edited in place."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question. The id is its own; `words` are what a person reads."""

    id: str
    words: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something that an agent wants a person to decide. The first option is the harmless one, and the answer when nobody
    gives another within `seconds`.
    """

    text: str
    options: tuple[Option, ...]
    seconds: float
    details: str = ""
    """What it is about, in some lines: the command, the change."""


async def unanswered(question: Question) -> str:
    """The answer where nobody can be asked."""
    return question.options[0].id


@dataclass(frozen=True, slots=True)
class Context:
    """Everything an agent is given for one experiment."""

    experiment: int
    goal: str
    constraints: tuple[str, ...]
    metric: str
    unit: str
    direction: Literal["lower", "higher"]
    benchmark: str
    """The benchmark command, as text for a person or a model."""
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    files: tuple[str, ...]
    """Paths in scope, relative to the worktree, sorted."""
    directory: Path
    """The candidate worktree, at the incumbent's commit. The agent edits here."""
    artifacts: Path
    """The experiment's folder, for transcripts and the like."""
    incumbent: str
    """The incumbent's commit."""
    baseline_value: float | None
    incumbent_value: float | None
    target: float | None
    profile: Profile | None
    history: tuple[PastExperiment, ...]
    ideas: str
    health: str
    environment: Mapping[str, str]
    """Environment of the benchmark's commands, for agents that run something."""
    submitted: Callable[[], Awaitable[Submission]]
    """Waits for the user's next submission; only the manual agent uses it."""
    tokens_left: int | None = None
    """Tokens (input and output) that the budget still allows, None without a limit; the same in dollars:"""
    usd_left: float | None = None
    profile_before: Profile | None = None
    """That of the incumbent before this one: what has moved since."""
    profiled: Callable[[], Awaitable[Profile]] | None = None
    """Profiles the candidate worktree as it is now, for the tools of agents that may run something."""
    beside: tuple[str, ...] = ()
    """Other agents that propose at the same time, for the same code."""
    guidance: Guidance = field(default_factory=Guidance)
    """What the course of the session asks of this experiment; `guidance.words` has it in words."""
    ask: Callable[[Question], Awaitable[str]] = unanswered
    """Asks whoever looks at the session; returns the id of the option that was chosen."""


@dataclass(frozen=True, slots=True)
class Approach:
    name: str
    trade_off: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the agent means to try. Rendered to `plan.md` and journalled whole."""

    description: str
    """One line, imperative, as for a commit's subject: "Join strings in render() once"."""
    hypothesis: str
    """In the form "X should improve Y because Z"."""
    target: str = ""
    """What is changed: `src/app/rows.py:parse` or a knob's name."""
    strategy: str = ""
    """The kind of change, for strategy rotation: `knob`, `rewrite:list-to-set`, ..."""
    key: str = ""
    """Identifies the proposal; the engine discards a second plan with the same key on the same incumbent as duplicate."""
    bottleneck: str = ""
    principles: tuple[str, ...] = ()
    approaches: tuple[Approach, ...] = ()
    expected: float | None = None
    """Expected relative change of the metric (-0.1: falls by 10 %)."""
    scores: Mapping[str, int] = field(default_factory=dict)
    """impact, feasibility, novelty, 1..10 each."""
    premortem: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Agent-private, JSON-able; journalled and handed back in `PastExperiment.data`."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What the agent says about the change it just made; empty fields leave the plan's words."""

    description: str = ""
    hypothesis: str = ""
    notes: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    strategy: str = ""
    """The kind of change, of an agent that could not say it in its plan."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a candidate failed before it could be measured, for a rework."""

    phase: Literal["scope", "build", "check", "oracle", "measure"]
    reason: str
    output: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the experiment ended, for the reflection."""

    status: str
    reason: str
    effect: float | None
    interval: tuple[float, float] | None
    pairs: int
    detail: str
    scale: Scale = "log"
    """As in `PastExperiment`."""


@dataclass(frozen=True, slots=True)
class Reflection:
    observation: str
    next: str
    surprises: str = ""
    lessons: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an inspector has to say of a change. `reason` is why it is not accepted; `remarks` do not count against it."""

    accepted: bool
    reason: str = ""
    remarks: tuple[str, ...] = ()


Kind = Literal["benchmark", "tests"]


@dataclass(frozen=True, slots=True)
class Built:
    """A benchmark or tests that a repository lacked, and that was run several times."""

    kind: Kind
    command: str
    files: tuple[str, ...]
    """New files, relative to the worktree."""
    about: str
    """What it covers and what not, for the person who decides."""
    metric: str = ""
    unit: str = ""
    direction: Literal["lower", "higher"] = "lower"
    values: tuple[float, ...] = ()
    """What the harness read in each run."""


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """Something to show while the agent works."""

    kind: Literal["text", "notice", "tool", "usage"]
    """A notice is for the user's eyes at once; the other words go to the transcript."""
    text: str = ""
    usage: Mapping[str, float] = field(default_factory=dict)
    """For `usage`: any of input_tokens (all of them), output_tokens, usd, and of the input tokens cache_read_tokens and
    cache_write_tokens. The text is then the role that they were spent in, if the agent has several.
    """


Emit = Callable[[AgentEvent], None]


class NothingToPropose(Exception):
    """Raised by `propose` when the agent has no proposal left; the session then ends with this reason."""


class BudgetReached(NothingToPropose):
    """Raised before a call that could cost more than the budget has left; the session then ends with this reason."""


class AlreadyTried(Exception):
    """Raised by `propose` or `edit` for what an earlier experiment tried on the same code; the text says which."""


class AgentStalled(AgentError):
    """The agent did not come to an end in its time, or has said nothing for too long."""


class AgentUnavailable(AgentError):
    """The agent cannot work until its user has done something, or its provider is back: the session pauses."""


@runtime_checkable
class Inspector(Protocol):
    """An agent that can also judge a change that was measured to be better, without knowing why it was made."""

    inspects: bool
    """Whether it is to be asked."""

    async def inspect(self, context: Context, description: str, diff: str, outcome: Outcome, emit: Emit) -> Opinion:
        """Whether the change should be kept. Raises AgentError, BudgetReached."""


@runtime_checkable
class Builder(Protocol):
    """An agent that can write what a repository lacks before it can be optimised."""

    async def build(self, context: Context, kind: Kind, emit: Emit) -> Built:
        """New files in `context.directory`, none in `context.exclude`. Raises AgentError, BudgetReached."""


@runtime_checkable
class Resident(Protocol):
    """An agent whose process goes on running between calls. It is sent away before anything is measured."""

    async def rest(self) -> None:
        """End the process; the next call starts another."""


@runtime_checkable
class Program(Protocol):
    """An agent that is a program of somebody else's, which may not be installed."""

    def require(self, directory: Path, environment: Mapping[str, str]) -> None:
        """Look for it as if it were started there, with that environment. Raises AgentUnavailable."""


@runtime_checkable
class Gradual(Protocol):
    """An agent whose effort can be chosen."""

    def at_effort(self, effort: str) -> Agent:
        """Another one like it that plans and edits with that effort; its name says so."""


class Agent(Protocol):
    """Whatever proposes and edits. All methods may raise `AgentError`."""

    name: str

    async def propose(self, context: Context, emit: Emit) -> Plan:
        """A plan for this experiment; raises `NothingToPropose`."""

    async def edit(self, context: Context, plan: Plan, emit: Emit) -> Edit:
        """Apply the plan in `context.directory`; raises `NothingToPropose` when it turns out that there is none."""

    async def rework(self, context: Context, plan: Plan, failure: Failure, emit: Emit) -> Edit | None:
        """Mend the candidate in place after a failure; None when the agent has no answer to it."""

    async def reflect(self, context: Context, plan: Plan, outcome: Outcome, emit: Emit) -> Reflection:
        """What was learned; called for every experiment, also the failed."""

    async def close(self) -> None:
        """Free what the agent holds (processes, connections)."""
