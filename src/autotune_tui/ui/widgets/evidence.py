"""The evidence panel: the samples of both sides as dots, the effect and its interval closing in, the looks to come."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from autotune_tui.model import format as fmt
from autotune_tui.ui.evidence import Axis, EvidenceView, axis_of, bar, dots, effect_axis, fast_half, labels, ticks
from autotune_tui.ui.lines import Piece, fit, line
from autotune_tui.ui.theme import BAD, CANDIDATE, DIM, GOOD, INCUMBENT, WARN
from autotune_tui.ui.views import status_mark
from autotune_tui.ui.widgets.panel import Panel

_LABEL = 11
"""Cells of the labels at the left."""
_WITHOUT = {
    "nothing": "Nothing is being measured. While a candidate is, its runs and the incumbent's appear here as dots, two "
    "runs to a pair, with the effect, its interval, and the looks at which it may be decided.",
    "unrecorded": "This journal has one value for each experiment: how much of a difference is noise cannot be told.",
}
_NAMES = {"validation": ("first", "branch"), "calibration": ("one side", "the other")}


class EvidencePanel(Panel[EvidenceView]):
    """How far the running decision is."""

    heading = "Evidence"

    def title(self, view: EvidenceView) -> str:
        return {
            "experiment": f"Evidence · #{view.number}",
            "calibration": "Evidence · the incumbent against itself",
            "validation": "Evidence · the gain, measured afresh",
        }.get(view.purpose, "Evidence")

    def subtitle(self, view: EvidenceView) -> str:
        if view.purpose != "experiment":
            return ""
        words = [view.profile, f"keeps a gain of {view.threshold}" if view.threshold else ""]
        return " · ".join(word for word in words if word)

    def lines(self, view: EvidenceView, width: int, height: int) -> list[Content]:
        if view.purpose in _WITHOUT:
            return line((_WITHOUT[view.purpose], DIM)).wrap(width)
        if not view.incumbent and not view.candidate:
            return [line(("The first runs are under way.", DIM))]
        above = [summary(view, width), *_sides(view, width, air=height >= 12)]
        below = _closing(view, width)
        room = height - len(above) - len(below)
        return [*above, *_funnel(view, width, max(room, 1), air=height >= 12), *below]


def summary(view: EvidenceView, width: int) -> Content:
    """The one line that says it all."""
    of = f" of {view.most} pairs" if view.most else " pairs" if view.pairs != 1 else " pair"
    pieces = [Piece(9, line((f"{view.pairs}{of}", "bold")))]
    if view.purpose == "calibration":
        pieces.append(Piece(5, line(("equal code on both sides, which shows the noise", DIM))))
        return fit(pieces, width)
    if view.bars:
        pieces.append(Piece(8, _effect(view), _effect(view, interval=False)))
    if view.state == "continue" and view.next_look is not None:
        pieces.append(Piece(5, line((f"next look at {view.next_look}", DIM)), line((f"look at {view.next_look}", DIM))))
    elif view.state != "continue":
        pieces.append(Piece(7, _verdict(view)))
    if view.weak:
        pieces.append(Piece(6, line(("weak evidence", WARN))))
    return fit(pieces, width)


def _effect(view: EvidenceView, *, interval: bool = True) -> Content:
    last = view.bars[-1]
    words = fmt.change(last.effect, (last.low, last.high) if interval else None, view.scale, view.unit)
    better = fmt.improves(last.effect, view.direction)
    sure = _is_sure(view)
    word = ("better" if better else "worse") + ("" if sure else " so far" if view.state == "continue" else "")
    return line((words, f"bold {GOOD if better else BAD}" if sure else "bold"), " ", (word, "" if sure else DIM))


def _is_sure(view: EvidenceView) -> bool:
    last = view.bars[-1]
    return last.low > 0 or last.high < 0


def _verdict(view: EvidenceView) -> Content:
    if view.purpose == "validation":
        return line(("● confirmed", GOOD) if view.state == "keep" else ("· no confirmed improvement", WARN))
    mark, word, colour = status_mark(view.state)
    if view.then and view.state == "keep":
        return line((f"{mark} {word} so far; now {view.then} is measured", colour))
    reason = f" ({view.reason.replace('_', ' ')})" if view.state != "keep" and view.reason else ""
    return line((f"{mark} {word}{reason}", colour))


def _sides(view: EvidenceView, width: int, *, air: bool) -> list[Content]:
    """Both sides as dots on one scale, each with the value that is compared."""
    values = [*view.incumbent, *view.candidate]
    means = [fast_half(view.incumbent, view.direction), fast_half(view.candidate, view.direction)]
    unit, texts = fmt.column(means, view.unit)
    factor = fmt.unit_for(means, view.unit)[0]
    tail = max(len(text) for text in texts) + len(unit) + 3
    axis = axis_of(values, max(width - _LABEL - tail, 10))
    names = _NAMES.get(view.purpose, ("incumbent", "candidate"))
    lines = [Content("")] if air else []
    for name, side, text, colour in zip(
        names, (view.incumbent, view.candidate), texts, (INCUMBENT, CANDIDATE), strict=True
    ):
        if side:
            value = f"{text} {unit}".rstrip()
            lines.append(
                line((name.ljust(_LABEL), DIM), (dots(side, axis), colour), (value.rjust(tail), f"bold {colour}"))
            )
    step = ticks(axis)
    decimals = fmt.column([value / factor for value in step])[1] if step else []
    scale = labels(axis, list(zip(step, decimals, strict=True)))
    lines.append(line((f"{unit} {fmt.direction_mark(view.direction)}".strip().ljust(_LABEL), DIM), (scale, DIM)))
    if air and width >= 60:
        lines[-1] = line(lines[-1], ("fast half".rjust(tail), DIM))
    return lines


def _funnel(view: EvidenceView, width: int, room: int, *, air: bool) -> list[Content]:
    """The looks so far, a line each, on one axis: one sees the interval close in. The latest stands at the bottom."""
    if view.purpose == "calibration":
        return []
    if not view.bars:
        return [line(("effect".ljust(_LABEL), DIM), ("appears after the first pairs", DIM))]
    axis = effect_axis(view.bars, max(width - _LABEL, 10))
    lines = [Content("")] if air and room > 3 else []
    shown = view.bars[-max(room - len(lines) - 1, 1) :]
    for place, look in enumerate(shown):
        latest = place == len(shown) - 1
        label = f"{look.pairs} pairs" if latest else str(look.pairs)
        lines.append(_bar_line(view, bar(look, axis), axis, label, latest=latest))
    text = _effect_text(view)
    at = [(value, text(value)) for value in ticks(axis)]
    lines.append(line(("effect".ljust(_LABEL), DIM), (labels(axis, at), DIM)))
    return lines


def _bar_line(view: EvidenceView, text: str, axis: Axis, label: str, *, latest: bool) -> Content:
    """A bar with the line of no effect behind it."""
    zero = axis.cell(0.0)
    colour = DIM
    if latest:
        good = fmt.improves(view.bars[-1].effect, view.direction)
        colour = (GOOD if good else BAD) if _is_sure(view) else CANDIDATE
        colour = f"bold {colour}"
    at_zero = "│" if text[zero] == " " else "┼" if text[zero] == "─" else text[zero]
    return line(
        (label.rjust(_LABEL - 2) + "  ", "" if latest else DIM),
        (text[:zero], colour),
        (at_zero, DIM if at_zero == "│" else colour),
        (text[zero + 1 :], colour),
    )


def _effect_text(view: EvidenceView) -> Callable[[float], str]:
    if view.scale == "difference":
        return lambda value: fmt.number(value, 3)
    return lambda value: "0" if abs(value) < 1e-9 else fmt.percent(value, decimals=0 if abs(value) >= 0.0095 else 1)


def _closing(view: EvidenceView, width: int) -> list[Content]:
    """The looks to come and the noise."""
    if view.purpose != "experiment":
        return []
    looks: list[Content] = []
    following = next((look for look in view.looks if look > view.pairs), None)
    for look in view.looks:
        if look <= view.pairs:
            looks.append(line((str(look), f"{DIM} strike")))
        elif look == following and view.state == "continue":
            looks.append(line((f"▸ {look}", "bold")))
        else:
            looks.append(line((str(look), DIM)))
    pieces = []
    if looks:
        pieces.append(Piece(9, line(("keep at".ljust(_LABEL), DIM), Content("  ").join(looks), (" pairs", DIM))))
    if view.noise:
        pieces.append(Piece(3, line((f"noise {view.noise} per pair", DIM))))
    if view.retaken:
        pieces.append(Piece(6, line((f"{fmt.count(view.retaken, 'block')} taken again: disturbed", WARN))))
    return [fit(pieces, width, "   ")] if pieces else []
