"""Bad input, tried one by one: each gets a clear error or verdict, and nothing is lost or left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autotune_tui.config import parse
from autotune_tui.errors import AutotuneError, EngineError, MeasureError, WorkspaceError
from autotune_tui.journal.lock import EngineLock
from engine_support import EXACT, NOISY, Session, configure, git, make_repo, snapshot
from processes import alive
from test_engine_loop import agent

BETTER = "echo 80 > src/value.txt"


def session(tmp_path: Path, bench: str, script: str = BETTER, more: str = "[budget]\nexperiments = 1") -> Session:
    repo = make_repo(tmp_path, bench=bench)
    return Session(repo, configure(tmp_path / "cache", agent(tmp_path, script), more))


async def refused(ours: Session, kind: type[AutotuneError]) -> AutotuneError:
    """The error that ends the session; afterwards nothing of it is left and the checkout is as it was."""
    before = snapshot(ours.repo)
    with pytest.raises(kind) as caught:
        await ours.run()
    assert caught.value.title
    assert snapshot(ours.repo) == before
    assert not ours.folder.lock.exists()
    assert not psutil.Process().children(recursive=True)
    return caught.value


async def test_no_git(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    ours = Session(tmp_path / "plain", configure(tmp_path / "cache", "true"))
    with pytest.raises(WorkspaceError, match="git"):
        await ours.run()


async def test_no_commit(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q")
    with pytest.raises(WorkspaceError, match="commit"):
        await Session(repo, configure(tmp_path / "cache", "true")).run()


@pytest.mark.parametrize(
    ("bench", "words"),
    [
        ("echo hello", "cost"),
        ("echo METRIC other=1", "other"),
        ("true", "cost"),
        ("echo METRIC cost=nan", "nan"),
        ("echo METRIC cost=inf", "inf"),
        ("echo METRIC cost=1; echo METRIC cost=2", "two"),
        ("echo METRIC cost=1; exit 1", "exit code 1"),
        ("no-such-program --fast", "127"),
        ("rm -rf ../incumbent ../candidate; echo METRIC cost=1; exit 1", "exit code 1"),
        ("kill -SEGV $$", "139|SIGSEGV"),
    ],
)
async def test_a_benchmark_that_gives_no_number_is_refused_with_the_reason(
    tmp_path: Path, bench: str, words: str
) -> None:
    error = await refused(session(tmp_path, bench), MeasureError)
    assert any(word in str(error) for word in words.split("|")), str(error)
    assert "bench.sh" in str(error)


async def test_a_command_given_as_a_list_that_does_not_exist(tmp_path: Path) -> None:
    ours = session(tmp_path, NOISY)
    benchmark = ours.config.benchmark.model_copy(update={"command": ["no-such-program", "--fast"]})
    ours.config = ours.config.model_copy(update={"benchmark": benchmark})
    assert "no-such-program" in str(await refused(ours, MeasureError))


async def test_a_benchmark_that_takes_for_ever_is_killed_at_its_timeout(tmp_path: Path) -> None:
    ours = session(tmp_path, "trap '' TERM; while :; do sleep 1; done")
    benchmark = ours.config.benchmark.model_copy(update={"timeout": 0.5})
    ours.config = ours.config.model_copy(update={"benchmark": benchmark})
    assert "killed after" in str(await refused(ours, MeasureError))


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def test_a_benchmark_that_leaves_a_daemon_is_cleaned_up_after(tmp_path: Path) -> None:
    """The daemon left its session and its parent, and is gone all the same when the sample is over."""
    seen = tmp_path / "seen"
    seen.mkdir()
    daemon = f"setsid sh -c 'setsid sh -c \"echo \\$\\$ >> {seen}/pids; exec sleep 617.25\" &' &\n"
    waiting = f"while [ ! -s {seen}/pids ]; do :; done\n"
    ours = session(tmp_path, EXACT + daemon + waiting, more=f'[budget]\nexperiments = 1\n[sandbox]\nwrite = ["{seen}"]')
    await ours.run()
    assert (seen / "pids").read_text().split()
    assert not [process for process in psutil.process_iter() if "617.25" in cmdline(process)]
    assert ours.verdicts == [("keep", "improvement")]


async def test_binary_and_escape_codes_harm_nothing(tmp_path: Path) -> None:
    noise = "head -c 2000 /dev/urandom; printf '\\033[2J\\033]0;title\\007\\n'\n"
    ours = session(tmp_path, "#!/bin/sh\n" + noise + EXACT.partition("\n")[2])
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    assert b"\x1b" not in ours.folder.journal.read_bytes()


async def test_a_gigabyte_of_output_costs_neither_disk_nor_memory(tmp_path: Path) -> None:
    """The candidate prints it; the log keeps head and tail and says what it left out."""
    bench = EXACT + "[ -e src/loud ] && yes 'a line of output' | head -c 1G; true\n"
    ours = session(tmp_path, bench, BETTER + "; touch src/loud")
    before = psutil.Process().memory_info().rss
    await ours.run()
    log = next(ours.folder.experiments.glob("001*/bench.log"))
    assert log.stat().st_size < 64 * 1024 * 1024
    assert psutil.Process().memory_info().rss - before < 200 * 1024 * 1024
    assert ours.verdicts[0][0] in ("keep", "crash")  # on a slow machine a gigabyte takes over twice the baseline's time


async def test_a_scope_that_matches_nothing(tmp_path: Path) -> None:
    ours = session(tmp_path, NOISY)
    ours.config = ours.config.model_copy(update={"scope": ours.config.scope.model_copy(update={"include": ["lib/**"]})})
    assert "lib/**" in str(await refused(ours, EngineError))


async def test_checks_that_fail_on_unchanged_code(tmp_path: Path) -> None:
    ours = session(tmp_path, NOISY, more="[checks]\ncommand = 'echo two tests failed; exit 1'")
    assert "two tests failed" in str(await refused(ours, EngineError))


async def test_a_spread_of_40_percent_is_said_and_a_useless_change_still_not_kept(tmp_path: Path) -> None:
    """D1, S7: the noise is named; pairs cope with it."""
    ours = session(tmp_path, NOISY.replace("0.02", "0.5"), "echo 100.0 > src/value.txt")
    await ours.run()
    assert any("spread" in warning for warning in ours.warnings)
    assert ours.verdicts[0][0] == "discard"


async def test_a_second_engine_is_refused(tmp_path: Path) -> None:
    ours = session(tmp_path, NOISY)
    ours.folder.create()
    with EngineLock(ours.folder.lock), pytest.raises(EngineError, match="Another engine"):
        await ours.run()
    end = await ours.run()
    assert end.outcome == "completed"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root: sudo .venv/bin/pytest")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("this machine lets root mount nothing")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk_ends_the_session_with_words_and_a_readable_journal(tmp_path: Path, small_disk: Path) -> None:
    repo = make_repo(small_disk, bench=EXACT)
    ours = Session(
        repo, configure(tmp_path / "cache", agent(tmp_path, BETTER + f"; cat /dev/zero > {small_disk}/fill"))
    )
    with pytest.raises(AutotuneError) as caught:
        await ours.run()
    assert "space" in str(caught.value) or "full" in str(caught.value)
    (small_disk / "fill").unlink()
    assert ours.state.unreadable == 0
    assert git(repo, "status", "--porcelain") == ""
    ours.config = ours.config.model_copy(
        update={"agent_command": ours.config.agent_command.model_copy(update={"command": agent(tmp_path, BETTER)})}
    )
    ours.config = ours.config.model_copy(update={"budget": ours.config.budget.model_copy(update={"experiments": 2})})
    await ours.run()
    assert ("keep", "improvement") in ours.verdicts


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="as root: apt-get install util-linux")
def test_a_repository_that_cannot_be_written(tmp_path: Path) -> None:
    """Run as another user, since nothing is read-only to root."""
    repo = make_repo(tmp_path, {"autotune.toml": ""})
    (repo / "autotune.toml").write_text(
        "goal='x'\nagent='command'\n[metric]\nname='cost'\nsource='metric_line'\n[benchmark]\ncommand='sh bench.sh'\n"
        "[scope]\ninclude=['src/**']\n[agent_command]\ncommand='true'\n"
    )
    parse((repo / "autotune.toml").read_text())
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(repo)], check=True)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    import sys

    command = [sys.executable, "-m", "autotune_tui", "run", str(repo)]
    if os.geteuid() == 0:
        if not _others_may_run(sys.executable):
            pytest.skip("another user may not run this Python: install it below a folder that all may read")
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *command]
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd="/", check=False)
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr or "read-only" in done.stderr or "not writable" in done.stderr, (
        done.stderr
    )
    assert not (repo / ".autotune").exists()


def _others_may_run(program: str) -> bool:
    path = Path(program).resolve()
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))


async def test_an_agent_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """H6: the whole group, also what ignores SIGTERM."""
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/child; while :; do sleep 1; done' & wait"
    ours = session(tmp_path, EXACT, script)
    command = ours.config.agent_command.model_copy(update={"timeout": 1.0})
    ours.config = ours.config.model_copy(update={"agent_command": command})
    began = time.monotonic()
    await ours.run()
    assert time.monotonic() - began < 30
    assert ours.verdicts == [("crash", "agent_stalled")]
    child = int((tmp_path / "child").read_text())
    assert not alive([child])
