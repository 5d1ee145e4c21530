"""How the details screen looks, in three sizes; a picture that changed is to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autotune_tui.ui.screens.details import DetailsScreen
from autotune_tui.ui.theme import LIGHT
from ui_session import Host, make_session, until_shown

SIZES = [(80, 24), (120, 40), (160, 50)]
SIGNS = {
    "plan": "Hypothesis",
    "diff": "+ LINE",
    "samples": "┣",
    "log": "run 12:",
    "profile": "generate",
    "reflexion": "Lessons",
    "time": "in all",
}
"""What says that the tab is complete."""


class Quiet(Host):
    """Without animations, so that a picture does not depend on its moment."""

    def on_mount(self) -> None:
        self.animation_level = "none"
        super().on_mount()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("tab", SIGNS)
def test_each_tab_looks_as_it_did(snap_compare: Any, tmp_path: Path, tab: str, size: tuple[int, int]) -> None:
    """V3: the details screen at 80x24, 120x40 and 160x50."""

    async def show(pilot: Any) -> None:
        await pilot.app.push_screen(DetailsScreen(1, tab))
        await until_shown(pilot, SIGNS[tab])

    assert snap_compare(Quiet(make_session(tmp_path)), terminal_size=size, run_before=show)


@pytest.mark.parametrize("tab", ["diff", "samples"])
def test_the_light_theme_looks_as_it_did(snap_compare: Any, tmp_path: Path, tab: str) -> None:
    async def show(pilot: Any) -> None:
        pilot.app.theme = LIGHT.name
        await pilot.app.push_screen(DetailsScreen(1, tab))
        await until_shown(pilot, SIGNS[tab])

    assert snap_compare(Quiet(make_session(tmp_path)), terminal_size=(100, 30), run_before=show)


def test_an_empty_tab_looks_as_it_did(snap_compare: Any, tmp_path: Path) -> None:
    async def show(pilot: Any) -> None:
        await pilot.app.push_screen(DetailsScreen(3, "diff"))
        await until_shown(pilot, "crash: agent failed")

    assert snap_compare(Quiet(make_session(tmp_path)), terminal_size=(80, 24), run_before=show)
