"""Runs an agent's command: in a session of its own, with nothing of it left behind when it ends or is stopped.

Processes that belong to a run are found by their process group and by an environment variable that only this run's
processes have, which also finds those that left the group (setsid, daemons).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil

from autotune_tui.agents.output import Output, Stream
from autotune_tui.errors import AgentError

Feed = Callable[[Stream, bytes], None]
MARK = "AUTOTUNE_AGENT_RUN"
GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
DYING = 3.0
"""The most seconds that killed processes are waited for: on a busy machine even those take a while to go."""

_REDIRECTING_GIT = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS",
        "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
    }
)  # fmt: skip
"""What `git rev-parse --local-env-vars` lists: they belong to one repository, as a hook's environment has them."""


@dataclass(frozen=True, slots=True)
class Finished:
    exit: int | None
    """Exit code; negative: the signal that ended it; None: it was stopped at the time limit."""
    last_line: str
    tail: str


def agent_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without the variables that would point git at another repository, and `extra` over it.

    An agent may need a key of the user's, so nothing that looks like a secret is taken out: an agent is a program that
    the user chose and runs as the user.
    """
    return {**{name: value for name, value in os.environ.items() if name not in _REDIRECTING_GIT}, **extra}


async def run_agent(
    argv: Sequence[str],
    *,
    directory: Path,
    env: Mapping[str, str],
    stdin: bytes,
    seconds: float,
    log: Path,
    show: Callable[[str], None],
    grace: float = GRACE,
) -> Finished:
    """Run a command to its end. Cancelling stops it and everything that it started; so does the time limit in `seconds`.

    `show` gets each line of output (both streams), `log` all of it up to a bound. Raises AgentError when the command
    cannot be started.
    """
    token = uuid.uuid4().hex
    output = Output(log, show, asyncio.get_running_loop().time)
    try:
        transport, protocol = await _started(argv, directory, env, token, output.feed, grace)
        try:
            try:
                _send(transport, stdin)
                in_time = await _within(seconds, protocol.exited)
            finally:
                await _stop(transport.get_pid(), token, grace)
                await _within(grace, protocol.exited)
            # What cannot be killed, or hid from us, may still hold a pipe: its further words are not waited for.
            await _within(grace, protocol.drained)
        finally:
            transport.close()
    finally:
        output.close()
    return Finished(transport.get_returncode() if in_time else None, output.last_line, output.tail())


class Conversing:
    """A command that runs and is talked to over its standard input and output."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol, token: str, grace: float) -> None:
        self._transport, self._protocol, self._token, self._grace = transport, protocol, token, grace
        self._pipe = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
        self._stopped = False

    @property
    def ended(self) -> bool:
        return self._protocol.exited.is_set()

    @property
    def exit(self) -> int | None:
        """Exit code; negative: the signal that ended it; None while it runs."""
        return self._transport.get_returncode()

    def send(self, data: bytes) -> None:
        """Write to its standard input; what it does not read any more is lost."""
        if not self._pipe.is_closing():
            self._pipe.write(data)

    def send_end(self) -> None:
        """Close its standard input."""
        self._pipe.close()

    async def over(self) -> None:
        """Wait until it has ended and all that it printed has come."""
        await self._protocol.exited.wait()
        await _within(self._grace, self._protocol.drained)

    async def stop(self) -> None:
        """End it and everything that it started."""
        if self._stopped:
            return
        self._stopped = True
        try:
            self._pipe.close()
            await _stop(self._transport.get_pid(), self._token, self._grace)
            await _within(self._grace, self._protocol.exited)
        finally:
            self._transport.close()


async def start_agent(
    argv: Sequence[str], *, directory: Path, env: Mapping[str, str], feed: Feed, grace: float = GRACE
) -> Conversing:
    """Start a command that is talked to. `feed` gets what it prints, by stream. Raises AgentError when that is impossible;
    nothing of it is left when the call is cancelled.
    """
    token = uuid.uuid4().hex
    transport, protocol = await _started(argv, directory, env, token, feed, grace)
    return Conversing(transport, protocol, token, grace)


async def _started(
    argv: Sequence[str], directory: Path, env: Mapping[str, str], token: str, feed: Feed, grace: float
) -> tuple[asyncio.SubprocessTransport, _Protocol]:
    """Start the command; nothing of it is left when that is cancelled."""
    starting = asyncio.ensure_future(_start(argv, directory, {**env, MARK: token}, feed))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would kill the one process and then wait for the pipes, which its children hold: stop them all.
        with contextlib.suppress(AgentError):
            transport, _ = await starting
            await _stop(transport.get_pid(), token, grace)
            transport.close()
        raise


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for an event; False when it did not come in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class _Protocol(asyncio.SubprocessProtocol):
    """asyncio's `Process.wait` also waits for the pipes, which a grandchild may hold open for ever (before 3.12.4)."""

    def __init__(self, feed: Feed) -> None:
        self._feed, self._open = feed, {1, 2}
        self.exited, self.drained = asyncio.Event(), asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._feed("stdout" if fd == 1 else "stderr", data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.drained.set()

    def process_exited(self) -> None:
        self.exited.set()


async def _start(
    argv: Sequence[str], directory: Path, env: Mapping[str, str], feed: Feed
) -> tuple[asyncio.SubprocessTransport, _Protocol]:
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.subprocess_exec(
            lambda: _Protocol(feed), *argv, cwd=directory, env=env, start_new_session=True
        )
    except OSError as problem:
        raise _not_started(problem, argv[0], directory) from None
    return transport, protocol


def _not_started(problem: OSError, command: str, directory: Path) -> AgentError:
    if not directory.is_dir():
        return AgentError("The candidate worktree is gone", str(directory))
    if isinstance(problem, FileNotFoundError | NotADirectoryError):
        return AgentError(
            f"The agent's command was not found: {command}",
            f"It was looked for from {directory}.",
            "A relative path is relative to the candidate worktree: commit the file, or give its absolute path.",
        )
    return AgentError(
        f"The agent's command cannot be run: {command}",
        problem.strerror or str(problem),
        "Is it executable (chmod +x), and does its first line name its interpreter?",
    )


def _send(transport: asyncio.SubprocessTransport, data: bytes) -> None:
    """Write stdin and close it; a command that does not read it is no error."""
    pipe = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
    pipe.write(data)
    pipe.write_eof()


async def _stop(group: int, token: str, grace: float) -> None:
    """End every process of the run: SIGTERM, some grace, SIGKILL (at once when the wait itself is cancelled)."""
    alive = _survivors(group, token)
    if not alive:
        return
    _signal(alive, signal.SIGTERM)
    try:
        await _gone(alive, grace)
    finally:
        rest = _survivors(group, token)
        _signal(rest, signal.SIGKILL)
    await _gone(rest, DYING)


async def _gone(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Wait until none of the processes runs, at most some seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while any(map(_runs, processes)) and loop.time() < end:  # noqa: ASYNC110 - only our own children could send an event
        await asyncio.sleep(0.02)


def _survivors(group: int, token: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _belongs(process, group, token) and _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _belongs(process: psutil.Process, group: int, token: str) -> bool:
    try:
        return os.getpgid(process.pid) == group or bool(process.environ().get(MARK) == token)
    except (psutil.Error, OSError):
        return False


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue  # it ended meanwhile, which is what was wanted
