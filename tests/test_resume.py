"""An experiment that was interrupted goes on with what it has: nothing that an agent was paid for is done again (H4)."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autotune_tui.engine.strays import end_strays
from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.model.events import (
    Candidate,
    Decision,
    Note,
    Phase,
    Plan,
    Record,
    Result,
    Resumption,
    Sample,
    Session,
)
from autotune_tui.model.experiment import complete_blocks
from autotune_tui.model.state import fold
from autotune_tui.stats.order import block_order
from autotune_tui.ui.follower import Look
from engine_support import NOISY, git, make_repo
from faults.scripted import SESSION, VERDICTS, Scene, Victims, template

needs_sandbox = pytest.mark.skipif(not shutil.which("bwrap"), reason="apt-get install bubblewrap")


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with Victims() as victims:
        yield victims


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("template"))


def notes(scene: Scene) -> str:
    return "\n".join(record.text for record in read_journal(scene.folder.journal) if isinstance(record, Note))


def candidates(scene: Scene) -> list[Candidate]:
    return [record for record in read_journal(scene.folder.journal) if isinstance(record, Candidate)]


def verdicts(scene: Scene) -> list[str]:
    return [experiment.status for experiment in load_state(scene.folder.journal).experiments if not experiment.baseline]


@pytest.mark.parametrize(
    ("text", "at", "asked"),
    [
        ('"type":"candidate"', 2, {1: 1, 2: 1, 3: 2}),
        ('"phase":"build","state":"start"', 2, {1: 1, 2: 1, 3: 2}),
        ('"phase":"measure","state":"start"', 2, {1: 1, 2: 1, 3: 2}),
        ('"phase":"reflect","state":"start"', 2, {1: 1, 2: 1, 3: 2}),
        ('"phase":"rework","state":"start"', 1, {1: 1, 2: 1, 3: 2}),
        ('"phase":"rework","state":"end"', 1, {1: 1, 2: 1, 3: 3}),
    ],
    ids=["commit", "build", "measure", "reflect", "rework", "reworked"],
)
def test_the_agent_is_not_asked_again_for_what_is_committed(
    tmp_path: Path, repo: Path, victims: Victims, text: str, at: int, asked: dict[int, int]
) -> None:
    """Killed in any phase after the commit. Only a rework whose answer was not committed yet is asked for once more."""
    scene = Scene(tmp_path, repo, victims)
    scene.killed_after(text, at)
    left = candidates(scene)[-1]
    done = scene.engine()
    assert done.code == 0, done.err
    assert verdicts(scene) == VERDICTS
    assert scene.calls == Counter({**asked, 4: 1, 5: 1})
    assert f"it goes on with its candidate {left.commit[:10]}" in notes(scene)
    result = next(r for r in read_journal(scene.folder.journal) if isinstance(r, Result) and r.index == left.experiment)
    if left.experiment == 2:  # discarded as it was committed
        assert (result.sha, result.description, result.files) == (left.commit, "Idea 2", ("src/value.txt",))
        assert git(scene.repo, "rev-parse", f"refs/autotune/{SESSION}/2") == left.commit
        assert [path.name for path in scene.folder.experiments.glob("002*")] == ["002-idea-2"]
    assert scene.problems() == []


def test_an_edit_that_was_not_finished_is_begun_again(tmp_path: Path, repo: Path, victims: Victims) -> None:
    scene = Scene(tmp_path, repo, victims)
    scene.killed_after('"phase":"edit","state":"start"', 2)
    assert scene.engine().code == 0
    assert verdicts(scene) == VERDICTS
    assert "experiment 2 was interrupted in phase edit; it is begun again" in notes(scene)
    assert "ended without a word" in notes(scene)
    assert scene.problems() == []


def test_a_keep_whose_record_is_missing_is_finished_with_all_that_is_known_of_it(
    tmp_path: Path, repo: Path, victims: Victims
) -> None:
    scene = Scene(tmp_path, repo, victims)
    scene.killed_after('"to_commit"')
    assert scene.engine().code == 0
    keep = load_state(scene.folder.journal).experiments[1]
    assert (keep.status, keep.description, keep.files, keep.folder) == (
        "keep", "Idea 1", ("src/value.txt",), "experiments/001-idea-1"
    )  # fmt: skip
    assert verdicts(scene) == VERDICTS
    assert "experiment 1 was decided as a keep; that is finished" in notes(scene)


ONE = """\
#!/bin/sh
echo "$AUTOTUNE_EXPERIMENT" >> "$AUTOTUNE_FAULTS_SCENE/calls"
echo 90 > src/value.txt
echo '{"description": "A little less"}'
"""


def noisy(tmp_path: Path, victims: Victims) -> Scene:
    """A session of one experiment that needs more than two blocks, killed after the second."""
    repo = make_repo(tmp_path / "noisy", bench=NOISY)
    scene = Scene(tmp_path, repo, victims, agent=ONE, most=1)
    scene.killed_after('"type":"decision"', 2)
    return scene


def samples(scene: Scene) -> list[Sample]:
    found = [record for record in read_journal(scene.folder.journal) if isinstance(record, Sample)]
    return [sample for sample in found if sample.purpose == "experiment"]


@needs_sandbox
def test_complete_blocks_of_samples_count_and_the_order_stays_drawn_from_the_journalled_seed(
    tmp_path: Path, victims: Victims
) -> None:
    """Blocks that were judged before are not taken again, and any look can be recomputed from the journal (D3)."""
    scene = noisy(tmp_path, victims)
    before = samples(scene)
    done = scene.engine()
    assert done.code == 0, done.err
    assert scene.calls == Counter({1: 1})
    assert "and the 2 blocks of samples that it has" in notes(scene)
    after = samples(scene)
    assert [s.seq for s in after if s.block < 2] == [s.seq for s in before if s.block < 2], "they were not taken again"
    decisions = [record for record in read_journal(scene.folder.journal) if isinstance(record, Decision)]
    assert len({decision.seed for decision in decisions}) == 1
    assert [d.pairs for d in decisions if not d.to_commit] == sorted({d.pairs for d in decisions}), (
        "no look is repeated"
    )
    blocks = complete_blocks(after)
    assert 2 * len(blocks) >= decisions[-1].pairs
    for number, block in enumerate(blocks):
        order = block_order(decisions[0].seed or 0, number, block[0].attempt)
        assert tuple(sample.side == "candidate" for sample in block) == order
    assert scene.problems() == []


@needs_sandbox
def test_samples_of_another_environment_do_not_count(tmp_path: Path, victims: Victims) -> None:
    """The candidate is gone on with all the same, and the engine says why its samples are taken anew."""
    scene = noisy(tmp_path, victims)
    before = samples(scene)
    done = scene.engine(OMP_NUM_THREADS="1")
    assert done.code == 0, done.err
    assert scene.calls == Counter({1: 1})
    assert "its samples do not count: the environment has changed since" in notes(scene)
    after = samples(scene)[len(before) :]
    assert {sample.block for sample in before} <= {sample.block for sample in after}, "all were taken again"


HANGS = """\
#!/bin/sh
echo "$AUTOTUNE_EXPERIMENT" >> "$AUTOTUNE_FAULTS_SCENE/calls"
if [ ! -e "$AUTOTUNE_FAULTS_SCENE/hung" ]; then
  touch "$AUTOTUNE_FAULTS_SCENE/hung"
  sleep 1000 &
  wait
fi
echo 90 > src/value.txt
echo '{"description": "Late"}'
"""


def test_what_the_agent_of_a_killed_engine_still_runs_is_ended(tmp_path: Path, repo: Path, victims: Victims) -> None:
    """It would go on to write in a worktree that is somebody else's by now."""
    scene = Scene(tmp_path, repo, victims, agent=HANGS, most=1)
    with scene.start() as engine:
        while not (tmp_path / "hung").exists():
            assert engine.poll() is None, engine.stderr and engine.stderr.read()
            select.select([], [], [], 0.05)
        os.kill(engine.pid, signal.SIGKILL)
    stray = [process for process in scene.processes() if "sleep" in process or "agent.sh" in process]
    assert stray
    mine = psutil.Popen(["sleep", "1000"], cwd=tmp_path)  # somebody who works there
    try:
        assert scene.engine().code == 0
        assert mine.is_running()
    finally:
        mine.kill()
        mine.wait()
    assert "that it had left" in notes(scene)
    assert verdicts(scene) == ["keep"]
    assert scene.problems() == []


def sleepers(engine: psutil.Process) -> list[psutil.Process]:
    """Those of its descendants that sleep; others come and go meanwhile."""
    found = []
    for process in engine.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == "sleep":
                found.append(process)
    return found


def test_a_benchmark_whose_launcher_was_killed_as_well_is_ended(tmp_path: Path, victims: Victims) -> None:
    """The launcher ends what it runs when the engine dies; when both are killed, the next engine does."""
    repo = make_repo(tmp_path / "slow", bench="#!/bin/sh\nsleep 1000\n")
    scene = Scene(tmp_path, repo, victims, most=1)
    with scene.start() as engine:
        mine = psutil.Process(engine.pid)
        while not (running := sleepers(mine)):
            assert engine.poll() is None, engine.stderr and engine.stderr.read()
            select.select([], [], [], 0.05)
        mine.suspend()
        for process in (*mine.children(), mine):
            process.kill()
    worktrees = next(scene.cache.glob("*/*"))
    assert running[0].is_running()
    assert f"{running[0].pid} sleep" in end_strays(worktrees, scene.folder)
    assert not running[0].is_running()
    assert end_strays(worktrees, scene.folder) == []


START = [Session(seq=1, timestamp="2026-04-04T10:00:00.000Z")]
BEGUN: list[Record] = [
    *START,
    Phase(experiment=1, phase="sync"),
    Plan(experiment=1, description="Idea"),
    Candidate(experiment=1, commit="abc", incumbent="def"),
    Phase(experiment=1, phase="measure"),
    *(Sample(experiment=1, block=0, run=run, value=1.0) for run in range(4)),
    Decision(experiment=1, pairs=2, seed=5),
    *(Sample(experiment=1, block=1, run=run, value=1.0) for run in range(2)),
]


@pytest.mark.parametrize(
    ("more", "kept", "left"),
    [
        ([Resumption(experiment=1, commit="abc", blocks=1), Phase(experiment=1, phase="sync")], True, 4),
        ([Resumption(experiment=1, commit="abc"), Phase(experiment=1, phase="sync")], True, 0),
        ([Phase(experiment=1, phase="sync")], False, 0),
        ([Resumption(experiment=1, commit="abc", blocks=1), *START, Phase(experiment=1, phase="sync")], False, 0),
        ([Candidate(experiment=1, commit="next")], True, 0),
    ],
    ids=["goes-on", "without-samples", "begun-again", "killed-before-it-went-on", "reworked"],
)
def test_what_is_known_of_an_experiment_that_goes_on(more: list[Record], kept: bool, left: int) -> None:
    current = fold([*BEGUN, *more]).current
    assert current is not None
    assert (current.plan is not None, current.candidate is not None) == (kept, kept)
    assert len(current.samples) == left
    assert (current.decision is not None) == bool(left)


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ([Resumption(experiment=1, blocks=1), Phase(experiment=1, phase="sync")], 1),
        ([Resumption(experiment=1), Phase(experiment=1, phase="sync")], 0),
        ([Phase(experiment=1, phase="sync")], 0),
    ],
    ids=["goes-on", "without-samples", "begun-again"],
)
def test_the_screen_keeps_the_looks_that_count(more: list[Record], left: int) -> None:
    """Whether the two records come at once or one after the other."""
    before = Look().after([*BEGUN, Decision(experiment=1, pairs=2, interval=(-0.1, 0.1))])
    assert len(before.looks) == 1
    assert len(before.after(more).looks) == left
    for record in more:
        before = before.after([record])
    assert len(before.looks) == left
