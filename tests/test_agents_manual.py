"""The manual agent (A5), and which agent a configuration means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents_support import Shown, make_context, outcome, repository
from autotune_tui.agents.base import Failure, Submission
from autotune_tui.agents.command import CommandAgent
from autotune_tui.agents.manual import ManualAgent
from autotune_tui.agents.offline.agent import OfflineAgent
from autotune_tui.agents.registry import agent_name, make_agent
from autotune_tui.config import SessionConfig
from autotune_tui.errors import AgentError

PATCH = """\
diff --git a/a.txt b/a.txt
--- a/a.txt
+++ b/a.txt
@@ -1,2 +1,2 @@
 one
-two
+zwei
"""


def config(**tables: Any) -> SessionConfig:
    return SessionConfig.model_validate(
        {"goal": "Be quick", "benchmark": {"command": "true"}, "scope": {"include": ["**"]}, **tables}
    )


def git_status(folder: Path) -> str:
    command = ["git", "status", "--porcelain"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


async def test_a_submitted_patch_is_the_change(tmp_path: Path) -> None:
    """A5: a person proposes, with a patch."""
    folder = repository(tmp_path / "candidate", {"a.txt": "one\ntwo\n"})
    context = make_context(folder, submission=Submission("Say it in German\n", PATCH.rstrip()))
    agent, shown = ManualAgent(), Shown()
    plan = await agent.propose(context, shown)
    assert plan.description == "Say it in German"
    assert str(folder) in shown.text
    assert "autotune-tui propose" in shown.text
    assert (folder / "a.txt").read_text() == "one\ntwo\n"
    await agent.edit(context, plan, shown)
    assert (folder / "a.txt").read_text() == "one\nzwei\n"
    assert git_status(folder) == " M a.txt\n"


async def test_edits_in_place_stay_as_they_are(tmp_path: Path) -> None:
    folder = repository(tmp_path / "candidate", {"a.txt": "one\n"})
    agent, context = ManualAgent(), make_context(folder, submission=Submission(""))
    plan = await agent.propose(context, Shown())
    (folder / "a.txt").write_text("eins\n")
    await agent.edit(context, plan, Shown())
    assert (folder / "a.txt").read_text() == "eins\n"
    assert plan.description == "Change by hand"


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (PATCH.replace("two", "three"), "a.txt: patch does not apply"),
        ("this is no patch", "No valid patches in input"),
        (PATCH.replace("a/a.txt", "a/../b.txt").replace("b/a.txt", "b/../b.txt"), "invalid path"),
    ],
)
async def test_a_patch_that_does_not_apply_is_told_in_gits_words(tmp_path: Path, patch: str, words: str) -> None:
    folder = repository(tmp_path / "candidate", {"a.txt": "one\ntwo\n"})
    (tmp_path / "b.txt").write_text("one\ntwo\n")
    agent, context = ManualAgent(), make_context(folder, submission=Submission("x", patch))
    plan = await agent.propose(context, Shown())
    with pytest.raises(AgentError, match="does not apply") as caught:
        await agent.edit(context, plan, Shown())
    assert words in caught.value.message
    assert (folder / "a.txt").read_text() == (tmp_path / "b.txt").read_text() == "one\ntwo\n"


async def test_git_variables_of_the_surroundings_do_not_lead_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other", {"a.txt": "one\ntwo\n"})
    folder = repository(tmp_path / "candidate", {"a.txt": "one\ntwo\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    agent, context = ManualAgent(), make_context(folder, submission=Submission("x", PATCH))
    await agent.edit(context, await agent.propose(context, Shown()), Shown())
    assert (folder / "a.txt").read_text() == "one\nzwei\n"
    assert (other / "a.txt").read_text() == "one\ntwo\n"


async def test_the_person_learns_what_came_of_it(tmp_path: Path) -> None:
    context = make_context(repository(tmp_path / "candidate", {}), submission=Submission("x"))
    agent = ManualAgent()
    plan = await agent.propose(context, Shown())
    failed = await agent.reflect(context, plan, outcome("checks_failed"), Shown())
    assert (failed.observation, failed.next) == ("The checks failed.", "Mend the change and propose it again.")
    kept = await agent.reflect(context, plan, outcome("keep", "improved", -0.2, (-0.22, -0.18), 8), Shown())
    assert "−20.0 %" in kept.observation
    assert await agent.rework(context, plan, Failure("check", "", "", 1), Shown()) is None
    await agent.close()


@pytest.mark.parametrize(
    ("tables", "name", "kind"),
    [
        ({}, "offline", OfflineAgent),
        ({"agent_command": {"command": "./my-agent"}}, "command", CommandAgent),
        ({"agent": "offline", "agent_command": {"command": "./my-agent"}}, "offline", OfflineAgent),
        ({"agent": "command", "agent_command": {"command": ["a", "b"]}}, "command", CommandAgent),
        ({"agent": "manual"}, "manual", ManualAgent),
    ],
)
def test_auto_is_the_command_when_there_is_one_else_offline(tables: Any, name: str, kind: type) -> None:
    agent = make_agent(config(**tables))
    assert (agent.name, agent_name(config(**tables)), type(agent)) == (name, name, kind)


def test_only_the_chosen_agent_is_imported() -> None:
    """The heavy libraries of one agent cost nothing to the others, and optuna not even to the offline agent's start."""
    script = (
        "import sys\n"
        "from autotune_tui.agents.registry import make_agent\n"
        "from autotune_tui.config import SessionConfig\n"
        "make_agent(SessionConfig.model_validate({'goal': 'x', 'benchmark': {'command': 'x'}, 'agent': sys.argv[1],\n"
        "    'scope': {'include': ['x']}, 'agent_command': {'command': 'x'}}))\n"
        "print(*sorted({'optuna', 'libcst', 'git', 'rich', 'psutil', 'numpy'} & set(sys.modules)))\n"
    )
    heavy = {
        name: subprocess.run(
            [sys.executable, "-c", script, name], capture_output=True, text=True, check=True
        ).stdout.split()
        for name in ("command", "manual", "offline")
    }
    assert heavy["command"] == heavy["manual"] == ["psutil"]
    assert "optuna" not in heavy["offline"]
