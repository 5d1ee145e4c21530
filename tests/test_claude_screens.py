"""What the screens show of a session with Claude."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune_tui.agents.claude import client as client_module
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.screens.details import DetailsScreen
from autotune_tui.ui.store import Store
from claude_support import by_role, finish, plan, replace, tool
from messages_server import KEY, Fail, Say
from test_claude_session import play
from ui_session import shown, until_shown

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
    assert "[key removed]" in "".join(seen)
    assert KEY not in "".join(seen)
