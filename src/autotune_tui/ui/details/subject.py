"""The experiment that the details screen is about, whether it ended or still runs, and its place among the others."""

from __future__ import annotations

from pathlib import Path

from autotune_tui.journal.files import SessionFolder
from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import BY_HAND, CurrentExperiment, Experiment, Segment
from autotune_tui.model.findings import tally
from autotune_tui.model.session import SessionState
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.theme import TITLE
from autotune_tui.ui.views import status_mark


@frozen
class Subject(Value):
    """One experiment. Exactly one of `ended` and `running` is set."""

    place: int
    """Its place in `SessionState.experiments`; the one that runs stands after the last."""
    ended: Experiment | None
    running: CurrentExperiment | None
    segment: Segment | None
    folder: Path | None
    """Where its artifacts lie; None when the session or the experiment has no folder."""
    before: int | None
    """The number of the experiment before it."""
    after: int | None

    @property
    def number(self) -> int:
        if self.ended is not None:
            return self.ended.index
        return self.running.number if self.running else 0

    @property
    def title(self) -> str:
        """What was tried, on one line."""
        if self.ended is not None:
            if self.ended.baseline:
                return f"baseline of segment {self.ended.segment}"
            return fmt.one_line(self.ended.description, 300) or "no description"
        plan = self.running.plan if self.running else None
        return fmt.one_line(plan.description, 300) if plan else "not planned yet"

    @property
    def unit(self) -> str:
        return self.segment.config.metric_unit if self.segment else ""

    @property
    def direction(self) -> str:
        return self.segment.config.direction if self.segment else "lower"


def find(state: SessionState, number: int, folder: SessionFolder | None) -> Subject | None:
    """The experiment with this number, the last of them when there are several; 0 is the last baseline."""
    places = [
        place
        for place, experiment in enumerate(state.experiments)
        if (experiment.baseline if number == 0 else experiment.index == number)
    ]
    if places:
        return at(state, places[-1], folder)
    current = state.current
    return at(state, len(state.experiments), folder) if current and current.number == number > 0 else None


def at(state: SessionState, place: int, folder: SessionFolder | None) -> Subject | None:
    """The experiment at this place; None when there is none."""
    current = state.current if state.current and state.current.number > 0 else None
    last = len(state.experiments) - (current is None)
    if not 0 <= place <= last:
        return None
    ended = state.experiments[place] if place < len(state.experiments) else None
    number = ended.segment if ended else state.segment_number
    return Subject(
        place=place,
        ended=ended,
        running=None if ended else current,
        segment=next((segment for segment in state.segments if segment.number == number), None),
        folder=_folder(ended, current, folder),
        before=_number(state, place - 1) if place else None,
        after=_number(state, place + 1) if place < last else None,
    )


def verdict(subject: Subject) -> tuple[str, str, str]:
    """A glyph, words and a colour for how it ended; the words hold the reason."""
    ended = subject.ended
    if ended is None:
        return "▶", f"running: {subject.running.phase}" if subject.running else "running", TITLE
    glyph, word, colour = status_mark("baseline" if ended.baseline else ended.status)
    if ended.veto is not None:
        return glyph, f"{word} by {fmt.one_line(ended.veto.by)}: {fmt.one_line(ended.veto.why)}", colour
    if ended.reason == BY_HAND:
        return glyph, f"{word}, by hand, by {fmt.one_line(ended.by)}: {fmt.one_line(ended.why)}", colour
    if ended.reason and not ended.kept and not ended.baseline:
        word = f"{word}: {fmt.one_line(ended.reason, 60).replace('_', ' ')}"
    return glyph, word, colour


def figures(subject: Subject) -> tuple[str, ...]:
    """Value, effect with interval, pairs, commit and time, as far as they are known."""
    ended = subject.ended
    if ended is None:
        decision = subject.running.decision if subject.running else None
        effect = fmt.change(decision.effect, decision.interval, decision.scale, subject.unit) if decision else ""
        pairs = fmt.count(decision.pairs, "pair") if decision else ""
        return tuple(text for text in (effect, pairs) if text)
    parts = (
        fmt.metric(ended.metric, subject.unit) if ended.metric is not None else "",
        fmt.change(ended.effect, ended.interval, ended.scale, subject.unit) if ended.effect is not None else "",
        fmt.count(ended.pairs, "pair") if ended.pairs else "",
        "weak evidence" if ended.weak else "",
        *map(fmt.confirmed, ended.confirmations),
        f"inspector: {tally(ended.findings)}" if ended.findings else "",
        fmt.one_line(ended.commit or ended.sha)[:10],
        fmt.duration(ended.seconds) if ended.seconds else "",
    )
    return tuple(part for part in parts if part)


def _folder(ended: Experiment | None, current: CurrentExperiment | None, folder: SessionFolder | None) -> Path | None:
    """By the journal; of the one that runs, or of one that was cut off, by its number."""
    if folder is None:
        return None
    if ended is not None and ended.baseline:
        return folder.baseline
    if ended is not None and ended.folder:
        path = folder.root / ended.folder
        return path if path.resolve().is_relative_to(folder.root.resolve()) else None
    number = ended.index if ended else current.number if current else 0
    named = [path for path in folder.experiments.glob(f"{number:03}*") if path.name.partition("-")[0] == f"{number:03}"]
    return max(named, default=None)


def _number(state: SessionState, place: int) -> int | None:
    if place < len(state.experiments):
        return state.experiments[place].index
    return state.current.number if state.current else None
