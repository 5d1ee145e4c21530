"""A reader gets every record of a growing file once, and never fails on what is in it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.errors import JournalError
from autotune_tui.journal.reader import JournalTail, load_state, read_journal
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Note, Record, Result, Sample, Unknown, Unreadable, from_record
from autotune_tui.model.state import fold
from journal_sessions import clock, experiment, typical, write


def note(text: str) -> bytes:
    return json.dumps({"type": "note", "text": text}).encode() + b"\n"


def texts(records: list[Record]) -> list[str]:
    assert all(isinstance(record, Note) for record in records)
    return [record.text for record in records if isinstance(record, Note)]


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "autotune.jsonl"


def test_an_unfinished_last_line_waits_whatever_bytes_are_there(path: Path) -> None:
    content = note("one") + note("größer €")
    tail = JournalTail(path)
    assert tail.read() == []
    seen: list[Record] = []
    for byte in content:
        append(path, bytes([byte]))
        seen += tail.read()
        assert not tail.restarted
    assert texts(seen) == ["one", "größer €"]
    assert tail.unreadable == 0


def test_two_readers_do_not_disturb_each_other_nor_the_writer(path: Path) -> None:
    """H5: many watchers at once."""
    early, late = JournalTail(path), JournalTail(path)
    with JournalWriter(path, now=clock()) as writer:
        writer.append(Note(text="a"))
        assert texts(early.read()) == ["a"]
        writer.append(Note(text="b"))
        assert texts(early.read()) == ["b"]
        assert texts(late.read()) == ["a", "b"]
        assert early.read() == late.read() == []


def test_reading_changes_nothing(path: Path) -> None:
    """V4: --watch opens nothing for writing."""
    path.write_bytes(note("a") + b"torn")
    path.chmod(0o400)
    before = path.stat()
    JournalTail(path).read()
    load_state(path)
    after = path.stat()
    assert path.read_bytes().endswith(b"torn")
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (before.st_mtime_ns, before.st_size, before.st_ino)


def test_a_truncated_file_is_read_anew_and_says_so(path: Path) -> None:
    path.write_bytes(note("a") + note("b") + b"junk\n")
    tail = JournalTail(path)
    assert len(tail.read()) == 3
    assert tail.unreadable == 1
    os.truncate(path, 0)
    append(path, note("c"))
    assert texts(tail.read()) == ["c"]
    assert tail.restarted
    assert tail.unreadable == 0
    append(path, note("d"))
    assert texts(tail.read()) == ["d"]
    assert not tail.restarted


def test_a_file_that_was_rewritten_in_place_and_is_longer_now_is_noticed(path: Path) -> None:
    path.write_bytes(note("a") + note("b"))
    tail = JournalTail(path)
    tail.read()
    path.write_bytes(note("x") + note("y") + note("z"))
    assert texts(tail.read()) == ["x", "y", "z"]
    assert tail.restarted


def test_a_file_that_was_replaced_is_read_anew(path: Path, tmp_path: Path) -> None:
    path.write_bytes(note("a"))
    tail = JournalTail(path)
    tail.read()
    (tmp_path / "new").write_bytes(note("a") + note("b"))
    (tmp_path / "new").replace(path)
    assert texts(tail.read()) == ["a", "b"]
    assert tail.restarted


def test_a_file_that_was_rotated_away_is_awaited(path: Path, tmp_path: Path) -> None:
    path.write_bytes(note("a"))
    tail = JournalTail(path)
    tail.read()
    path.rename(tmp_path / "autotune.jsonl.1")
    assert tail.read() == []
    assert not tail.restarted
    path.write_bytes(note("new"))
    assert texts(tail.read()) == ["new"]
    assert tail.restarted


def test_a_line_that_was_unfinished_when_the_engine_died_is_not_shown_after_it_was_cut(path: Path) -> None:
    path.write_bytes(note("a") + b'{"type":"note","te')
    tail = JournalTail(path)
    assert texts(tail.read()) == ["a"]
    with JournalWriter(path, now=clock()) as writer:
        writer.append(Note(text="b"))
    assert texts(tail.read()) == ["a", "b"]
    assert tail.restarted


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[1, 2]",
        b'"text"',
        b"17",
        b'{"type":"note"',
        b'{"type":"note"},{"type":"note"}',
        b"\xff\xfe\x00",
        b'{"a":"\xff"}',
        b'{"n":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\0\0\0",
    ],
)
def test_an_unreadable_line_is_counted_and_shown_and_the_rest_is_read(path: Path, line: bytes) -> None:
    path.write_bytes(note("before") + line + b"\n" + note("after"))
    tail = JournalTail(path)
    records = tail.read()
    assert texts([records[0], records[2]]) == ["before", "after"]
    assert isinstance(records[1], Unreadable)
    assert len(records[1].text) <= 200
    assert tail.unreadable == 1
    assert fold(records).unreadable == 1


def test_blank_lines_windows_line_ends_and_a_byte_order_mark_are_no_errors(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + note("a")[:-1] + b"\r\n\r\n  \n" + note("b"))
    tail = JournalTail(path)
    assert texts(tail.read()) == ["a", "b"]
    assert tail.unreadable == 0


def test_nan_and_fields_of_wrong_types_are_as_if_they_were_not_there(path: Path) -> None:
    path.write_text(
        '{"type":"result","index":"3","metric":NaN,"status":null,"metrics":{"a":Infinity,"b":1,"c":"x"},"files":"a.py",'
        '"interval":[1,2,3],"seconds":1e999,"effect":true,"novel":1,"asi":[]}\n'
    )
    assert read_journal(path) == [Result(metrics={"b": 1})]


@pytest.mark.parametrize("record", [{}, {"type": None}, {"type": 3}, {"type": "novel", "seq": "x"}, {"type": ["note"]}])
def test_records_of_unknown_types_pass(record: dict[str, object]) -> None:
    assert from_record(record) == Unknown(data=record)


def test_a_line_of_ten_megabytes_is_read_in_linear_time(path: Path) -> None:
    small = _cpu_to_read(path, 1_000_000)
    whole = _cpu_to_read(path, 10_000_000)
    first, second = JournalTail(path).read()
    assert texts([second]) == ["b"]
    assert isinstance(first, Note)
    assert len(first.text) == 10_000_000
    assert whole < 40 * max(small, 0.01)  # a square law would make it 100 times


def _cpu_to_read(path: Path, size: int) -> float:
    path.write_bytes(note("a" * size) + note("b"))
    begin = time.process_time()
    JournalTail(path).read()
    return time.process_time() - begin


def test_the_file_may_come_later_and_a_missing_one_is_an_error_only_for_who_wants_all_of_it(path: Path) -> None:
    tail = JournalTail(path)
    assert tail.read() == []
    for read in (read_journal, load_state):
        with pytest.raises(JournalError, match="no journal"):
            read(path)
    path.write_bytes(note("a"))
    assert texts(tail.read()) == ["a"]
    assert not tail.restarted


def test_a_folder_in_the_journals_place_is_an_error_in_words(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JournalError, match="Cannot read the journal"):
        JournalTail(path).read()


def test_leaving_out_settled_samples_changes_nothing_in_the_state(path: Path) -> None:
    records = [*typical()[:-1], *experiment(6), *experiment(7)[:-2]]
    write(path, records)
    everything = read_journal(path)
    sparse = JournalTail(path, settled_samples=False).read()
    assert sum(isinstance(record, Sample) for record in sparse) < sum(
        isinstance(record, Sample) for record in everything
    )
    assert fold(sparse) == fold(everything) == load_state(path)
    current = fold(sparse).current
    assert current is not None
    assert len(current.samples) == 8


lines = st.one_of(
    st.sampled_from(
        [
            b'{"type":"note"}',
            b'{"type":"note","text":"a"} ',
            b'{"a":[1',
            b"2]}",
            b"{},{}",
            b'{"a":{"b":1}',
            b'{"c":2}}',
            b"}",
            b"{",
            b"[]",
            b"",
            b'{"type":"sample","experiment":[1]}',
            b'{"type":"result","index":{}}',
        ]
    ),
    st.binary(max_size=8).filter(lambda line: b"\n" not in line),
)


@given(st.lists(lines, max_size=6))
def test_lines_parsed_together_are_what_they_are_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, batch: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    together, singly = folder / "together", folder / "singly"
    together.write_bytes(b"".join(line + b"\n" for line in batch))
    tail = JournalTail(singly)
    expected: list[Record] = []
    for line in batch:
        append(singly, line + b"\n")
        expected += tail.read()
    assert JournalTail(together).read() == expected


def test_a_journal_is_read_whole(path: Path) -> None:
    written = write(path, typical())
    assert read_journal(path) == written
