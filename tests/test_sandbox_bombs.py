"""A fork bomb, a memory bomb and a disk bomb end the sample, not the machine; each bomb here is bounded by itself (A6)."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from autotune_tui.measure.executors.base import Command, Limits, Run
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.measure.launcher import watch
from autotune_tui.measure.sandbox import find_sandbox, open_sandbox, places_of

MEGABYTE = 1 << 20
LIMITS = Limits(memory=2000 * MEGABYTE, processes=200, file_size=100 * MEGABYTE, disk=2000 * MEGABYTE)
PATH = {"PATH": os.environ.get("PATH", os.defpath)}
MARK = "a-bomb-of-the-tests"
FORKS = """
import os, sys, time
def grow(depth):
    for _ in range(2 if depth else 0):
        if os.fork() == 0:
            os.setsid()
            grow(depth - 1)
            break
grow(7)  # 255 processes, each in a session of its own
time.sleep(60)
"""
CHAINS = """
import os, time
for _ in range(20):
    if os.fork() == 0:
        break
else:
    os._exit(0)
for generation in range(1500):  # each process is gone as soon as it has a child: to kill one makes room for the next
    if os.fork():
        os._exit(0)
    os.setsid()
open('went on to its end', 'w')
"""
MEMORY = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        block = b'x' * (60 << 20)  # each stays below the limit, together they do not
        time.sleep(60)
os.wait()
"""
DISK = """
import time
for number in range(200):
    with open(f'big{number}', 'wb') as file:
        file.write(b'x' * (1 << 20))
        file.flush()
time.sleep(60)
"""


class Walls:
    """A worktree, and one kind of walls."""

    def __init__(self, folder: Path, kind: str, executor: LocalExecutor) -> None:
        self.executor = executor
        self.tree = folder / "cache" / "candidate"
        self.tree.mkdir(parents=True)
        home = folder / "home"
        home.mkdir()
        places = places_of(
            home=home, read=[], covered=[], shown=[], write=[], env=PATH, python=Path(sys.executable)
        )  # fmt: skip
        self.sandbox = open_sandbox(kind, PATH, places, 8 * MEGABYTE)
        self.home = home

    async def python(self, text: str, *, limits: Limits = LIMITS, seconds: float = 30.0) -> Run:
        prefix = self.sandbox.prefix(self.tree, writable=True)
        env = {**PATH, "HOME": str(self.home)}
        argv = (sys.executable, "-c", text, MARK)
        return await self.executor.run(Command(argv, self.tree, env, seconds, prefix=prefix, limits=limits))


@pytest.fixture(params=["bubblewrap", "landlock", "none"])
async def walls(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Walls]:
    path = PATH if request.param == "bubblewrap" else {"PATH": os.devnull}
    if request.param != "none" and find_sandbox("auto", path).kind != request.param:
        pytest.skip(f"{request.param} does not work here: apt install bubblewrap, Linux 5.13 has Landlock")
    async with LocalExecutor() as executor:
        yield Walls(tmp_path, request.param, executor)


def alive() -> list[int]:
    """The processes of bombs that are still there."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if MARK in (process.info["cmdline"] or []) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


async def test_a_fork_bomb_ends_the_sample(walls: Walls) -> None:
    """For root, whom the kernel's own limit does not bind, it is the count of all that came of the command."""
    run = await walls.python(FORKS, limits=replace(LIMITS, processes=50))
    assert run.failure == "killed, as it had more than 50 processes"
    assert not alive()


async def test_chains_of_processes_that_no_count_sees_end_with_the_sample(walls: Walls) -> None:
    run = await walls.python(CHAINS)
    assert run.exit == 0
    assert run.leftovers
    assert not list(walls.tree.iterdir())
    assert not alive()


async def test_a_memory_bomb_ends_the_sample(walls: Walls) -> None:
    """All processes count together."""
    run = await walls.python(MEMORY, limits=replace(LIMITS, memory=150 * MEGABYTE))
    assert run.failure == "killed, as it used more than 157 MB of memory"
    assert not alive()


async def test_a_disk_bomb_ends_the_sample(walls: Walls) -> None:
    """Each file is small, and what counts is the free space."""
    run = await walls.python(DISK, limits=replace(LIMITS, disk=50 * MEGABYTE))
    assert run.failure.startswith("killed, as the disk lost ")
    assert not alive()


async def test_a_bomb_in_memory_files_is_bounded(walls: Walls) -> None:
    """Shared memory is in no process's account: there it is the size of each file, and of the folder."""
    fill = (
        "import os\n"
        "for place in ('/dev/shm', os.environ.get('TMPDIR', '/tmp')):\n"
        "    try:\n"
        "        with open(place + '/a-bomb-of-the-tests', 'wb') as file:\n"
        "            for _ in range(30): file.write(bytes(1 << 20)); file.flush()\n"
        "    except OSError as error: print(place, error.strerror)\n"
        "    finally:\n"
        "        if os.path.exists(place + '/a-bomb-of-the-tests'): os.unlink(place + '/a-bomb-of-the-tests')\n"
    )
    run = await walls.python(fill, limits=replace(LIMITS, file_size=20 * MEGABYTE))
    words = {"bubblewrap": "No space left on device", "landlock": "Permission denied", "none": "File too large"}
    assert words[walls.sandbox.kind] in run.stdout.splitlines()[0]
    assert len(run.stdout.splitlines()) == 2


def test_a_machine_without_memory_ends_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever holds the memory: the command is what goes."""
    limits = {"memory": 1 << 50, "processes": 1000, "file_size": 1, "disk": 1 << 50}
    looking = watch.Watch(limits)
    assert looking.use(os.getpid()) == ""
    monkeypatch.setattr(watch, "free_memory", lambda: watch.LEAST_FREE_MEMORY / 2)
    assert looking.use(os.getpid()) == "the machine had hardly any memory left"


async def test_when_memory_runs_out_the_kernel_ends_the_command_and_not_the_engine(walls: Walls) -> None:
    run = await walls.python("print(open('/proc/self/oom_score_adj').read())")
    assert run.stdout.strip() == "1000"


@pytest.mark.skipif(
    os.getuid() == 0, reason="the kernel does not limit root's processes; it is tried as another user too"
)
async def test_a_fork_bomb_of_an_ordinary_user_meets_a_limit_of_the_kernel_as_well(walls: Walls) -> None:
    """Behind the count of processes, for a bomb that grows faster than anyone can look."""
    run = await walls.python("import resource; print(*resource.getrlimit(resource.RLIMIT_NPROC))")
    soft, hard = map(int, run.stdout.split())
    assert soft == hard
    assert 4 * LIMITS.processes < hard < 1_000_000
