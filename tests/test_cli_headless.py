"""The loop without a screen: what a person reads for each record, and what a program gets."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import struct
import termios
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fcntl import ioctl
from pathlib import Path

import pytest

from autotune_tui import headless
from autotune_tui.headless import display, line, progress
from autotune_tui.model.events import (
    Calibration,
    Config,
    Control,
    Decision,
    Health,
    Note,
    Phase,
    Plan,
    Proposal,
    Record,
    Result,
    Sample,
    Session,
    Unknown,
    Unreadable,
    Usage,
    Validation,
    to_record,
)
from autotune_tui.model.state import fold
from autotune_tui.text import without_escapes

START = Session(
    id="001-import-speed", goal="Import\x1b[31m faster", agent="offline", branch="autotune/001-import-speed"
)
CONFIG = Config(metric_name="time", metric_unit="s", direction="lower", segment=1, target=0.5, threshold="1%")
CALIBRATION = Calibration(
    pairs=10, sigma=0.012, detectable=0.0084, spread=0.02, seconds=1.3, decision_seconds=(15.6, 104.0)
)
BASELINE = Result(index=0, metric=1.314, status="keep", description="baseline", reason="baseline")
PLAN = Plan(experiment=1, description="Join strings in render() once", strategy="rewrite:join")
KEEP = Result(
    index=1, metric=1.142, status="keep", description="Join strings in render() once", reason="improved",
    effect=-0.131, interval=(-0.139, -0.122), pairs=12,
)  # fmt: skip
DISCARD = Result(
    index=2, metric=1.31, status="discard", description="Cache rows", reason="no_improvement",
    detail="no gain of 1% in 8 pairs", effect=-0.002, pairs=8,
)  # fmt: skip
CRASH = Result(index=3, status="crash", description="Use slots", reason="agent_failed", detail="exit code 1")
VALIDATION = Validation(keeps=3, pairs=40, effect=-0.5, interval=(-0.51, -0.49), before=1.3, after=0.65, confirmed=True)

LINES: list[tuple[Record, str | None]] = [
    (START, "001-import-speed: Import [31m faster (agent offline, branch autotune/001-import-speed)"),
    (Session(event="end", outcome="completed", reason="target reached"), "completed: target reached"),
    (CONFIG, "segment 1: time, lower is better, target 500 ms, keeps a gain of 1% or more"),
    (CALIBRATION, "noise: 1.2 % per pair (10 pairs); detects 0.8 %; a decision takes 15.6 s to 1 min 44 s"),
    (replace(CALIBRATION, exact=True, pairs=4), "noise: none in 8 runs, so one run and one more decide"),
    (BASELINE, "baseline: time 1.314 s"),
    (PLAN, "#1 tries: Join strings in render() once"),
    (Proposal(experiment=1, agent="claude@low", description="Cache\nrows"), "#1 claude@low proposes, too: Cache rows"),
    (Plan(experiment=2, agent="claude@low", beside=1, description="Cache rows"),
     "#2 tries: what claude@low proposed: Cache rows"),
    (KEEP, "#1 ✓ keep: Join strings in render() once — −13.1 % [−13.9, −12.2], 1.142 s, 12 pairs"),
    (DISCARD, "#2 · discard: Cache rows — −0.2 %, 1.310 s, 8 pairs — no gain of 1% in 8 pairs"),
    (CRASH, "#3 ✗ crash: Use slots — exit code 1"),
    (replace(CRASH, index=4, status="rejected", detail=""), "#4 ? rejected: Use slots — agent_failed"),
    (
        VALIDATION,
        "confirmed after 3 keeps: 2x better; measured again in 40 fresh pairs: 1.300 → 0.650 s, −50.0 % [−51.0, −49.0]",
    ),
    (
        replace(VALIDATION, confirmed=False, effect=-0.004, interval=(-0.013, 0.005), after=1.29),
        "no confirmed improvement after 3 keeps;"
        " measured again in 40 fresh pairs: 1.300 → 1.290 s, −0.4 % [−1.3, 0.5]",
    ),
    (
        Health(health="plateaued", previous="improving", reason="5 without a keep", next="rebaseline"),
        "health: improving → plateaued; 5 without a keep; next: rebaseline",
    ),
    (Health(health="running", previous="running"), None),
    (
        Control(command="skip", by="ann", accepted=False, reason="no experiment is running"),
        "skip by ann refused: no experiment is running",
    ),
    (Note(text="the bottleneck moved"), "the bottleneck moved"),
    (Note(text="spread of 8 %", level="warning"), "warning: spread of 8 %"),
    (Unreadable(text="{\x00"), "warning: a line of the journal cannot be read: {"),
    (Phase(experiment=1, phase="plan"), None),
    (Sample(experiment=1, value=1.0), None),
    (Decision(experiment=1, pairs=4), None),
    (Usage(input_tokens=3), None),
    (Unknown(data={"type": "new"}), None),
]  # fmt: skip


@pytest.mark.parametrize(("record", "expected"), LINES)
def test_each_record_is_told_in_a_line_or_not_at_all(record: Record, expected: str | None) -> None:
    before = [START, CONFIG, CALIBRATION, *([] if record == BASELINE else [BASELINE])]
    state = fold([*before, record] if record not in before else before)
    assert line(record, state) == expected


def samples(pairs: int) -> list[Record]:
    return [
        Sample(
            experiment=1, block=run // 4, run=run % 4, side=("incumbent", "candidate")[run % 2], value=1.0, seq=run + 9
        )
        for run in range(2 * pairs)
    ]


RUNNING = [START, CONFIG, CALIBRATION, BASELINE, Phase(experiment=1, phase="sync")]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([START, CONFIG], "calibrating, 0 runs"),
        ([START, CONFIG, *(Sample(purpose="calibration", block=0, run=n) for n in range(3))], "calibrating, 3 runs"),
        ([*RUNNING, Phase(experiment=1, phase="plan")], "#1 plan"),
        ([*RUNNING, Phase(experiment=1, phase="measure"), *samples(3)], "#1 measure, 3 pairs"),
        (
            [
                *RUNNING, Phase(experiment=1, phase="measure"), *samples(4),
                Decision(experiment=1, pairs=4, effect=-0.1, interval=(-0.2, 0.01), next_look=6),
            ],
            "#1 measure, 4 pairs, −10.0 % [−20.0, 1.0], next look at 6",
        ),
        ([*RUNNING, KEEP], ""),
        ([*RUNNING, KEEP, Sample(purpose="validation", seq=99)], "measuring the gain again, 1 run"),
        ([*RUNNING, KEEP, Sample(purpose="validation", seq=99), replace(VALIDATION, seq=100)], ""),
    ],
)  # fmt: skip
def test_one_line_says_what_is_being_done_now(records: list[Record], expected: str) -> None:
    assert progress(fold(records)) == expected


ALL = [START, CONFIG, CALIBRATION, BASELINE, PLAN, KEEP, VALIDATION, Session(event="end", outcome="completed")]


def test_without_a_terminal_there_are_plain_lines(tmp_path: Path) -> None:
    out = io.StringIO()
    with display(tmp_path / "autotune.jsonl", as_json=False, out=out) as show:
        for record in ALL:
            show(record)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(ALL)
    assert "\x1b" not in out.getvalue()
    assert lines[-1] == "completed"


def test_with_json_each_line_is_a_record(tmp_path: Path) -> None:
    out = io.StringIO()
    with display(tmp_path / "autotune.jsonl", as_json=True, out=out) as show:
        for record in ALL:
            show(record)
    assert [json.loads(text) for text in out.getvalue().splitlines()] == json.loads(
        json.dumps([to_record(r) for r in ALL])
    )


def test_a_session_that_goes_on_is_told_with_what_its_journal_knows(tmp_path: Path) -> None:
    journal = tmp_path / "autotune.jsonl"
    journal.write_text("".join(json.dumps(to_record(record)) + "\n" for record in RUNNING))
    out = io.StringIO()
    with display(journal, as_json=False, out=out) as show:
        show(KEEP)
    assert out.getvalue().startswith("#1 ✓ keep: ")


def test_a_reader_that_goes_away_does_not_stop_the_loop(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    out = os.fdopen(writing, "w", encoding="utf-8")
    with display(tmp_path / "j", as_json=False, out=out) as show:
        show(START)
        os.close(reading)
        for record in ALL:
            show(record)
    with pytest.raises(BrokenPipeError):
        out.close()


@pytest.mark.parametrize("as_json", [True, False])
def test_what_goes_wrong_in_the_loop_is_not_hidden_by_the_display(tmp_path: Path, as_json: bool) -> None:
    with pytest.raises(OSError, match="disk full"), display(tmp_path / "j", as_json=as_json, out=io.StringIO()):
        raise OSError("disk full")


def read_all(descriptor: int) -> bytes:
    """What comes until the other side of the pseudo-terminal is closed, which Linux reports as an error."""
    parts: list[bytes] = []
    with contextlib.suppress(OSError):
        while part := os.read(descriptor, 4096):
            parts.append(part)
    return b"".join(parts)


def shown(columns: int, tmp_path: Path, error: Exception | None = None) -> str:
    """What a terminal of that width gets for a whole run, or for one that ends with an error."""
    main, side = pty.openpty()
    ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_all, main)
        with os.fdopen(side, "w", encoding="utf-8") as out, display(tmp_path / "j", as_json=False, out=out) as show:
            for record in [*RUNNING, Phase(experiment=1, phase="measure"), *samples(2), KEEP, VALIDATION]:
                show(record)
            if error:
                raise error
        text = reading.result(timeout=30)
    os.close(main)
    return text.decode()


def test_a_terminal_gets_lines_that_stay_and_one_that_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(headless, "PAINT_SECONDS", 0.0)
    text = shown(120, tmp_path)
    assert "#1 measure, 2 pairs" in text
    assert "✓ keep: Join strings in render() once" in text
    assert "\x1b[32m" in text, "a keep is green"
    assert "[31m faster" in text, "what an agent wrote cannot colour the terminal"
    assert "\x1b[31m" not in text


def test_on_a_terminal_too_what_goes_wrong_in_the_loop_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"):
        shown(80, tmp_path, OSError("disk full"))


def test_no_color_is_honoured_and_40_columns_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    text = shown(40, tmp_path)
    assert "\x1b[32m" not in text
    assert "confirmed after 3 keeps" in text.replace("\r\n", " ")
    assert max(len(without_escapes(row)) for row in text.splitlines()) <= 40
