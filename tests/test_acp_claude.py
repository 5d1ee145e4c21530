"""The whole loop with Claude Code over ACP (A3): the real adapter and program, against a Messages server that is not ours."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import test_claude_aimock
from autotune_tui.config import SessionConfig, parse
from autotune_tui.workspace import Workspace
from engine_support import EXACT, Session, git, make_repo
from messages_server import KEY
from test_acp import PLANNED
from test_claude_aimock import aimock, call

ADAPTER = Path(os.environ.get("ACP_CLAUDE", "/nowhere")) / "node_modules/.bin/claude-agent-acp"

pytestmark = pytest.mark.skipif(
    not (ADAPTER.exists() and test_claude_aimock.CLI.is_file() and shutil.which("node")),
    reason="npm install --prefix DIR @agentclientprotocol/claude-agent-acp @copilotkit/aimock,"
    " and ACP_CLAUDE=DIR AIMOCK=DIR in the environment",
)


def configured(cache: Path) -> SessionConfig:
    return parse(f"""
        goal = "Lower the cost"
        agent = "acp:claude"
        [metric]
        name = "cost"
        unit = ""
        source = "metric_line"
        [benchmark]
        command = "sh bench.sh"
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(cache))}
        [canary]
        files = 0
        [budget]
        experiments = 2
        [agent_acp]
        others = "allow"
    """)


def says(answer: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": f"I looked at it.\n{json.dumps(answer)}"}


def fixtures(tree: Path) -> list[dict[str, Any]]:
    """By the words of each task, and by how often it was answered."""
    file = str(tree / "src/value.txt")
    script: list[tuple[str, int, dict[str, Any]]] = [
        ("# Experiment 2\n", 0, says({"done": True, "notes": "Low enough."})),
        ("Your task: plan", 0, says({**PLANNED, "description": "Lower the value"})),
        ("Your task: make the change", 0, call(1, "Read", {"file_path": file})),
        ("Your task: make the change", 1, call(2, "Edit", {"file_path": file, "old_string": "100", "new_string": "60"})),
        ("Your task: make the change", 2, call(3, "Bash", {"command": "echo 50 > src/value.txt", "description": "Write"})),
        ("Your task: make the change", 3, says({"description": "Halve the value"})),
    ]  # fmt: skip
    return [
        {"match": {"userMessage": words, "turnIndex": turn}, "response": {"blocks": [block]}}
        for words, turn, block in script
    ]


async def test_claude_code_plans_edits_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads, edits and runs a command; the adapter asks first and the policy answers."""
    config, repo = configured(tmp_path / "cache"), make_repo(tmp_path, bench=EXACT)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("IS_SANDBOX", "1")  # or it refuses to run as root
    monkeypatch.setenv("PATH", f"{ADAPTER.parent}:{os.environ['PATH']}")
    tree = Workspace.open(repo, "001-test", config.workspace, config.scope, []).candidate
    monkeypatch.setattr(test_claude_aimock, "fixtures", lambda: fixtures(tree))
    async with aimock(tmp_path) as url:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        session = Session(repo, config)
        end = await session.run()
    assert (end.outcome, session.verdicts) == ("completed", [("keep", "improvement")]), end
    assert git(repo, "show", "autotune/001-test:src/value.txt") == "50"
    log = (session.experiment_folder(1) / "agent.log").read_text()
    assert "> Edit" in log and "src/value.txt" in log
    assert session.state.session is not None and session.state.session.agent == "acp:claude"
