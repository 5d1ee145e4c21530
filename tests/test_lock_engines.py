"""Two engines on one session: one goes on, the other says why not, in words (H4)."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.errors import EngineError
from autotune_tui.journal.lock import EngineLock, identity, is_running, last_engine
from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.model.events import Note
from faults.scripted import Scene, Victims, template


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with Victims() as victims:
        yield victims


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def stranger() -> Iterator[int]:
    """The pid of a process that is no engine of ours."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process.pid
        process.kill()


def identity_of(pid: int) -> dict[str, Any]:
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return {**identity(), "pid": pid, "started": started}


def ended() -> int:
    """The pid of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


HOST = socket.gethostname()
WAITS = """\
#!/bin/sh
touch "$AUTOTUNE_FAULTS_SCENE/waiting"
while [ ! -e "$AUTOTUNE_FAULTS_SCENE/go" ]; do sleep 0.05; done
echo 90 > src/value.txt
echo '{"description": "Waited for"}'
"""


@pytest.mark.parametrize("removed", [False, True], ids=["locked", "lock-removed"])
def test_of_two_engines_the_first_goes_on_and_the_second_says_why_not(
    tmp_path: Path, repo: Path, victims: Victims, removed: bool
) -> None:
    """Also when somebody has removed the file of the lock under the first: the journal tells who is at work."""
    scene = Scene(tmp_path, repo, victims, agent=WAITS, most=1)
    with scene.start() as first:
        try:
            while not (tmp_path / "waiting").exists():
                assert first.poll() is None, first.stderr and first.stderr.read()
                select.select([], [], [], 0.05)
            if removed:
                scene.folder.lock.unlink()
            second = scene.engine()
            assert second.code == 1
            assert "Another engine works on this session." in second.err
            assert f"Process {first.pid} on {HOST}" in second.err
            assert "autotune-tui stop" in second.err
        finally:
            (tmp_path / "go").touch()
        assert first.wait() == 0
    assert [e.status for e in load_state(scene.folder.journal).experiments] == ["keep", "keep"]
    assert scene.problems() == []


def test_an_engine_that_was_killed_stands_in_nobodys_way(tmp_path: Path, repo: Path, victims: Victims) -> None:
    scene = Scene(tmp_path, repo, victims, most=1)
    scene.killed_after('"phase":"calibrate"')
    pid = json.loads(scene.folder.lock.read_text())["pid"]
    assert scene.engine().code == 0
    notes = [record.text for record in read_journal(scene.folder.journal) if isinstance(record, Note)]
    assert f"the engine before this one (process {pid}) ended without a word" in notes
    assert f"the lock of process {pid}, which has ended, was taken over" in notes
    assert scene.problems() == []


def left(path: Path, content: object) -> EngineLock:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return EngineLock(path)


@pytest.mark.parametrize(
    "change",
    [
        {"pid": "ended"},
        {"started": 1},
        {"boot_id": "00000000-0000-0000-0000-000000000000"},
        {"host": "a-container-of-this-machine"},
        {"pid": "nonsense"},
    ],
    ids=["ended", "pid-reused", "restarted", "container", "nonsense"],
)
def test_a_stale_lock_is_taken_over(tmp_path: Path, stranger: int, change: dict[str, Any]) -> None:
    """Its process has ended, or the pid belongs to another one by now: its start, or the machine's, was another time."""
    was = {**identity_of(stranger), **change}
    was["pid"] = ended() if was["pid"] == "ended" else was["pid"]
    with left(tmp_path / "engine.lock", was) as lock:
        assert lock.found == f"the lock of process {was['pid']}, which has ended, was taken over"
        assert json.loads(lock.path.read_text()) == identity()
    assert not lock.path.exists()


@pytest.mark.parametrize("content", ["", "no json", "[1]", "{}"])
def test_a_lock_without_a_name_is_taken_over_without_a_word(tmp_path: Path, content: str) -> None:
    with left(tmp_path / "engine.lock", content) as lock:
        assert lock.found == ""


def test_a_lock_of_another_machine_cannot_be_checked_and_says_what_to_do(tmp_path: Path) -> None:
    """In a folder that machines share, the system's lock may be this machine's own affair."""
    there = {**identity(), "host": "fileserver", "boot_id": "other"}
    lock = left(tmp_path / "engine.lock", there)
    with pytest.raises(EngineError) as refused:
        lock.acquire()
    assert refused.value.title == "Another engine may work on this session"
    assert f"Process {os.getpid()} on fileserver" in refused.value.message
    assert f"cannot be told from {HOST}" in refused.value.message
    assert "Look on fileserver" in refused.value.hint and "remove the file" in refused.value.hint
    assert json.loads(lock.path.read_text()) == there, "it is as it was"
    lock.path.unlink()
    with lock:
        assert lock.found == ""


def test_a_process_that_lives_is_believed_although_the_system_grants_the_lock(tmp_path: Path, stranger: int) -> None:
    """Some file systems grant every lock to everybody."""
    lock = left(tmp_path / "engine.lock", identity_of(stranger))
    with pytest.raises(EngineError, match="Another engine works on this session"):
        lock.acquire()
    os.kill(stranger, signal.SIGKILL)
    os.waitid(os.P_PID, stranger, os.WEXITED | os.WNOWAIT)
    with lock:
        assert "was taken over" in lock.found


def test_who_runs_and_who_cannot_be_seen(stranger: int) -> None:
    known = identity_of(stranger)
    assert is_running(known) is True
    assert is_running(identity()) is False, "this process is nobody else"
    assert is_running({**known, "started": 0}) is False, "where no start is known, the system's lock alone counts"
    assert is_running({**known, "host": "fileserver", "boot_id": "other"}) is None
    assert is_running({}) is None


@pytest.mark.parametrize(
    ("journal", "pid"),
    [
        ('{"type":"session","seq":1,"event":"start","engine":{"pid":7}}\n{"type":"note"}\n', 7),
        ('{"type":"session","event":"start","engine":{"pid":7}}\n{"type":"session","event":"end"}\n', None),
        ('{"type":"note"}\n{"type":"session","event":"start","engine":{"pid":8}}\n{"type":"no', 8),
        ('{"type":"session","event":"sta', None),
        ('{"type":"result"}\n', None),
        ("", None),
    ],
)
def test_the_journal_tells_which_engine_is_at_work(tmp_path: Path, journal: str, pid: int | None) -> None:
    path = tmp_path / "autotune.jsonl"
    path.write_text(journal)
    assert last_engine(path).get("pid") == pid
    assert last_engine(tmp_path / "none") == {}
