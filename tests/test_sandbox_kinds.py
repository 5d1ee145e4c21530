"""Which walls there are where, and what those do that are not bubblewrap: present, absent and blocked (A6)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from autotune_tui.engine import confinement
from autotune_tui.errors import MeasureError
from autotune_tui.measure.executors.base import Command, Limits, Run
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.measure.launcher.landlock import version
from autotune_tui.measure.sandbox import Sandbox, detect, find_sandbox, landlock, open_sandbox, places_of, seatbelt
from autotune_tui.measure.sandbox.places import Places
from engine_support import Session, configure, make_repo

MEGABYTE = 1 << 20
LIMITS = Limits(memory=2000 * MEGABYTE, processes=200, file_size=100 * MEGABYTE, disk=2000 * MEGABYTE)
PATH = {"PATH": os.environ.get("PATH", os.defpath)}
PLACES = Places(
    hidden=(Path("/tmp"), Path("/home/me")),
    read=(Path("/home/me/.cargo/bin"),),
    covered=(Path("/home/me/repo/.autotune"),),
    roots=(Path("/home/me/repo"), Path("/home/me/.cargo/bin"), Path("/data")),
    shown=(Path("/cache/state"),),
    write=(Path("/home/me/.cache/go-build"),),
)
TREE = Path("/cache/candidate")

needs_landlock = pytest.mark.skipif(
    find_sandbox("auto", {"PATH": os.devnull}).kind != "landlock", reason="this kernel has no Landlock: Linux 5.13 has"
)


def children(folder: Path) -> list[Path]:
    return [folder / name for name in ("src", ".autotune", ".git")]


def test_landlock_names_what_may_be_read_and_leaves_out_what_is_covered() -> None:
    found = landlock.rules(PLACES, TREE, writable=False, outputs=(), network=False, children=children)
    assert {"/usr", "/data", "/home/me/repo/src", "/home/me/repo/.git", "/cache/candidate"} <= set(found.read)
    assert not {"/home/me/repo", "/home/me/repo/.autotune", "/home/me", "/tmp", "/cache", "/dev"} & set(found.read)


@pytest.mark.parametrize(
    ("writable", "outputs", "expected"),
    [
        (False, (), ("/home/me/.cache/go-build",)),
        (False, (TREE / "out",), ("/home/me/.cache/go-build", "/cache/candidate/out")),
        (True, (TREE / "out",), ("/home/me/.cache/go-build", "/cache/candidate", "/cache/candidate/out")),
    ],
)
def test_landlock_lets_only_the_tree_or_its_outputs_be_written(
    writable: bool, outputs: tuple[Path, ...], expected: tuple[str, ...]
) -> None:
    found = landlock.rules(PLACES, TREE, writable=writable, outputs=outputs, network=False, children=children)
    assert found.write == expected


@pytest.mark.parametrize(("known", "words"), [(1, "the network is open"), (4, "of the network only TCP is off")])
def test_what_landlock_does_not_hold_is_said(known: int, words: str) -> None:
    assert landlock.gaps(known).startswith(words)


def test_the_profile_of_macos_denies_first_and_allows_what_is_inside() -> None:
    """The last rule that fits decides there."""
    text = seatbelt.profile(PLACES, TREE, Path("/cache/tmp"), writable=False, outputs=(TREE / "out",), network=False)
    lines = text.splitlines()
    assert lines[:2] == ["(version 1)", "(allow default)"]
    assert "(deny network*)" in lines
    hidden = lines.index('(deny file-read-data (subpath "/tmp") (subpath "/home/me"))')
    assert hidden < lines.index('(allow file-read* (subpath "/home/me/.cargo/bin"))')
    assert lines.index("(deny file-write*)") < lines.index(
        '(allow file-write* (subpath "/home/me/.cache/go-build") (subpath "/cache/candidate/out") (subpath "/cache/tmp"))'
    )
    assert lines[-1] == '(deny file-write* (subpath "/cache/candidate/.git"))'
    assert text.count("(") == text.count(")")


def test_the_profile_of_macos_opens_what_is_allowed() -> None:
    text = seatbelt.profile(PLACES, TREE, Path("/cache/tmp"), writable=True, outputs=(), network=True)
    assert "network" not in text
    assert '(subpath "/cache/candidate")' in text.split("(deny file-write*)")[1]


def test_a_name_cannot_leave_its_quotes_in_the_profile() -> None:
    tree = Path('/cache/a"b\\c) (allow default')
    text = seatbelt.profile(PLACES, tree, Path("/cache/tmp"), writable=False, outputs=(), network=False)
    assert '"/cache/a\\"b\\\\c) (allow default' in text
    with pytest.raises(ValueError, match="control character"):
        seatbelt.prefix(PLACES, Path("/a\nb"), writable=False, outputs=(), network=False)


def blocked(folder: Path) -> dict[str, str]:
    """A PATH on which bubblewrap is there and forbidden, as in a container that allows no namespaces."""
    program = folder / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize("case", ["absent", "blocked"])
@pytest.mark.parametrize("kernel", ["with", "without"])
def test_where_bubblewrap_does_not_work_the_next_best_is_taken_and_the_reason_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, kernel: str
) -> None:
    if kernel == "with" and find_sandbox("auto", {"PATH": os.devnull}).kind != "landlock":
        pytest.skip("this kernel has no Landlock: Linux 5.13 has")
    path, reason = {"PATH": str(tmp_path)}, "bubblewrap (bwrap) is not installed"
    if case == "blocked":
        path, reason = blocked(tmp_path), "No permissions to create new namespace"
    if kernel == "without":
        monkeypatch.setattr(detect, "version", lambda: 0)
    found = find_sandbox("auto", path)
    assert found.kind == ("landlock" if kernel == "with" else "none")
    assert reason in found.reason
    assert reason in confinement.remark(found)
    if kernel == "without":
        assert found.prefix(tmp_path, writable=False) == ()
    with pytest.raises(MeasureError, match="bubblewrap does not work here"):
        find_sandbox("bubblewrap", path)


def test_walls_that_cannot_be_here_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "version", lambda: 0)
    other = "sandbox-exec" if sys.platform == "linux" else "bubblewrap"
    for mode in ("landlock", other):
        with pytest.raises(MeasureError, match=f"{mode} does not work here"):
            find_sandbox(mode, PATH)


def test_none_is_none_although_there_would_be_one() -> None:
    assert find_sandbox("none", PATH).kind == "none"


class Walls:
    """A worktree behind Landlock, beside a repository with a journal."""

    def __init__(self, folder: Path, executor: LocalExecutor) -> None:
        self.executor = executor
        self.home = folder / "home"
        self.repo = folder / "repo"
        self.tree = folder / "cache" / "candidate"
        self.other = folder / "cache" / "incumbent"
        for path in (self.home, self.repo / ".autotune", self.repo / "src", self.tree, self.other):
            path.mkdir(parents=True)
        (self.home / ".netrc").write_text("password")
        (self.repo / "src" / "data").write_text("data")
        (self.repo / ".autotune" / "journal").write_text("numbers")
        (self.other / "code").write_text("code")

    @property
    def sandbox(self) -> Sandbox:
        places = places_of(
            home=self.home, read=[self.repo], covered=[self.repo / ".autotune"], shown=[], write=[], env=PATH,
            python=Path(sys.executable),
        )  # fmt: skip
        return open_sandbox("landlock", PATH, places, 8 * MEGABYTE)

    async def shell(
        self, text: str, *, writable: bool = False, network: bool = False, outputs: tuple[Path, ...] = ()
    ) -> Run:
        return await self.run("/bin/sh", "-c", text, writable=writable, network=network, outputs=outputs)

    async def run(
        self, *argv: str, writable: bool = False, network: bool = False, outputs: tuple[Path, ...] = ()
    ) -> Run:
        prefix = self.sandbox.prefix(self.tree, writable=writable, network=network, outputs=outputs)
        env = {**PATH, "HOME": str(self.home)}
        return await self.executor.run(Command(argv, self.tree, env, 30.0, prefix=prefix, limits=LIMITS))


@pytest.fixture
async def walls(tmp_path: Path) -> AsyncIterator[Walls]:
    async with LocalExecutor() as executor:
        yield Walls(tmp_path, executor)


@needs_landlock
async def test_behind_landlock_a_timed_tree_is_read_only_but_for_its_outputs(walls: Walls) -> None:
    out = walls.tree / "out"
    out.mkdir()
    outside = walls.repo / "src" / "data"
    await walls.shell(f"touch out/yes; touch no; rm -rf out; echo x > {outside}; mv {outside} out", outputs=(out,))
    assert [path.name for path in walls.tree.iterdir()] == ["out"]
    assert outside.read_text() == "data"
    await walls.shell("echo x > built; mkdir -p a/b; mv built a/b", writable=True)
    assert (walls.tree / "a" / "b" / "built").read_text() == "x\n"


@needs_landlock
async def test_behind_landlock_home_journal_and_the_other_worktree_are_out_of_reach(walls: Walls) -> None:
    places = f"{walls.repo}/src/data {walls.home}/.netrc {walls.repo}/.autotune/journal {walls.other}/code"
    run = await walls.shell(f"cat {places} /proc/{os.getpid()}/environ /dev/shm/* /tmp/*/*; ls {walls.home}")
    assert run.stdout == "data"


@needs_landlock
async def test_behind_landlock_temporary_files_do_not_outlive_a_run(walls: Walls) -> None:
    """Not even in what a run makes unreadable, and nowhere but in the run's own folder."""
    hide = "mkdir -p $TMPDIR/a/b && echo x > $TMPDIR/a/b/c && chmod 0 $TMPDIR/a"
    first = await walls.shell(f"echo $TMPDIR; {hide}; touch /tmp/remembered /dev/shm/remembered $HOME/remembered")
    second = await walls.shell("echo $TMPDIR; ls -A $TMPDIR")
    assert first.stdout.startswith("/tmp/autotune-")
    assert first.tail.count("Permission denied") == 3
    assert len(second.stdout.split()) == 1
    left = await walls.executor.run(Command(("ls", "/tmp"), walls.tree, PATH, 30.0))
    assert not {first.stdout.split()[0][5:], second.stdout.strip()[5:]} & set(left.stdout.split())


@needs_landlock
@pytest.mark.skipif(version() < 4, reason="Landlock knows networks from version 4 on: Linux 6.7 has it")
async def test_behind_landlock_tcp_is_off_unless_allowed(walls: Walls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        reach = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        assert not (await walls.run(sys.executable, "-c", reach)).ok
        assert (await walls.run(sys.executable, "-c", reach, network=True)).ok


@needs_landlock
async def test_behind_landlock_nothing_of_the_machine_can_be_changed(walls: Walls) -> None:
    """Also for root, who has no capability left. That nothing is mounted is asked of the kernel in the child alone."""
    names = "/proc/sys/kernel/domainname /etc/hostname /sys/kernel/mm/transparent_hugepage/enabled"
    look = (
        "import os, signal, sys\n"
        "for name in sys.argv[2:]:\n"
        "    try: os.close(os.open(name, os.O_WRONLY))\n"  # opened, never written: the kernel refuses at the opening
        "    except OSError: continue\n"
        "    print('opened', name)\n"
        "try: os.kill(int(sys.argv[1]), 0); print('signalled')\n"
        "except PermissionError: pass\n"
        "print([line for line in open('/proc/self/status') if line.startswith('CapEff')])"
    )
    run = await walls.run(sys.executable, "-c", look, str(os.getpid()), *names.split())
    assert "opened" not in run.stdout
    if version() >= 6:
        assert "signalled" not in run.stdout
    assert "0" * 16 in run.stdout, run.tail
    if os.getuid() == 0:
        assert "mounted" not in (await walls.shell("mount --bind /usr $TMPDIR && echo mounted; true")).stdout


@needs_landlock
async def test_behind_landlock_how_a_command_ended_is_told_as_without(walls: Walls) -> None:
    assert (await walls.shell("exit 7")).exit == 7
    assert (await walls.shell("kill -SEGV $$")).signal == 11
    assert (await walls.run("no-such-program")).exit == 127
    hidden = walls.home / "tool"
    shutil.copy("/bin/true", hidden)
    refused = await walls.run(str(hidden))
    assert refused.exit == 126
    assert "[sandbox] read" in refused.error


@needs_landlock
async def test_what_landlock_costs_is_below_ten_milliseconds_a_run(walls: Walls) -> None:
    """The least of many runs; on a machine that is busy with other things a bare run takes longer, too."""
    program = shutil.which("true") or "/bin/true"
    confined = [(await walls.run(program)).wall for _ in range(20)]
    bare = [
        (await walls.executor.run(Command((program,), walls.tree, PATH, 30.0, limits=LIMITS))).wall for _ in range(20)
    ]
    assert min(confined) - min(bare) < max(0.010, 15 * min(bare))


@needs_landlock
async def test_a_command_that_someone_else_starts_is_confined_too(walls: Walls) -> None:
    """The arguments are a program by themselves, as the command agent needs it."""
    prefix = walls.sandbox.prefix(walls.tree, writable=True)
    argv = (*prefix, "/bin/sh", "-c", f"touch yes $TMPDIR/too {walls.other}/no; cat {walls.home}/.netrc")
    run = await walls.executor.run(Command(("env", *argv), walls.tree, PATH, 30.0))
    assert (walls.tree / "yes").exists()
    assert not (walls.other / "no").exists()
    assert "password" not in run.stdout
    assert (walls.tree.parent / "tmp" / "too").exists()


@needs_landlock
async def test_a_session_behind_landlock_keeps_what_is_better_and_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's `.git` and its marks outside come to nothing."""
    monkeypatch.setenv("PATH", f"{blocked(tmp_path)['PATH']}:{PATH['PATH']}")
    marks = tmp_path / "marks"
    bench = f"#!/bin/sh\ntouch {marks} {tmp_path}/repo/no src/no\necho METRIC cost=$(cat src/value.txt)\n"
    more = '[checks]\ncommand = "echo x > .git; touch src/kept && rm src/kept"\n[budget]\nexperiments = 1'
    ours = Session(make_repo(tmp_path, bench=bench), configure(tmp_path / "cache", "echo 80 > src/value.txt", more))
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    started = next(event for event in ours.events if event.type == "session")
    assert started.sandbox == "landlock"  # type: ignore[attr-defined]
    assert any(text.startswith("the sandbox is landlock, as ") for text in ours.warnings)
    assert not marks.exists()
    assert not (ours.repo / "no").exists()


@needs_landlock
def test_the_rules_are_what_the_launcher_reads(tmp_path: Path) -> None:
    found = replace(find_sandbox("landlock", PATH), places=PLACES).prefix(tmp_path / "tree", writable=True)
    assert json.loads(found[4])["write"] == ["/home/me/.cache/go-build", str(tmp_path / "tree")]


@pytest.mark.parametrize(
    ("kind", "output", "words"),
    [
        ("bubblewrap", "touch: cannot touch 'x': Read-only file system", "[sandbox] outputs"),
        ("bubblewrap", "mv: cannot move: Device or resource busy", "[sandbox] outputs"),
        ("bubblewrap", "Permission denied", "usual"),
        ("landlock", "PermissionError: [Errno 13] Permission denied: '/data'", "[sandbox] read"),
        ("sandbox-exec", "Operation not permitted", "[sandbox] outputs"),
        ("none", "Permission denied", "usual"),
        ("landlock", "no such column", "usual"),
    ],
)
def test_a_benchmark_that_runs_into_a_wall_is_told_how_to_open_it(kind: detect.Kind, output: str, words: str) -> None:
    assert words in confinement.hint(Sandbox(kind), output, "usual")
