"""learnings.md: what a session leaves for those that come after it in the same repository (L26)."""

from __future__ import annotations

from autotune_tui.model.experiment import Experiment, Segment
from autotune_tui.model.state import SessionState
from autotune_tui.report.experiment import effect_words
from autotune_tui.report.markdown import bullets, document, inline, section
from autotune_tui.report.tables import name_of

_MOST = 20
_UNTRIED = frozenset({"skipped", "duplicate", "no_change", "no_proposal", "agent_failed", "conflict"})
"""Reasons that say nothing of what was meant to be tried."""


def learnings(state: SessionState) -> str:
    """What worked, what did not, and what was seen of the code; empty as long as nothing was tried."""
    attempts = [e for e in state.experiments if not e.baseline and e.reason not in _UNTRIED]
    if not attempts:
        return ""
    segments = {segment.number: segment for segment in state.segments}
    session = state.session
    about = [f"{session.timestamp[:10]}: {inline(session.goal)}" if session else inline(name_of(state))]
    return document(
        f"What {inline(session.id) if session and session.id else 'this session'} has taught",
        ["", *about],
        section("What worked", bullets(_worked(e, segments[e.segment]) for e in attempts[::-1][:_MOST] if e.kept)),
        section("What did not work", bullets(_failed(e) for e in attempts[::-1][:_MOST] if not e.kept)),
        section("About the code", bullets(inline(lesson) for lesson in lessons(attempts)[::-1][:_MOST])),
    )


def lessons(attempts: list[Experiment]) -> list[str]:
    """What the reflections want later plans to know, in the order in which it was learned, each once."""
    found = (lesson for e in attempts for lesson in e.asi.get("lessons") or () if isinstance(lesson, str))
    return list(dict.fromkeys(lesson.strip() for lesson in found if lesson.strip()))


def _worked(experiment: Experiment, segment: Segment) -> str:
    return f"{_what(experiment)}: {effect_words(experiment, segment) or 'kept'}"


def _failed(experiment: Experiment) -> str:
    """The reflection's words say more than the verdict's."""
    why = inline(experiment.observation or experiment.detail, 240)
    verdict = experiment.reason.replace("_", " ") or experiment.status
    return f"{_what(experiment)}: {verdict}{f'. {why}' if why else ''}"


def _what(experiment: Experiment) -> str:
    where = f" on {inline(experiment.target)}" if experiment.target else ""
    return f"{inline(experiment.description)}{where}"
