"""Whatever is done to the engine at whatever moment, the session ends as if nothing had been (H4).

A sample of the moments is tried here; `AUTOTUNE_FAULTS=300 make test-faults` tries so many of each kind.
"""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path

import pytest

from faults.scripted import Outcome, Scene

MOMENTS = int(os.environ.get("AUTOTUNE_FAULTS", "4"))
"""Of each kind, spread evenly over the session."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, int]:
    """How the session ends, and how many effects it has on the way."""
    scene = Scene(tmp_path_factory.mktemp("undisturbed"))
    done = scene.engine()
    assert done.returncode == 0, done.stderr
    assert scene.problems() == []
    outcome = scene.outcome()
    assert [status for _, status in outcome.verdicts] == [
        "keep", "discard", "crash", "keep", "discard", "crash", "crash", "keep"
    ]  # fmt: skip
    return outcome, scene.effects


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("kind", ["kill", "tear", "enospc", "eio"])
def test_it_goes_on_after_a_fault(tmp_path: Path, undisturbed: tuple[Outcome, int], kind: str, moment: int) -> None:
    """Killed, killed within a write, on a full disk, on one that fails: the next start ends with the same commits."""
    outcome, effects = undisturbed
    offset = {"kill": 0.2, "tear": 0.4, "enospc": 0.6, "eio": 0.8}[kind]
    at = 1 + int((moment + offset) * effects / MOMENTS)
    scene = Scene(tmp_path)
    faulty = scene.engine(kind, at)
    assert faulty.returncode == (-signal.SIGKILL if kind in ("kill", "tear") else 1), f"{at}: {faulty.stderr}"
    if faulty.returncode == 1:
        assert "Traceback" not in faulty.stderr and faulty.stderr.strip(), "words, and no traceback"
    done = scene.engine()
    assert done.returncode == 0, f"{kind} at {at}: {done.stderr}"
    assert scene.outcome() == outcome, f"{kind} at {at}"
    assert scene.problems() == [], f"{kind} at {at}"


@pytest.mark.parametrize("moment", range(max(MOMENTS // 4, 1)))
def test_it_goes_on_after_being_killed_while_it_goes_on(
    tmp_path: Path, undisturbed: tuple[Outcome, int], moment: int
) -> None:
    outcome, effects = undisturbed
    scene = Scene(tmp_path)
    at = 1 + int((moment + 0.7) * effects / max(MOMENTS // 4, 1))
    for later in (at, 25 + 40 * moment % 300, 60):
        scene.engine("kill", later)
    assert scene.engine().returncode == 0
    assert scene.outcome() == outcome
    assert scene.problems() == []


def test_an_engine_that_is_stopped_and_continued_ends_as_ever(tmp_path: Path, undisturbed: tuple[Outcome, int]) -> None:
    """As when a laptop is closed: its clock has jumped when it goes on."""
    scene = Scene(tmp_path)
    with scene.start() as engine:
        while engine.poll() is None:
            select.select([], [], [], 0.4)
            os.killpg(engine.pid, signal.SIGSTOP)
            began = time.monotonic()
            while time.monotonic() < began + 1.0:
                select.select([], [], [], 0.2)
            os.killpg(engine.pid, signal.SIGCONT)
    assert engine.returncode == 0
    assert scene.outcome() == undisturbed[0]
    assert scene.problems() == []
