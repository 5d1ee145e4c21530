"""SessionState: everything a screen, a report or a restart needs to know of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from autotune_tui.model.events import (
    Calibration,
    Canary,
    Config,
    Control,
    Decision,
    Milestone,
    Note,
    Proposal,
    Question,
    Recovery,
    Sample,
    Session,
    Usage,
    Validation,
    Veto,
)
from autotune_tui.model.experiment import CurrentExperiment, Experiment, Segment
from autotune_tui.model.health import Streaks
from autotune_tui.model.value import Value, frozen

RESTING = ("paused", "completed")
"""The health states in which no experiment runs."""


@frozen
class UsageTotals(Value):
    """What the agents have used up."""

    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    cache_read_tokens: int = 0
    """Of the input tokens."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def plus(self, more: UsageTotals | Usage) -> UsageTotals:
        return UsageTotals(
            self.input_tokens + more.input_tokens,
            self.output_tokens + more.output_tokens,
            self.usd + more.usd,
            self.cache_read_tokens + more.cache_read_tokens,
        )


@frozen
class Course(Value):
    """What playbooks have put in force, see `events.Recovery`. All but the agent ends with the next keep or playbook."""

    scope: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    agent: str = ""
    """Who proposes instead of the configured one; empty for that one."""
    repair: str = ""
    base: str = ""

    @property
    def usual(self) -> bool:
        """Whether nothing is in force."""
        return self == Course()


@dataclass(slots=True, kw_only=True)
class SessionState:
    """The fold of a journal. `fold` makes it; everyone else only reads it."""

    session: Session | None = None
    """How the last engine began; None in a journal of another tool."""
    end: Session | None = None
    """How the last engine left; None while one is at work, or when it died."""
    segments: list[Segment] = field(default_factory=list)
    experiments: list[Experiment] = field(default_factory=list)
    """Everything that ended, baselines included, in the order of the journal."""
    current: CurrentExperiment | None = None
    calibration_samples: list[Sample] = field(default_factory=list)
    """Of the current segment."""
    validation_samples: list[Sample] = field(default_factory=list)
    """Of the last validation, or of the one that runs."""
    validations: list[Validation] = field(default_factory=list)
    milestones: list[Milestone] = field(default_factory=list)
    canary: Canary | None = None
    """The last one."""
    intent: Decision | None = None
    """A keep that was decided and whose result is not journalled yet: a restart finishes or undoes it."""
    veto: Veto | None = None
    """A veto whose commit is made and of which it is not journalled yet that the branch moved: a restart finishes it."""
    health: str = "running"
    health_reason: str = ""
    health_next: str = ""
    failure: str | None = None
    recovery: str | None = None
    """The playbook that is active."""
    heals: int = 0
    """Recovery attempts since the last keep."""
    tried_playbooks: tuple[str, ...] = ()
    """The playbooks of these attempts, in order, and those that had nothing to do."""
    recoveries: list[Recovery] = field(default_factory=list)
    """What playbooks have done and found since the last keep, those that somebody asked for included."""
    course: Course = field(default_factory=Course)
    begun_playbook: str = ""
    """The one that began and of which it is not known that it ended: a restart does it again."""
    mode: str = "optimize"
    streaks: Streaks = field(default_factory=Streaks)
    usage: UsageTotals = field(default_factory=UsageTotals)
    usage_by: Mapping[tuple[int, str], UsageTotals] = field(default_factory=dict)
    """By experiment and role."""
    vetoes: list[Veto] = field(default_factory=list)
    """Those after which the branch has moved."""
    proposals: list[Proposal] = field(default_factory=list)
    """What agents have proposed beside the session's own and was not tried yet, in that order."""
    controls: list[Control] = field(default_factory=list)
    pending: list[Control] = field(default_factory=list)
    """Commands that were accepted for later and of which it is not known yet what became."""
    notes: list[Note] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    """What agents ask and nobody has answered yet."""
    experiment_count: int = 0
    """Experiments that ended, without baselines."""
    last_number: int = 0
    """The highest number of an experiment that ended."""
    seq: int = 0
    timestamp: str = ""
    """Of the last record that has one."""
    first_timestamp: str = ""
    exp_at: str = ""
    """When the last experiment ended."""
    progress_at: str = ""
    """When the last keep was made."""
    worked: float = 0.0
    """Seconds that engines have worked before `working_since`; pauses and the time without an engine do not count."""
    working_since: str = ""
    """Since when the engine has been working without a pause; empty when it is not."""
    unreadable: int = 0
    unknown: int = 0
    """Records of types that this version does not know."""

    @property
    def segment(self) -> Segment | None:
        """The current one."""
        return self.segments[-1] if self.segments else None

    @property
    def segment_number(self) -> int:
        """Of the current segment; 0 before there is any."""
        return self.segments[-1].number if self.segments else 0

    @property
    def next_number(self) -> int:
        """The number for the next experiment."""
        return self.last_number + 1

    @property
    def config(self) -> Config:
        """Of the current segment; a default one before there is any."""
        return self.segments[-1].config if self.segments else Config()

    @property
    def budget(self) -> Mapping[str, Any]:
        """The limits: those that the last engine began with, else the segment's."""
        return (self.session.budget if self.session else {}) or self.config.budget

    @property
    def direction(self) -> str:
        return self.config.direction

    @property
    def calibration(self) -> Calibration | None:
        return self.segments[-1].calibration if self.segments else None

    @property
    def baseline(self) -> Experiment | None:
        return self.segments[-1].baseline if self.segments else None

    @property
    def incumbent(self) -> Experiment | None:
        """The last keep of the current segment, else its baseline."""
        return self.segments[-1].incumbent if self.segments else None

    @property
    def baseline_value(self) -> float | None:
        return self.baseline.metric if self.baseline else None

    @property
    def baseline_sha(self) -> str:
        """The commit that the current segment started from."""
        base = self.baseline
        return (base.sha or base.commit) if base else self.config.baseline_commit

    @property
    def incumbent_value(self) -> float | None:
        """None when a veto left code that was never measured as it is now."""
        reverted = self.segments[-1].reverted if self.segments else None
        if reverted is None:
            return self.incumbent.metric if self.incumbent else None
        validation = self.validation
        return validation.after if validation and validation.to_commit == reverted.to_commit else reverted.value

    @property
    def incumbent_sha(self) -> str:
        if self.segments and self.segments[-1].reverted is not None:
            return self.segments[-1].reverted.to_commit
        best = self.incumbent
        return (best.sha or best.commit) if best else self.baseline_sha

    @property
    def validation(self) -> Validation | None:
        """The last of the current segment."""
        return self.segments[-1].validation if self.segments else None

    @property
    def keeps(self) -> list[Experiment]:
        """All keeps of all segments."""
        return [experiment for experiment in self.experiments if experiment.kept]

    @property
    def active(self) -> bool:
        """Whether an engine is at work, as far as the journal knows: it began, has not left and is not paused."""
        working = self.session is not None and self.end is None
        return working and self.health not in RESTING

    def elapsed(self, now: str = "") -> float:
        """Seconds of work so far, up to the timestamp `now`, or up to the last record."""
        if self.session is None:
            return _between(self.first_timestamp, self.timestamp)
        return self.worked + (_between(self.working_since, now or self.timestamp) if self.working_since else 0.0)

    def target_reached(self, value: float | None = None) -> bool:
        """Whether `value`, or the incumbent's, is at the target or better."""
        value = self.incumbent_value if value is None else value
        target = self.config.target
        if value is None or target is None:
            return False
        return value >= target if self.direction == "higher" else value <= target


def _between(start: str, end: str) -> float:
    """Seconds from one timestamp to a later one; 0 when they cannot be read or are in the wrong order."""
    try:
        return max((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0
