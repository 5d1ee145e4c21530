"""How the wizard looks at 80x24, 120x40 and 160x50: every step, its refusals, and in light."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from autotune_tui.ui.theme import LIGHT
from autotune_tui.ui.wizard.goal import Recipes
from autotune_tui.ui.wizard.scope_step import ScopeView
from ui_session import until, until_shown
from wizard_support import FIRST, Host, Programs, a_look, go_to, line, programs, run_once, type_into

__all__ = ["programs"]

SIZES = [(80, 24), (120, 40), (160, 50)]
Scene = Callable[[Pilot[None]], Awaitable[None]]


async def goal(pilot: Pilot[None]) -> None:
    await go_to(pilot, "Goal")
    app = pilot.app
    assert isinstance(app, Host)
    app.wizard.query_one(Recipes).focus()
    await pilot.press("down", "enter")
    await until_shown(pilot, "Steadier than wall time")


async def benchmark(pilot: Pilot[None]) -> None:
    await go_to(pilot, "Benchmark")
    await run_once(pilot)
    app = pilot.app
    assert isinstance(app, Host)
    app.wizard._focus_on("metric.direction")
    await pilot.press("right")
    await until_shown(pilot, "✓ +26.2 %")


async def refused(pilot: Pilot[None]) -> None:
    await benchmark(pilot)
    await type_into(pilot, "metric.target", "as fast as possible")
    await until_shown(pilot, "is no target")


async def scope(pilot: Pilot[None]) -> None:
    await go_to(pilot, "Scope")
    await until_shown(pilot, "3 of 9 files")
    app = pilot.app
    assert isinstance(app, Host)
    app.wizard.query_one(ScopeView).focus()
    await pilot.press("down", "right", "down")
    await until_shown(pilot, "read.py")


async def checks(pilot: Pilot[None]) -> None:
    await go_to(pilot, "Checks")
    await type_into(pilot, "guards", "peak_rss=a lot")
    await until_shown(pilot, "✗ ")


async def agent(pilot: Pilot[None]) -> None:
    await go_to(pilot, "Agent")


async def preflight(pilot: Pilot[None]) -> None:
    await go_to(pilot, "Preflight")
    await pilot.press("f5")
    await until_shown(pilot, "20 of 20 runs", "! It works")


async def summary(pilot: Pilot[None]) -> None:
    await preflight(pilot)
    await pilot.press("ctrl+n")
    await until_shown(pilot, "Preflight: ! It works", "2500000", "enter goes to where it is set")


async def leaving(pilot: Pilot[None]) -> None:
    await go_to(pilot, "Agent")
    await pilot.press("escape")
    await until_shown(pilot, "Throw it away")


async def still(pilot: Pilot[None]) -> None:
    """No cursor that blinks."""
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause()


SCENES: dict[str, Scene] = {
    scene.__name__: scene for scene in (goal, benchmark, refused, scope, checks, agent, preflight, summary, leaving)
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
def test_each_step_looks_as_it_was_approved(
    programs: Programs, snap_compare: Any, name: str, size: tuple[int, int]
) -> None:
    app = Host()

    async def play(pilot: Pilot[None]) -> None:
        await SCENES[name](pilot)
        await still(pilot)

    assert snap_compare(app, terminal_size=size, run_before=play)


def test_the_light_theme_is_readable(programs: Programs, snap_compare: Any) -> None:
    assert snap_compare(Host(theme=LIGHT.name), terminal_size=(80, 24), run_before=summary)


def test_a_preflight_that_fails_is_drawn_with_what_to_do(programs: Programs, snap_compare: Any) -> None:
    said = "`python3 -m pytest -q` failed: exit code 1.\n2 failed, 5 passed in 0.31s"
    fail = line("fail", "The checks fail on code that was not changed", said, "Link .venv.")
    programs.check = [*FIRST[:3], fail]

    async def play(pilot: Pilot[None]) -> None:
        await go_to(pilot, "Preflight")
        await pilot.press("f5")
        await until_shown(pilot, "✗ 1 of 4 findings")

    assert snap_compare(Host(), terminal_size=(80, 24), run_before=play)


def test_a_warning_about_the_checkout_stands_under_what_was_found(programs: Programs, snap_compare: Any) -> None:
    programs.look = [a_look("Uncommitted changes are not part of the session, which starts from HEAD: a.py.").record()]

    async def play(pilot: Pilot[None]) -> None:
        await until_shown(pilot, "! Uncommitted changes")
        await until(pilot, lambda: pilot.app.focused is not None)
        await still(pilot)

    assert snap_compare(Host(), terminal_size=(80, 24), run_before=play)
