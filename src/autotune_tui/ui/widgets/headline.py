"""The headline: whether it works, in one line."""

from __future__ import annotations

from textual.content import Content

from autotune_tui.model import format as fmt
from autotune_tui.ui.lines import Piece, fit, line
from autotune_tui.ui.theme import BAD, DIM, GOOD, WARN
from autotune_tui.ui.views import HEALTH_MARKS, HeadlineView
from autotune_tui.ui.widgets.bar import Bar


class Headline(Bar[HeadlineView]):
    """Session, metric, base and best, the gain and how well it is known, target, health, experiments."""

    def content(self, view: HeadlineView, width: int) -> Content:
        pieces = [Piece(6, line((view.name or "autotune-tui", "bold")))]
        if view.metric:
            words = fmt.direction_words(view.direction)
            mark = fmt.direction_mark(view.direction)
            pieces.append(Piece(3, line(f"{view.metric} ", (words, DIM)), line(f"{view.metric} {mark}")))
        if view.segment:
            pieces.append(Piece(2, line((f"segment {view.segment}", DIM))))
        if view.baseline != fmt.MISSING:
            pieces += self._progress(view)
        pieces.append(Piece(7, self._health(view)))
        if view.metric:
            of = f" of {view.most}" if view.most else ""
            long = line((f"{view.experiments}{of} experiments", DIM))
            pieces.append(Piece(1, long, line((f"{view.experiments}{of}", DIM))))
        return fit(pieces, width, "   " if width >= 110 else "  ")

    def _progress(self, view: HeadlineView) -> list[Piece]:
        colour = GOOD if view.better else ""
        if view.verdict in ("", "unmeasured"):
            base = line("base ", (f"{view.baseline} {view.unit}".rstrip(), "bold"))
            return [Piece(8, base), self._gain(view), *self._target(view)]
        best = line((f"base {view.baseline} → ", DIM), (f"{view.best} {view.unit}".rstrip(), f"bold {colour}".strip()))
        short = line((f"{view.baseline} → ", DIM), (f"{view.best} {view.unit}".rstrip(), f"bold {colour}".strip()))
        return [Piece(8, best, short), self._gain(view), *self._target(view)]

    def _target(self, view: HeadlineView) -> list[Piece]:
        if not view.target:
            return []
        text = f"target {view.target} {view.unit}".rstrip()
        if view.reached:
            return [Piece(4, line((f"◎ {text} reached", GOOD)), line(("◎ target", GOOD)))]
        return [Piece(4, line((text, DIM)))]

    def _gain(self, view: HeadlineView) -> Piece:
        since = f", {view.since} more since" if view.since else ""
        short = view.gain.partition(" [")[0]
        match view.verdict:
            case "confirmed":
                colour = GOOD if view.better else BAD
                return Piece(9, line((view.gain, f"bold {colour}"), (f" measured afresh{since}", DIM)),
                             line((view.gain, f"bold {colour}")))  # fmt: skip
            case "unconfirmed":
                return Piece(9, line(("no confirmed improvement ", WARN), (view.gain, DIM)),
                             line((f"{short} not confirmed", WARN)))  # fmt: skip
            case "single values":
                return Piece(9, line((view.gain, "bold"), (" of single values", DIM)), line((view.gain, "bold")))
            case "unmeasured":
                return Piece(9, line(("vetoed, to be measured again", WARN)), line(("vetoed", WARN)))
        return Piece(9, line(("nothing kept yet", DIM)))

    def _health(self, view: HeadlineView) -> Content:
        glyph, colour = HEALTH_MARKS.get(view.health, ("?", ""))
        return line((f"{glyph} {view.health}", colour))
