"""The whole loop against a Messages server that is not ours: @copilotkit/aimock, where it is installed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from claude_support import configured, plan
from engine_support import EXACT, Session, git, make_repo
from messages_server import KEY

CLI = Path(os.environ.get("AIMOCK", "/nowhere")) / "node_modules/@copilotkit/aimock/dist/cli.js"

pytestmark = pytest.mark.skipif(
    not (CLI.is_file() and shutil.which("node")),
    reason="npm install --prefix DIR @copilotkit/aimock, and AIMOCK=DIR in the environment",
)


def call(number: int, name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"type": "toolCall", "id": f"toolu_{number}", "name": name, "arguments": json.dumps(given)}


def fixtures() -> list[dict[str, Any]]:
    """By the words that each role's first message has, and by how often it was answered."""
    script: list[tuple[str, int, list[dict[str, Any]]]] = [
        ("# Experiment 2\n", 0, [call(1, "nothing_left", {"why": "Low enough."})]),
        ("Plan the next experiment.", 0, [{"type": "text", "text": "I look first."},
                                          call(2, "read_file", {"path": "src/value.txt"}), call(3, "search", {"pattern": "10"})]),
        ("Plan the next experiment.", 1, [call(4, "submit_plan", plan()["input"])]),
        ("Rank them.", 0, [call(10, "submit_ranking", {"ranking": ["halve", "cache", "remove"], "reason": "It is simple."})]),
        ("Make the change.", 0, [call(5, "edit_file", {"path": "src/value.txt", "old": "100", "new": "50"}),
                                 call(6, "try_benchmark", {})]),
        ("Make the change.", 1, [call(7, "finish", {"description": "Halve the value"})]),
        ("Accept or reject it.", 0, [call(8, "submit_verdict", {"accept": True})]),
        ("Reflect on this experiment.", 0, [call(9, "submit_reflection", {"observation": "It fell.", "next": "Stop."})]),
    ]  # fmt: skip
    return [
        {"match": {"userMessage": words, "turnIndex": turn}, "response": {"blocks": blocks}}
        for words, turn, blocks in script
    ]


@asynccontextmanager
async def aimock(folder: Path) -> AsyncIterator[str]:
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": fixtures()}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        "node", str(CLI), "-p", str(port), "-h", "127.0.0.1", "-f", str(folder / "fixtures.json"), "--strict",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _answers(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        await server.wait()


async def _answers(port: int) -> None:
    for _ in range(1000):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return
    pytest.fail("aimock does not answer")


async def test_plan_edit_measure_inspect_keep_reflect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A2 against a server that somebody else wrote."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    repo = make_repo(tmp_path, bench=EXACT)
    async with aimock(tmp_path) as url:
        session = Session(repo, configured(tmp_path / "cache", url, agent="patience = 0"))
        end = await session.run()
    assert (end.outcome, session.verdicts) == ("completed", [("keep", "improvement")]), end
    assert git(repo, "show", "autotune/001-test:src/value.txt") == "50"
    assert "It fell." in session.experiment_folder(1).joinpath("reflexion.md").read_text()
