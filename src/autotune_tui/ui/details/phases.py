"""How long each phase of an experiment took, as bars."""

from __future__ import annotations

from textual.content import Content

from autotune_tui.model import format as fmt
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.details.sample_plot import bar
from autotune_tui.ui.details.subject import Subject
from autotune_tui.ui.lines import line
from autotune_tui.ui.theme import DIM, TITLE
from autotune_tui.ui.views import seconds_between


@frozen
class TimeView(Value):
    """The phases in their order, with their seconds; the last one may still run."""

    phases: tuple[tuple[str, float], ...]
    running: str
    total: float
    began: str
    empty: str = ""


def time_view(subject: Subject, now: str) -> TimeView:
    """The phases of an experiment; of the one that runs up to the timestamp `now`."""
    if subject.running is not None:
        current = subject.running
        phases, running = current.phases, ""
        if current.phase_state == "start":
            running = current.phase
            phases = (*phases, (running, max(seconds_between(current.phase_started, now) or 0.0, 0.0)))
        return TimeView(phases, running, sum(seconds for _, seconds in phases), current.started)
    ended = subject.ended
    phases = ended.phases if ended else ()
    total = (ended.seconds if ended else 0.0) or sum(seconds for _, seconds in phases)
    empty = "" if phases else "This journal does not say how long the phases of the experiment took."
    return TimeView(phases, "", total, "", empty)


def lines(view: TimeView, width: int) -> list[Content]:
    """A line for each phase: its name, its time, its share and a bar."""
    name_width = max((len(name) for name, _ in view.phases), default=0)
    room = max(width - name_width - 26, 10)
    longest = max((seconds for _, seconds in view.phases), default=0.0) or 1.0
    shown: list[Content] = []
    for place, (name, seconds) in enumerate(view.phases):
        running = view.running and place == len(view.phases) - 1
        share = f"{100 * seconds / view.total:.1f} %" if view.total else ""
        shown.append(
            line(
                (f"{'▶' if running else ' '} {name:<{name_width}}", TITLE if running else ""),
                f"  {fmt.duration(seconds):>10}",
                (f"{share:>9}  ", DIM),
                (bar(seconds / longest, room), "$primary"),
            )
        )
    total = line((f"  {'in all':<{name_width}}", "bold"), (f"  {fmt.duration(view.total):>10}", "bold"))
    return [*shown, Content.empty(), total]
