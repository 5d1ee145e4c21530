"""The wizard at work on a sample repository: what a person would type, and waiting for what it does."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from autotune_tui.demo import install

_PATIENCE = 180.0


def repository(work: Path) -> Path:
    """A fresh copy of the sample, whose command names the interpreter as one would."""
    root = work / "weblog"
    state = work / "state"
    for old in (root, state):  # the wizard would go on with a draft that it left there
        shutil.rmtree(old, ignore_errors=True)
    os.environ["XDG_STATE_HOME"] = str(state)
    install("logs", root)
    settings = root / "autotune.toml"
    settings.write_text(re.sub(r'"[^"\n]*/python[\d.]*', '"python3', settings.read_text()))
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(("git", "-C", str(root), *identity, "commit", "-qam", "As one would write it"), check=True)
    return root


async def begin(pilot: Pilot[Any]) -> None:
    """To the first step, with what the sample's configuration says."""
    await seen(pilot, "Where shall it start from?")
    await pilot.press("enter")
    await seen(pilot, "Start from a recipe")


async def measure(pilot: Pilot[Any]) -> None:
    """The benchmark was run once, and its number is read."""
    await begin(pilot)
    await pilot.press("ctrl+n")
    await seen(pilot, "2 of 7")
    await pilot.press("f5")
    await seen(pilot, "read as time", "Output of the last run")
    await pilot.press("ctrl+n", *"0.13")


async def check(pilot: Pilot[Any]) -> None:
    """The preflight has run."""
    await measure(pilot)
    for step in range(3, 7):
        await pilot.press("ctrl+n")
        await seen(pilot, f"{step} of 7")
    await pilot.press("f5")
    await seen(pilot, "of nothing", "It works")


async def seen(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until these texts are on the screen."""
    screen = ""
    for _ in range(int(_PATIENCE / 0.1)):
        lines = pilot.app.screen._compositor.render_strips()
        screen = "\n".join("".join(part.text for part in line).rstrip() for line in lines)
        if all(text in screen for text in texts):
            return
        await asyncio.sleep(0.1)
    raise SystemExit(f"the wizard does not show {texts}:\n{screen}")
