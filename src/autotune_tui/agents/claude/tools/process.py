"""Short commands of our own that only look at the worktree: git, and ripgrep where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from autotune_tui.errors import AgentError

SECONDS = 30.0
MOST_BYTES = 4 << 20
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-optional-locks")


async def git(directory: Path, env: Mapping[str, str], *arguments: str) -> str:
    """What git prints. Raises AgentError."""
    code, output, errors = await look([*GIT, *arguments], directory, env)
    if code:
        raise AgentError("git failed in the candidate worktree", errors.strip()[:500])
    return output


async def look(argv: Sequence[str], directory: Path, env: Mapping[str, str]) -> tuple[int, str, str]:
    """Exit code and both streams of a command. It is killed when it is cancelled, when its time is over, and when nobody
    could read all that it prints. Raises AgentError when it cannot be started or takes too long.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=directory, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
    except OSError as problem:
        raise AgentError(f"{argv[0]} cannot be run", problem.strerror or str(problem)) from None
    assert process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await asyncio.gather(_some(process.stdout, process), _some(process.stderr, process))
            code = await process.wait()
    except TimeoutError:
        raise AgentError(f"{argv[0]} took longer than {SECONDS:g} s", "") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return code, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace")


async def _some(stream: asyncio.StreamReader, process: asyncio.subprocess.Process) -> bytes:
    """The stream's bytes up to a bound, at which the process is ended."""
    taken = bytearray()
    while chunk := await stream.read(1 << 16):
        taken += chunk
        if len(taken) > MOST_BYTES:
            if process.returncode is None:
                process.kill()
            break
    return bytes(taken[:MOST_BYTES])
