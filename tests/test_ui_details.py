"""The details screen, used as a person uses it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from textual.widgets import TabbedContent, Tree

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Record
from autotune_tui.ui.details.line_view import LineView
from autotune_tui.ui.details.log_file import LogFile
from autotune_tui.ui.details.log_pane import LogPane
from autotune_tui.ui.screens.details import TABS, DetailsScreen
from journal_sessions import clock
from ui_session import Host, kept, make_session, running, samples, shown, until, until_shown

SIZES = [(80, 24), (120, 40), (160, 50)]


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path)


def append(folder: SessionFolder, *records: Record) -> None:
    with JournalWriter(folder.journal, now=clock()) as writer:
        for record in records:
            writer.append(record)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_one_experiment_is_shown_whole_tab_by_tab(folder: SessionFolder, size: tuple[int, int]) -> None:
    """V3: plan, diff, samples, log, profile, reflexion and time of one experiment."""
    app = Host(folder)
    async with app.run_test(size=size) as pilot:
        await app.push_screen(DetailsScreen(1))
        await until_shown(pilot, "#1 Compile the pattern once", "● keep", "−13.1 % [−13.9, −12.2]", "Hypothesis")
        await pilot.press("2")
        await until_shown(pilot, "src/parse.py  +3 -1", "+ LINE = re.compile", "- ", "number, name = LINE.match")
        await pilot.press("3")
        await until_shown(pilot, "in the order they were taken", "○", "●", "┣", "effect", "cpu_time 1.520 s")
        await pilot.press("4")
        await until_shown(pilot, "bench.log  agent.log  50 lines", "Ran 19 tests in 0.004s", "run 1: METRIC time=")
        await pilot.press("5")
        await until_shown(pilot, "400 samples of the incumbent", "parse_line", "itself", "src/read.py:3")
        await pilot.press("6")
        await until_shown(pilot, "Lessons", "Compiling once was worth keeping")
        await pilot.press("7")
        await until_shown(pilot, "measure      41.5 s", "in all       46.6 s")
        assert all(len(line) <= size[0] for line in shown(app).split("\n"))


async def test_the_loop_opens_it_on_the_tab_that_was_asked_for(folder: SessionFolder) -> None:
    app = Host(folder)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(DetailsScreen(1, "diff"))
        await until_shown(pilot, "src/parse.py  +3 -1")
        await pilot.press("l")
        await until_shown(pilot, "Ran 19 tests")
        await pilot.press("d")
        await until_shown(pilot, "src/parse.py  +3 -1")


async def test_one_goes_to_the_next_experiment_and_back_and_the_tab_stays(folder: SessionFolder) -> None:
    """V3: next and previous by key."""
    app = Host(folder)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(DetailsScreen(1, "time"))
        await until_shown(pilot, "◂ baseline · 2 ▸", "41.5 s")
        await pilot.press("n")
        await until_shown(pilot, "#2 Hold the rows in a set", "· discard: no improvement", "20.0 s")
        await pilot.press("right")
        await until_shown(pilot, "#3", "× crash: agent failed", "◂ 2")
        await pilot.press("n")
        await until_shown(pilot, "#3", "× crash: agent failed")
        await pilot.press("left", "N", "N")
        await until_shown(pilot, "baseline of segment 1", "1 ▸", "calibrate")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, DetailsScreen))


async def test_what_is_missing_is_said_calmly_with_what_would_be_there(folder: SessionFolder) -> None:
    """V3: an experiment that crashed before it left anything."""
    app = Host(folder)
    wanted = {
        "plan": "ended before it was planned",
        "diff": "ended before a change was made",
        "samples": "ended before anything was measured",
        "log": "ended before anything was run",
        "profile": "No profile was taken",
        "reflexion": "ended without a look back",
    }
    (folder.experiments / "003").mkdir()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(DetailsScreen(3))
        for number, (tab, words) in enumerate(wanted.items(), 1):
            await pilot.press(str(number))
            assert app.screen.query_one(TabbedContent).active == tab
            await until(pilot, lambda words=words: words in " ".join(shown(app).split()))


async def test_a_journal_that_lies_alone_says_where_the_artifacts_would_be(
    folder: SessionFolder, tmp_path: Path
) -> None:
    """V4: details of a journal without its folder."""
    alone = tmp_path / "copy.jsonl"
    alone.write_bytes(folder.journal.read_bytes())
    app = Host(None, alone)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(DetailsScreen(1, "plan"))
        await until_shown(pilot, "This journal lies alone")
        await pilot.press("3")
        await until_shown(pilot, "in the order they were taken", "┣")


async def test_an_experiment_that_is_not_there_is_said_and_can_be_left(folder: SessionFolder) -> None:
    app = Host(folder)
    async with app.run_test() as pilot:
        await app.push_screen(DetailsScreen(99))
        await until_shown(pilot, "There is no experiment 99 in this journal.")
        await pilot.press("n", "c", "o", "2", "escape")
        await until(pilot, lambda: not isinstance(app.screen, DetailsScreen))


async def test_a_running_experiment_is_followed_to_its_end(tmp_path: Path) -> None:
    """V3: samples come in, the log grows, the verdict follows, without leaving the screen."""
    folder = make_session(tmp_path, *running(4, 1))
    place = folder.experiments / "004-read-in-larger-blocks"
    place.mkdir()
    app = Host(folder)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(DetailsScreen(4, "samples"))
        await until_shown(pilot, "#4 Read in larger blocks", "▶ running: measure", "● candidate")
        assert shown(app).count("○") == 3  # two runs and the legend
        append(folder, *samples(4, 3)[4:])
        await until(pilot, lambda: shown(app).count("○") == 7)
        await pilot.press("4")
        await until(pilot, lambda: "appears here as soon as they run" in " ".join(shown(app).split()))
        (place / "bench.log").write_text("loading 365 files\n")
        append(folder, *running(4)[-1:])
        await until_shown(pilot, "loading 365 files", "following")
        append(folder, *kept(4)[-1:])
        await until_shown(pilot, "● keep", "#4 Compile the pattern once")


async def test_a_log_is_followed_until_one_scrolls_up_and_end_follows_again(tmp_path: Path) -> None:
    """V3: follow."""
    folder = make_session(tmp_path, *running(4))
    log = folder.experiments / "004-x" / "bench.log"
    log.parent.mkdir()
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    app = Host(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(DetailsScreen(4, "log"))
        await until_shown(pilot, "following", "line 99")
        await pilot.press("pageup")
        await until(pilot, lambda: "following" not in shown(app) and "line 99" not in shown(app))
        with log.open("a") as more:
            more.write("one more\nand another\n")
        append(folder, *running(4)[-1:])
        await until_shown(pilot, "2 new lines, end follows")
        assert "another" not in shown(app)
        await pilot.press("end")
        await until_shown(pilot, "and another", "following")


async def test_the_log_is_searched_wrapped_and_changed_for_another(folder: SessionFolder) -> None:
    """V3: search and wrap."""
    place = folder.experiments / "001-compile-the-pattern-once"
    (place / "agent.log").write_text("x" * 150 + "end of the line\n")
    app = Host(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(DetailsScreen(1, "log"))
        await until_shown(pilot, "bench.log", "50 lines")
        await pilot.press("slash", *"run 3")
        await until_shown(pilot, "1 of 11", "run 3:")
        await pilot.press("down", "enter", "up")
        await until_shown(pilot, "2 of 11")
        assert "run 30:" in shown(app)
        await pilot.press(*"zzz")
        await until_shown(pilot, "nothing found")
        await pilot.press("escape")
        await until(pilot, lambda: "nothing found" not in shown(app))
        assert isinstance(app.screen, DetailsScreen)
        await pilot.press("f")
        await until_shown(pilot, "1 line", "xxx…")
        await pilot.press("w")
        await until_shown(pilot, "wrapped", "xend of", " the line")
        await pilot.press("f")
        await until_shown(pilot, "Ran 19 tests")


async def test_what_a_tab_shows_goes_to_the_clipboard(folder: SessionFolder) -> None:
    """V3: copy, by OSC 52."""
    app = Host(folder)
    expected = [
        "## Hypothesis",
        "+LINE = re.compile",
        "candidate\t1.",
        "METRIC time=",
        "py-spy, 400 samples",
        "Lessons",
        "measure\t41.5",
    ]
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await app.push_screen(DetailsScreen(1))
        for number, text in enumerate(expected, 1):
            await pilot.press(str(number))
            await until(pilot, lambda number=number: app.screen.query_one(TabbedContent).active == TABS[number - 1])
            for _ in range(200):
                await pilot.press("c")
                if text in app.clipboard:
                    break
            assert text in app.clipboard
        await until_shown(pilot, "Sent to the clipboard of your terminal.")
        await pilot.press("n", "2", "c")
        await until_shown(pilot, "There is nothing to copy here.")


async def test_text_can_be_selected_over_lines_that_scrolled(folder: SessionFolder) -> None:
    app = Host(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(DetailsScreen(1, "log"))
        await until_shown(pilot, "Ran 19 tests")
        view = app.screen.query_one("#output", LineView)
        await pilot.mouse_down(view, offset=(1, 0))
        await pilot.hover(view, offset=(3, 1))
        await pilot.mouse_up(view, offset=(3, 1))
        await until(pilot, app.screen.get_selected_text)
        assert (app.screen.get_selected_text() or "").startswith("Ran 19 tests in 0.004s\nOK")


async def test_the_files_of_a_large_change_are_listed_and_lead_to_their_lines(folder: SessionFolder) -> None:
    """V3: the list of files."""
    place = folder.experiments / "001-compile-the-pattern-once"
    body = "".join(f" line {number}\n" for number in range(60))
    files = [f"diff --git a/src/{name}.py b/src/{name}.py\n@@ -1,60 +1,61 @@\n+new in {name}\n{body}" for name in "abc"]
    (place / "diff.patch").write_text("".join(files))
    app = Host(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.push_screen(DetailsScreen(1, "diff"))
        await until_shown(pilot, "a.py  +1 -0", "c.py  +1 -0", "new in a")
        app.screen.query_one("#files").focus()
        await pilot.press("down", "down")
        await until_shown(pilot, "new in c")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not app.screen.query_one("#files").display)


async def test_calls_of_the_profile_fold_and_unfold(folder: SessionFolder) -> None:
    """V3: the hot path as a tree."""
    app = Host(folder)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(DetailsScreen(1, "profile"))
        await until_shown(pilot, "match  …/re/__init__.py:163")
        tree = app.screen.query_one(Tree)
        await until(pilot, lambda: tree.has_focus)
        assert "52.0 %" in shown(app)
        await pilot.press("home", "enter")
        await until(pilot, lambda: "main  bench.py:10" not in shown(app))
        await pilot.press("enter")
        await until_shown(pilot, "main  bench.py:10")


async def test_without_colours_everything_is_still_told(folder: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Glyph and word beside every colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = Host(folder)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(DetailsScreen(1, "diff"))
        await until_shown(pilot, "● keep", "+ LINE", "-     number")
        await pilot.press("3")
        await until_shown(pilot, "○ incumbent", "● candidate", "↓ better")


async def test_an_editor_that_cannot_be_opened_is_said_in_words(folder: SessionFolder) -> None:
    """V3: open in $EDITOR; a terminal of a test cannot be given away."""
    app = Host(folder)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await app.push_screen(DetailsScreen(1, "plan"))
        await until_shown(pilot, "Hypothesis")
        await pilot.press("o")
        await until(
            pilot, lambda: any(w in shown(app) for w in ("cannot be given to an editor", "No editor was found"))
        )
        await pilot.press("7", "o")
        await until_shown(pilot, "There is no file to open here.")


SCRIPT = """
import sys
from pathlib import Path
from autotune_tui.journal.files import SessionFolder
from autotune_tui.ui.screens.details import DetailsScreen
from ui_session import Host

class Real(Host):
    def on_mount(self):
        self.push_screen(DetailsScreen(1, "plan"))
        self.set_interval(0.02, lambda: Path(sys.argv[2]).write_text(str(self.store.state.seq)))

Real(SessionFolder(Path(sys.argv[1]))).run()
"""


def test_the_editor_gets_the_terminal_and_the_screen_comes_back(folder: SessionFolder, tmp_path: Path) -> None:
    """V3: open in $EDITOR, in a real terminal; the journal is followed meanwhile."""
    editor, seen = tmp_path / "editor", tmp_path / "seen"
    go = tmp_path / "go"
    os.mkfifo(go)
    editor.write_text(f'#!/bin/sh\nprintf "EDITING %s" "$1"\nread line < {go}\n')
    editor.chmod(0o755)
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (30, 100))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder.root), str(seen)], stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True, cwd=tmp_path,
        env={**os.environ, "EDITOR": str(editor), "VISUAL": "", "TERM": "xterm-256color",
             "PYTHONPATH": str(Path(__file__).parent)},
    )  # fmt: skip
    os.close(slave)
    output = bytearray()
    try:
        wait_for(master, output, lambda: b"Hypothesis" in output)
        os.write(master, b"o")
        wait_for(master, output, lambda: b"EDITING " in output and b"plan.md" in output)
        before = max(int(seen.read_text() or 0), 1)
        append(folder, *running(4))
        wait_for(master, output, lambda: int(seen.read_text() or 0) > before)
        painted = len(output)
        go.write_text("done\n")
        wait_for(master, output, lambda: b"Hypothesis" in output[painted:])
        os.write(master, b"\x11")  # ctrl+q
        wait_for(master, output, lambda: process.poll() is not None)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert process.returncode == 0


def wait_for(master: int, output: bytearray, condition: object) -> None:
    """Read from the terminal until the condition holds, for half a minute at most."""
    assert callable(condition)
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, bytes(output[-3000:])
        if select.select([master], [], [], 0.05)[0]:
            try:
                output += os.read(master, 65536)
            except OSError:  # the other side has closed
                return


async def test_only_the_lines_in_sight_of_a_log_are_read(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V3: a log of 100,000 lines costs what a screen full costs."""
    place = folder.experiments / "001-compile-the-pattern-once"
    (place / "bench.log").write_text("".join(f"line {number}\n" for number in range(100_000)))
    read: list[int] = []
    original = LogFile.read
    monkeypatch.setattr(LogFile, "read", lambda self, number: (read.append(number), original(self, number))[1])
    app = Host(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(DetailsScreen(1, "log"))
        await until_shown(pilot, "100,000 lines", "line 10")
        await pilot.press("end")
        await until_shown(pilot, "line 99999", "following")
        assert len(set(read)) < 100
        assert app.screen.query_one(LogPane).file() == place / "bench.log"
