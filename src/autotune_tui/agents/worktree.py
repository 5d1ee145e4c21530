"""The two things that agents ask git for: has anything changed here, and apply this patch here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from autotune_tui.agents.process import agent_environment
from autotune_tui.agents.text import harmless
from autotune_tui.errors import AgentError


async def is_changed(directory: Path) -> bool:
    """Whether the worktree differs from its commit, files that git does not know yet included. Raises AgentError."""
    return bool(await _git(directory, ["status", "--porcelain", "--untracked-files=all"]))


async def apply_patch(directory: Path, patch: str) -> None:
    """Apply a unified diff to the working files. Raises AgentError with git's words; nothing is changed then."""
    text = patch if patch.endswith("\n") else patch + "\n"
    data = text.encode("utf-8", "surrogateescape")
    await _git(directory, ["apply", "--whitespace=nowarn", "-"], data, "The patch does not apply")


async def _git(directory: Path, arguments: Sequence[str], stdin: bytes = b"", failed: str = "git failed") -> bytes:
    environment = agent_environment({"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"})
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, cwd=directory, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        )
    except OSError as problem:
        raise AgentError("git cannot be run", str(problem), "Install git, version 2.25 or newer.") from None
    try:
        output, errors = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise AgentError(failed, harmless(errors.decode("utf-8", "replace")).strip())
    return output
