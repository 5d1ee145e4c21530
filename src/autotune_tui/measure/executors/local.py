"""Runs commands on this machine, through the launcher."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

from autotune_tui.errors import MeasureError
from autotune_tui.measure import launcher
from autotune_tui.measure.executors.base import Command, Run
from autotune_tui.measure.launcher.job import SWEEP_SECONDS
from autotune_tui.measure.launcher.processes import offspring
from autotune_tui.redaction import Redactor
from autotune_tui.text import harmless

HEAD = 4 * 1024 * 1024
TAIL = 256 * 1024
"""Of a command's output, the first HEAD and the last TAIL bytes are kept."""
LOG_FULL = 8 * 1024 * 1024
"""Bytes of a log after which only as much as RUN_MOST of each further command is added: a decision may take eighty runs."""
RUN_MOST = 16 * 1024
GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""
REPLY_LIMIT = 1024 * 1024
"""Longest line from the launcher; a reply is below 100 kB."""


class LocalExecutor:
    """An executor whose commands are children of one small process, started at the first command and again if it dies."""

    def __init__(
        self, *, grace: float = GRACE, head: int = HEAD, tail: int = TAIL, redactor: Redactor | None = None
    ) -> None:
        """What `redactor` finds stays out of logs and results."""
        self._redactor = redactor or Redactor()
        self._limits = {"grace": grace, "head": head, "tail": tail}
        self._lock = asyncio.Lock()
        self._launcher: _Launcher | None = None
        self._count = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, command: Command) -> Run:
        """Run the command to its end. Raises MeasureError when the launcher itself fails."""
        async with self._lock:
            if self._launcher is None or self._launcher.ended:
                await self._finish()
                self._launcher = await _Launcher.start()
            self._count += 1
            start = command.log.stat().st_size if command.log is not None and command.log.exists() else 0
            try:
                room = max(LOG_FULL - start, RUN_MOST)
                return self._redactor.deep(await self._launcher.run(self._request(command, room), command))
            finally:
                if command.log is not None:
                    with contextlib.suppress(OSError):  # a log that could not be written
                        self._redactor.file(command.log, start)

    async def close(self) -> None:
        """End the launcher and all that it runs, and wait for it; a `run` under way raises MeasureError."""
        if self._launcher is not None:
            self._launcher.stop()
        async with self._lock:
            await self._finish()

    async def _finish(self) -> None:
        if self._launcher is not None:
            await self._launcher.finish()
            self._launcher = None

    def _request(self, command: Command, room: int) -> dict[str, Any]:
        """What the launcher is told; `room`: bytes that the log may still take."""
        return {
            "op": "run",
            "id": self._count,
            "argv": [_wire(argument) for argument in command.argv],
            "cwd": _wire(str(command.cwd.absolute())),
            "env": {_wire(name): _wire(value) for name, value in command.env.items()},
            "timeout": command.timeout,
            "room": room,
            "log": None if command.log is None else _wire(str(command.log.absolute())),
            "stdin": bool(command.stdin),
            "repeat": command.repeat,
            "prefix": [_wire(argument) for argument in command.prefix],
            "stall": command.stall,
            "secrets": [[_wire(value), _wire(mark)] for value, mark in self._redactor.marks.items()],
            "limits": None if command.limits is None else asdict(command.limits),
            **self._limits,
        }


class _Launcher:
    """The launcher's process as seen from the engine."""

    def __init__(self, process: asyncio.subprocess.Process, stdin: int, stdout: int, pid: int) -> None:
        self._process = process
        self._stdin, self._stdout, self._pid = stdin, stdout, pid
        """Files shared with the launcher: what the command reads, what it printed, and its process id (0 between commands)."""

    @classmethod
    async def start(cls) -> Self:
        files = _anonymous_file(), _anonymous_file(), _anonymous_file()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-X", "utf8", launcher.START, *map(str, files),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                start_new_session=True, pass_fds=files, cwd="/", limit=REPLY_LIMIT,
                env={name: os.environ[name] for name in _LAUNCHER_ENV if name in os.environ},
            )  # fmt: skip
        except BaseException:
            for fd in files:
                os.close(fd)
            raise
        return cls(process, *files)

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None or self._control.is_closing()

    @property
    def _control(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    async def run(self, request: Mapping[str, Any], command: Command) -> Run:
        os.ftruncate(self._stdin, 0)
        _write(self._stdin, command.stdin)
        try:
            await self._send(request)
            reply = await self._reply(request["id"])
        except asyncio.CancelledError:
            await self._cancel(request["id"])
            raise
        return self._to_run(reply, command.purpose)

    def stop(self) -> None:
        """Let it kill what it runs and end."""
        self._control.close()

    async def finish(self) -> None:
        """Wait for its end, at most until the processes that it kills must be gone."""
        self.stop()
        try:
            async with asyncio.timeout(SWEEP_SECONDS + GRACE):
                await self._process.communicate()
        except TimeoutError:
            self._process.kill()
            await self._process.communicate()
        for fd in (self._stdin, self._stdout, self._pid):
            os.close(fd)

    async def _cancel(self, number: int) -> None:
        """End the running command. A second cancellation kills it at once, and the launcher with it."""
        try:
            await self._send({"op": "cancel"})
            await self._reply(number)
        except asyncio.CancelledError:
            self.stop()
            raise
        except MeasureError:
            self.stop()

    async def _send(self, message: Mapping[str, Any]) -> None:
        self._control.write(json.dumps(message).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # a launcher that is gone shows in the reply that never comes
            await self._control.drain()

    async def _reply(self, number: int) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            reply: dict[str, Any] = json.loads(line)
            if reply["id"] == number:
                return reply
        raise await self._died()

    async def _died(self) -> MeasureError:
        """The launcher is gone: what it ran is no one's child any more, so its group is killed from here."""
        if pid := int(os.pread(self._pid, 20, 0) or 0):
            with contextlib.suppress(OSError):  # a sandbox's first process is in a group of its own
                for child in offspring(pid):
                    os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        assert self._process.stderr is not None
        said = (await self._process.stderr.read()).decode(errors="replace").strip().splitlines()
        code = await self._process.wait()
        return MeasureError(
            "The process that starts commands has ended",
            said[-1] if said else f"It ended with exit code {code} while a command was running.",
            "Something may have killed it, such as the system when memory ran out. The next command starts it again.",
        )

    def _to_run(self, reply: dict[str, Any], purpose: str) -> Run:
        stdout = os.pread(self._stdout, os.fstat(self._stdout).st_size, 0).decode(errors="replace")
        error = reply.get("error", "")
        return Run(
            exit=reply.get("exit"),
            signal=reply.get("signal"),
            timed_out=reply.get("timed_out", False),
            stdout="" if error else stdout,
            tail=harmless(reply["tail"]),
            error=f"the {purpose} could not be started: {error}" if error else "",
            **{name: reply[name] for name in _PLAIN},
        )


_LAUNCHER_ENV = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME")
"""All that the launcher's own Python may need; an API key of the engine must not be one `/proc/$PPID/environ` away."""
_PLAIN = (
    "wall", "cpu", "peak_rss", "left_out", "leftovers", "steal", "clock_step", "suspended", "started_at", "runs",
    "rss_floor", "log_error", "beyond", "stalled", "others", "throttled", "speed",
)  # fmt: skip


def _anonymous_file() -> int:
    """A file descriptor for output that neither fills a disk nor passes through two processes' memory, where there is one."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("autotune")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(fd: int, data: bytes) -> None:
    """The whole of `data` to the start of a file."""
    done = 0
    while done < len(data):
        done += os.pwrite(fd, data[done:], done)


def _wire(text: str) -> str:
    """The launcher runs in UTF-8 mode, whatever the engine's locale is."""
    return os.fsencode(text).decode("utf-8", "surrogateescape")
