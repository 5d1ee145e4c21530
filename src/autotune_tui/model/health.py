"""How a session is doing, when that changes, which playbook comes next, and all of it in words. Pure functions.

running     nothing special
improving   the last experiment was a keep
plateaued   five experiments in a row (or as configured) without a keep
crashing    two failures in a row (or as configured): crashes, failed checks, an agent that failed; or a benchmark that comes
            and goes: twice since the last keep it failed, or varied far more than at the start, on the incumbent itself
healing     a playbook is active
paused      somebody asked for it, or no playbook is left
completed   the target or a budget is reached, or the agent has nothing left to propose
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import BY_HAND
from autotune_tui.model.value import Value, frozen, frozen_by_thousands

if TYPE_CHECKING:
    from autotune_tui.model.events import Config, Recovery
    from autotune_tui.model.session import Course, SessionState

HealthName = Literal["running", "improving", "plateaued", "crashing", "healing", "paused", "completed"]
Failure = Literal["plateau", "checks_failed", "benchmark_crash", "flaky_benchmark", "stall"]

FAILURES: dict[Failure, str] = {
    "plateau": "nothing that is tried proves a gain",
    "checks_failed": "the changes break the checks",
    "benchmark_crash": "the changes do not run",
    "flaky_benchmark": "the benchmark comes and goes",
    "stall": "something does not come to an end",
}
"""What is being recovered from, in words."""

PLAYBOOKS = {
    "reset_worktree": "make both worktrees afresh from the branch",
    "diagnose": "run benchmark and checks on the incumbent alone, and find out whether the code or the machine is at fault",
    "switch_strategy": "do without the strategies that failed",
    "shrink_scope": "narrow the scope to the files that gained, or else to the hot ones",
    "switch_agent": "let the next configured agent take over",
    "rebaseline": "measure the incumbent as a new baseline and start the next segment",
    "pause": "pause and ask you",
}
"""What each playbook does, in words."""

_REMEDIES: dict[Failure, str] = {
    "plateau": "add an idea to autotune.ideas.md, widen the scope, or finish with what there is",
    "checks_failed": "see with show N what the checks said, and correct [checks] if it is them",
    "benchmark_crash": "see with show N what failed, and run the benchmark by hand in a clean clone",
    "flaky_benchmark": "make the benchmark steady (fixed input, no network, a quiet machine), then rebaseline",
    "stall": "see with show N what hangs, or allow it more time (timeout in [benchmark] or the agent's table)",
}
_MOST_FOUND = 5
_MOST_WORDS = 700
"""Characters of a line of `explain`: all of it is to fit on a screen."""

NEUTRAL_REASONS = frozenset({"skipped"})
"""Discards that say nothing about the code: the user ended the experiment."""


@frozen
class Limits(Value):
    """When a session counts as stuck, and what is tried then."""

    max_no_improvement: int = 5
    max_crash_streak: int = 2
    playbooks: tuple[str, ...] = ("reset_worktree", "rebaseline", "pause")
    max_attempts: int = 3
    pause_when_exhausted: bool = True


@frozen_by_thousands
class Streaks(Value):
    """Experiments in a row, since the segment or the last playbook began. A keep resets all but its own."""

    no_improvement: int = 0
    failures: int = 0
    keeps: int = 0
    last_status: str = ""
    stalls: int = 0
    """Of the failures, the last ones at which something did not come to an end."""
    flaky: int = 0
    """Not in a row: experiments in which the benchmark came and went on the incumbent itself."""
    flaky_text: str = ""
    """How it did in the last of them."""


@frozen
class HealthChange(Value):
    """How the session is now, and what follows. `recovery` names the playbook to apply next, None when none is needed."""

    health: HealthName
    reason: str
    next: str
    failure: Failure | None = None
    recovery: str | None = None
    heals: int = 0


def count(
    streaks: Streaks, status: str, reason: str = "", *, rescued: bool = False, trouble: tuple[str, str] = ("", "")
) -> Streaks:
    """The streaks after one more experiment. An unknown status ends the other streaks and starts none.

    What a person wanted to see again (`rescued`) says of the search only when it proves a gain. `trouble`: what was wrong
    beside the change, as a code (flaky_benchmark, stall) and in words.
    """
    if rescued and (status != "keep" or reason == BY_HAND):
        return streaks
    if status == "keep":
        return Streaks(keeps=streaks.keeps + 1, last_status=status)
    code, words = trouble
    if code == "flaky_benchmark":
        streaks = replace(streaks, flaky=streaks.flaky + 1, flaky_text=words)
    if reason in NEUTRAL_REASONS:
        return replace(streaks, last_status=status)
    failed = status in ("crash", "checks_failed")
    return replace(
        streaks,
        no_improvement=streaks.no_improvement + (failed or status == "discard"),
        failures=streaks.failures + 1 if failed else 0,
        keeps=0,
        last_status=status,
        stalls=streaks.stalls + 1 if failed and code == "stall" else 0,
    )


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


def choose_playbook(
    configured: Sequence[str], tried: Sequence[str], max_attempts: int, heals: int | None = None
) -> str | None:
    """The first configured playbook that is left since the last keep; None when none or no attempt is left.

    A playbook that is configured twice may be tried twice. `heals`: how many of the tried ones had something to do.
    """
    if (len(tried) if heals is None else heals) >= max_attempts:
        return None
    left = Counter(tried)
    for playbook in configured:
        if not left[playbook]:
            return playbook
        left[playbook] -= 1
    return None


def next_health(streaks: Streaks, limits: Limits, tried: Sequence[str] = (), heals: int | None = None) -> HealthChange:
    """How the session is after an experiment. `tried` are the playbooks since the last keep, `heals` those that did something."""
    heals = len(tried) if heals is None else heals
    left = _Left(limits, tried, heals)
    if streaks.failures >= limits.max_crash_streak:
        failure = _failure(streaks, limits)
        why = f"{fmt.count(streaks.failures, 'failure')} in a row"
        return left.stuck("crashing", failure, f"{why}: {streaks.flaky_text}" if failure == "flaky_benchmark" else why)
    if streaks.flaky >= limits.max_crash_streak:
        why = f"the benchmark came and went in {fmt.count(streaks.flaky, 'experiment')}: {streaks.flaky_text}"
        return left.stuck("crashing", "flaky_benchmark", why)
    if streaks.no_improvement >= limits.max_no_improvement:
        reason = f"{fmt.count(streaks.no_improvement, 'experiment')} in a row without a keep"
        return left.stuck("plateaued", "plateau", reason)
    if streaks.keeps:
        reason = "the last experiment was kept" if streaks.keeps == 1 else f"{streaks.keeps} keeps in a row"
        return HealthChange("improving", reason, "the next experiment, on the new incumbent")
    return HealthChange("running", _running_reason(streaks), "the next experiment", heals=heals)


def playbook_after(change: HealthChange, limits: Limits, tried: Sequence[str], heals: int) -> HealthChange:
    """What follows a playbook that had nothing to do: the next one, for the same reason."""
    assert change.health in ("crashing", "plateaued") and change.failure is not None
    return _Left(limits, tried, heals).stuck(change.health, change.failure, change.reason)


def healing(change: HealthChange) -> HealthChange:
    """The health while the playbook of `change` is active. Raises ValueError when it names none."""
    if change.recovery is None:
        raise ValueError("there is no playbook to apply")
    words = PLAYBOOKS.get(change.recovery, change.recovery)
    return replace(change, health="healing", next=f"{words}, then the next experiment", heals=change.heals + 1)


def paused(reason: str, *, failure: Failure | None = None, heals: int = 0) -> HealthChange:
    return HealthChange("paused", reason, "nothing until you resume or stop the session", failure, None, heals)


def completed(reason: str) -> HealthChange:
    return HealthChange("completed", reason, "read the final report, then merge or delete the branch")


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


def failure_named(name: str | None) -> Failure | None:
    """What a record calls a failure; None for what is none."""
    return next((failure for failure in FAILURES if failure == name), None)


def recovery_words(event: Recovery) -> str:
    """What became of a playbook, in a sentence."""
    if event.outcome == "over":
        return f"{event.playbook} is over: {event.found}"
    nothing = "nothing to do, " if event.outcome == "nothing" else ""
    return f"{event.playbook} ({event.why}): {nothing}{event.found}"


def explain(state: SessionState) -> str:
    """State, why, what was tried and found, what is in force, what happens next and what the user can do, a line each."""
    limits = limits_of(state.config)
    change = next_health(state.streaks, limits, state.tried_playbooks, state.heals)
    same = change.health == state.health
    why = state.health_reason or (change.reason if same else "")
    follows = state.health_next or (change.next if same else "")
    if state.session is not None and state.end is not None:
        why = state.end.reason or why
        follows = "nothing: no engine is at work"
    rows = [
        ("State", f"{state.health}{_named_failure(state)}"),
        ("Why", why or "no reason was recorded"),
        ("Count", _counted(state, limits)),
        ("Tried", _tried(state, limits)),
        *(("Found", recovery_words(event)) for event in state.recoveries[-_MOST_FOUND:]),
        *(("Now", text) for text in in_force(state.course)),
        ("Next", follows or "the next experiment"),
        ("You", _choices(state)),
    ]
    return "\n".join(f"{label:<7}{fmt.one_line(text, _MOST_WORDS)}" for label, text in rows)


def in_force(course: Course) -> list[str]:
    """What playbooks have put in force, a phrase each."""
    until = "until the next keep or playbook"
    lines = []
    if course.repair:
        lines.append(f"experiments only repair {'what was kept' if course.repair == 'code' else 'what fails'}, {until}")
    if course.scope:
        lines.append(f"the scope is narrowed to {_some(course.scope)}, {until}")
    if course.avoid:
        lines.append(f"strategies that may not be used: {_some(course.avoid)}, {until}")
    if course.agent:
        lines.append(f"{course.agent} proposes instead of the configured agent")
    return lines


@frozen
class _Left(Value):
    """The playbooks that are left to a session that is stuck."""

    limits: Limits
    tried: Sequence[str]
    heals: int

    def stuck(self, health: Literal["crashing", "plateaued"], failure: Failure, why: str) -> HealthChange:
        limits, heals = self.limits, self.heals
        playbook = choose_playbook(limits.playbooks, self.tried, limits.max_attempts, heals)
        if playbook is None and not limits.pause_when_exhausted:
            return HealthChange(
                health, f"{why}; no playbook is left", "the next experiment all the same", failure, None, heals
            )
        if playbook is None or playbook == "pause":
            after = f" after {', '.join(self.tried)}" if self.tried else ""
            return paused(f"{why}{after}", failure=failure, heals=heals)
        return HealthChange(health, why, PLAYBOOKS.get(playbook, playbook), failure, playbook, heals)


def _failure(streaks: Streaks, limits: Limits) -> Failure:
    """What the failures in a row have in common; the last one where they have nothing."""
    if streaks.flaky >= limits.max_crash_streak:
        return "flaky_benchmark"
    if streaks.stalls >= limits.max_crash_streak:
        return "stall"
    return "checks_failed" if streaks.last_status == "checks_failed" else "benchmark_crash"


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
    left = list(limits.playbooks)
    for playbook in state.tried_playbooks:
        if playbook in left:
            left.remove(playbook)
    attempts = f"{', '.join(state.tried_playbooks)} since the last keep" if state.tried_playbooks else "no playbook yet"
    return f"{attempts}; left: {', '.join(left) or 'none'}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_FOUND} more" if len(names) > _MOST_FOUND else ""
    return ", ".join(names[:_MOST_FOUND]) + more


def _named_failure(state: SessionState) -> str:
    failure = failure_named(state.failure)
    if failure is None or state.health not in ("plateaued", "crashing", "healing", "paused"):
        return ""
    return f" ({failure}: {FAILURES[failure]})"


def _choices(state: SessionState) -> str:
    if state.health == "completed":
        return "read final-report.md; merge or delete the branch with git; run again with a larger budget"
    ended = state.session is not None and state.end is not None
    if state.health == "paused":
        first = _remedy(state)
        if ended:
            return f"{first}run to go on from here; final-report.md says what there is"
        return f"{first}resume to go on; repair or rebaseline first when the reason asks for it; stop to end"
    if ended:
        return "run to go on from here; final-report.md says what there is"
    if state.health in ("plateaued", "crashing", "healing"):
        return "wait for the playbook; pause; repair; rebaseline; add an idea to autotune.ideas.md"
    return "pause, skip the experiment, stop; add an idea to autotune.ideas.md"


def _remedy(state: SessionState) -> str:
    """What a person can do about the failure that no playbook has mended."""
    if state.course.repair == "code" and (kept := state.keeps):
        return f"veto {kept[-1].index} to take the last keep back; "
    failure = failure_named(state.failure)
    return f"{_REMEDIES[failure]}; " if failure else ""


def _at_least(least: int, mapping: Mapping[str, Any], name: str, usual: int) -> int:
    value = mapping.get(name)
    return value if type(value) is int and value >= least else usual
