"""What a session stands on is taken away while it works: it pauses, says what to do, and loses nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from autotune_tui.config.watchdogs import Watchdogs
from autotune_tui.engine.core import Engine
from autotune_tui.engine.loop import End
from autotune_tui.engine.run import run_session
from autotune_tui.engine.watchdog_places import lacking
from autotune_tui.model.events import Record, Result, Sample
from engine_support import EXACT, Session, configure, git, make_repo

LOWER = "echo $((100 - AUTOTUNE_EXPERIMENT)) > src/value.txt"


class Watched(Session):
    """A session during which something may be done from outside."""

    listen: Callable[[Record], None] | None = None

    async def run(self) -> End:
        return await run_session(self.repo, self.folder.id, self.config, on_event=self._heard)

    def _heard(self, record: Record) -> None:
        self.events.append(record)
        if self.listen is not None:
            self.listen(record)


def session(repo: Path, cache: Path, then: str = "true", more: str = "[budget]\nexperiments = 2") -> Watched:
    """Each experiment lowers the cost by one; the second one's agent does something else first, from outside."""
    agent = f'if [ "$AUTOTUNE_EXPERIMENT" = 2 ] && [ ! -e {cache}.once ]; then touch {cache}.once; {then}; fi; {LOWER}'
    return Watched(repo, configure(cache, agent, more))


def trees(repo: Path) -> list[str]:
    return git(repo, "log", "--reverse", "--format=%s", "main..autotune/001-test").splitlines()


async def test_a_repository_that_is_moved_pauses_the_session_which_goes_on_there(tmp_path: Path) -> None:
    """H6: the pause names the new place; nothing is left at the old one, and at the new one the session goes on."""
    repo, moved = make_repo(tmp_path, bench=EXACT), tmp_path / "elsewhere"
    begun = session(repo, tmp_path / "cache", f"mv {repo} {moved}")
    end = await begun.run()
    assert end.outcome == "paused"
    assert f"the repository was moved from {repo} to {moved}" in end.reason
    assert f"autotune-tui run {moved}" in end.reason
    assert not repo.exists()
    again = session(moved, tmp_path / "cache")
    assert [status for status, _ in again.verdicts] == ["keep"]
    assert again.state.health == "paused"
    assert (await again.run()).outcome == "completed"
    assert [status for status, _ in again.verdicts] == ["keep", "keep"]
    assert len(trees(moved)) == 2
    assert len(git(moved, "worktree", "list").splitlines()) == 1


async def test_a_repository_without_its_git_directory_pauses_the_session(tmp_path: Path) -> None:
    """H6: it goes on once the directory is back."""
    repo = make_repo(tmp_path, bench=EXACT)
    begun = session(repo, tmp_path / "cache", f"mv {repo}/.git {tmp_path}/away")
    end = await begun.run()
    assert end.outcome == "paused"
    assert f"the repository's git directory {repo / '.git'} is gone" in end.reason
    (tmp_path / "away").rename(repo / ".git")
    assert (await begun.run()).outcome == "completed"
    assert [status for status, _ in begun.verdicts] == ["keep", "keep"]


async def test_a_session_whose_folder_is_taken_away_pauses_and_makes_no_other(tmp_path: Path) -> None:
    """H6: its journal, which is open, goes with the folder; with the folder it comes back."""
    repo = make_repo(tmp_path, bench=EXACT)
    begun = session(repo, tmp_path / "cache", f"mv {repo}/.autotune/001-test {tmp_path}/away")
    end = await begun.run()
    assert end.outcome == "paused"
    assert f"the session's folder {begun.folder.root} is gone" in end.reason
    assert not begun.folder.root.exists()
    (tmp_path / "away").rename(begun.folder.root)
    assert begun.state.health == "paused"
    assert (await begun.run()).outcome == "completed"


@pytest.mark.parametrize(
    ("deed", "words", "remedy"),
    [
        (
            "git -C {repo} branch -q -D autotune/001-test",
            "The branch autotune/001-test is gone",
            "git -C {repo} branch autotune/001-test refs/autotune/001-test/1",
        ),
        (
            "git -C {repo} branch -f autotune/001-test main",
            "the branch autotune/001-test was at",
            "git -C {repo} branch -f autotune/001-test refs/autotune/001-test/1",
        ),
        (
            "git -C {repo} switch -q autotune/001-test",
            "The branch autotune/001-test is checked out",
            "git -C {repo} switch -q main",
        ),
    ],
    ids=["deleted", "moved", "checked out"],
)
async def test_a_branch_that_somebody_else_touches_pauses_the_session(
    tmp_path: Path, deed: str, words: str, remedy: str
) -> None:
    """H6: whatever is done to it, no keep is lost, and the session goes on once the branch is back."""
    repo = make_repo(tmp_path, bench=EXACT)
    begun = session(repo, tmp_path / "cache", deed.format(repo=repo))
    end = await begun.run()
    assert end.outcome == "paused"
    assert words in end.reason
    assert "git " in end.reason  # what to do
    git(repo, *shlex.split(remedy.format(repo=repo))[3:])
    assert (await begun.run()).outcome == "completed"
    assert [status for status, _ in begun.verdicts] == ["keep", "keep"]
    assert len(trees(repo)) == 2


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
async def test_a_journal_that_is_taken_away_is_put_back_whole(tmp_path: Path, replaced: bool) -> None:
    """H6: it is still open in the engine; not a record is missing, and what took its place is kept, too."""
    repo = make_repo(tmp_path, bench=EXACT)
    begun = session(repo, tmp_path / "cache")
    journal = begun.folder.journal

    def take_away(record: Record) -> None:
        if isinstance(record, Result) and record.index == 1:
            journal.unlink()
            if replaced:
                journal.write_text("mine\n")

    begun.listen = take_away
    assert (await begun.run()).outcome == "completed"
    assert [status for status, _ in begun.verdicts] == ["keep", "keep"]
    written = [json.loads(line)["seq"] for line in journal.read_text().splitlines()]
    assert written == list(range(1, len(begun.events) + 1))
    assert any(
        text.startswith("The journal was replaced" if replaced else "The journal was removed")
        for text in begun.warnings
    )
    aside = journal.with_name("autotune.jsonl.replaced")
    assert aside.exists() == replaced
    assert not replaced or aside.read_text() == "mine\n"


async def test_a_worktree_that_is_removed_meanwhile_is_no_candidates_fault(tmp_path: Path) -> None:
    """H6: the benchmark cannot run then; that is no crash of the candidate, which is tried again."""
    repo, cache = make_repo(tmp_path, bench=EXACT), tmp_path / "cache"
    begun = session(repo, cache)

    def remove(record: Record) -> None:
        if isinstance(record, Sample) and record.experiment == 1 and record.side == "candidate":
            shutil.rmtree(next(cache.glob("*/001-test/candidate")))

    begun.listen = remove
    end = await begun.run()
    assert end.outcome == "paused"
    assert "worktree" in end.reason
    assert begun.verdicts == []
    begun.listen = None
    assert (await begun.run()).outcome == "completed"
    assert [status for status, _ in begun.verdicts] == ["keep", "keep"]


async def test_an_incumbent_that_is_changed_while_it_is_measured_pauses_the_session(tmp_path: Path) -> None:
    """H6: also when the candidate would be discarded: it was compared with something else."""
    repo, cache = make_repo(tmp_path, bench=EXACT), tmp_path / "cache"
    begun = session(repo, cache, more='[decision]\nprofile = "quick"')

    def change(record: Record) -> None:
        if isinstance(record, Sample) and record.experiment == 1:
            (next(cache.glob("*/001-test/incumbent")) / "src" / "value.txt").write_text("10\n")

    begun.listen = change
    end = await begun.run()
    assert end.outcome == "paused"
    assert "src/value.txt" in end.reason
    assert not [record for record in begun.events if isinstance(record, Result) and record.index == 1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root: sudo .venv/bin/pytest")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("this machine lets root mount nothing")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_disk_with_too_little_room_pauses_the_session_before_an_experiment(
    tmp_path: Path, small_disk: Path
) -> None:
    """H6: it says how much is free, what takes room, and what to do; with room it goes on."""
    repo, filler = make_repo(small_disk, bench=EXACT), small_disk / "filler"
    begun = session(repo, tmp_path / "cache")

    def fill(record: Record) -> None:
        if isinstance(record, Result) and record.index == 1:
            with filler.open("wb") as file:
                status = os.statvfs(small_disk)
                file.write(bytes(status.f_bavail * status.f_frsize - 250_000))

    begun.listen = fill
    end = await begun.run()
    assert end.outcome == "paused"
    for words in (
        f"MB are free on the disk of {small_disk}",
        "0.4 are wanted",
        "free some space",
        "worktrees",
        "free_disk",
    ):
        assert words in end.reason
    assert [status for status, _ in begun.verdicts] == ["keep"]
    filler.unlink()
    begun.listen = None
    assert (await begun.run()).outcome == "completed"
    assert [status for status, _ in begun.verdicts] == ["keep", "keep"]


@pytest.mark.parametrize(
    ("least", "free", "size", "files", "words"),
    [
        (512, 600, 100_000, 5000, ""),
        (512, 500, 100_000, 5000, "only 500 MB are free on the disk of"),
        (512, 500, 1000, 5000, ""),  # a small disk
        (512, 99, 1000, 5000, "only 99 MB are free on the disk of"),
        (0, 1, 100_000, 5000, ""),
        (512, 600, 100_000, 999, "has room for 999 more files only"),
    ],
)
def test_when_a_disk_has_too_little_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int, free: int, size: int, files: int, words: str
) -> None:
    """H6: by the configured room, a tenth of a small disk, and the files that it still can hold."""
    disk = SimpleNamespace(
        f_frsize=1 << 20, f_bavail=free, f_blocks=size, f_files=1_000_000, f_favail=files
    )  # fmt: skip
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    engine = SimpleNamespace(
        config=SimpleNamespace(watchdogs=Watchdogs(free_disk=least)),
        folder=SimpleNamespace(root=tmp_path),
        workspace=SimpleNamespace(root=tmp_path, git_folder=tmp_path, folder=tmp_path),
    )
    said = lacking(cast(Engine, engine))
    assert words in said
    assert bool(said) == bool(words)
