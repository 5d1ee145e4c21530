"""How a session is doing, when that changes, which playbook comes next, and all of it in words. Pure functions.

running     nothing special
improving   the last experiment was a keep
plateaued   five experiments in a row (or as configured) without a keep
crashing    two failures in a row (or as configured): crashes, failed checks, an agent that failed
healing     a playbook is active
paused      somebody asked for it, or no playbook is left
completed   the target or a budget is reached, or the agent has nothing left to propose
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import BY_HAND

if TYPE_CHECKING:
    from autotune_tui.model.events import Config
    from autotune_tui.model.session import SessionState

HealthName = Literal["running", "improving", "plateaued", "crashing", "healing", "paused", "completed"]
Failure = Literal["plateau", "checks_failed", "benchmark_crash"]

PLAYBOOKS = {
    "reset_worktree": "make both worktrees afresh from the branch",
    "rebaseline": "measure the incumbent as a new baseline and start the next segment",
    "shrink_scope": "narrow the scope to the files that matter",
    "diagnose": "look at the failures and write down what they have in common",
    "pause": "pause and ask you",
}
"""What each playbook does, in words."""

NEUTRAL_REASONS = frozenset({"skipped"})
"""Discards that say nothing about the code: the user ended the experiment."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a session counts as stuck, and what is tried then."""

    max_no_improvement: int = 5
    max_crash_streak: int = 2
    playbooks: tuple[str, ...] = ("reset_worktree", "rebaseline", "pause")
    max_attempts: int = 3
    pause_when_exhausted: bool = True


@dataclass(frozen=True, slots=True)
class Streaks:
    """Experiments in a row, since the segment or the last playbook began. A keep resets the first two."""

    no_improvement: int = 0
    failures: int = 0
    keeps: int = 0
    last_status: str = ""


@dataclass(frozen=True, slots=True)
class HealthChange:
    """How the session is now, and what follows. `recovery` names the playbook to apply next, None when none is needed."""

    health: HealthName
    reason: str
    next: str
    failure: Failure | None = None
    recovery: str | None = None
    heals: int = 0


def count(streaks: Streaks, status: str, reason: str = "", *, rescued: bool = False) -> Streaks:
    """The streaks after one more experiment. An unknown status ends the other streaks and starts none.

    What a person wanted to see again (`rescued`) says of the search only when it proves a gain.
    """
    if rescued and (status != "keep" or reason == BY_HAND):
        return streaks
    if status == "keep":
        return Streaks(keeps=streaks.keeps + 1, last_status=status)
    if reason in NEUTRAL_REASONS:
        return replace(streaks, last_status=status)
    if status == "discard":
        return Streaks(no_improvement=streaks.no_improvement + 1, last_status=status)
    if status in ("crash", "checks_failed"):
        return Streaks(streaks.no_improvement + 1, streaks.failures + 1, last_status=status)
    return Streaks(no_improvement=streaks.no_improvement, last_status=status)


def limits_of(config: Config) -> Limits:
    """The limits that a `config` record names; what it does not name, or names wrongly, is as by default."""
    usual = Limits()
    playbooks = config.recovery.get("playbooks")
    pause = config.recovery.get("pauseOnExhaustedRecovery")
    return Limits(
        max_no_improvement=_at_least(1, config.health, "maxNoImprovementRuns", usual.max_no_improvement),
        max_crash_streak=_at_least(1, config.health, "maxCrashStreak", usual.max_crash_streak),
        playbooks=tuple(p for p in playbooks if isinstance(p, str)) if isinstance(playbooks, list) else usual.playbooks,
        max_attempts=_at_least(0, config.recovery, "maxHealingAttempts", usual.max_attempts),
        pause_when_exhausted=pause if isinstance(pause, bool) else usual.pause_when_exhausted,
    )


def choose_playbook(configured: Sequence[str], tried: Sequence[str], max_attempts: int) -> str | None:
    """The first configured playbook that was not tried since the last keep; None when none or no attempt is left."""
    if len(tried) >= max_attempts:
        return None
    return next((playbook for playbook in configured if playbook not in tried), None)


def next_health(streaks: Streaks, limits: Limits, tried: Sequence[str] = ()) -> HealthChange:
    """How the session is after an experiment. `tried` are the playbooks applied since the last keep."""
    if streaks.failures >= limits.max_crash_streak:
        failure: Failure = "checks_failed" if streaks.last_status == "checks_failed" else "benchmark_crash"
        return _stuck("crashing", failure, f"{fmt.count(streaks.failures, 'failure')} in a row", limits, tried)
    if streaks.no_improvement >= limits.max_no_improvement:
        reason = f"{fmt.count(streaks.no_improvement, 'experiment')} in a row without a keep"
        return _stuck("plateaued", "plateau", reason, limits, tried)
    if streaks.keeps:
        reason = "the last experiment was kept" if streaks.keeps == 1 else f"{streaks.keeps} keeps in a row"
        return HealthChange("improving", reason, "the next experiment, on the new incumbent")
    return HealthChange("running", _running_reason(streaks), "the next experiment", heals=len(tried))


def healing(change: HealthChange) -> HealthChange:
    """The health while the playbook of `change` is active. Raises ValueError when it names none."""
    if change.recovery is None:
        raise ValueError("there is no playbook to apply")
    words = PLAYBOOKS.get(change.recovery, change.recovery)
    return replace(change, health="healing", next=f"{words}, then the next experiment", heals=change.heals + 1)


def paused(reason: str, *, failure: Failure | None = None, heals: int = 0) -> HealthChange:
    return HealthChange("paused", reason, "nothing until you resume or stop the session", failure, None, heals)


def completed(reason: str) -> HealthChange:
    return HealthChange("completed", reason, "read the final report, then apply or drop the branch")


def state_file(state: SessionState) -> dict[str, Any]:
    """The content of `.autotune.state`, in exactly the keys that the `autotune` tool's status lines read."""
    streaks = state.streaks
    return {
        "active": state.active,
        "mode": state.mode,
        "health": state.health,
        "failure": state.failure,
        "reason": state.health_reason or None,
        "recovery": state.recovery,
        "heals": state.heals,
        "no_improve": streaks.no_improvement,
        "failures": streaks.failures,
        "crash_streak": streaks.failures,
        "keep_streak": streaks.keeps,
        "exp_at": state.exp_at or None,
        "progress_at": state.progress_at or None,
        "n_exp": state.experiment_count,
    }


def explain(state: SessionState) -> str:
    """State, why, what was tried, what happens next and what the user can do, a line each."""
    limits = limits_of(state.config)
    change = next_health(state.streaks, limits, state.tried_playbooks)
    same = change.health == state.health
    why = state.health_reason or (change.reason if same else "")
    follows = state.health_next or (change.next if same else "")
    if state.session is not None and state.end is not None:
        why = state.end.reason or why
        follows = "nothing: no engine is at work"
    lines = [
        f"State  {state.health}",
        f"Why    {why or 'no reason was recorded'}",
        f"Count  {_counted(state, limits)}",
        f"Tried  {_tried(state, limits)}",
        f"Next   {follows or 'the next experiment'}",
        f"You    {_choices(state)}",
    ]
    return "\n".join(lines)


def _stuck(
    health: Literal["crashing", "plateaued"], failure: Failure, why: str, limits: Limits, tried: Sequence[str]
) -> HealthChange:
    heals = len(tried)
    playbook = choose_playbook(limits.playbooks, tried, limits.max_attempts)
    if playbook is None and not limits.pause_when_exhausted:
        return HealthChange(
            health, f"{why}; no playbook is left", "the next experiment all the same", failure, None, heals
        )
    if playbook is None or playbook == "pause":
        after = f" after {', '.join(tried)}" if tried else ""
        return paused(f"{why}{after}", failure=failure, heals=heals)
    return HealthChange(health, why, PLAYBOOKS.get(playbook, playbook), failure, playbook, heals)


def _running_reason(streaks: Streaks) -> str:
    if not streaks.no_improvement:
        return "nothing stands in the way"
    return f"{fmt.count(streaks.no_improvement, 'experiment')} without a keep, which is within the limit"


def _counted(state: SessionState, limits: Limits) -> str:
    streaks = state.streaks
    return (
        f"{fmt.count(state.experiment_count, 'experiment')}, {fmt.count(len(state.keeps), 'keep')}; without a keep "
        f"{streaks.no_improvement} of {limits.max_no_improvement}, failures {streaks.failures} of "
        f"{limits.max_crash_streak}, recovery attempts {state.heals} of {limits.max_attempts}"
    )


def _tried(state: SessionState, limits: Limits) -> str:
    left = [playbook for playbook in limits.playbooks if playbook not in state.tried_playbooks]
    attempts = f"{', '.join(state.tried_playbooks)} since the last keep" if state.tried_playbooks else "no playbook yet"
    return f"{attempts}; left: {', '.join(left) or 'none'}"


def _choices(state: SessionState) -> str:
    if state.health == "completed":
        return "report; finish to apply, squash or drop the branch; run again with a larger budget"
    if state.session is not None and state.end is not None:
        return "run to go on from here; report for what there is"
    if state.health == "paused":
        return "resume to go on; repair or rebaseline first when the reason asks for it; stop to end"
    if state.health in ("plateaued", "crashing", "healing"):
        return "wait for the playbook; pause; repair; rebaseline; add an idea to autotune.ideas.md"
    return "pause, skip the experiment, stop; add an idea to autotune.ideas.md"


def _at_least(least: int, mapping: Mapping[str, Any], name: str, usual: int) -> int:
    value = mapping.get(name)
    return value if type(value) is int and value >= least else usual
