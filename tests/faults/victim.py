"""The engine with a fault at its n-th effect: `python victim.py KIND N COUNT -- <arguments of autotune-tui>`.

An effect is whatever another process could see: a write, an fsync, a file made, renamed or removed, a process started. KIND is
what happens just before it: `kill` (SIGKILL), `tear` (half of a write, then SIGKILL), `enospc` or `eio` (it fails, and so do all
later ones of its sort), or `none`. At the end the number of effects is written to the file COUNT.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

KIND, AT, COUNT = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
CALLS = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link", "os.chmod"}
)
STARTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.fork"})
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
ERRORS = {"enospc": errno.ENOSPC, "eio": errno.EIO}

seen: list[str] = []
"""The effects so far."""


def effect(name: str, disk: bool) -> None:
    """Called before each effect."""
    seen.append(name)
    if len(seen) < AT or KIND == "none":
        return
    if KIND in ("kill", "tear") and len(seen) == AT:
        os.kill(os.getpid(), signal.SIGKILL)
    if KIND in ERRORS and disk:
        raise OSError(ERRORS[KIND], os.strerror(ERRORS[KIND]), name)


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in CALLS:
        effect(event, disk=True)
    elif event in STARTS:
        effect(event, disk=False)
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
        effect(event, disk=True)


def write(descriptor: int, data: bytes, real: Callable[[int, bytes], int] = os.write) -> int:
    if KIND == "tear" and len(seen) + 1 == AT:
        real(descriptor, bytes(data)[: len(data) // 2])
    on_disk = Path(f"/proc/self/fd/{descriptor}").is_file()
    effect("write", disk=on_disk)
    return real(descriptor, data)


def fsync(descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
    effect("fsync", disk=True)
    real(descriptor)


def main() -> None:
    from autotune_tui.cli import main as command_line

    sys.argv[1:] = sys.argv[sys.argv.index("--") + 1 :]
    os.write, os.fsync = write, fsync  # type: ignore[assignment]
    sys.addaudithook(audit)
    try:
        command_line()
    finally:
        total = len(seen)
        COUNT.write_text(str(total))


if __name__ == "__main__":
    main()
