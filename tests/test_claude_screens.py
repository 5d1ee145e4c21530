"""What the screens show of a session with Claude."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune_tui.agents.claude import client as client_module
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.replay import ReplayApp
from autotune_tui.ui.screens.details import DetailsScreen
from autotune_tui.ui.screens.sessions import SessionsScreen
from autotune_tui.ui.store import Store
from claude_support import by_role, finish, plan, replace, tool
from engine_support import make_repo
from messages_server import KEY, Fail, Say
from test_claude_session import play
from ui_session import shown, until_shown
from wizard_support import Host

TABS = ("Hypothesis", "+ 50", "in the order", "bench.log", "rofile", "What was seen", "measure")


async def test_the_key_is_on_no_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A6: also where a provider, a tool or a file has said it."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(client_module, "FIRST_WAIT", 0.01)
    script = by_role(
        planner=[Say([plan(f"Halve it, says {KEY}")]), Fail(401, "authentication_error", f"invalid x-api-key: {KEY}")],
        editor=[
            Say([tool("shell", command=f"echo {KEY}; env")]),
            Say([replace("src/value.txt", "100", "50"), finish("Halve it")]),
        ],
    )
    played, _end = await play(tmp_path, script)
    folder = played.session.folder
    app = AutotuneApp(Store(folder.journal, folder), root=played.session.repo)
    seen = []
    async with app.run_test(size=(160, 50)) as pilot:
        await until_shown(pilot, "does not know the key", "Halve it")
        seen.append(shown(app))
        await pilot.press("e")
        await until_shown(pilot, "Tried", "esc closes")
        seen.append(shown(app))
        await pilot.press("escape")
        await app.push_screen(DetailsScreen(1))
        for key, words in enumerate(TABS, 1):
            await pilot.press(str(key))
            await until_shown(pilot, words)
            seen.append(shown(app))
    app = AutotuneApp(root=played.session.repo)
    async with app.run_test(size=(160, 50)) as pilot:
        await app.push_screen(SessionsScreen(played.session.repo))
        await until_shown(pilot, "001-test", "paused")
        seen.append(shown(app))
    playing = ReplayApp(folder.journal, folder, speed=1000)
    async with playing.run_test(size=(160, 50)) as pilot:
        await until_shown(pilot, "Halve it", "does not know")
        seen.append(shown(playing))
    assert "[key removed]" in "".join(seen)
    assert KEY not in "".join(seen)


async def test_a_benchmark_that_prints_the_key_shows_it_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A6: neither from its environment, which has none, nor from a file that somebody has committed."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bench = f'echo "METRIC cost=5"; env; echo "the key is {KEY}"\n'
    app = Host(make_repo(tmp_path, bench=bench))
    async with app.run_test(size=(100, 40)) as pilot:
        await until_shown(pilot, "Found here")
        await pilot.press(*"Lower the cost", "ctrl+n")
        await until_shown(pilot, "sh bench.sh")
        await pilot.press("f5")
        await until_shown(pilot, "read as cost = 5", "the key is ")
        assert KEY not in shown(app)
