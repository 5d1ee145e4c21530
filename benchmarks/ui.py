"""What the interface costs, measured on the real program in a terminal of 140 x 45, beside the figures it is to reach.

    python -m benchmarks.ui [--quick]

Starts `autotune-tui --watch` in a pseudo terminal, as a user does: first frames, the time from a key to its paint while output
streams in, from a line in the journal to the screen, processor time at rest and at 500 events a second, paints while a sample is
timed, and memory over a simulated day.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Note, Phase, Record, Sample
from benchmarks.fold import experiment, session

COLUMNS, ROWS = 140, 45
_LAST_LINE = b"all commands"
"""Stands in the last line of the screen, which is painted last."""


class Terminal:
    """The program in a pseudo terminal; its output is read all the time, as a terminal does."""

    def __init__(self, *arguments: str) -> None:
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: with compiled modules
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self._master = master
        self.chunks: list[tuple[float, bytes]] = []
        """What was written, with the times of arrival."""
        self._arrived = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the program has ended
            while data := os.read(self._master, 1 << 16):
                with self._arrived:
                    self.chunks.append((time.perf_counter(), data))
                    self._arrived.notify_all()

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def when(self, text: bytes, since: int = 0, timeout: float = 60.0) -> float:
        """The time at which `text` has been written, looking from chunk `since` on."""
        end = time.perf_counter() + timeout
        with self._arrived:
            while True:
                seen = b""
                for moment, data in self.chunks[since:]:
                    seen += data
                    if text in seen:
                        return moment
                if not self._arrived.wait(end - time.perf_counter()):
                    raise TimeoutError(f"{text!r} was not painted")

    def cpu(self) -> float:
        """Seconds of processor time that the program has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory in MB."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self) -> None:
        self.press("q")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def watching(folder: SessionFolder) -> Terminal:
    return Terminal("-m", "autotune_tui", "--watch", str(folder.root))


def now() -> datetime:
    return datetime.now(UTC)


def folder_with(base: Path, records: Iterator[Record], name: str) -> SessionFolder:
    folder = SessionFolder.of(base, f"001-{name}")
    folder.create()
    with JournalWriter(folder.journal, now=now) as journal:
        for record in records:
            journal.append(record)
    return folder


def results_only(experiments: int) -> Iterator[Record]:
    """A session as short as its shared records allow."""
    yield from islice(session(), 3)
    for number in range(1, experiments + 1):
        *_, result = experiment(number)
        yield result


def whole(experiments: int) -> Iterator[Record]:
    """All records of so many experiments."""
    yield from islice(session(), 3)
    for number in range(1, experiments + 1):
        yield from experiment(number)


def first_frame(folder: SessionFolder, repeats: int, text: bytes = _LAST_LINE) -> float:
    """Seconds from the start of the process until `text` is on the screen: the least of some starts."""
    times = []
    for _ in range(repeats):
        with watching(folder) as terminal:
            times.append(terminal.when(text) - terminal.started)
    return min(times)


def peer() -> float:
    """Seconds until a Textual application of one line shows it: what no interface made with it can go below."""
    script = "from textual.app import App\nfrom textual.widgets import Static\n"
    script += "class One(App):\n    def compose(self):\n        yield Static('all commands')\nOne().run()\n"
    times = []
    for _ in range(7):
        with Terminal("-c", script) as terminal:
            times.append(terminal.when(_LAST_LINE) - terminal.started)
    return min(times)


def key_to_paint(folder: SessionFolder, presses: int) -> list[float]:
    """Seconds from a key until its panel is painted, while 5,000 lines a second are written to the benchmark's log."""
    titles = {"1": b"Evidence", "2": b"Plan", "4": b"Trend", "5": b"Health"}
    stop = threading.Event()
    log = next(folder.experiments.glob("*")) / "bench.log"
    writer = threading.Thread(target=stream, args=(log, stop))
    times = []
    with watching(folder) as terminal:
        terminal.when(_LAST_LINE)
        writer.start()
        time.sleep(1.0)
        for number in range(presses):
            key = list(titles)[number % len(titles)]
            since, pressed = len(terminal.chunks), time.perf_counter()
            terminal.press(key)
            times.append(terminal.when(titles[key], since, 5.0) - pressed)
            time.sleep(0.037)
        stop.set()
        writer.join()
    return times


def stream(log: Path, stop: threading.Event) -> None:
    with log.open("a") as file:
        for number in count():
            if stop.is_set():
                return
            file.write(
                "".join(f"line {number * 50 + line}: \x1b[32mparsed\x1b[0m 1,204,113 rows\n" for line in range(50))
            )
            file.flush()
            time.sleep(0.01)


def line_to_screen(folder: SessionFolder, lines: int) -> list[float]:
    """Seconds from the write of a record until its words are on the screen."""
    times = []
    with (
        watching(folder) as terminal,
        JournalWriter(folder.journal, now=now) as journal,
    ):
        terminal.when(_LAST_LINE)
        time.sleep(1.0)
        for number in range(lines):
            since = len(terminal.chunks)
            journal.append(Note(text=f"marker-{number}-"))
            written = time.perf_counter()
            times.append(terminal.when(f"marker-{number}-".encode(), since, 5.0) - written)
            time.sleep(0.41)
    return times


def load(folder: SessionFolder, seconds: float, write: Callable[[float], None] | None = None) -> float:
    """The share of a core that the program uses while `write` writes to the journal, or while nothing happens."""
    with watching(folder) as terminal:
        terminal.when(_LAST_LINE)
        time.sleep(2.0)
        before, began = terminal.cpu(), time.perf_counter()
        if write is None:
            time.sleep(seconds)
        else:
            write(seconds)
        return (terminal.cpu() - before) / (time.perf_counter() - began)


def events(folder: SessionFolder, rate: float = 500.0) -> Callable[[float], None]:
    """Writes whole experiments, so many records a second."""

    def write(seconds: float) -> None:
        records = (record for number in count(1_000_000) for record in experiment(number))
        began, written = time.perf_counter(), 0
        with JournalWriter(folder.journal, now=now) as journal:
            while (passed := time.perf_counter() - began) < seconds:
                for record in islice(records, max(int(passed * rate) - written, 0)):
                    journal.append(record)
                    written += 1
                time.sleep(0.02)

    return write


def paints_while_timed(folder: SessionFolder, seconds: float) -> float:
    """Paints a second while samples are timed, ten of them a second: bursts of output with 50 ms of silence between."""
    with (
        EngineLock(folder.lock),
        JournalWriter(folder.journal, now=now) as journal,
        watching(folder) as terminal,
    ):
        journal.append(Phase(experiment=9_999_999, phase="sync"))
        journal.append(Phase(experiment=9_999_999, phase="measure"))
        terminal.when(_LAST_LINE)
        time.sleep(3.0)
        since, began = len(terminal.chunks), time.perf_counter()
        for number in range(int(seconds * 10)):
            side = "candidate" if number % 2 else "incumbent"
            block, run = divmod(number, 4)
            journal.append(Sample(experiment=9_999_999, block=block, run=run, side=side, value=1.0 + number % 7 / 100))
            time.sleep(0.1)
        moments = [moment for moment, _ in terminal.chunks[since:]]
        bursts = sum(later - earlier > 0.05 for earlier, later in zip([began, *moments], moments, strict=False))
        return bursts / (time.perf_counter() - began)


def growth(folder: SessionFolder, experiments: int) -> float:
    """MB by which memory grows over so many experiments; a minute each makes 1,440 a day."""
    with (
        watching(folder) as terminal,
        JournalWriter(folder.journal, now=now) as journal,
    ):
        terminal.when(_LAST_LINE)
        time.sleep(3.0)
        before = terminal.memory()
        for number in range(5_000, 5_000 + experiments):
            for record in experiment(number):
                journal.append(record)
            time.sleep(0.01)
        journal.append(Note(text="the day is over"))
        terminal.when(b"the day is over")
        return terminal.memory() - before


def row(name: str, value: float, target: float, unit: str) -> None:
    verdict = "ok" if value <= target else "MISSED"
    print(f"{name:<66} {value:>8.1f} {unit:<5} {'at most':>8} {target:>6.0f} {unit:<5} {verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and a shorter day")
    quick = parser.parse_args().quick
    repeats = 3 if quick else 7
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        empty = SessionFolder.of(base, "000-empty")
        empty.create()
        first_frame(empty, 1)  # compiles the modules
        least = peer()
        print(f"{'first frame of a Textual application with one line of text':<66} {1e3 * least:>8.1f} ms")
        empty_frame = first_frame(empty, repeats)
        row("first frame, empty journal", 1e3 * empty_frame, 350, "ms")
        print(f"{'  against that application':<66} {empty_frame / least:>8.2f} x")
        long = folder_with(base, results_only(10_000), "results")
        row("first frame, 10,000 results", 1e3 * first_frame(long, repeats), 600, "ms")
        print(f"{'  all of it on the screen':<66} {1e3 * first_frame(long, repeats, b'10000 tried'):>8.1f} ms")
        some = folder_with(base, whole(20), "whole")
        (some.experiments / "020-last").mkdir()
        times = sorted(key_to_paint(some, 60 if quick else 200))
        row("key to paint, 5,000 lines/s, 95th percentile", 1e3 * times[int(len(times) * 0.95)], 50, "ms")
        row("  median", 1e3 * statistics.median(times), 50, "ms")
        times = line_to_screen(some, 8 if quick else 25)
        row("line in the journal to the screen, slowest", 1e3 * max(times), 150, "ms")
        row("  median", 1e3 * statistics.median(times), 150, "ms")
        row("at rest", 100 * load(some, 10 if quick else 30), 1, "%")
        row("500 events a second", 100 * load(some, 10 if quick else 30, events(some)), 12, "%")
        row("paints while a sample is timed", paints_while_timed(some, 10), 1.1, "/s")
        row("memory over a day of 1,440 experiments", growth(some, 300 if quick else 1440), 30, "MB")


if __name__ == "__main__":
    main()
