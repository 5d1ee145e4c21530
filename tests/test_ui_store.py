"""The store: what the screens know of a journal while it is written, torn, replaced, and left by its engine (V4)."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Note, Phase, Record
from autotune_tui.ui.follower import SMALL, Follower, Look
from autotune_tui.ui.store import Store
from journal_sessions import clock, experiment, opening, write


class Seen:
    """What a follower has handed over, and waiting for more."""

    def __init__(self, path: Path, lock: Path | None = None) -> None:
        self.looks: list[Look] = []
        self.times: list[float] = []
        self._arrived = threading.Condition()
        self.follower = Follower(path, lock, self._take)
        self.first = self.follower.first_look()
        self.follower.start()

    def _take(self, look: Look) -> None:
        with self._arrived:
            self.looks.append(look)
            self.times.append(time.monotonic())
            self._arrived.notify_all()

    def until(self, condition: Callable[[Look], bool]) -> Look:
        with self._arrived:
            assert self._arrived.wait_for(lambda: any(condition(look) for look in self.looks), timeout=10)
            return next(look for look in self.looks if condition(look))


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    it = Seen(tmp_path / "autotune.jsonl", tmp_path / "engine.lock")
    yield it
    it.follower.stop()


def append(path: Path, *records: Record) -> None:
    with JournalWriter(path, now=clock()) as writer:
        for record in records:
            writer.append(record)


def test_a_small_journal_is_there_with_the_first_frame(tmp_path: Path) -> None:
    write(tmp_path / "j.jsonl", [*opening(), *experiment(1)])
    first = Follower(tmp_path / "j.jsonl", None, lambda look: None).first_look()
    assert first is not None and first.state.experiment_count == 1
    assert not first.engine_known, "a journal that lies alone has no lock to ask"


def test_a_long_journal_is_read_behind_the_first_frame_and_shows_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, opening())
    line = json.dumps({"type": "note", "text": "x" * 100}) + "\n"
    with path.open("a") as file:
        file.write(line * (2 * SMALL // len(line)))
    it = Seen(path)
    assert it.first is None
    last = it.until(lambda look: not look.reading)
    assert last.state.segment_number == 1
    assert any(look.reading for look in it.looks), "a part is shown while the rest is read"
    it.follower.stop()


def test_it_waits_for_a_journal_that_is_not_there_yet(seen: Seen) -> None:
    assert seen.first is not None and not seen.first.exists
    write(seen.follower._path, opening())
    assert seen.until(lambda look: look.exists).state.segment_number == 1


def test_records_that_are_written_together_are_handed_over_together(seen: Seen, tmp_path: Path) -> None:
    """Four times a second at most, however fast they come."""
    path = tmp_path / "autotune.jsonl"
    write(path, opening())
    with JournalWriter(path, now=clock()) as writer:
        end = time.monotonic() + 1.0
        written = 0
        while time.monotonic() < end:
            writer.append(Note(text=str(written)))
            written += 1
    last = f"{written - 1}"
    seen.until(lambda look: bool(look.state.notes) and look.state.notes[-1].text == last)
    gaps = [later - earlier for earlier, later in zip(seen.times, seen.times[1:], strict=False)]
    assert min(gaps) >= 0.24


def test_a_torn_line_waits_and_an_unreadable_one_is_counted(seen: Seen, tmp_path: Path) -> None:
    path = tmp_path / "autotune.jsonl"
    write(path, opening())
    with path.open("a") as file:
        file.write('not json\n{"type":"note","text":"half')
    assert seen.until(lambda look: look.state.unreadable == 1).state.notes == []
    with path.open("a") as file:
        file.write(' and whole"}\n')
    assert seen.until(lambda look: bool(look.state.notes)).state.notes[0].text == "half and whole"


@pytest.mark.parametrize("how", ["truncated", "replaced", "removed and made anew"])
def test_a_journal_that_begins_anew_is_read_anew(seen: Seen, tmp_path: Path, how: str) -> None:
    path = tmp_path / "autotune.jsonl"
    write(path, [*opening(), *experiment(1), *experiment(2)])
    seen.until(lambda look: look.state.experiment_count == 2)
    if how == "truncated":
        os.truncate(path, 0)
        append(path, *opening(), *experiment(1))
    elif how == "replaced":
        write(tmp_path / "other", [*opening(), *experiment(1)])
        (tmp_path / "other").replace(path)
    else:
        path.unlink()
        seen.until(lambda look: not look.exists and look.state.experiment_count == 2)
        write(path, [*opening(), *experiment(1)])
    assert seen.until(lambda look: look.exists and look.state.experiment_count == 1).state.segment_number == 1


def test_an_engine_that_dies_is_missed(seen: Seen, tmp_path: Path) -> None:
    """H4, V4: the lock is free again, and the journal has no end."""
    write(tmp_path / "autotune.jsonl", opening())
    lock = EngineLock(tmp_path / "engine.lock")
    lock.acquire()
    found = seen.until(lambda look: look.engine is not None)
    assert found.engine is not None and found.engine["pid"] == os.getpid()
    number = len(seen.looks)
    lock.release()
    assert seen.until(lambda look: look.engine is None and look in seen.looks[number:]).state.end is None


def test_a_journal_that_cannot_be_read_is_said_and_no_end(seen: Seen, tmp_path: Path) -> None:
    (tmp_path / "autotune.jsonl").mkdir()
    assert "Cannot read the journal" in seen.until(lambda look: bool(look.problem)).problem


def test_the_log_of_another_tool_is_named(seen: Seen, tmp_path: Path) -> None:
    """V4"""
    (tmp_path / "autotune.jsonl").write_text(
        '{"type":"config","metricName":"ms","bestDirection":"lower"}\n'
        '{"run":1,"commit":"a1","metric":9.0,"status":"keep","description":"base","segment":0}\n'
    )
    assert seen.until(lambda look: bool(look.tool)).tool == "pi-autoresearch"


def test_the_profile_s_looks_are_learned_after_the_first_frame(seen: Seen, tmp_path: Path) -> None:
    """V2: the numbers of pairs at which a keep may be decided."""
    records = opening()
    with (tmp_path / "autotune.jsonl").open("a") as file:
        file.write('{"type":"config","segment":1,"profile":"standard"}\n')
    append(tmp_path / "autotune.jsonl", *records[:1])
    look = seen.until(lambda look: bool(look.keep_looks))
    assert look.keep_looks[0] == 6
    assert look.most_pairs == 40


def test_what_goes_wrong_inside_is_handed_over_and_not_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Look, records: list[Record]) -> Look:
        raise RuntimeError("a bug")

    it = Seen(tmp_path / "j.jsonl")
    monkeypatch.setattr(Look, "after", fail)
    write(tmp_path / "j.jsonl", opening())
    assert str(it.until(lambda look: look.crash is not None).crash) == "a bug"


async def test_a_store_follows_once_it_is_attached_and_is_still_after_stop(tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path)
    write(folder.journal, opening())
    store = Store()
    assert store.state.segments == []
    store.attach(folder)
    assert store.state.segment_number == 1
    assert (store.folder, store.path) == (folder, folder.journal)
    store.stop()


def test_a_replay_feeds_a_store_by_hand() -> None:
    """V4"""
    store = Store()
    store.feed([*opening(), Phase(experiment=1, phase="sync")])
    store.feed(experiment(1)[1:])
    assert store.state.experiment_count == 1
    store.reset()
    assert store.state.experiments == []


def test_without_a_lock_to_ask_a_journal_counts_as_worked_on_while_it_grows(tmp_path: Path) -> None:
    store = Store(tmp_path / "j.jsonl")
    state = store.look.after(opening()).state
    store.show(Look(state, exists=True, modified=store.clock().timestamp()))
    assert store.at_work
    store.show(Look(state, exists=True, modified=store.clock().timestamp() - 3600))
    assert not store.at_work
