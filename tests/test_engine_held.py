"""What was just found of both worktrees is believed by the next experiment, as long as nothing could have changed it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from autotune_tui.engine import core
from autotune_tui.engine.control import Control
from autotune_tui.engine.run import run_session
from autotune_tui.journal.inbox import Command
from autotune_tui.model.events import Health, Phase, Record
from autotune_tui.workspace import Side, Workspace
from engine_support import EXACT, Session, configure, make_repo

THREE = "[budget]\nexperiments = 3\n"


class Watched(Session):
    """A session that notes which worktrees each experiment found without a look at them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, more: str = "", edit: str = "") -> None:
        script = folder / "agent.sh"
        script.write_text(edit or 'echo "10$AUTOTUNE_EXPERIMENT" > src/value.txt')
        repo = make_repo(folder, {"stamp.txt": "0\n"}, EXACT)
        super().__init__(repo, configure(folder / "cache", f"sh {script}", THREE + more))
        self.held: list[list[Side]] = []
        whole = Workspace.sync_both

        def seen(workspace: Workspace, commit: str, held: Mapping[Side, str]) -> object:
            self.held.append(sorted(held))
            return whole(workspace, commit, held)

        monkeypatch.setattr(Workspace, "sync_both", seen)


BOTH: list[Side] = ["candidate", "incumbent"]


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap: apt-get install bubblewrap")
@pytest.mark.parametrize("edit", ["", 'echo "$((100 - AUTOTUNE_EXPERIMENT))" > src/value.txt'], ids=["worse", "kept"])
async def test_it_is_believed_after_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: str) -> None:
    session = Watched(tmp_path, monkeypatch, edit=edit)
    await session.run()
    assert [status for status, _ in session.verdicts] == (["keep"] if edit else ["discard"]) * 3
    assert session.held == [[], BOTH, BOTH]


@pytest.mark.parametrize(
    "more",
    [
        '[sandbox]\nmode = "none"\n',
        '[checks]\ncommand = "date +%N > stamp.txt"\n',
        '[checks]\ncommand = "grep -qx 100 src/value.txt"\n',
    ],
    ids=["without walls", "with files that commands change", "without a measurement"],
)
async def test_it_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    session = Watched(tmp_path, monkeypatch, more)
    await session.run()
    assert {reason for _, reason in session.verdicts} == {"checks_failed" if "grep" in more else "regression"}
    assert session.held == [[], [], []]


async def test_it_is_not_believed_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "BRIEF", -1.0)
    session = Watched(tmp_path, monkeypatch)
    await session.run()
    assert session.held == [[], [], []]


async def test_it_is_not_believed_after_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user has all the time of the world to look into a worktree, and to leave something there."""
    session = Watched(tmp_path, monkeypatch)
    controls: list[Control] = []
    begin = Control.__init__
    monkeypatch.setattr(Control, "__init__", lambda self, engine: (begin(self, engine), controls.append(self))[0])
    asked: list[asyncio.Task[None]] = []

    def told(event: Record) -> None:
        if isinstance(event, Phase) and (event.experiment, event.phase, event.state) == (1, "guard", "end"):
            asked.append(asyncio.ensure_future(controls[0].answer(Command("1", "pause", by="a test"))))
        if isinstance(event, Health) and event.health == "paused":
            (tmp_path / "cache").glob("*/*/incumbent/bench.sh").__next__().write_text("echo METRIC cost=1\n")
            asked.append(asyncio.ensure_future(controls[0].answer(Command("2", "resume", by="a test"))))

    await run_session(session.repo, session.folder.id, session.config, on_event=told)
    assert len(asked) == 2
    assert session.verdicts == [("discard", "regression")] * 3
    assert session.held[1] == []
