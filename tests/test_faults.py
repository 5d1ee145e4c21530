"""Whatever is done to the engine at whatever moment, the session ends as if nothing had been (H4).

A sample of the moments is tried here; `make test-faults` tries several hundred.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Note
from autotune_tui.model.state import fold
from faults.scripted import VERDICTS, Outcome, Scene, Victims, template

POINTS = int(os.environ.get("AUTOTUNE_FAULTS", "8"))
"""How many moments, of all kinds together."""
STOPPED = float(os.environ.get("AUTOTUNE_STOPPED", "0.5"))
"""For how many seconds the engine is stopped, each time."""
SHARES = {"kill": 0.4, "tear": 0.15, "enospc": 0.15, "eio": 0.1, "start": 0.1, "git": 0.1}
UNITS = {"start": "start", "git": "git"}
"""What is counted for a kind, when not all effects are."""
DEATHS = frozenset({"kill", "tear", "start", "git"})


def moments() -> list[tuple[str, float]]:
    """Each kind, spread evenly over the session; where between two of its moments differs from kind to kind."""
    found = []
    for place, (kind, share) in enumerate(SHARES.items()):
        count = max(round(POINTS * share), 1)
        offset = (place + 0.5) / len(SHARES)
        found += [(kind, (number + offset) / count) for number in range(count)]
    return found


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with Victims() as victims:
        yield victims


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, repo: Path, victims: Victims) -> tuple[Outcome, Scene]:
    """How the session ends, and what it has gone through."""
    scene = Scene(tmp_path_factory.mktemp("undisturbed"), repo, victims)
    done = scene.engine()
    assert done.code == 0, done.err
    assert scene.problems() == []
    assert not list(scene.folder.experiments.rglob("history.json")), "it would be kept once more with each experiment"
    outcome = scene.outcome()
    assert [status for _, status, _ in outcome.verdicts] == VERDICTS
    return outcome, scene


def moment_of(undisturbed: tuple[Outcome, Scene], kind: str, where: float) -> int:
    return 1 + int(where * undisturbed[1].effects[UNITS.get(kind, "effect")])


@pytest.mark.parametrize(("kind", "where"), moments(), ids=lambda part: f"{part:.4}")
def test_it_goes_on_after_a_fault(
    tmp_path: Path, repo: Path, victims: Victims, undisturbed: tuple[Outcome, Scene], kind: str, where: float
) -> None:
    """Killed, killed within a write, on a full disk, on one that fails: the next start ends with the same commits."""
    at = moment_of(undisturbed, kind, where)
    scene = Scene(tmp_path, repo, victims)
    faulty = scene.engine(kind, at)
    if kind in DEATHS:
        spared = (0,) if kind == "tear" and where > 0.9 else ()  # no write was left to tear
        assert faulty.code in (-signal.SIGKILL, *spared), f"{at}: {faulty.err}"
    else:
        assert faulty.code in (0, 1), f"{at}: {faulty.err}"
        assert "Traceback" not in faulty.err and (faulty.code == 0 or faulty.err.strip()), "words, and no traceback"
    ends_as(scene, undisturbed[0], f"{kind} at {at}")


def ends_as(scene: Scene, outcome: Outcome, fault: str) -> None:
    """The next start ends the session as if nothing had been."""
    done = scene.engine()
    assert done.code == 0, f"{fault}: {done.err}"
    assert scene.outcome() == outcome, fault
    assert scene.problems() == [], fault


@pytest.mark.parametrize("where", [(number + 0.7) / max(POINTS // 16, 1) for number in range(max(POINTS // 16, 1))])
def test_it_goes_on_after_being_killed_while_it_goes_on(
    tmp_path: Path, repo: Path, victims: Victims, undisturbed: tuple[Outcome, Scene], where: float
) -> None:
    scene = Scene(tmp_path, repo, victims)
    at = moment_of(undisturbed, "kill", where)
    for later in (at, 25 + at % 300, 60 + at % 77):
        scene.engine("kill", later)
    ends_as(scene, undisturbed[0], f"three kills from {at}")


TORN = ("session", "plan", "candidate", "sample", "decision", "result")


@pytest.mark.parametrize("kind", TORN)
def test_a_last_line_that_is_torn_at_any_byte_costs_that_record_at_most(
    tmp_path: Path, undisturbed: tuple[Outcome, Scene], kind: str
) -> None:
    """Until an engine mends the journal a reader waits for the rest; then both say the same, and no number is lost or doubled."""
    lines = undisturbed[1].folder.journal.read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if line.startswith(b'{"type":"%s"' % kind.encode()))
    before, record = b"".join(lines[max(last - 3, 0) : last]), lines[last]
    path = tmp_path / "autotune.jsonl"
    for cut in range(len(record)):
        path.write_bytes(before + record[:cut])
        whole = cut == len(record) - 1
        seen = read_journal(path)
        assert len(seen) == before.count(b"\n")
        with JournalWriter(path, now=lambda: datetime(2026, 4, 4, tzinfo=UTC)) as writer:
            mended = read_journal(path)
            added = writer.append(Note(text="goes on"))
        assert mended[: len(seen)] == seen and len(mended) == len(seen) + whole
        assert [r.seq for r in read_journal(path)] == [*(r.seq for r in mended), added.seq]
        assert added.seq == mended[-1].seq + 1
        assert fold(read_journal(path)) == load_state(path)


def test_an_engine_that_is_stopped_and_continued_ends_as_ever(
    tmp_path: Path, repo: Path, victims: Victims, undisturbed: tuple[Outcome, Scene]
) -> None:
    """As when a laptop is closed: its clock has jumped when it goes on."""
    scene = Scene(tmp_path, repo, victims)
    with scene.start() as engine:
        while engine.poll() is None:
            select.select([], [], [], max(0.4, STOPPED / 60))
            os.killpg(engine.pid, signal.SIGSTOP)
            began = time.monotonic()
            while time.monotonic() < began + STOPPED:
                select.select([], [], [], 0.2)
            os.killpg(engine.pid, signal.SIGCONT)
        said = engine.stderr.read() if engine.stderr else b""
    assert engine.returncode == 0, said
    assert scene.outcome() == undisturbed[0]
    assert scene.problems() == []
