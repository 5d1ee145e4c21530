"""README and CONTRIBUTING say what is there, and only that."""

from __future__ import annotations

import re
from pathlib import Path

from autotune_tui.cli import command_line

ROOT = Path(__file__).parents[1]


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Commands")[2].partition("## The command agent")[0]
    assert [
        name for name in command_line.commands if f"`{name}`" not in table and f"autotune-tui {name}" not in table
    ] == []


def test_every_file_on_the_map_of_the_house_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| what | where |")[2]
    paths = re.findall(r"`((?:\w+/)*\w+(?:\.py|/))`", text)
    assert len(paths) > 40
    assert [path for path in paths if not (ROOT / "src" / "autotune_tui" / path).exists()] == []
