"""What it means to run one command somewhere: the command, what became of it, and the protocol of those who do it."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autotune_tui.measure.asking import asks_for_input


def argv_of(command: str | Sequence[str]) -> tuple[str, ...]:
    """The arguments of a configured command: a text is for the shell, a list is taken as it is."""
    return ("/bin/sh", "-c", command) if isinstance(command, str) else tuple(command)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command may use up. A command that goes beyond is killed, with all that it started."""

    memory: int
    """Resident bytes of all its processes together."""
    processes: int
    file_size: int
    """Bytes of any one file."""
    disk: int
    """Bytes by which the free space below its directory may shrink."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command to run to its end."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    """The whole environment; nothing is inherited."""
    timeout: float
    """Seconds, for each single run."""
    log: Path | None = None
    """Where standard output and error are appended, cut to head and tail."""
    stdin: bytes = b""
    """What the command reads; nothing but end of file when empty."""
    repeat: int = 1
    """Runs in one sample, for commands too short to be timed alone. Figures are of a mean run; `stdout` is the last run's."""
    prefix: tuple[str, ...] = ()
    """What confines the command: a program and its arguments, before those of the command (`measure.sandbox`)."""
    limits: Limits | None = None
    stall: float = 0.0
    """Seconds that the command may neither print nor use the processor before it is killed; 0: as long as it likes."""
    purpose: str = "command"
    """Names it in messages: benchmark, build, check, profile, .."""


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a command. All times are seconds, all sizes bytes."""

    exit: int | None
    """None when a signal ended it; 127 and 126 with `error` when it could not be started."""
    signal: int | None
    timed_out: bool
    wall: float
    """From just before the spawn until the main process ended, mean of the runs."""
    cpu: float
    """User and system time of all processes of the command, mean of the runs."""
    peak_rss: int
    """The largest resident set of any one process of the command; never below `rss_floor`."""
    stdout: str
    """Bytes that are no UTF-8 are replaced; of a very long output only head and tail."""
    tail: str
    """The last few kB of standard output and error together, safe to show on a terminal."""
    left_out: int = 0
    """Bytes of output that are in neither the log nor `stdout`."""
    leftovers: int = 0
    """Processes that outlived the command and had to be killed."""
    steal: float = 0.0
    """Share of the machine's processor time that its host gave to others meanwhile."""
    clock_step: float = 0.0
    """How far the wall clock was moved meanwhile."""
    suspended: float = 0.0
    others: float = 0.0
    """Share of the machine's processor time that other programs used meanwhile; 0 for runs too short to tell."""
    throttled: int = 0
    """How often a processor was slowed down for its heat meanwhile, where the machine counts that."""
    speed: str = ""
    """What the processors' highest speed and governor were, and are now; empty while they stay."""
    started_at: float = 0.0
    """Seconds since the epoch."""
    runs: int = 1
    rss_floor: int = 0
    """The kernel reports no peak RSS below this: it is that of the process which spawned the command."""
    log_error: str = ""
    """Why the output could not be written, or only in part; the sample is good all the same."""
    error: str = ""
    """Why the command could not be started."""
    beyond: str = ""
    """The limit for which it was killed, in words."""
    stalled: bool = False
    """That limit was the time in which it did nothing."""

    @property
    def ok(self) -> bool:
        return self.exit == 0 and not self.timed_out and not self.error and not self.beyond

    @property
    def failure(self) -> str:
        """Why it is not `ok`, in words; empty when it is."""
        if self.ok:
            return ""
        if self.error:
            return self.error
        return f"{self._end}{asks_for_input(self.tail)}"

    @property
    def _end(self) -> str:
        if self.beyond:
            return f"killed, as {self.beyond}"
        if self.timed_out:
            return f"killed after {self.wall:.3g} s, as it took longer than allowed"
        if self.signal is not None:
            return f"ended by {signal_name(self.signal)}"
        return f"exit code {self.exit}"


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Executor(Protocol):
    """Runs commands one at a time, somewhere.

    `run` may be cancelled at any moment: the command and everything it started are then gone when the cancellation passes,
    and the executor stays usable. A command that fails, or cannot be started, is a `Run`; MeasureError is raised only when
    the executor itself has failed.
    """

    async def run(self, command: Command) -> Run: ...

    async def close(self) -> None: ...
