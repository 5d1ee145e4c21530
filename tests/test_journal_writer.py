"""What is written to the journal stays readable, whatever happens while it is written."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.errors import JournalError
from autotune_tui.journal.reader import JournalTail, read_journal
from autotune_tui.journal.writer import JournalWriter, timestamp
from autotune_tui.model.events import (
    Config,
    Control,
    Decision,
    Note,
    Plan,
    Record,
    Result,
    Sample,
    Unknown,
    from_record,
    to_record,
)
from journal_sessions import clock, typical, write

SHARED_RESULT = {
    "type", "index", "commit", "metric", "status", "description", "timestamp", "segment", "metrics", "asi", "failure",
    "health", "recovery", "reason", "files", "mode",
}  # fmt: skip
SHARED_CONFIG = {
    "type", "name", "metric_name", "metric_unit", "direction", "segment", "mode", "objective", "budget", "health",
    "recovery",
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session" / "autotune.jsonl"


def test_each_record_is_one_line_with_type_first_a_running_number_and_utc_time(path: Path) -> None:
    write(path, typical())
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    for number, line in enumerate(lines, 1):
        record = json.loads(line)
        assert next(iter(record)) == "type"
        assert record["seq"] == number
        assert record["timestamp"].endswith("Z")
        assert datetime.fromisoformat(record["timestamp"]).tzinfo is not None
    assert json.loads(lines[0])["timestamp"] == "2026-04-04T10:00:00.000Z"


def test_every_line_is_appended_by_one_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    real = os.write
    with JournalWriter(path, now=clock()) as writer:
        monkeypatch.setattr(os, "write", lambda fd, data: writes.append(data) or real(fd, data))
        writer.append(Note(text="a"))
        writer.append(Note(text="b" * 100_000))
        monkeypatch.undo()
    assert [data.count(b"\n") for data in writes] == [1, 1]
    assert b"".join(writes) == path.read_bytes()


def test_config_and_result_always_carry_the_fields_shared_with_autotune(path: Path) -> None:
    write(path, [Config(), Result()])
    config, result = (json.loads(line) for line in path.read_text().splitlines())
    assert set(config) >= SHARED_CONFIG
    assert set(result) >= SHARED_RESULT
    assert result["metric"] is None
    assert result["failure"] is None


def test_our_own_records_leave_out_what_carries_nothing() -> None:
    assert to_record(Sample(seq=4, timestamp="t", experiment=7, side="candidate", value=0.5)) == {
        "type": "sample", "seq": 4, "timestamp": "t", "experiment": 7, "block": 0, "run": 0, "side": "candidate",
        "value": 0.5, "seed": 0,
    }  # fmt: skip


def test_nan_infinity_and_numpy_numbers_become_plain_json(path: Path) -> None:
    record = Result(
        metric=math.nan,
        metrics={"a": math.inf, "b": np.float64(2.5), "c": np.int64(3)},
        asi={"values": np.array([1.0, math.nan]), "where": Path("src/a.py"), "who": {"x"}},
    )
    (written,) = write(path, [record])
    line = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert line["metric"] is None
    assert line["metrics"] == {"a": None, "b": 2.5, "c": 3}
    assert line["asi"] == {"values": [1.0, None], "where": "src/a.py", "who": ["x"]}
    assert isinstance(written, Result)
    assert written.metric is None
    assert written.metrics == {"b": 2.5, "c": 3}
    assert read_journal(path) == [written]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\n", "\r", "\x0b", "\x0c", "\x1c", "\0"])
def test_no_character_of_a_text_ends_the_line_for_any_reader(path: Path, character: str) -> None:
    text = f"before{character}after"
    write(path, [Note(text=text)])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1
    (note,) = read_journal(path)
    assert isinstance(note, Note)
    assert note.text == text


def test_file_names_that_are_not_utf8_survive(path: Path) -> None:
    write(path, [Result(files=("caf\udce9.py", "größe.py"))])
    (result,) = read_journal(path)
    assert isinstance(result, Result)
    assert result.files == ("caf\udce9.py", "größe.py")
    path.read_bytes().decode("utf-8")


def test_an_object_that_json_cannot_hold_is_a_mistake_of_ours_and_leaves_no_trace(path: Path) -> None:
    with JournalWriter(path, now=clock()) as writer:
        with pytest.raises(TypeError, match="cannot hold object"):
            writer.append(Note(text=object()))  # type: ignore[arg-type]
        assert writer.append(Note(text="next")).seq == 1
    assert len(read_journal(path)) == 1


def test_times_of_any_zone_are_written_in_utc() -> None:
    moment = datetime(2026, 4, 4, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2026-04-04T10:00:00.123Z"
    assert timestamp(datetime(2026, 4, 4, tzinfo=UTC)) == "2026-04-04T00:00:00.000Z"


def test_a_second_engine_goes_on_counting_where_the_first_ended(path: Path) -> None:
    """H4: resume."""
    write(path, [Note(text="a"), Note(text="b")])
    (third,) = write(path, [Note(text="c")])
    assert third.seq == 3
    assert [record.seq for record in read_journal(path)] == [1, 2, 3]


def test_in_a_journal_that_does_not_count_lines_are_counted(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"type":"config"}\n{"type":"result"}\nnot json\n')
    (fourth,) = write(path, [Note(text="c")])
    assert fourth.seq == 4


def test_a_line_torn_at_any_byte_is_completed_or_cut_and_said_and_nothing_else_is_lost(path: Path) -> None:
    """H4: the last line after a crash or a power failure."""
    before = write(path, [Note(text="first"), Note(text="zweite Größe")])
    content = path.read_bytes()
    start = content.index(b"\n") + 1
    for end in range(start, len(content) + 1):
        path.write_bytes(content[:end])
        with JournalWriter(path, now=clock()) as writer:
            mended = writer.mended
            after = writer.append(Note(text="after"))
        records = read_journal(path)
        if end in (start, len(content)):
            assert mended == ""
        elif end == len(content) - 1:
            assert "line end" in mended
        else:
            assert mended == f"The last record was torn after {end - start} bytes and was cut off."
        whole = before if end >= len(content) - 1 else before[:1]
        assert records == [*whole, after]
        assert after.seq == len(whole) + 1


def test_zeros_that_a_power_failure_left_are_cut(path: Path) -> None:
    (first,) = write(path, [Note(text="first")])
    with path.open("ab") as file:
        file.write(b"\0" * 4096)
    with JournalWriter(path, now=clock()) as writer:
        assert "torn after 4096 bytes" in writer.mended
    assert read_journal(path) == [first]


def test_a_short_write_is_finished_and_a_failed_one_leaves_no_trace(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    with JournalWriter(path, now=clock()) as writer:
        first = writer.append(Note(text="first"))
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
        second = writer.append(Note(text="second, in pieces of seven bytes"))
        parts = iter([7])

        def disk_fills_up(fd: int, data: bytes) -> int:
            for size in parts:
                return real(fd, data[:size])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", disk_fills_up)
        with pytest.raises(JournalError) as caught:
            writer.append(Note(text="third"))
        assert caught.value.title == "Cannot write autotune.jsonl"
        assert "No space left" in caught.value.message
        assert "Free some space" in caught.value.hint
        assert read_journal(path) == [first, second]
        monkeypatch.undo()
        third = writer.append(Note(text="third, again"))
    assert third.seq == 3
    assert read_journal(path) == [first, second, third]


def test_a_trace_that_could_not_be_removed_at_once_is_removed_before_the_next_record(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    with JournalWriter(path, now=clock()) as writer:
        first = writer.append(Note(text="first"))

        def fail(fd: int, data: bytes = b"") -> int:
            if data.startswith(b"{"):
                real(fd, data[:9])
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "write", fail)
        monkeypatch.setattr(os, "ftruncate", lambda fd, size: fail(fd))
        for _ in range(2):
            with pytest.raises(JournalError, match="Input/output error"):
                writer.append(Note(text="lost"))
        assert path.read_bytes().count(b"\n") == 1
        monkeypatch.undo()
        second = writer.append(Note(text="second"))
    assert read_journal(path) == [first, second]


FILL = """
    import itertools, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from autotune_tui.errors import JournalError
    from autotune_tui.journal.reader import read_journal
    from autotune_tui.journal.writer import JournalWriter
    from autotune_tui.model.events import Note

    LIMIT
    path = Path(sys.argv[1])
    writer = JournalWriter(path, now=lambda: datetime.now(UTC))
    for number in itertools.count():
        try:
            writer.append(Note(text=str(number) * 1000))
        except JournalError as error:
            message = error.message
            break
    records = read_journal(path)
    assert len(records) == number > 3, (len(records), number)
    assert path.read_bytes().endswith(b"\\n")
    print(message)
"""


def fill(path: Path, limit: str = "") -> str:
    script = textwrap.dedent(FILL).replace("LIMIT", limit)
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_journal_at_the_limit_of_its_size_ends_with_a_whole_line(path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))"
    assert "File too large" in fill(path, limit)


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting a small disk takes root on Linux")
def test_a_full_disk_leaves_a_whole_journal_and_an_error_that_says_so(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        assert "No space left on device" in fill(disk / "autotune.jsonl")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_written_is_said_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError) as caught:
        JournalWriter(tmp_path / "file" / "autotune.jsonl", now=clock())
    assert caught.value.title == "Cannot write autotune.jsonl"
    assert caught.value.hint


def test_what_is_synced_is_flushed_once_for_each_request(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    with JournalWriter(path, now=clock()) as writer:
        monkeypatch.setattr(os, "fsync", flushed.append)
        writer.append(Note(text="a"))
        assert flushed == []
        writer.append(Decision(state="keep"), sync=True)
        writer.sync()
        assert len(flushed) == 2


def test_a_closed_writer_refuses_to_write(path: Path) -> None:
    writer = JournalWriter(path, now=clock())
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.append(Note(text="late"))


def test_records_of_types_that_this_version_does_not_know_pass_through(path: Path) -> None:
    (written,) = write(path, [from_record({"type": "novelty", "worth": [1, {"a": None}]})])
    assert isinstance(written, Unknown)
    assert json.loads(path.read_text())["worth"] == [1, {"a": None}]
    (read,) = JournalTail(path).read()
    assert to_record(read) == json.loads(path.read_text())


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15)
objects = st.dictionaries(st.text(), st.recursive(st.none() | st.text() | numbers, st.lists, max_leaves=5), max_size=3)
records = st.one_of(
    st.builds(Note, text=st.text(), experiment=st.integers(0), level=st.sampled_from(["info", "warning"])),
    st.builds(Control, command=st.text(), by=st.text(), accepted=st.booleans()),
    st.builds(
        Sample,
        value=st.none() | numbers,
        metrics=st.dictionaries(st.text(), numbers, max_size=3),
        purpose=st.sampled_from(["calibration", "experiment", "validation", ""]),
        exit=st.integers(-9, 9),
        attempt=st.integers(0, 3),
        flags=st.lists(st.text(), max_size=2).map(tuple),
    ),
    st.builds(
        Decision,
        effect=numbers,
        interval=st.none() | st.tuples(numbers, numbers),
        p=st.none() | numbers,
        scale=st.text(),
    ),
    st.builds(Result, metric=st.none() | numbers, asi=objects, files=st.lists(st.text()).map(tuple), failure=st.text()),
    st.builds(Plan, data=objects, scores=st.dictionaries(st.text(), st.integers()), approaches=st.tuples(objects)),
    st.builds(Config, target=st.none() | numbers, scope=objects, threshold=st.text()),
)


@given(st.lists(records, max_size=5))
def test_whatever_is_written_is_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, batch: list[Record]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "autotune.jsonl"
    written = write(path, batch)
    assert read_journal(path) == written
