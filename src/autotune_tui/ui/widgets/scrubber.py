"""The scrubber of a replay: where it is, how fast it goes, and where the experiments ended."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message

from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import DIM, WARN
from autotune_tui.ui.timeline import Mark
from autotune_tui.ui.views import clock_time, status_mark
from autotune_tui.ui.widgets.bar import Bar

_HINTS_FROM = 110
_STRENGTH = {"keep": 3, "crash": 2, "checks_failed": 2, "baseline": 1}
"""Which mark is shown where several fall on one cell."""


@frozen
class ScrubberView(Value):
    """A moment of a replay. Times are seconds from its beginning."""

    position: float
    duration: float
    speed: float
    playing: bool
    marks: tuple[Mark, ...]


class Scrubber(Bar[ScrubberView]):
    """One line; a click on the track, or dragging along it, sends `Sought`."""

    DEFAULT_CSS: ClassVar[str] = "Scrubber { background: $background; }"

    class Sought(Message):
        """Go to this second of the replay."""

        def __init__(self, seconds: float) -> None:
            super().__init__()
            self.seconds = seconds

    def __init__(self, *, id: str = "scrubber") -> None:
        super().__init__(id=id)
        self._track = (0, 1)
        """Where the track begins, and its cells."""

    def content(self, view: ScrubberView, width: int) -> Content:
        sign = ("▶ ", "$text-success") if view.playing else ("■ " if view.position >= view.duration else "‖ ", WARN)
        speed = f"{view.speed:g}x"
        head = line(
            sign, (f"{speed:<6}", "bold"), f"{clock_time(view.position)} ", (f"of {clock_time(view.duration)}  ", DIM)
        )
        hints = line()
        if width >= _HINTS_FROM:
            keys = (("space", "play"), ("[ ]", "experiment"), ("- +", "speed"), (", .", "step"), ("j", "jump"))
            hints = line(*(part for key, word in keys for part in ((f"  {key}", f"bold {WARN}"), (f" {word}", ""))))
        room = max(width - head.cell_length - hints.cell_length, 1)
        self._track = (head.cell_length, room)
        return line(head, track(view, room), hints)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._seek(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.release_mouse()

    def _seek(self, x: int) -> None:
        start, room = self._track
        place = x - self.styles.padding.left - start
        if self.view is not None and -1 <= place <= room:
            self.post_message(self.Sought(min(max(place, 0) / max(room - 1, 1), 1.0) * self.view.duration))


def track(view: ScrubberView, width: int) -> Content:
    """A line with the experiments' marks on it, and heavy as far as the replay has come."""
    duration = view.duration or 1.0

    def column(seconds: float) -> int:
        return round(seconds / duration * (width - 1))

    here = column(view.position)
    cells = [("━", "$primary") if place < here else ("─", DIM) for place in range(width)]
    strongest: dict[int, Mark] = {}
    for mark in view.marks:
        place = column(mark.at)
        known = strongest.get(place)
        if known is None or _STRENGTH.get(mark.status, 0) >= _STRENGTH.get(known.status, 0):
            strongest[place] = mark
    for place, mark in strongest.items():
        glyph, _, colour = status_mark(mark.status)
        cells[place] = (glyph, colour if place <= here else DIM)
    cells[here] = ("◉" if here in strongest else "┃", "bold $text-primary")
    return line(*cells)
