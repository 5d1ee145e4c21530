"""A journal as something that can be played: what was seen at each moment, and how one goes to another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from autotune_tui.model.events import Record, Result
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.follower import Look

LONGEST_GAP = 30.0
"""Seconds that a longer silence is played in: a night's pause would be waited for at any speed."""
WITHOUT_TIME = 10.0
"""Seconds for each record of a log that has no timestamps."""
SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_STRIDE = 2000
"""Records between two moments that are remembered, so that going back does not read all from the start."""
_START = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Mark(Value):
    """An experiment's end."""

    at: float
    number: int
    status: str


class Timeline:
    """The records of a journal and the second, from the beginning of the replay, at which each was written."""

    def __init__(self, records: Sequence[Record], tool: str = "") -> None:
        """`tool` is whose log it is, when it is another tool's."""
        self._records = records
        self._times, self._stamps = _times(records)
        self.duration = self._times[-1] if self._times else 0.0
        self.marks = tuple(
            Mark(at, record.index, "baseline" if record.reason == "baseline" else record.status)
            for at, record in zip(self._times, records, strict=True)
            if isinstance(record, Result)
        )
        self._known: list[Look] = [Look(exists=True, tool=tool)]
        """What was seen after 0, `_STRIDE`, 2 `_STRIDE` ... records."""

    def count_at(self, seconds: float) -> int:
        """How many records there are at that second."""
        return bisect_right(self._times, seconds)

    def time_of(self, count: int) -> float:
        """The second at which there are this many records."""
        return self._times[min(count, len(self._times)) - 1] if count > 0 and self._times else 0.0

    def look(self, count: int, near: tuple[int, Look] | None = None) -> Look:
        """What was seen after `count` records; `near` is an earlier such look, from which less is to be folded."""
        stride = min(count // _STRIDE, len(self._known) - 1)
        start, look = stride * _STRIDE, self._known[stride]
        if near is not None and start < near[0] <= count:
            start, look = near
        while start < count:
            end = min(start - start % _STRIDE + _STRIDE, count)
            look = look.after(list(self._records[start:end]))
            start = end
            if start == len(self._known) * _STRIDE:
                self._known.append(look)
        return look if look.keep_looks or not look.state.segments else look.with_profile()

    def moment(self, seconds: float) -> datetime:
        """The time of day that the journal says for that second; between two records it goes on evenly."""
        count = self.count_at(seconds)
        if not self._times:
            return _START
        if count == 0 or count == len(self._times):
            return self._stamps[min(count, len(self._stamps)) - 1 if count else 0]
        before, after = self._times[count - 1], self._times[count]
        share = (seconds - before) / (after - before) if after > before else 0.0
        return self._stamps[count - 1] + (self._stamps[count] - self._stamps[count - 1]) * share


class Player:
    """Where a replay is, how fast it goes, and whether it goes. The clock is the caller's."""

    def __init__(self, timeline: Timeline, speed: float = 20.0) -> None:
        self.timeline = timeline
        self.speed = speed
        self.position = 0.0
        self.playing = True
        self._seen: tuple[int, Look] | None = None

    @property
    def at_end(self) -> bool:
        return self.position >= self.timeline.duration

    def now(self) -> datetime:
        """The time of day in the journal."""
        return self.timeline.moment(self.position)

    def look(self) -> Look:
        """What is seen at this position."""
        count = self.timeline.count_at(self.position)
        if self._seen is None or count != self._seen[0]:
            self._seen = (count, self.timeline.look(count, self._seen))
        return self._seen[1]

    def advance(self, seconds: float) -> None:
        """Let this much real time pass."""
        if self.playing:
            self.seek(self.position + seconds * self.speed)
            self.playing = not self.at_end

    def toggle(self) -> None:
        """Play or pause; at the end, play again from the beginning."""
        if self.at_end and not self.playing:
            self.position = 0.0
        self.playing = not self.playing

    def seek(self, seconds: float) -> None:
        self.position = min(max(seconds, 0.0), self.timeline.duration)

    def step(self, records: int) -> None:
        """Go this many records on, or back, and pause there."""
        self.playing = False
        self.seek(self.timeline.time_of(max(self.timeline.count_at(self.position) + records, 0)))

    def experiment(self, step: int) -> None:
        """Go to the end of the next experiment, or of the one before."""
        ends = [mark.at for mark in self.timeline.marks]
        later = [at for at in ends if at > self.position]
        earlier = [at for at in ends if at < self.position]
        if step > 0:
            self.seek(later[0] if later else self.timeline.duration)
        else:
            self.seek(earlier[-1] if earlier else 0.0)

    def go_to(self, number: int) -> bool:
        """Go to where the experiment begins, which is the end of the one before; whether there is such an experiment."""
        place = next((place for place, mark in enumerate(self.timeline.marks) if mark.number == number), None)
        if place is None:
            return False
        self.seek(self.timeline.marks[place - 1].at if place else 0.0)
        return True

    def faster(self, step: int) -> None:
        """The next speed of `SPEEDS`, or the one before."""
        if step > 0:
            self.speed = next((speed for speed in SPEEDS if speed > self.speed), SPEEDS[-1])
        else:
            self.speed = next((speed for speed in reversed(SPEEDS) if speed < self.speed), SPEEDS[0])


def _times(records: Sequence[Record]) -> tuple[list[float], list[datetime]]:
    """For each record its second in the replay and its time of day. A record without one follows the one before."""
    times: list[float] = []
    stamps: list[datetime] = []
    position, last = 0.0, None
    for record in records:
        stamp = _stamp(record.timestamp)
        if stamp is None:
            stamp = (last or _START) + timedelta(seconds=WITHOUT_TIME)
        gap = (stamp - last).total_seconds() if last is not None else 0.0
        position += min(max(gap, 0.0), LONGEST_GAP)
        last = stamp
        times.append(position)
        stamps.append(stamp)
    return times, stamps


def _stamp(text: str) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
