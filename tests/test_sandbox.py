"""What a confined command can see, write, reach and use up (A6)."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from autotune_tui.config import Source
from autotune_tui.engine.outputs import is_inside
from autotune_tui.errors import MeasureError
from autotune_tui.measure.executors.base import Command, Limits, Run
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.measure.sandbox import Sandbox, detect, find_sandbox, open_sandbox, places_of
from engine_support import EXACT, Session, configure, make_repo

MEGABYTE = 1 << 20
LIMITS = Limits(memory=2000 * MEGABYTE, processes=200, file_size=100 * MEGABYTE, disk=2000 * MEGABYTE)
PATH = {"PATH": os.environ.get("PATH", os.defpath)}

pytestmark = pytest.mark.skipif(
    find_sandbox("auto", PATH).kind != "bubblewrap", reason="bubblewrap does not work here: apt install bubblewrap"
)


class Walls:
    """A worktree in a sandbox, beside a repository with a journal."""

    def __init__(self, folder: Path, executor: LocalExecutor) -> None:
        self.executor = executor
        self.home = folder / "home"
        self.repo = folder / "repo"
        self.tree = folder / "cache" / "candidate"
        self.other = folder / "cache" / "incumbent"
        for path in (self.home, self.repo / ".autotune", self.tree, self.other):
            path.mkdir(parents=True)
        (self.home / ".netrc").write_text("password")
        (self.repo / "data").write_text("data")
        (self.repo / ".autotune" / "journal").write_text("numbers")
        (self.tree / ".git").write_text("gitdir: nowhere")
        (self.other / "code").write_text("code")
        self.write: list[Path] = []

    def sandbox(self) -> Sandbox:
        places = places_of(
            home=self.home,
            read=[self.repo],
            covered=[self.repo / ".autotune"],
            shown=[],
            write=self.write,
            env=PATH,
            python=Path(sys.executable),
        )
        return open_sandbox("bubblewrap", PATH, places, 8 * MEGABYTE)

    async def run(
        self,
        *argv: str,
        writable: bool = False,
        network: bool = False,
        outputs: tuple[Path, ...] = (),
        limits: Limits = LIMITS,
        timeout: float = 30.0,  # noqa: ASYNC109 - it is what is tested
    ) -> Run:
        prefix = self.sandbox().prefix(self.tree, writable=writable, network=network, outputs=outputs)
        env = {**PATH, "HOME": str(self.home)}
        return await self.executor.run(Command(argv, self.tree, env, timeout, prefix=prefix, limits=limits))

    async def shell(self, text: str, **options: object) -> Run:
        return await self.run("/bin/sh", "-c", text, **options)  # type: ignore[arg-type]

    async def python(self, text: str, **options: object) -> Run:
        return await self.run(sys.executable, "-c", text, **options)  # type: ignore[arg-type]


@pytest.fixture
async def walls(tmp_path: Path) -> AsyncIterator[Walls]:
    async with LocalExecutor() as executor:
        yield Walls(tmp_path, executor)


async def test_a_timed_tree_is_read_only_but_for_its_outputs(walls: Walls) -> None:
    """Nothing can be remembered from run to run."""
    out = walls.tree / "out"
    out.mkdir()
    run = await walls.shell("touch out/yes; touch no; touch .git/no; echo x > .git; ls", outputs=(out,))
    assert sorted(path.name for path in walls.tree.iterdir()) == [".git", "out"]
    assert (out / "yes").exists()
    assert (walls.tree / ".git").read_text() == "gitdir: nowhere"
    assert "Read-only file system" in run.tail


async def test_a_build_may_write_its_tree_but_not_git(walls: Walls) -> None:
    await walls.shell("touch built; echo x > .git; mv .git away; rm -f .git", writable=True)
    assert (walls.tree / "built").exists()
    assert (walls.tree / ".git").read_text() == "gitdir: nowhere"


async def test_home_temporary_folders_journal_and_the_other_worktree_are_hidden(walls: Walls) -> None:
    """Credentials, results of earlier runs and the incumbent are out of reach; the repository is there to read."""
    look = f"cat {walls.repo}/data; ls -A {walls.home} {walls.repo}/.autotune {walls.other}; echo x > {walls.repo}/data"
    run = await walls.shell(look)
    assert run.stdout.startswith("data")
    for word in (".netrc", "journal", "code"):
        assert word not in run.stdout
    assert (walls.repo / "data").read_text() == "data"


async def test_temporary_files_do_not_outlive_a_run(walls: Walls) -> None:
    keep = "/tmp/remembered /dev/shm/remembered $HOME/remembered"
    first = await walls.shell(f"touch {keep} && ls {keep}")
    second = await walls.shell(f"ls {keep}")
    assert first.ok, first.tail
    assert second.stdout == ""


async def test_named_folders_may_be_written_by_every_command(walls: Walls, tmp_path: Path) -> None:
    walls.write = [tmp_path / "kept"]
    walls.write[0].mkdir()
    assert (await walls.shell(f"touch {walls.write[0]}/file")).ok
    assert (walls.write[0] / "file").exists()


async def test_nothing_of_the_kernel_can_be_written(walls: Walls) -> None:
    """Root without a capability may still write /proc/sys unless it is read-only; asked, not tried."""
    names = (
        "/proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/mtrr /sys/kernel /etc /usr"
    )
    run = await walls.shell(f"for name in {names}; do test -w $name && echo $name; done; grep Cap /proc/self/status")
    writable = [line for line in run.stdout.splitlines() if line.startswith("/")]
    assert writable == []
    assert {line.split()[1] for line in run.stdout.splitlines() if line.startswith("Cap")} == {"0" * 16}


WRITABLE = """
import ctypes, os
found = [os.path.join(place, name) for top in ('/proc/sys', '/sys/kernel', '/sys/fs', '/sys/module', '/sys/power')
         for place, folders, files in os.walk(top) for name in (*folders, *files)]
print(len(found), [path for path in found if os.access(path, os.W_OK) and not os.path.islink(path)])
libc = ctypes.CDLL(None, use_errno=True)
attach = 16
print([pid for pid in range(2, 400) if pid != os.getpid() and libc.ptrace(attach, pid, 0, 0) == 0])
"""


async def test_no_setting_of_the_kernel_can_be_written_and_nobody_traced(walls: Walls) -> None:
    """All that root could turn: every node below /proc/sys, cgroups, parameters of modules. Asked, not tried."""
    run = await walls.python(WRITABLE)
    asked, traced = run.stdout.splitlines()
    assert int(asked.split()[0]) > 500, run.tail
    assert asked.endswith(" []")
    assert traced == "[]"


async def test_mounts_stay_as_they_are(walls: Walls) -> None:
    """Also for root: no remount, no user namespace in which one could."""
    run = await walls.shell("mount -o remount,rw,bind /; unshare -Ur true; test -w /usr && echo escaped; true")
    assert "escaped" not in run.stdout
    if "--disable-userns" in walls.sandbox().program:
        assert "unshare" in run.tail


async def test_processes_outside_are_not_to_be_seen(walls: Walls) -> None:
    run = await walls.python(
        f"import os; print(os.path.exists('/proc/{os.getpid()}/environ'), len(os.listdir('/proc')))"
    )
    assert run.stdout.startswith("False") or os.getpid() < 10


async def test_the_network_is_off_unless_allowed(walls: Walls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reach = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        assert not (await walls.python(reach)).ok
        assert (await walls.python(reach, network=True)).ok


async def test_figures_are_those_of_the_command_and_of_all_that_it_started(walls: Walls) -> None:
    """bubblewrap and its own small processes are not what is measured, and work in an orphan is the command's."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    orphan = (
        "import os, time\n"
        "end, other = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    while time.process_time() < 0.3: pass\n"
        "    os.write(other, b'x'); time.sleep(60)\n"
        "os.read(end, 1)"
    )
    assert 0.3 <= (await walls.python(burn)).cpu < 1.5
    assert 0.3 <= (await walls.python(child)).cpu < 1.5
    assert 0.3 <= (await walls.python(orphan)).cpu < 1.5
    big = await walls.python(f"x = bytearray({100 * MEGABYTE})")
    small = await walls.python("pass")
    assert 95 * MEGABYTE < big.peak_rss - small.peak_rss < 105 * MEGABYTE


async def test_how_a_command_ended_is_told_as_without_a_sandbox(walls: Walls) -> None:
    assert (await walls.shell("exit 7")).exit == 7
    assert (await walls.shell("kill -SEGV $$")).signal == 11
    assert (await walls.run("no-such-program")).exit == 127
    assert (await walls.run("./.git")).exit == 126


async def test_a_command_that_takes_too_long_is_killed_with_all_it_started(walls: Walls) -> None:
    run = await walls.shell("trap '' TERM; (setsid sleep 61.5 &) ; sleep 61.5", timeout=0.5)
    assert run.timed_out
    assert not _running("61.5")


def _running(argument: str) -> bool:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if argument.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


async def test_too_many_processes_end_the_sample(walls: Walls) -> None:
    run = await walls.shell(
        "i=0; while [ $i -lt 120 ]; do sleep 62.5 & i=$((i+1)); done; wait", limits=replace(LIMITS, processes=50)
    )
    assert run.failure == "killed, as it had more than 50 processes"
    assert not _running("62.5")


async def test_too_much_memory_ends_the_sample(walls: Walls) -> None:
    hog = f"import time; x = [bytes([1]) * {50 * MEGABYTE} for _ in range(5)]; time.sleep(60)"
    run = await walls.python(hog, limits=replace(LIMITS, memory=150 * MEGABYTE))
    assert run.failure == "killed, as it used more than 157 MB of memory"


async def test_a_file_that_grows_too_large_ends_the_sample(walls: Walls) -> None:
    run = await walls.shell(
        "head -c 20000000 /dev/zero > big", writable=True, limits=replace(LIMITS, file_size=MEGABYTE)
    )
    assert not run.ok
    assert (walls.tree / "big").stat().st_size == MEGABYTE


async def test_fresh_folders_are_bounded(walls: Walls) -> None:
    run = await walls.shell("for f in /tmp /dev/shm $HOME; do head -c 20000000 /dev/zero > $f/big; done")
    assert run.tail.count("No space left on device") == 3


async def test_the_folder_for_files_may_not_be_left_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "out").symlink_to(tmp_path)
    assert not is_inside(tmp_path / "tree" / "out", tmp_path / "tree")
    assert is_inside(tmp_path / "tree" / "results", tmp_path / "tree")


async def test_the_cost_is_below_ten_milliseconds_a_run(walls: Walls) -> None:
    """The least of many runs; on a machine that is busy with other things a bare run takes longer, too."""
    program = shutil.which("true") or "/bin/true"
    confined = [(await walls.run(program)).wall for _ in range(20)]
    bare = [
        (await walls.executor.run(Command((program,), walls.tree, PATH, 30.0, limits=LIMITS))).wall for _ in range(20)
    ]
    assert min(confined) - min(bare) < max(0.010, 15 * min(bare))


async def test_a_command_that_takes_too_long_is_asked_to_end_first(walls: Walls) -> None:
    run = await walls.shell("trap 'echo tidied; exit 0' TERM; while :; do sleep 0.05; done", timeout=0.5)
    assert run.timed_out
    assert "tidied" in run.stdout


async def test_when_the_launcher_is_killed_nothing_goes_on_inside(walls: Walls) -> None:
    before = {child.pid for child in psutil.Process().children()}
    running = asyncio.create_task(walls.shell("setsid sleep 63.5 & sleep 63.5"))
    while not _running("63.5"):  # noqa: ASYNC110 - nobody would send an event
        await asyncio.sleep(0.01)
    (launcher,) = (child for child in psutil.Process().children() if child.pid not in before)
    launcher.kill()
    with pytest.raises(MeasureError):
        await running
    async with asyncio.timeout(10):
        while _running("63.5"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_agent_may_be_confined_as_well(tmp_path: Path) -> None:
    """It reads its context and writes its worktree, and nothing else."""
    outside = tmp_path / "outside"
    script = tmp_path / "repo" / "agent.sh"
    text = f"#!/bin/sh\ncat > /dev/null; test -s $AUTOTUNE_CONTEXT && touch {outside}; echo 80 > src/value.txt\n"
    repo = make_repo(tmp_path, {"agent.sh": text}, bench=EXACT)
    more = "[budget]\nexperiments = 1\n[sandbox]\nagent = true"
    ours = Session(repo, configure(tmp_path / "cache", f"sh {script}", more))
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    assert not outside.exists()


@pytest.mark.parametrize("source", ["mode", "absent"])
async def test_a_session_without_a_sandbox_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """In the journal, in its notes and on the status line. Absent: neither bubblewrap nor Landlock is there."""
    more = "[budget]\nexperiments = 1"
    if source == "mode":
        more += '\n[sandbox]\nmode = "none"'
    else:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name in ("sh", "git", "cat", "awk", "od", "env"):
            (folder / name).symlink_to(shutil.which(name) or name)
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setattr(detect, "version", lambda: 0)
    ours = Session(make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", "echo 80 > src/value.txt", more))
    await ours.run()
    started = next(event for event in ours.events if event.type == "session")
    assert started.sandbox == "none"  # type: ignore[attr-defined]
    assert any(text.startswith("no sandbox: ") for text in ours.warnings)
    assert ours.verdicts == [("keep", "improvement")]


async def test_no_secret_of_the_engine_reaches_a_command_the_journal_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its name is: only variables that are known to be needed are handed on."""
    secret = "hunter2-4711"
    for name in ("SOME_API_KEY", "DATABASE_URL", "PLAIN"):
        monkeypatch.setenv(name, f"x:{secret}@y")
    bench = "#!/bin/sh\nenv; cat /proc/*/environ | tr '\\0' '\\n'\necho METRIC cost=$(cat src/value.txt)\n"
    repo = make_repo(tmp_path, bench=bench)
    agent = "echo $((90 - AUTOTUNE_EXPERIMENT * 10)) > src/value.txt"
    more = '[checks]\ncommand = "env; cd src && ! grep -qx 70 value.txt"\n[budget]\nexperiments = 2'
    ours = Session(repo, configure(tmp_path / "cache", agent, more))
    await ours.run()
    assert len(ours.verdicts) == 2
    files = [path for path in ours.folder.root.rglob("*") if path.is_file()]
    assert any(path.name == "bench.log" and b"AUTOTUNE_SEED" in path.read_bytes() for path in files)
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []


async def test_bytecode_of_changed_files_is_there_on_both_sides_although_the_tree_is_read_only(tmp_path: Path) -> None:
    """Without it the side with the older files would start faster; after a keep that is the other one."""
    bench = "import os, sys\nsys.path.insert(0, 'src')\nimport work\n"
    bench += "assert os.path.exists(work.__cached__)\nprint(f'METRIC cost={work.COST}')\n"
    repo = make_repo(tmp_path, {"src/work.py": "COST = 100\n", "bench.py": bench})
    agent = "echo COST = $((90 - AUTOTUNE_EXPERIMENT * 10)) > src/work.py"
    config = configure(tmp_path / "cache", agent, "[budget]\nexperiments = 2", command=f"{sys.executable} bench.py")
    ours = Session(repo, config)
    await ours.run()
    assert ours.verdicts == [("keep", "improvement"), ("keep", "improvement")]


def test_a_folder_that_another_one_shows_is_not_mounted_twice(tmp_path: Path) -> None:
    """Each mount costs every run a part of a millisecond."""
    outer, inner = tmp_path / "home" / "tools", tmp_path / "home" / "tools" / "bin"
    inner.mkdir(parents=True)
    env = {"PATH": str(inner)}
    home = tmp_path / "home"
    places = places_of(home=home, read=[inner, outer], covered=[], shown=[], write=[], env=env, python=None)
    assert outer in places.read
    assert inner not in places.read


OUTPUTS = """
#!/bin/sh
# Looks at what an earlier run left, then leaves all that it can: new, changed, removed and unreadable.
cat out/data >&2; ls out out/* >&2; echo end >&2
echo changed >> out/data; rm -f out/made; mkdir -p out/folder; echo x > out/folder/file; chmod 0 out/folder
echo "{\\"cost\\": $(cat src/value.txt)}" > out/cost.json
"""


async def test_every_run_finds_its_outputs_as_setup_made_them(tmp_path: Path) -> None:
    """Nothing can be remembered in what a benchmark may write; the folder of the metric's file is such without a word."""
    files = {"out/data": "data\n", ".gitignore": "out/made\n"}
    repo = make_repo(tmp_path, files, bench=OUTPUTS.lstrip())
    config = configure(tmp_path / "cache", "echo 80 > src/value.txt", "[budget]\nexperiments = 1")
    table = config.metric.model_copy(update={"source": Source.JSON, "file": "out/cost.json", "path": "$.cost"})
    bench = config.benchmark.model_copy(update={"setup": "echo made > out/made"})
    ours = Session(repo, config.model_copy(update={"metric": table, "benchmark": bench}))
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")], ours.state.experiments[-1]
    looks = []
    for log in ours.folder.root.rglob("bench.log"):
        looks += log.read_text().split("end\n")[:-1]
    assert len(looks) >= 5
    assert set(looks) == {"data\nout/data\nout/made\n\nout:\ndata\nmade\n"}


async def test_the_tree_of_a_metric_file_is_read_only_but_for_the_file(tmp_path: Path) -> None:
    bench = (
        "#!/bin/sh\n(echo x > src/left) 2>/dev/null && echo wrote\n"
        'echo "{\\"cost\\": $(cat src/value.txt)}" > cost.json\n'
    )
    config = configure(tmp_path / "cache", "echo 80 > src/value.txt", "[budget]\nexperiments = 1")
    table = config.metric.model_copy(update={"source": Source.JSON, "file": "cost.json", "path": "$.cost"})
    ours = Session(make_repo(tmp_path, bench=bench), config.model_copy(update={"metric": table}))
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    logs = [log.read_text() for log in ours.experiment_folder(1).glob("bench.log")]
    assert logs and not any("wrote" in text for text in logs)


@pytest.mark.parametrize("declared", [False, True])
async def test_a_check_may_rewrite_what_setup_made_when_that_is_declared(tmp_path: Path, declared: bool) -> None:
    """Undeclared, the reason says how to declare it."""
    repo = make_repo(tmp_path, {".gitignore": "made/\n"}, bench=EXACT)
    more = '[checks]\ncommand = "echo again >> made/cache"\n[budget]\nexperiments = 1\n'
    more += '[sandbox]\noutputs = ["made"]' if declared else ""
    config = configure(tmp_path / "cache", "echo 80 > src/value.txt", more)
    bench = config.benchmark.model_copy(update={"setup": "mkdir made && echo once > made/cache"})
    ours = Session(repo, config.model_copy(update={"benchmark": bench}))
    await ours.run()
    ended = ours.state.experiments[-1]
    if declared:
        assert (ended.status, ended.reason) == ("keep", "improvement"), ended.detail
    else:
        assert ended.reason == "out_of_scope"
        assert "made/cache" in ended.detail
        assert "[sandbox] outputs" in ended.detail
