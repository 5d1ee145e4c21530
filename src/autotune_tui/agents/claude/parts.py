"""What of a context goes into a prompt, as text. Pure but for the session's files that it is handed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from autotune_tui.agents import words
from autotune_tui.agents.base import Context, Failure, Outcome, PastExperiment, Plan
from autotune_tui.agents.claude.duplicates import since_last_keep
from autotune_tui.agents.claude.tools.base import shortened
from autotune_tui.agents.text import harmless, one_line
from autotune_tui.model import guidance
from autotune_tui.model.format import change, metric, percent
from autotune_tui.model.profile import HotSpot, Profile

MOST_FILES = 200
MOST_SPOTS = 25
MOST_RESULTS = 40
MOST_KEEPS = 20
MOST_LESSONS = 8
MOST_LESSON = 1500
MOST_DIFF = 24_000
MOST_EARLIER = 6_000


class Proposed(Protocol):
    """An approach of a plan."""

    @property
    def name(self) -> str: ...
    @property
    def change(self) -> str: ...
    @property
    def trade_off(self) -> str: ...


def common(context: Context) -> dict[str, str]:
    """The parts that every role has."""
    return {
        "number": str(context.experiment),
        "goal": context.goal,
        "constraints": _bullets(context.constraints),
        "metric": _metric(context),
        "scope": _scope(context),
        "profile": profile_text(context.profile, context.profile_before),
    }


def for_planner(context: Context, log: str, earlier: str) -> dict[str, str]:
    return {
        **common(context),
        "leaderboard": leaderboard(context),
        "results": results(context),
        "lessons": lessons(context.history),
        "strategies": strategies(context.history),
        "health": course(context),
        "log": log,
        "ideas": shortened(harmless(context.ideas), 6000),
        "earlier": earlier,
    }


def for_ranker(context: Context, bottleneck: str, approaches: Iterable[Proposed]) -> dict[str, str]:
    """The approaches by their names: nothing of the order in which they were proposed, nor of the choice."""
    listed = sorted(f"**{each.name}**: {each.change} {each.trade_off}" for each in approaches)
    return {
        **common(context),
        "results": results(context),
        "bottleneck": bottleneck,
        "approaches": _bullets(listed, MOST_LESSON),
    }


def for_builder(context: Context, code: Sequence[str]) -> dict[str, str]:
    """`code` are the files that are to become better: what the builder may not write, and what it writes for."""
    names = [*code[:MOST_FILES], *(["and more, see list_files"] if len(code) > MOST_FILES else [])]
    listed = f"{_bullets([', '.join(context.exclude)])}\n\nIts files:\n{_bullets(names)}"
    return {"goal": context.goal, "constraints": _bullets(context.constraints), "scope": listed}


def for_editor(context: Context, plan: Plan) -> dict[str, str]:
    return {**common(context), "plan": plan_text(plan)}


def for_rework(context: Context, plan: Plan, failure: Failure, diff: str) -> dict[str, str]:
    failed = f"{failure.phase}: {failure.reason}\n\n```\n{shortened(harmless(failure.output), 12_000)}\n```"
    return {**for_editor(context, plan), "attempt": str(failure.attempt), "diff": diff_text(diff), "failure": failed}


def for_inspector(context: Context, description: str, outcome: Outcome, diff: str) -> dict[str, str]:
    """Goal, figures and diff: nothing of the plan, so that its praise persuades nobody."""
    measured = words.measured(outcome, context.metric)
    return {**common(context), "measured": measured, "description": description, "diff": diff_text(diff)}


def for_reflector(context: Context, plan: Plan, outcome: Outcome, diff: str, log: str) -> dict[str, str]:
    ended = [f"{outcome.status}, {outcome.reason}" if outcome.reason else outcome.status]
    ended += [words.observation(outcome, context.metric, context.direction)]
    ended += [outcome.detail] if outcome.detail else []
    if outcome.effect is None and log:
        ended.append(f"The end of the output:\n\n```\n{harmless(log)}\n```")
    return {
        **common(context), "plan": plan_text(plan), "outcome": "\n\n".join(ended), "diff": diff_text(diff),
        "results": results(context),
    }  # fmt: skip


def profile_text(profile: Profile | None, before: Profile | None = None) -> str:
    """A table of the hot functions, most of the run first; beside it, what they were in a profile before."""
    if profile is None or not profile.hot_spots:
        return f"There is none. {profile.note if profile else ''}".strip()
    known = before if before is not None and before.hot_spots else None
    earlier = {(spot.file, spot.function): spot.self_share for spot in known.hot_spots} if known else {}
    lines = [f"{profile.tool}, {profile.samples:,} samples in {profile.seconds:.2g} s. {profile.note}".strip()]
    lines += [_moved(known, profile)] if known else []
    column = (" itself before |", " ---: |") if known else ("", "")
    lines += ["", f"| in it or below | itself |{column[0]} function | place |"]
    lines += [f"| ---: | ---: |{column[1]} --- | --- |"]
    for spot in profile.hot_spots[:MOST_SPOTS]:
        place = f"{spot.file}:{spot.line}" if spot.line else spot.file
        was = f" {earlier.get((spot.file, spot.function), 0.0):.1%} |" if known else ""
        lines.append(
            f"| {spot.total_share:.1%} | {spot.self_share:.1%} |{was} {one_line(spot.function, 80)} | {place} |"
        )
    return "\n".join(lines)


def _moved(before: Profile, now: Profile) -> str:
    """Whether most of the run is spent in the same function as before."""

    def most(profile: Profile) -> HotSpot:
        return max(profile.hot_spots, key=lambda spot: spot.self_share)

    old, new = most(before), most(now)
    if (old.file, old.function) == (new.file, new.function):
        return f"Most is spent in {new.function} as before ({old.self_share:.0%} before, {new.self_share:.0%} now)."
    return (
        f"It has moved: most was spent in {old.function} ({old.self_share:.0%}), now it is {new.function} "
        f"({new.self_share:.0%})."
    )


def leaderboard(context: Context) -> str:
    """What was kept, the largest gain first, with what it was measured to bring."""
    keeps = [past for past in context.history if past.status == "keep"]
    sign = 1 if context.direction == "lower" else -1
    keeps.sort(key=lambda past: sign * (past.effect or 0.0))
    return _bullets(_line(past) for past in keeps[:MOST_KEEPS])


def results(context: Context) -> str:
    """The latest experiments, whatever became of them."""
    history = context.history
    if not history:
        return "This is the first experiment."
    rest = len(history) - MOST_RESULTS
    left_out = [f"{rest} earlier ones are left out; use recall"] if rest > 0 else []
    return _bullets([*left_out, *(_line(past) for past in history[-MOST_RESULTS:])])


def lessons(history: Sequence[PastExperiment]) -> str:
    """The last reflections."""
    found = [past for past in history if past.observation or past.next or past.lessons][-MOST_LESSONS:]
    return _bullets((_lesson(past) for past in found), MOST_LESSON)


def _lesson(past: PastExperiment) -> str:
    learned = f" Learned: {' '.join(past.lessons)}" if past.lessons else ""
    return f"#{past.index} {past.observation}{learned} Next: {past.next or 'nothing said'}"


def strategies(history: Sequence[PastExperiment]) -> str:
    """How often each kind was tried and kept."""
    tried = Counter(past.strategy for past in history if past.strategy)
    kept = Counter(past.strategy for past in history if past.status == "keep")
    lines = [f"{name}: tried {count}, kept {kept[name]}" for name, count in tried.most_common(20)]
    return _bullets(lines)


def plan_text(plan: Plan) -> str:
    lines = [f"**{plan.description}**", "", f"Hypothesis: {plan.hypothesis}", f"Target: {plan.target}"]
    lines += [f"Expected: {percent(plan.expected)}"] if plan.expected is not None else []
    sections = plan.data.get("sections")
    if isinstance(sections, Mapping):
        for name in ("The change", "Files", "Unmeasured harm"):
            if isinstance(text := sections.get(name), str):
                lines.append(f"{name}: {text}")
    lines += [f"If it fails, then because: {plan.premortem}"] if plan.premortem else []
    return "\n".join(lines)


def diff_text(diff: str) -> str:
    return f"```diff\n{shortened(harmless(diff), MOST_DIFF)}\n```" if diff.strip() else ""


def earlier_sessions(session: Path) -> str:
    """What other sessions of the repository left for later ones (L26): their learnings, else what they tried and learned."""
    found = []
    for folder in sorted(session.parent.glob("[0-9]*"), reverse=True):
        if folder == session or not folder.is_dir():
            continue
        text = _start(folder / "learnings.md") or _learned(_start(folder / "autotune.md"))
        if text:
            found.append(f"### {folder.name}\n{text}")
    return shortened(harmless("\n\n".join(found)), MOST_EARLIER)


def _learned(document: str) -> str:
    """Wins, dead ends and lessons of a living document."""
    sections = document.split("\n## ")
    wanted = [part for part in sections if part.startswith(("Wins", "Dead ends", "Learned"))]
    return "\n\n".join(part.strip() for part in wanted)


def _start(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(32 << 10).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _metric(context: Context) -> str:
    def value(number: float | None) -> str:
        return "not measured" if number is None else metric(number, context.unit)

    lines = [
        f"{context.metric}, {context.direction} is better",
        f"first commit: {value(context.baseline_value)}; incumbent: {value(context.incumbent_value)}",
        f"benchmark: `{context.benchmark}`",
    ]
    return _bullets([*lines, *([f"target: {value(context.target)}"] if context.target is not None else [])])


def _scope(context: Context) -> str:
    lines = [f"may be changed: {', '.join(context.include)}"]
    lines += [f"but not: {', '.join(context.exclude)}"] if context.exclude else []
    names = list(context.files[:MOST_FILES])
    rest = len(context.files) - len(names)
    names += [f"and {rest:,} more, see list_files"] if rest > 0 else []
    return f"{_bullets(lines)}\n\nFiles in scope:\n{_bullets(names)}"


def course(context: Context) -> str:
    """How the session does, and what that asks of this experiment: repair, rotation, the way out when it is stuck (L19, L20)."""
    tried = len(since_last_keep(context.history))
    lines = [f"health: {context.health}", f"experiments since the last keep: {tried}"]
    lines += [harmless(text) for text in guidance.words(context.guidance)]
    if context.beside:
        lines.append(
            f"At the same time these agents propose for the same code: {', '.join(context.beside)}. They know what you know, but "
            "not your plan. Choose a change that is worth it and that they are less likely to find."
        )
    if context.health == "crashing":
        lines.append("The last experiments broke something. Choose a change that you are sure works.")
    return _bullets(lines)


def _line(past: PastExperiment) -> str:
    effect = "" if past.effect is None else f", {change(past.effect, past.interval, scale=past.scale)}"
    reason = f" {past.reason}" if past.reason and past.reason != past.status else ""
    strategy = f" ({past.strategy})" if past.strategy else ""
    return f"#{past.index} {past.status}{reason}{effect}: {one_line(past.description, 120)}{strategy}"


def _bullets(lines: Iterable[str], most: int = 600) -> str:
    return "\n".join(f"- {one_line(line, most)}" for line in lines)
