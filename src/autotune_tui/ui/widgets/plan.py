"""The plan panel: what is tried now and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from autotune_tui.model import format as fmt
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.lines import labelled, line
from autotune_tui.ui.theme import DIM
from autotune_tui.ui.views import status_mark
from autotune_tui.ui.widgets.panel import Panel

_LABEL = 12


@frozen
class PlanView(Value):
    """A plan in words. `number` is 0 when nothing is planned."""

    number: int
    phase: str
    description: str
    rows: tuple[tuple[str, str], ...]
    """Labels with their texts."""
    agent: str
    said: tuple[str, ...] = ()
    """What the agent says while it has no plan yet."""
    ended: str = ""
    """How the experiment ended, when it is the last one because none is running."""


def plan(state: SessionState, said: tuple[str, ...] = ()) -> PlanView:
    """The plan of the running experiment; between experiments, what the last one has taught."""
    current = state.current
    if current is None or not current.number or state.end is not None:
        return _last(state)
    made = current.plan
    if made is None:
        return PlanView(current.number, current.phase, "", (), "", said)
    expected = fmt.percent(made.expected) if made.expected is not None else ""
    others = [_approach(approach) for approach in made.approaches if not _is_chosen(approach, made.description)]
    rows = (
        ("target", made.target),
        ("hypothesis", made.hypothesis),
        ("bottleneck", made.bottleneck),
        ("expected", f"{expected} of the {state.config.metric_name or 'metric'}" if expected else ""),
        ("others", " · ".join(text for text in others if text)),
        (
            "waiting",
            " · ".join(f"{each.agent}: {each.description}" for each in state.proposals if not each.is_of(made)),
        ),
        ("would fail", made.premortem),
        ("strategy", made.strategy),
    )
    texts = tuple((label, fmt.one_line(text, 600)) for label, text in rows if text)
    return PlanView(current.number, current.phase, fmt.one_line(made.description, 200), texts, made.agent)


def _last(state: SessionState) -> PlanView:
    ended = next((e for e in reversed(state.experiments) if not e.baseline), None)
    if ended is None:
        return PlanView(0, "", "", (), "")
    rows = (
        ("hypothesis", ended.hypothesis),
        ("reason", (ended.detail or ended.reason.replace("_", " ")) if not ended.kept else ""),
        ("seen", ended.observation),
        ("next", ended.next),
    )
    texts = tuple((label, fmt.one_line(text, 600)) for label, text in rows if text)
    return PlanView(
        ended.index, "", fmt.one_line(ended.description, 200), texts, "", ended=fmt.one_line(ended.status, 20)
    )


def _approach(approach: Mapping[str, Any]) -> str:
    """The words of an approach, which agents name in one of these ways."""
    for name in ("title", "name", "description", "summary", "text"):
        text = approach.get(name)
        if isinstance(text, str) and text:
            return fmt.one_line(text, 80)
    return ""


def _is_chosen(approach: Mapping[str, Any], description: str) -> bool:
    return approach.get("chosen") is True or _approach(approach) == fmt.one_line(description, 80)


class PlanPanel(Panel[PlanView]):
    """Target, hypothesis, bottleneck, the other approaches and what would make it fail."""

    heading = "Plan"

    def title(self, view: PlanView) -> str:
        ended = f", {status_mark(view.ended)[1]}" if view.ended else ""
        return f"Plan · #{view.number}{ended}" if view.number else "Plan"

    def subtitle(self, view: PlanView) -> str:
        return f"{view.agent} agent" if view.agent else ""

    def lines(self, view: PlanView, width: int, height: int) -> list[Content]:
        if not view.number:
            return line(("What is tried next, and why, appears here when an experiment begins.", DIM)).wrap(width)
        if not view.description:
            doing = "looks for what to try" if view.phase in ("plan", "profile") else "begins"
            spoken = [part for text in view.said for part in line(text).wrap(width)]
            return [line((f"#{view.number} {doing}.", DIM)), *spoken[-max(height - 1, 1) :]]
        lines = line((view.description, "bold")).wrap(width)
        for label, text in view.rows:
            lines += labelled(label, line(text), width, label_width=_LABEL, style=DIM)
        return lines
