"""What the lines of the loop screen say: frozen views, each made by a pure function from the session's state."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from autotune_tui.model import format as fmt
from autotune_tui.model.health import Limits, limits_of
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.follower import Look
from autotune_tui.ui.store import SILENT_SECONDS
from autotune_tui.ui.theme import BAD, DIM, GOOD, WARN

PHASES = (
    "sync", "profile", "invite", "plan", "approve", "edit", "scope", "commit", "rivals", "build", "check", "oracle", "measure",
    "guard", "inspect", "end_to_end", "holdout", "decide", "reflect",
)  # fmt: skip
"""All that an experiment may go through, in order."""

USUAL = frozenset({"profile", "plan", "edit", "check", "measure", "decide"})
"""Those that are announced before the first experiment has shown which there are."""

HEALTH_MARKS = {
    "running": ("▶", ""),
    "improving": ("▲", GOOD),
    "plateaued": ("▬", WARN),
    "crashing": ("✗", BAD),
    "healing": ("✚", WARN),
    "paused": ("‖", WARN),
    "completed": ("■", GOOD),
    "stopped": ("■", ""),
    "failed": ("✗", BAD),
    "engine gone": ("✗", BAD),
    "not started": ("○", DIM),
}
"""Glyph and colour of each health, and of what there is when nobody is at work; both only repeat its word."""

STATUS_MARKS = {
    "keep": ("●", "keep", GOOD),
    "discard": ("·", "discard", DIM),
    "crash": ("×", "crash", BAD),
    "checks_failed": ("×", "checks", BAD),
    "baseline": ("○", "baseline", DIM),
    "vetoed": ("⊘", "vetoed", WARN),
}
"""Glyph, word and colour of each status."""


def status_mark(status: str) -> tuple[str, str, str]:
    """Glyph, word and colour; a status that this version does not know is shown as it is."""
    return STATUS_MARKS.get(status, ("?", fmt.one_line(status, 12) or "unknown", ""))


def condition(look: Look) -> str:
    """The session's health; where nobody is at work, that."""
    state = look.state
    if state.session is None:
        return state.health if state.segments else "not started"
    if state.end is not None:
        return state.end.outcome if state.end.outcome in ("stopped", "failed") else state.health
    return "engine gone" if look.engine_known and look.engine is None else state.health


def seconds_between(start: str, end: str) -> float | None:
    """Seconds from one timestamp to another; None when one cannot be read."""
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return None


def clock_time(seconds: float) -> str:
    """A running time, in whole seconds: "0:14", "12:05", "1:02:33"."""
    whole = max(int(seconds), 0)
    minutes, hours = whole // 60 % 60, whole // 3600
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


@frozen
class HeadlineView(Value):
    """The one line that answers "is it working?"."""

    name: str
    metric: str
    direction: str
    unit: str
    baseline: str
    best: str
    gain: str
    """The gain with its interval where one was measured afresh, else the difference of two single values."""
    verdict: Literal["", "confirmed", "unconfirmed", "single values", "unmeasured"]
    since: int
    """Keeps since the gain was measured afresh."""
    better: bool
    target: str
    reached: bool
    segment: int
    health: str
    experiments: int
    most: int | None


def headline(state: SessionState, name: str = "", health: str = "") -> HeadlineView:
    """Base, best, gain and target of the current segment. `health` is said in place of the state's own (see `condition`)."""
    config = state.config
    gain, verdict, since, better = _gain(state)
    values = [state.baseline_value, state.incumbent_value]
    if verdict and state.validation is not None and not since:
        values = [state.validation.before, state.validation.after]  # what the gain is the difference of
    unit, (baseline, best, target) = fmt.column([*values, config.target], config.metric_unit)
    most = state.budget.get("maxIterations")
    return HeadlineView(
        name=(state.session.id if state.session else "") or fmt.one_line(config.name, 32) or name,
        metric=fmt.one_line(config.metric_name, 20),
        direction=config.direction,
        unit=unit,
        baseline=baseline,
        best=best,
        gain=gain,
        verdict=verdict,
        since=since,
        better=better,
        target=target if config.target is not None else "",
        reached=state.target_reached(),
        segment=state.segment_number if len(state.segments) > 1 else 0,
        health=health or state.health,
        experiments=state.experiment_count,
        most=most if type(most) is int else None,
    )


def _gain(
    state: SessionState,
) -> tuple[str, Literal["", "confirmed", "unconfirmed", "single values", "unmeasured"], int, bool]:
    """The gain in words, how well it is known, the keeps since, and whether it is for the better."""
    segment, validation = state.segment, state.validation
    if segment is None or segment.baseline is None:
        return "", "", 0, False
    if validation is not None:
        words = fmt.change(validation.effect, validation.interval, validation.scale, state.config.metric_unit)
        since = max(segment.keeps - validation.keeps, 0)
        if not validation.confirmed:
            return words, "unconfirmed", since, False
        return words, "confirmed", since, fmt.improves(validation.effect, state.direction)
    base, best = state.baseline_value, state.incumbent_value
    if segment.keeps and segment.reverted is not None and best is None:
        return "", "unmeasured", 0, False
    if not segment.keeps or base is None or best is None:
        return "", "", 0, False
    difference = best - base
    words = (
        fmt.percent(difference / abs(base))
        if base
        else fmt.change(difference, None, "difference", state.config.metric_unit)
    )
    return words, "single values", 0, fmt.improves(difference, state.direction)


@frozen
class HealthView(Value):
    """How the session is doing, why, what follows, and what is left."""

    health: str
    reason: str
    next: str
    no_improvement: tuple[int, int]
    """How many, of how many."""
    failures: tuple[int, int]
    heals: tuple[int, int]
    tried: tuple[str, ...]
    experiments: str
    time: str
    cost: str
    agent: str
    noise: str
    decision_time: str
    notes: tuple[tuple[str, str], ...]
    """Level and text of the latest notes, the latest first."""


def health(state: SessionState, now: str = "", health: str = "") -> HealthView:
    """The health panel. `now` is a timestamp; without it the time stands at the last record. `health` as in `headline`."""
    limits: Limits = limits_of(state.config)
    streaks = state.streaks
    ended = state.session is not None and state.end is not None
    nobody = ended or health in ("engine gone", "not started")
    follows = "nothing: no engine is at work" if nobody else state.health_next or "the next experiment"
    why = (state.end.reason if state.end else "") or state.health_reason
    calibration = state.calibration
    return HealthView(
        health=health or state.health,
        reason=fmt.one_line(why, 300),
        next=fmt.one_line(follows, 300),
        no_improvement=(streaks.no_improvement, limits.max_no_improvement),
        failures=(streaks.failures, limits.max_crash_streak),
        heals=(state.heals, limits.max_attempts),
        tried=state.tried_playbooks,
        experiments=_experiments(state),
        time=_time(state, now),
        cost=_cost(state),
        agent=fmt.one_line(state.course.agent or state.session.agent, 40) if state.session else "",
        noise=_noise(state),
        decision_time=" to ".join(fmt.duration(s) for s in calibration.decision_seconds)
        if calibration and calibration.decision_seconds[1]
        else "",
        notes=tuple((note.level, fmt.one_line(note.text, 300)) for note in reversed(state.notes[-5:])),
    )


def _experiments(state: SessionState) -> str:
    most = state.budget.get("maxIterations")
    if type(most) is int:
        return f"{state.experiment_count} of {fmt.count(most, 'experiment')}"
    return fmt.count(state.experiment_count, "experiment")


def _time(state: SessionState, now: str) -> str:
    """Time worked, of the time there is. In whole minutes beyond ten, so that it changes seldom."""
    worked = state.elapsed(now if state.active else "")
    budget = state.budget.get("seconds")
    words = clock_time(worked)
    if isinstance(budget, int | float) and budget > 0:
        words = f"{words} of {clock_time(budget)}"
    deadline = state.budget.get("deadline")
    return f"{words}, until {fmt.one_line(deadline, 25)}" if isinstance(deadline, str) and deadline else words


def _cost(state: SessionState) -> str:
    used = state.usage
    budget = state.budget.get("usd")
    cost = fmt.money(used.usd)
    if isinstance(budget, int | float) and budget > 0:
        cost = f"{cost} of {fmt.money(budget)}"
    most = state.budget.get("tokens")
    if type(most) is int:
        return f"{cost}, {used.tokens:,} of {most:,} tokens"
    return f"{cost}, {used.tokens:,} tokens" if used.tokens else cost


def _noise(state: SessionState) -> str:
    calibration = state.calibration
    if calibration is None:
        return ""
    if calibration.exact:
        return "none: all runs gave the same value"
    if calibration.scale == "difference":
        return f"{fmt.metric(calibration.sigma, state.config.metric_unit)} per pair"
    return f"{fmt.percent(calibration.sigma).lstrip('+')} per pair"


@frozen
class PhasesView(Value):
    """The phases of the running experiment, as a line that fills up."""

    title: str
    """Which experiment; empty when nothing is being done."""
    done: tuple[tuple[str, float], ...]
    """Phases that ended, with their seconds."""
    running: str
    elapsed: str
    """Empty when no engine is at work: the phase stands still."""
    waiting: tuple[str, ...]
    last: str
    """What is said when nothing runs."""


STEPS = {
    "setup": "setting up and building two worktrees",
    "check": "running the checks on the unchanged code",
    "canary": "breaking the code in scope on purpose, to see who notices",
    "calibrate": "measuring the noise, the unchanged code against itself",
    "validate": "measuring the gain afresh, the first commit against the branch",
}
"""What is done between experiments, in words."""


def activity(state: SessionState) -> str:
    """What is being done, in a few words; empty when nothing is."""
    current = state.current
    if current is None or state.end is not None:
        return ""
    if current.number:
        return f"#{current.number} {current.phase}"
    return current.phase if current.phase_state == "start" else ""


def phases(state: SessionState, now: str = "") -> PhasesView:
    """Where the running experiment is. `now` is a timestamp; empty when no engine is at work."""
    current = state.current
    doing = activity(state)
    if current is None or not doing or state.end is not None:
        return PhasesView("", (), "", "", (), _idle(state))
    running = current.phase if current.phase_state == "start" else ""
    elapsed = seconds_between(current.phase_started, now) if running and now else None
    if not current.number:
        clock = clock_time(elapsed) if elapsed is not None else ""
        return PhasesView(running, (), STEPS.get(running, ""), clock, (), "")
    done = tuple((name, seconds) for name, seconds in current.phases)
    known = {name for e in state.experiments[-20:] if not e.baseline for name, _ in e.phases} or USUAL
    reached = {name for name, _ in done} | {current.phase}
    furthest = max((PHASES.index(name) for name in reached if name in PHASES), default=-1)
    waiting = tuple(name for name in PHASES[furthest + 1 :] if name in known)
    return PhasesView(
        f"#{current.number}", done, running, clock_time(elapsed) if elapsed is not None else "", waiting, ""
    )


def _idle(state: SessionState) -> str:
    if state.end is not None:
        return f"{state.end.outcome}: {fmt.one_line(state.end.reason, 200)}".rstrip(": ")
    return "no experiment is running"


@frozen
class Standing(Value):
    """Something that lasts, for the status line."""

    level: Literal["info", "warning", "bad"]
    text: str
    short: str = ""
    """What is said where there is no room for all of it."""


def about(look: Look, now: float) -> tuple[Standing, ...]:
    """What a journal of another tool is, and what it cannot tell; nothing for ours. `now` is in seconds since 1970."""
    state = look.state
    if state.session is not None or not state.segments or look.reading:
        return ()
    what = f"{look.tool or 'autotune'} journal · {fmt.count(len(state.experiments), 'run')}"
    silent = now - look.modified if look.modified else 0.0
    since = f" · silent for {_long(silent)}" if silent >= SILENT_SECONDS else ""
    text = f"{what} · single samples, no evidence recorded{since}"
    return (Standing("info", text, f"{what} · no evidence recorded{since}"),)


def standings(look: Look, now: float, name: str = "") -> tuple[Standing, ...]:
    """What lasts and should be known while one looks at the rest. `now` is in seconds since 1970."""
    state = look.state
    found: list[Standing] = []
    if look.problem:
        found.append(Standing("bad", look.problem))
    if not look.exists:
        found.append(Standing("info", f"nothing is there yet: waiting for {name or 'a session'}"))
        return tuple(found)
    if look.reading:
        found.append(Standing("info", f"reading the journal: {fmt.count(state.experiment_count, 'experiment')} so far"))
    if state.session is not None and state.end is None and look.engine_known and look.engine is None:
        found.append(Standing("bad", "the engine is gone; another goes on from here"))
    if state.questions and state.end is None and look.engine is not None:
        asked = state.questions[0]
        found.append(Standing("warning", f"{fmt.one_line(asked.agent, 30)} asks: {fmt.one_line(asked.text, 80)}"))
    if state.health == "paused":
        found.append(
            Standing("warning", f"paused: {fmt.one_line(state.health_reason, 120) or 'no reason was recorded'}")
        )
    if state.health == "healing":
        found.append(
            Standing("warning", f"healing: {fmt.one_line(state.health_reason, 120) or 'no reason was recorded'}")
        )
    if state.session is not None and state.end is None and state.session.sandbox == "none":
        found.append(Standing("warning", "no sandbox"))
    silent = now - look.modified if look.modified else 0.0
    if (
        state.session is not None
        and state.end is None
        and silent >= SILENT_SECONDS
        and state.health not in ("paused", "completed")
    ):
        found.append(Standing("warning", f"silent for {_long(silent)}"))
    if look.state.unreadable:
        found.append(Standing("warning", f"{fmt.count(state.unreadable, 'line')} of the journal cannot be read"))
    return tuple(found)


def _long(seconds: float) -> str:
    """A long time in its largest unit, so that it changes seldom."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
