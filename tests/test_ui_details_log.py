"""Logs of any size: found once, read line by line, searched, wrapped, followed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from autotune_tui.ui.details.line_view import LineView
from autotune_tui.ui.details.log_file import LogFile, LogLines
from ui_session import until


def log(path: Path, content: bytes) -> LogFile:
    path.write_bytes(content)
    file = LogFile(path)
    file.refresh()
    return file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bench.log"


def test_lines_are_found_with_their_widths_and_the_last_one_may_be_unfinished(path: Path) -> None:
    file = log(path, "one\n\nwide 日本\n\x1b[31mred\x1b[0m\ttab\nprogress 1\rdone\nunfinish".encode())
    assert file.count == 6
    assert [file.read(number) for number in (0, 1, 5)] == ["one", "", "unfinish"]
    assert [file.cells(number) for number in range(6)] == [3, 0, 9, 11, 4, 8]
    assert file.width == 11


def test_a_log_that_grows_keeps_its_lines_and_one_that_is_cut_or_replaced_starts_over(path: Path) -> None:
    file = log(path, b"one\ntw")
    with path.open("ab") as more:
        more.write(b"o\nthree\n")
    file.refresh()
    assert [file.read(number) for number in range(file.count)] == ["one", "two", "three"]
    path.write_bytes(b"new\n")
    file.refresh()
    assert [file.read(number) for number in range(file.count)] == ["new"]
    other = path.with_name("other")
    other.write_bytes(b"another, longer file\n")
    other.replace(path)
    file.refresh()
    assert file.read(0) == "another, longer file"
    path.unlink()
    file.refresh()
    assert (file.count, file.read(0)) == (1, "")


def test_a_log_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "bench.log"
    folder.mkdir()
    file = LogFile(folder)
    file.refresh()
    assert (file.count, file.problem) == (0, "bench.log cannot be read: Is a directory")


def test_search_finds_every_line_once_whatever_the_case(path: Path) -> None:
    """V3: search in the log."""
    file = log(path, b"Metric metric\nnothing\nMETRIC time=1\nlast metric")
    assert file.hits("metric") == file.hits("METRIC") == [0, 2, 3]
    assert file.hits("") == file.hits("absent") == []


def test_wrapped_lines_take_as_many_rows_as_they_need(path: Path) -> None:
    """V3: wrap."""
    file = log(path, b"short\n" + b"x" * 25 + b"\n\nend\n")
    lines = LogLines(file, wrap=10)
    assert lines.count == 1 + 3 + 1 + 1
    assert [lines.line(row, 0).plain for row in range(lines.count)] == ["short", "x" * 10, "x" * 10, "x" * 5, "", "end"]
    assert [lines.line_of(row) for row in range(lines.count)] == [0, 1, 1, 1, 2, 3]
    assert [lines.row_of(line) for line in range(4)] == [0, 1, 4, 5]


def test_finds_are_marked_and_the_one_that_is_looked_at_has_a_background(path: Path) -> None:
    file = log(path, b"a METRIC b metric\nx\n")
    shown = LogLines(file, 0, "metric", 0)
    spans = shown.line(0, 30).spans
    assert [(span.start, span.end) for span in spans if str(span.style) == "reverse"] == [(2, 8), (11, 17)]
    assert shown.line(0, 30).cell_length == 30
    assert LogLines(file).line(0, 30).spans == []


def test_what_a_program_prints_keeps_its_colours_and_nothing_else(path: Path) -> None:
    file = log(path, b"\x1b[1;32mok\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[5;5Hend\n")
    content = LogLines(file).line(0, 0)
    assert content.plain == "ok end"
    assert len(content.spans) == 1


def test_the_end_of_a_long_log_is_copied_from_the_beginning_of_a_line(path: Path) -> None:
    file = log(path, b"first line\nsecond line\nthird\n")
    assert file.tail(12) == "third\n"
    assert file.tail(1000) == "first line\nsecond line\nthird\n"


def test_a_large_log_is_indexed_once_and_what_is_shown_is_much_quicker_than_that(path: Path) -> None:
    """V3: big files are indexed once, and only the lines in sight are read."""
    file = log(path, b"")
    with path.open("wb") as out:
        for block in range(20):
            out.write(b"".join(b"line %d of the benchmark's output\n" % (block * 10_000 + n) for n in range(10_000)))
    before = time.process_time()
    file.refresh()
    found = time.process_time()
    lines = LogLines(file)
    shown = [lines.line(y, 80).plain for y in range(150_000, 150_050)]
    done = time.process_time()
    assert file.count == 200_000
    assert shown[0] == "line 150000 of the benchmark's output"
    assert done - found < (found - before) / 2
    assert file.hits("line 199999 ") == [199_999]


class Growing(App[None]):
    """A view of numbered lines, with the animations that a user sees."""

    def compose(self) -> ComposeResult:
        yield LineView(id="output")


async def test_lines_that_come_while_one_begins_to_scroll_up_do_not_take_one_back(path: Path) -> None:
    """The scroll is asked for, and its first step has not been made: only the target says so."""
    app = Growing()
    async with app.run_test(size=(40, 10)) as pilot:
        app.animation_level = "full"
        view = app.query_one(LineView)
        file = log(path, b"".join(b"line %d\n" % number for number in range(100)))
        view.follow()
        view.show(LogLines(file, 0, "", None))
        await pilot.pause()
        assert view.scroll_y == view.max_scroll_y > 0
        view.action_page_up()
        assert view.scroll_y == view.max_scroll_y, "this test is about the moment before"
        with path.open("ab") as more:
            more.write(b"one more\n")
        file.refresh()
        view.show(LogLines(file, 0, "", None))
        await until(pilot, lambda: view.scroll_y == view.scroll_target_y < view.max_scroll_y - 5)
        view.follow()
        await pilot.pause()
        assert view.scroll_y == view.max_scroll_y
