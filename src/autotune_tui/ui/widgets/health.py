"""The health panel: how the session is doing, why, what follows, what is left, in five labelled lines."""

from __future__ import annotations

from textual.content import Content

from autotune_tui.ui.lines import Piece, cut, fit, labelled, line
from autotune_tui.ui.theme import BAD, DIM, WARN
from autotune_tui.ui.views import HEALTH_MARKS, HealthView
from autotune_tui.ui.widgets.panel import Panel

_LABEL = 8


class HealthPanel(Panel[HealthView]):
    """State, next action, limits, what is spent, and who works how precisely; then the latest notes."""

    heading = "Health"

    def lines(self, view: HealthView, width: int, height: int) -> list[Content]:
        glyph, colour = HEALTH_MARKS.get(view.health, ("?", ""))
        state = line((f"{glyph} {view.health}", f"bold {colour}".strip()), "  ", view.reason)
        reason = cut(state.wrap(width), 2 if height >= 7 else 1)
        follows = cut(labelled("next", line(view.next), width, label_width=_LABEL, style=DIM), 2 if height >= 8 else 1)
        lines = [*reason, *follows, self._limits(view, width), self._spent(view, width), self._worker(view, width)]
        for level, text in view.notes:
            mark = ("! ", WARN) if level == "warning" else ""
            lines += cut(labelled("note", line(mark, text), width, label_width=_LABEL, style=DIM), 2)
        return lines

    def _limits(self, view: HealthView, width: int) -> Content:
        counts = (
            ("without a keep", view.no_improvement, 9),
            ("failures", view.failures, 8),
            ("healing", view.heals, 7),
        )
        pieces = [Piece(priority, _count(name, *of)) for name, of, priority in counts]
        if view.tried:
            pieces.append(Piece(1, line((f"tried {', '.join(view.tried)}", DIM))))
        return line(("limits".ljust(_LABEL), DIM), fit(pieces, width - _LABEL, "   "))

    def _spent(self, view: HealthView, width: int) -> Content:
        pieces = [Piece(9, line(view.experiments)), Piece(8, line(view.time)), Piece(7, line(view.cost))]
        return line(("spent".ljust(_LABEL), DIM), fit(pieces, width - _LABEL, " · "))

    def _worker(self, view: HealthView, width: int) -> Content:
        pieces = [Piece(9, line(view.agent or "unknown"))]
        if view.noise:
            pieces.append(Piece(8, line(f"noise {view.noise}")))
        if view.decision_time:
            pieces.append(Piece(5, line(f"a decision takes {view.decision_time}")))
        return line(("agent".ljust(_LABEL), DIM), fit(pieces, width - _LABEL, " · "))


def _count(name: str, now: int, most: int) -> Content:
    """ "failures 1/2", in the colour of what is near its limit; the figures say it as well."""
    colour = BAD if most and now >= most else WARN if most and now and now >= most - 1 else ""
    return line(f"{name} ", (f"{now}/{most}", colour))
