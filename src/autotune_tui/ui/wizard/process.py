"""Runs `autotune-tui` itself and gives its JSON lines as they come: what the wizard does can all be done without it (S12)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncGenerator
from typing import Any

from autotune_tui.errors import UsageError

_LONGEST = 64 << 20
"""Bytes of a line: a run's line holds all that it printed."""
_GRACE = 10.0
"""Seconds in which an interrupted run has to clean up."""


async def json_lines(*arguments: str, text: str = "") -> AsyncGenerator[dict[str, Any]]:
    """The lines of `autotune-tui ARGUMENTS` with `text` on its standard input.

    Raises UsageError with the program's own words when it ends with an error before it printed anything. Closing the
    generator interrupts the program, which then kills what it started.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "autotune_tui", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True, limit=_LONGEST,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    errors = asyncio.create_task(process.stderr.read())
    printed = False
    try:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(text.encode())
            await process.stdin.drain()
        process.stdin.close()
        while line := await process.stdout.readline():
            printed = True
            yield json.loads(line)
        await process.wait()
        words = (await errors).decode(errors="replace")
        if process.returncode and not printed:
            raise _refusal(words, process.returncode)
    finally:
        await _end(process)
        errors.cancel()


def _refusal(words: str, code: int) -> UsageError:
    title, _, rest = words.strip().partition("\n")
    return UsageError(title.removesuffix(".") or f"autotune-tui ended with exit code {code}", rest)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Interrupt it, and kill it when it does not end."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
