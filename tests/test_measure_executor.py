"""One command is run, measured and cleaned up after, whatever it does; with real processes throughout."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.errors import MeasureError
from autotune_tui.measure import launcher
from autotune_tui.measure.executors.base import Command, Run, argv_of
from autotune_tui.measure.executors.local import HEAD, LOG_FULL, RUN_MOST, TAIL, LocalExecutor
from processes import alive

ENV = {"PATH": os.environ["PATH"]}
PYTHON = shlex.quote(sys.executable)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: the launcher is a subreaper there")

Shell = Callable[..., Any]


@pytest.fixture
async def executor() -> AsyncIterator[LocalExecutor]:
    async with LocalExecutor(grace=0.2) as executor:
        yield executor


@pytest.fixture
def run(executor: LocalExecutor, tmp_path: Path) -> Shell:
    """Runs a shell text or a list of arguments in `tmp_path`."""

    async def run(command: str | list[str], **options: Any) -> Run:
        fields = {"cwd": tmp_path, "env": ENV, "timeout": 30.0, "log": tmp_path / "bench.log"} | options
        return await executor.run(Command(argv_of(command), **fields))

    return run


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition; fail when it never comes."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (a condition of other processes, which tell us nothing)
            await asyncio.sleep(0.01)


def pids(path: Path) -> list[int]:
    return [int(word) for word in path.read_text().split()] if path.exists() else []


async def test_a_command_gives_its_output_and_its_figures(run: Shell, tmp_path: Path) -> None:
    result = await run([sys.executable, "-c", "x = bytes(range(256)) * 200_000; print('out'); sum(x)"])
    assert result.ok and result.failure == ""
    assert result.stdout == "out\n" and (tmp_path / "bench.log").read_text() == "out\n"
    assert 0 < result.cpu <= 1.2 * result.wall + 0.02
    assert 51_000_000 < result.peak_rss < 120_000_000
    assert (result.leftovers, result.left_out, result.runs) == (0, 0, 1)
    assert abs(result.clock_step) < 0.5 and result.suspended < 0.5 and 0 <= result.steal <= 1


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("exit 1", 1, "exit code 1"),
        ("kill -SEGV $$", None, "ended by SIGSEGV"),
        ("nonexistent-program", 127, "exit code 127"),
        (["nonexistent-program"], 127, "command not found: nonexistent-program"),
        (["./no-mode"], 126, "./no-mode is not executable"),
        (["./no-interpreter"], 126, "the interpreter that the first line of ./no-interpreter names does not exist"),
        (["./no-format"], 126, "./no-format is neither a program nor a script with a #! line"),
        (["printf", "a\0b"], 126, "printf cannot be started: embedded null"),
    ],
)
async def test_a_command_that_fails_says_why(
    run: Shell, tmp_path: Path, command: str | list[str], code: int | None, words: str
) -> None:
    for name, text in {"no-interpreter": "#!/no/such/thing\n", "no-format": "echo hello\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "no-mode").touch(0o644)
    result = await run(command, purpose="benchmark")
    assert not result.ok and result.exit == code and words in result.failure
    assert (await run("echo fine")).stdout == "fine\n"


async def test_a_missing_working_directory_is_named(run: Shell, tmp_path: Path) -> None:
    result = await run("true", cwd=tmp_path / "nowhere", log=None)
    assert result.exit == 126 and f"the directory {tmp_path}/nowhere does not exist" in result.failure


@needs_linux
async def test_a_daemon_that_keeps_stdout_and_burns_cpu_neither_hangs_the_sample_nor_outlives_it(
    run: Shell, tmp_path: Path
) -> None:
    daemon = "setsid sh -c 'setsid sh -c \"echo \\$\\$ > pid; while :; do :; done\" & exit 0'"
    result = await run(f"{daemon}; while ! test -s pid; do :; done; echo METRIC x=1")
    assert result.ok and result.stdout == "METRIC x=1\n"
    assert result.leftovers == 1 and result.wall < 10
    assert not alive(pids(tmp_path / "pid"))


async def test_a_command_that_takes_for_ever_is_ended_at_its_timeout(run: Shell, tmp_path: Path) -> None:
    result = await run("echo $$ > pid; echo begun; sleep 1000", timeout=0.2)
    assert result.timed_out and not result.ok and "longer than allowed" in result.failure
    assert 0.2 <= result.wall < 5 and result.stdout == "begun\n"
    assert not alive(pids(tmp_path / "pid"))


async def test_a_command_that_ignores_sigterm_is_killed_after_the_grace(run: Shell, tmp_path: Path) -> None:
    result = await run("trap '' TERM; echo $$ > pid; while :; do :; done", timeout=0.2)
    assert result.timed_out and result.signal == signal.SIGKILL
    assert result.wall >= 0.4 and not alive(pids(tmp_path / "pid"))


async def test_sigterm_leaves_a_command_the_time_to_clean_up(run: Shell, tmp_path: Path) -> None:
    script = "(trap 'echo clean; exit' TERM; while :; do sleep 0.01; done) & echo $! > pid; wait"
    result = await run(script, timeout=0.3)
    assert result.timed_out and result.stdout == "clean\n" and not alive(pids(tmp_path / "pid"))


async def test_binary_output_and_escape_codes_are_kept_in_the_log_and_made_harmless_for_people(
    run: Shell, tmp_path: Path
) -> None:
    raw = b"\x1b[31mred\x1b[0m \x1b]0;title\x07\xff\xfe\x00\x9b2J 10%\r20%\rdone\r\n\xe2\x80\xaeright"
    (tmp_path / "raw").write_bytes(raw)
    result = await run("cat raw")
    assert (tmp_path / "bench.log").read_bytes() == raw
    assert result.tail == "done\n\ufffdright"
    assert "\ufffd" in result.stdout


async def test_the_log_of_many_runs_is_bounded_and_the_last_words_of_each_are_in_it(run: Shell, tmp_path: Path) -> None:
    for number in range(6):
        result = await run(f"echo begin {number}; head -c 10000000 /dev/zero; echo end {number}")
        assert f"end {number}" in result.tail
        assert result.stdout.startswith(f"begin {number}\n"), "what is read is cut no earlier"
    log = (tmp_path / "bench.log").read_bytes()
    assert len(log) < LOG_FULL + 6 * (RUN_MOST + 100)
    assert all(b"begin %d\n" % number in log and b"end %d\n" % number in log for number in range(6))


async def test_a_gigabyte_of_output_costs_neither_memory_nor_disk(run: Shell, tmp_path: Path) -> None:
    result = await run("echo first; head -c 1073741824 /dev/zero; echo last")
    assert result.ok and result.left_out == 1073741824 + len("firstlast\n\n") - HEAD - TAIL
    log = (tmp_path / "bench.log").read_bytes()
    assert len(log) < HEAD + TAIL + 100 and b"[... %d bytes left out ...]" % result.left_out in log
    assert result.stdout.startswith("first\n") and result.stdout.endswith("last\n")
    assert len(result.stdout) < HEAD + TAIL + 100
    assert result.rss_floor < 40_000_000, "the launcher itself has grown"


async def test_output_between_head_and_cap_is_kept_whole(tmp_path: Path) -> None:
    async with LocalExecutor(head=100, tail=50) as executor:
        for size in (99, 100, 101, 149, 150, 151, 1000):
            text = "".join(f"{i:04}" for i in range(size))[:size]
            log = tmp_path / f"{size}.log"
            result = await executor.run(Command(("printf", text), tmp_path, ENV, 10.0, log))
            missing = max(0, size - 150)
            middle = f"\n[... {missing} bytes left out ...]\n" if missing else ""
            wanted = text[:100] + middle + text[max(100, size - 50) :]
            assert result.stdout == log.read_text() == wanted
            assert result.left_out == missing


async def test_stdout_and_stderr_go_to_one_log_and_only_stdout_is_read_for_metrics(run: Shell, tmp_path: Path) -> None:
    result = await run("echo to stderr >&2; echo to stdout")
    assert result.stdout == "to stdout\n"
    assert sorted((tmp_path / "bench.log").read_text().splitlines()) == ["to stderr", "to stdout"]
    assert sorted(result.tail.splitlines()) == ["to stderr", "to stdout"]


async def test_a_command_that_waits_for_input_gets_its_end_or_what_it_is_given(run: Shell) -> None:
    assert (await run("cat; echo end", timeout=10.0)).stdout == "end\n"
    assert (await run(["cat"], stdin=b"some\nlines\n" * 100_000)).stdout == "some\nlines\n" * 100_000
    assert (await run(["cat"])).stdout == ""


async def test_a_command_may_delete_its_own_directory(run: Shell, tmp_path: Path) -> None:
    home = tmp_path / "worktree"
    home.mkdir()
    result = await run('rm -rf "$PWD"; echo gone', cwd=home)
    assert result.ok and result.stdout == "gone\n" and not home.exists()
    assert "does not exist" in (await run("true", cwd=home)).failure
    assert (await run("echo fine")).ok


@needs_linux
async def test_a_full_disk_under_the_log_is_reported_and_spoils_nothing(run: Shell, tmp_path: Path) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if await asyncio.to_thread(subprocess.call, mount, stderr=subprocess.DEVNULL):
        pytest.skip("needs root: mount -t tmpfs -o size=64k none DIR")
    try:
        result = await run("head -c 1000000 /dev/zero; echo; echo METRIC x=1", log=disk / "bench.log")
    finally:
        await asyncio.to_thread(subprocess.check_call, ["umount", str(disk)])
    assert result.ok and result.stdout.endswith("METRIC x=1\n")
    assert result.log_error == "No space left on device"


async def test_a_log_that_cannot_be_opened_is_reported_and_spoils_nothing(run: Shell, tmp_path: Path) -> None:
    result = await run("echo METRIC x=1", log=tmp_path / "nowhere" / "bench.log")
    assert result.ok and result.stdout == "METRIC x=1\n" and result.log_error == "No such file or directory"


async def test_peak_rss_is_the_commands_own_even_when_the_engine_is_big(run: Shell) -> None:
    """D1: a figure taken by the engine itself would start at the engine's own high-water mark."""
    ballast = b"x" * 300_000_000
    result = await run([sys.executable, "-S", "-c", "x = b'y' * 30_000_000"])
    assert 30_000_000 < result.peak_rss < 80_000_000
    assert len(ballast) > result.peak_rss


@needs_linux
async def test_cpu_time_of_every_descendant_counts_also_of_daemons(run: Shell) -> None:
    burn = f"{PYTHON} -S -c 'import time\nwhile time.process_time() < 0.2: pass'"
    result = await run(f"{burn}; (setsid {burn} && echo > done) & while ! test -e done; do sleep 0.01; done")
    assert result.ok and result.cpu >= 0.4


async def test_repeat_gives_the_figures_of_a_mean_run(run: Shell, tmp_path: Path) -> None:
    result = await run("sleep 0.05; echo run >> runs; echo x", repeat=4)
    assert result.runs == 4 and result.wall >= 0.05
    assert (tmp_path / "runs").read_text() == "run\n" * 4
    assert result.stdout == "x\n" and (tmp_path / "bench.log").read_text() == "x\n" * 4


async def test_repeat_ends_at_the_first_failure(run: Shell, tmp_path: Path) -> None:
    result = await run("echo run >> runs; test $(wc -l < runs) -lt 3", repeat=10)
    assert result.exit == 1 and result.runs == 3


async def test_the_command_starts_in_a_clean_state(run: Shell, tmp_path: Path) -> None:
    """Own session and group, default signals, no inherited files, only the environment that it was given."""
    script = tmp_path / "look.py"
    script.write_text(
        "import os, signal\n"
        "print(os.getsid(0) == os.getpgid(0) == os.getpid())\n"
        "print(open('/proc/self/status').read().split('SigIgn:')[1].split()[0] if os.path.exists('/proc') else '')\n"
        "print(sorted(set(os.listdir('/dev/fd')) - {'0', '1', '2'})[1:], sorted(os.environ))\n"
    )
    result = await run([sys.executable, "-I", "-S", "look.py"], env={**ENV, "Ünï": "wörth"})
    session, ignored, rest = result.stdout.splitlines()
    assert session == "True" and rest.startswith("[] ") and "'Ünï'" in rest and "HOME" not in rest
    python_ignores = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    public = (1 << 31) - 1  # the C library ignores two of its own above
    assert int(ignored or "0", 16) & public & ~python_ignores == 0


async def test_a_broken_pipe_ends_the_writer_as_in_a_shell(run: Shell) -> None:
    assert (await run("yes | head -n 1", timeout=10.0)).stdout == "y\n"


@needs_linux
async def test_cancelling_leaves_nothing_and_the_executor_usable(
    run: Shell, executor: LocalExecutor, tmp_path: Path
) -> None:
    """L22: a sample is cancelled at once, with everything that it started."""
    command = "setsid sh -c 'echo $$ >> pids; sleep 1000' & trap '' TERM; echo $$ >> pids; while :; do sleep 0.01; done"
    for _ in range(2):
        (tmp_path / "pids").unlink(missing_ok=True)
        task = asyncio.create_task(run(command))
        await until(lambda: len(pids(tmp_path / "pids")) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not alive(pids(tmp_path / "pids"))
    assert (await run("echo again")).stdout == "again\n"


@needs_linux
async def test_a_second_cancellation_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    async with LocalExecutor(grace=1000.0) as executor:
        command = Command(argv_of("trap '' TERM; echo $$ > pid; while :; do sleep 0.01; done"), tmp_path, ENV, 1000.0)
        task = asyncio.create_task(executor.run(command))
        await until(lambda: len(pids(tmp_path / "pid")) == 1)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=0.05)
        assert not done
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not alive(pids(tmp_path / "pid")))
        assert (await executor.run(Command(("echo", "again"), tmp_path, ENV, 10.0))).stdout == "again\n"


@needs_linux
async def test_closing_ends_a_running_command_and_says_so(tmp_path: Path) -> None:
    executor = LocalExecutor()
    task = asyncio.create_task(executor.run(Command(argv_of("echo $$ > pid; sleep 1000"), tmp_path, ENV, 1000.0)))
    await until(lambda: len(pids(tmp_path / "pid")) == 1)
    await executor.close()
    assert not alive(pids(tmp_path / "pid"))
    with pytest.raises(MeasureError, match="has ended"):
        await task
    await executor.close()


@needs_linux
async def test_a_launcher_that_is_killed_is_an_error_once_and_is_started_again(run: Shell, tmp_path: Path) -> None:
    task = asyncio.create_task(run("echo $PPID $$ > pids; sleep 1000"))
    await until(lambda: len(pids(tmp_path / "pids")) == 2)
    os.kill(pids(tmp_path / "pids")[0], signal.SIGKILL)
    with pytest.raises(MeasureError, match="The process that starts commands has ended"):
        await task
    await until(lambda: not alive(pids(tmp_path / "pids")))
    assert (await run("echo again")).stdout == "again\n"


ENGINE = """
import asyncio, os, sys
from pathlib import Path
from autotune_tui.measure.executors.base import Command
from autotune_tui.measure.executors.local import LocalExecutor

async def main():
    here = Path(sys.argv[1])
    text = "setsid sh -c 'echo $$ >> pids; while :; do :; done' & trap '' TERM; echo $PPID $$ >> pids; sleep 1000"
    await LocalExecutor().run(Command(("/bin/sh", "-c", text), here, {"PATH": os.environ["PATH"]}, 1000.0))

asyncio.run(main())
"""


@needs_linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_survives_an_engine_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    """Neither the command, nor its daemon, nor the launcher."""
    engine = await asyncio.create_subprocess_exec(sys.executable, "-c", ENGINE, str(tmp_path))
    await until(lambda: len(pids(tmp_path / "pids")) == 3)
    engine.send_signal(number)
    await engine.wait()
    await until(lambda: not alive(pids(tmp_path / "pids")))


@needs_linux
async def test_a_launcher_that_is_told_to_end_takes_its_command_along(run: Shell, tmp_path: Path) -> None:
    task = asyncio.create_task(
        run("echo $PPID > launcher; setsid sh -c 'echo $$ >> pids; sleep 1000' & echo $$ >> pids; sleep 1000")
    )
    await until(lambda: len(pids(tmp_path / "pids")) == 2)
    os.kill(*pids(tmp_path / "launcher"), signal.SIGTERM)
    with pytest.raises(MeasureError):
        await task
    await until(lambda: not alive(pids(tmp_path / "pids")))


async def test_the_launcher_needs_no_site_packages_and_stays_small() -> None:
    source = Path(launcher.START).parents[3]
    code = (
        f"import sys; sys.path.append({str(source)!r}); import autotune_tui.measure.launcher.serve; print(*sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", code, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert not {"typing", "dataclasses", "pathlib", "asyncio", "subprocess", "inspect"} & set(output.decode().split())
