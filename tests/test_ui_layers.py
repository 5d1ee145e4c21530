"""The interface starts fast, knows no engine, and leaves words instead of a traceback when it breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autotune_tui.journal.files import SessionFolder
from test_ui_watch import Terminal
from ui_session import make_session

FORBIDDEN = (
    "autotune_tui.engine",
    "autotune_tui.agents",
    "autotune_tui.workspace",
    "autotune_tui.measure",
    "anthropic",
)
HEAVY = ("numpy", "pydantic", "optuna", "libcst", "tomlkit", "watchfiles", "anthropic", "scipy", "dask", "psutil")


def loaded(code: str) -> set[str]:
    script = f"import sys; {code}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_first_frame_loads_nothing_heavy(tmp_path: Path) -> None:
    """First frame of `--watch` in a third of a second."""
    code = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from autotune_tui.cli.screen import watching\n"
        f"app = watching(Path({str(make_session(tmp_path).root)!r}))\n"
        "app.store.start = lambda: None\n"
        "async def main():\n"
        "    async with app.run_test():\n"
        "        pass\n"
        "asyncio.run(main())"
    )
    names = loaded(f"exec({code!r})")
    assert {name.partition(".")[0] for name in names} & set(HEAVY) == set()
    assert not [name for name in names if name.startswith(FORBIDDEN)]
    assert "autotune_tui.ui.screens.wizard" not in names, "screens are loaded when they are shown"


@pytest.mark.parametrize("module", ["app", "acting", "palette", "screens.loop", "screens.details", "screens.wizard"])
def test_no_module_of_the_interface_loads_the_engine(module: str) -> None:
    names = loaded(f"import autotune_tui.ui.{module}")
    assert not [name for name in names if name.startswith(FORBIDDEN) or name == "git"]


def test_without_a_terminal_the_bare_command_prints_the_help() -> None:
    done = subprocess.run([sys.executable, "-m", "autotune_tui"], capture_output=True, text=True, check=False)
    assert "Usage: autotune-tui" in done.stdout + done.stderr
    assert "--watch" in done.stdout + done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "autotune_tui", "--watch"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("No terminal.\nThe screens need one.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((".",), "Not a git repository."), (("--watch",), "Not a git repository."), (("--session", "7"), "Not a git")],
)
def test_a_place_without_a_repository_is_refused_in_words(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    terminal = Terminal(*arguments, cwd=tmp_path)
    terminal.until(words)
    assert terminal.ended() == 2


def test_wrong_settings_are_refused_with_the_file_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_session(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "autotune-tui").mkdir(parents=True)
    (tmp_path / "config" / "autotune-tui" / "settings.toml").write_text("thme = 1\n")
    terminal = Terminal("--watch", cwd=tmp_path)
    terminal.until("unknown setting thme")
    assert terminal.ended() == 2


def test_a_crash_shows_title_message_and_where_the_details_are_and_no_values(tmp_path: Path) -> None:
    """The terminal is as before, the exit code is 1, and no local variable is on the screen or in the file."""
    folder = make_session(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import autotune_tui.ui.views as views\n"
        "def headline(*_):\n"
        "    api_key = '-'.join(['secret', 'value'])\n"
        "    raise RuntimeError('it broke')\n"
        "views.headline = headline\n"
    )
    (site / "tmp").mkdir()
    terminal = _with_environment({"PYTHONPATH": str(site), "TMPDIR": str(site / "tmp")}, folder)
    code = terminal.ended()
    text = terminal.seen.decode(errors="replace")
    assert code == 1
    assert "Something went wrong inside autotune-tui" in text
    assert "RuntimeError: it broke" in text
    (file,) = (site / "tmp").glob("autotune-tui-crash-*")
    assert str(file) in text.replace("\r\n", "")
    assert "secret-value" not in text + file.read_text()
    assert "\x1b[?1049l" in text, "the terminal shows its own screen again"


def _with_environment(values: dict[str, str], folder: SessionFolder) -> Terminal:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        return Terminal("--watch", str(folder.root), cwd=folder.root)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
