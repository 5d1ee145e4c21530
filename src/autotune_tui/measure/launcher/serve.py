"""Takes requests one at a time, has each run, and answers with the figures of the sample."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

from autotune_tui.mask import Mask
from autotune_tui.measure.launcher.clocks import clocks, disturbances, speed, throttles
from autotune_tui.measure.launcher.control import Control, EngineGone, send
from autotune_tui.measure.launcher.job import Job
from autotune_tui.measure.launcher.output import Capped
from autotune_tui.measure.launcher.processes import high_water
from autotune_tui.measure.launcher.programs import launch_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RECENT = 8 * 1024
"""Bytes of the combined output that a reply carries."""


class Shared:
    """The files that are shared with the engine."""

    def __init__(self, stdin: int, stdout: int, pid: int) -> None:
        self.stdin, self.stdout, self.pid = stdin, stdout, pid
        for fd in (stdin, stdout, pid):
            os.set_inheritable(fd, False)


def main() -> None:
    shared = Shared(*map(int, sys.argv[1:]))
    control = Control()
    with contextlib.suppress(EngineGone):
        while True:
            request = control.next()
            if request["op"] == "run":
                send(perform(request, control, shared) | {"rss_floor": high_water()})


def perform(request: dict[str, Any], control: Control, shared: Shared) -> dict[str, Any]:
    """Run the command `repeat` times, or until it fails; times are those of a mean run. Raises EngineGone."""
    log = open_log(request)
    log_fd = log.fd
    totals: dict[str, Any] = {
        "runs": 0,
        "wall": 0.0,
        "cpu": 0.0,
        "peak_rss": 0,
        "leftovers": 0,
        "beyond": "",
        "stalled": False,
        "started_at": time.time(),
    }
    heat, pace = throttles(), speed()
    before = clocks()
    try:
        while totals["runs"] < request["repeat"]:
            os.ftruncate(shared.stdout, 0)
            os.lseek(shared.stdout, 0, os.SEEK_SET)
            job = Job(request, control, shared.stdin, Capped(shared.stdout, request["head"], request["tail"]), log)
            try:
                job.spawn()
            except (OSError, ValueError) as error:
                job.close()
                totals |= launch_error(error, request)
                break
            os.pwrite(shared.pid, b"%20d" % job.pid, 0)
            job.run()
            os.pwrite(shared.pid, b"%20d" % 0, 0)
            job.stdout.finish()
            add(totals, job)
            if job.status or job.timed_out or job.cancelled or job.beyond:
                break
        log.finish()
    finally:
        os.chdir("/")
        if log_fd is not None:
            os.close(log_fd)
    machine = disturbances(before, clocks(), totals["cpu"]) | {
        "throttled": throttles() - heat,
        "speed": "" if (now := speed()) == pace else f"{pace} and is now {now}",
    }
    for name in ("wall", "cpu"):
        totals[name] /= max(1, totals["runs"])
    tail = log.last(RECENT).decode(errors="replace")
    output = {"tail": tail, "left_out": log.left_out, "log_error": log.error or totals.pop("stdout_error", "")}
    return totals | output | machine | {"id": request["id"]}


def add(totals: dict[str, Any], job: Job) -> None:
    """Add a run to the sample's figures."""
    code = os.waitstatus_to_exitcode(job.status or 0)
    totals["runs"] += 1
    totals["wall"] += job.wall
    totals["cpu"] += job.cpu
    totals["leftovers"] += job.leftovers
    totals["peak_rss"] = max(totals["peak_rss"], job.peak_rss)
    totals["exit"], totals["signal"] = (code, None) if code >= 0 else (None, -code)
    if job.wrapped and 128 < code < 128 + signal.NSIG:
        # The sandbox's own process tells the signal that ended the command as a shell does.
        totals["exit"], totals["signal"] = None, code - 128
    totals["timed_out"] = job.timed_out
    totals["beyond"] = job.beyond
    totals["stalled"] = job.stalled
    if job.stdout.error:
        totals["stdout_error"] = f"standard output: {job.stdout.error}"


def open_log(request: dict[str, Any]) -> Capped:
    secrets = {os.fsencode(value): os.fsencode(mark) for value, mark in request.get("secrets", ())}
    tail = min(request["tail"], request["room"] // 2)
    head = min(request["head"], request["room"] - tail)
    log = Capped(None, head, tail, Mask(secrets) if secrets else None)
    if request["log"] is not None:
        try:
            log.fd = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            log.error = error.strerror or str(error)
    return log
