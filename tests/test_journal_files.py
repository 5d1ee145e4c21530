"""Session folders, the inbox, the engine's lock, and following a journal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.errors import EngineError, JournalError
from autotune_tui.journal import follow as following
from autotune_tui.journal.files import (
    SessionFolder,
    find_sessions,
    next_session_id,
    read_text,
    slugify,
    write_atomic,
)
from autotune_tui.journal.follow import Batch, follow
from autotune_tui.journal.inbox import Inbox, send
from autotune_tui.journal.lock import EngineLock, holder, identity
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Note
from journal_sessions import clock

NAMES = [
    ("Import speed", "001-import-speed"),
    ("  Größe & Köln!  ", "001-groe-koln"),
    ("日本語", "001-session"),
    ("", "001-session"),
    ("../../etc/passwd", "001-etc-passwd"),
    ("a" * 90, "001-" + "a" * 32),
    ("Import a day of events in under a second", "001-import-a-day-of-events-in-under"),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_a_session_is_named_by_number_and_words(tmp_path: Path, name: str, expected: str) -> None:
    assert next_session_id(tmp_path, name) == expected


@given(st.text(), st.integers(1, 60))
def test_a_slug_is_short_ascii_and_safe_as_a_file_or_branch_name(text: str, limit: int) -> None:
    slug = slugify(text, limit)
    assert len(slug) <= limit
    assert all(char in "abcdefghijklmnopqrstuvwxyz0123456789-" for char in slug)
    assert slug == slug.strip("-")
    assert "--" not in slug


def test_sessions_are_numbered_on_from_folders_and_from_ids_known_otherwise(tmp_path: Path) -> None:
    (tmp_path / ".autotune" / "009-old").mkdir(parents=True)
    (tmp_path / ".autotune" / "notes").mkdir()
    assert next_session_id(tmp_path, "new") == "010-new"
    assert next_session_id(tmp_path, "new", taken=["012-branch", "main"]) == "013-new"
    (tmp_path / ".autotune" / "1000-big").mkdir()
    assert next_session_id(tmp_path, "new") == "1001-new"


def test_sessions_are_found_oldest_first_and_other_folders_are_not(tmp_path: Path) -> None:
    assert find_sessions(tmp_path) == []
    for name, file in (
        ("010-b", "autotune.jsonl"),
        ("002-a", "autotune.toml"),
        ("003-empty", ""),
        ("1000-c", "autotune.toml"),
    ):
        folder = SessionFolder.of(tmp_path, name)
        folder.create()
        if file:
            (folder.root / file).touch()
    (tmp_path / ".autotune" / "file").touch()
    assert [folder.id for folder in find_sessions(tmp_path)] == ["002-a", "010-b", "1000-c"]


def test_the_paths_of_a_session_are_those_of_the_design(tmp_path: Path) -> None:
    folder = SessionFolder.of(tmp_path, "001-x")
    folder.create()
    assert folder.journal == tmp_path / ".autotune/001-x/autotune.jsonl"
    assert folder.experiment(7, "Cache rows") == folder.root / "experiments/007-cache-rows"
    assert folder.experiment(1234, "…") == folder.root / "experiments/1234"
    assert folder.inbox.is_dir()
    names = {path.name for path in (folder.state, folder.lock, folder.engine_log, folder.ideas, folder.results)}
    assert names == {".autotune.state", "engine.lock", "engine.log", "autotune.ideas.md", "results.tsv"}


def test_a_replaced_file_keeps_its_text_exactly_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.md"
    write_atomic(path, "old")
    write_atomic(path, "a\r\nb\nGröße \udce9")
    assert path.read_bytes() == b"a\r\nb\nGr\xc3\xb6\xc3\x9fe \\udce9"
    assert [p.name for p in tmp_path.iterdir()] == ["leaderboard.md"]
    assert read_text(path).endswith("\\udce9")
    assert read_text(tmp_path / "none") == ""


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    with pytest.raises(JournalError, match="Cannot write state"):
        write_atomic(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_commands_arrive_once_in_the_order_they_were_sent(tmp_path: Path) -> None:
    """H3: pause and resume from the command line."""
    box = tmp_path / "inbox"
    first = send(box, "pause", by="ada")
    send(box, "idea", by="ui", text="größer → schneller", data={"patch": "--- a\n+++ b\n"})
    taken = Inbox(box).take()
    assert [command.command for command in taken] == ["pause", "idea"]
    assert taken[0].id == first
    assert (taken[1].by, taken[1].text, taken[1].data["patch"]) == ("ui", "größer → schneller", "--- a\n+++ b\n")
    assert Inbox(box).take() == []
    assert list(box.iterdir()) == []


def test_files_that_are_no_command_are_set_aside_and_reported(tmp_path: Path) -> None:
    box = tmp_path / "inbox"
    send(box, "stop", by="cli")
    (box / "0-bad.json").write_text("{")
    (box / "1-list.json").write_text("[]")
    (box / "2-number.json").write_text('{"command": 3}')
    (box / "3-none.json").write_text("{}")
    (box / "4-deep.json").write_text("[" * 100_000)
    (box / "5-data.json").write_text('{"command": "stop", "data": []}')
    (box / "6-binary.json").write_bytes(b"\xff\xfe")
    os.mkfifo(box / "7-pipe.json")
    (box / "8-link.json").symlink_to("/etc/hostname")
    (box / ".half.json.tmp").write_text("{")
    (box / "README.txt").write_text("not ours")
    inbox = Inbox(box)
    assert [command.command for command in inbox.take()] == ["stop"]
    assert len(inbox.problems) == 9
    assert "0-bad.json is no command" in inbox.problems[0]
    assert {path.name[0] for path in (box / "unreadable").iterdir()} == set("012345678")
    assert inbox.take() == []
    assert inbox.problems == ()


def test_an_inbox_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert Inbox(tmp_path / "none").take() == []


HOLD = """
import os, subprocess, sys
from pathlib import Path
from autotune_tui.journal.lock import EngineLock
EngineLock(Path(sys.argv[1])).acquire()
child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.read()
"""


@contextmanager
def other_engine(path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that holds the lock and has started a program; its pid and the program's."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            yield process, child
        finally:
            process.kill()
            os.kill(child, signal.SIGKILL)


def test_a_second_engine_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    with other_engine(path) as (process, _):
        with pytest.raises(EngineError) as caught:
            EngineLock(path).acquire()
        assert str(process.pid) in caught.value.message
        assert "stop" in caught.value.hint
        found = holder(path)
        assert found is not None
        assert found["pid"] == process.pid
        assert set(found) == {"pid", "started", "boot_id", "host"}


def test_the_lock_of_a_killed_engine_is_free_though_its_programs_still_run(tmp_path: Path) -> None:
    """H4: resume after a kill."""
    path = tmp_path / "engine.lock"
    with other_engine(path) as (process, _):
        process.kill()
        process.wait()
        assert path.exists()
        assert holder(path) is None
        with EngineLock(path):
            assert (holder(path) or {})["pid"] == os.getpid()
        assert not path.exists()


def test_asking_who_holds_the_lock_changes_nothing_and_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    assert holder(path) is None
    assert not path.exists()
    path.write_text("not json")
    path.chmod(0o400)
    assert holder(path) is None
    lock = EngineLock(path)
    lock.acquire()
    assert json.loads(path.read_text()) == identity()
    for _ in range(100):
        assert holder(path) is not None
    lock.release()
    lock.release()
    assert holder(path) is None


def test_a_lock_whose_file_was_removed_by_the_last_holder_is_taken_on_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    first, second = EngineLock(path), EngineLock(path)
    first.acquire()
    first.release()
    second.acquire()
    assert stat.S_ISREG(path.stat().st_mode)
    with pytest.raises(EngineError):
        EngineLock(path).acquire()
    second.release()


async def take(batches: AsyncGenerator[Batch], texts: list[str], amount: int) -> None:
    """Collects the notes' texts until there are that many."""
    while len(texts) < amount:
        batch = await asyncio.wait_for(anext(batches), 20)
        texts += [record.text for record in batch.records if isinstance(record, Note)]


@pytest.mark.parametrize("poll", [False, True])
async def test_new_records_arrive_while_they_are_written_also_after_a_replacement(tmp_path: Path, poll: bool) -> None:
    """V4: --watch."""
    path = tmp_path / "later" / "autotune.jsonl"
    async with aclosing(follow(path, poll=poll)) as batches:
        assert (await anext(batches)).records == ()
        with JournalWriter(path, now=clock()) as writer:
            texts: list[str] = []
            for number in range(3):
                writer.append(Note(text=str(number)))
                await take(batches, texts, number + 1)
        assert texts == ["0", "1", "2"]
        other = tmp_path / "later" / "other"
        with JournalWriter(other, now=clock()) as writer:
            writer.append(Note(text="anew"))
        other.replace(path)
        batch = await asyncio.wait_for(anext(batches), 20)
        assert batch.restarted
        assert [record.seq for record in batch.records] == [1]


async def test_lines_in_quick_succession_come_in_few_batches_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "autotune.jsonl"
    path.touch()
    texts: list[str] = []
    number_of_batches = 0
    async with aclosing(follow(path)) as batches:
        await anext(batches)

        def burst() -> None:
            with JournalWriter(path, now=clock()) as writer:
                for number in range(500):
                    writer.append(Note(text=str(number)))

        writing = asyncio.create_task(asyncio.to_thread(burst))
        while len(texts) < 500:
            batch = await asyncio.wait_for(anext(batches), 20)
            number_of_batches += 1
            texts += [record.text for record in batch.records if isinstance(record, Note)]
        await writing
    assert texts == [str(number) for number in range(500)]
    assert number_of_batches < 100


async def test_following_ends_when_it_is_stopped(tmp_path: Path) -> None:
    for poll in (False, True):
        stop = asyncio.Event()
        batches = follow(tmp_path / "autotune.jsonl", stop=stop, poll=poll)
        await anext(batches)
        waiting = asyncio.ensure_future(anext(batches, None))
        asyncio.get_running_loop().call_soon(stop.set)
        assert await asyncio.wait_for(waiting, 20) is None


async def test_where_the_system_cannot_watch_the_file_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> AsyncGenerator[object]:
        raise OSError(24, "inotify instances used up")

    monkeypatch.setattr(following, "awatch", refuse)
    path = tmp_path / "autotune.jsonl"
    texts: list[str] = []
    async with aclosing(follow(path)) as batches:
        await anext(batches)
        with JournalWriter(path, now=clock()) as writer:
            writer.append(Note(text="seen"))
        await take(batches, texts, 1)
    assert texts == ["seen"]
