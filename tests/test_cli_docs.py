"""README and CONTRIBUTING say what is there, and only that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from autotune_tui.cli import command_line
from autotune_tui.config import load
from autotune_tui.journal.files import find_sessions

ROOT = Path(__file__).parents[1]


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Commands")[2].partition("## The command agent")[0]
    context = click.Context(command_line)
    commands = {name: command_line.get_command(context, name) for name in command_line.list_commands(context)}
    shown = [name for name, command in commands.items() if command is not None and not command.hidden]
    assert len(shown) > 20
    assert [name for name in shown if f"`{name}`" not in table and f"autotune-tui {name}" not in table] == []


def test_every_file_on_the_map_of_the_house_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| what | where |")[2]
    paths = re.findall(r"`((?:\w+/)*\w+(?:\.py|/))`", text)
    assert len(paths) > 40
    places = (ROOT / "src" / "autotune_tui", ROOT)
    assert [path for path in paths if not any((place / path).exists() for place in places)] == []


def test_the_readme_s_example_can_be_pasted(tmp_path: Path) -> None:
    """Up to the loop itself: the repository, the ten-line agent and the session are made as it says."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Your own repository")[2].partition("## How a keep")[0]
    script = (
        "set -e\n" + "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).partition("autotune-tui check")[0]
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    identity = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env={**os.environ, **identity, "PATH": path}, check=True)
    (session,) = find_sessions(tmp_path / "words")
    config = load(session.config)
    assert f"autotune/{session.id}" in section
    agent = subprocess.run(
        config.agent_command.command, shell=True, cwd=tmp_path / "words", env={**os.environ, "AUTOTUNE_EXPERIMENT": "1"},
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert "Remember words in a set" in agent.stdout
    assert "seen = set()" in (tmp_path / "words" / "words.py").read_text()
    checks = subprocess.run(
        str(config.checks.command), shell=True, cwd=tmp_path / "words", capture_output=True, check=False
    )
    assert checks.returncode == 0
