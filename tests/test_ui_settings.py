"""The settings file: what it may say, and what is said of one that is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autotune_tui.errors import ConfigError
from autotune_tui.ui.commands import COMMANDS
from autotune_tui.ui.keymap import problem
from autotune_tui.ui.settings import Settings, load_settings, save_theme


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return path


def test_a_file_may_name_a_theme_and_keys(tmp_path: Path) -> None:
    path = written(tmp_path, 'theme = "nord"\n[keys]\npause = "space"\nhelp = "f1,question_mark"\n')
    assert load_settings(path) == Settings("nord", {"pause": "space", "help": "f1,question_mark"})
    assert load_settings(tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('thema = "nord"', "unknown setting thema; there are theme and [keys]"),
        ("theme = 3", "theme must be the name of a theme, in quotes"),
        ('theme = "nrod"', "there is no theme 'nrod'; did you mean 'nord'?"),
        ('theme = "qqq"', "there is no theme 'qqq'; there are ansi"),
        ("[keys]\npause = 3", '[keys] must hold keys in quotes, such as pause = "space"'),
        ('[keys]\npuase = "space"', "[keys] has no command 'puase'; did you mean 'pause'?"),
        ('[keys]\nqqq = "space"', "[keys] has no command 'qqq'; there are answer, "),
        ('[keys]\nresume = "space"', "[keys] has no command 'resume'; it shares its key with 'pause': set that"),
        ('[keys]\npause = "spcae"', "[keys] gives pause the key 'spcae', which no terminal sends"),
        ('[keys]\npause = "s"', "[keys] leaves 's' to both pause and skip; give one of them another"),
        ("theme = ", "Invalid value"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_would_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, text))
    assert caught.value.title == "The settings are wrong"
    assert said in caught.value.message and str(tmp_path) in caught.value.message
    assert caught.value.hint == "Mend the file, or remove it."


def test_two_commands_may_change_places() -> None:
    assert problem({"pause": "s", "skip": "p"}) == ""


def test_our_own_keys_are_in_order() -> None:
    """Set as they are, only the second commands of shared keys are refused."""
    wrong = {command.id: said for command in COMMANDS if (said := problem({command.id: command.keys}))}
    assert all("it shares its key with" in said for said in wrong.values()), wrong
    assert problem({command.id: command.keys for command in COMMANDS if command.id not in wrong}) == ""


def test_a_wrong_file_is_said_before_the_screen_opens(tmp_path: Path) -> None:
    (tmp_path / "autotune-tui").mkdir()
    written(tmp_path / "autotune-tui", 'theme = "nrod"\n')
    code = (
        "import sys; from autotune_tui.cli import main, screen; screen.has_terminal = lambda: True; "
        "sys.argv[1:] = ['--watch', '.']; main()"
    )
    (tmp_path / ".git").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"XDG_CONFIG_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "The settings are wrong" in done.stderr and "did you mean 'nord'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_choosing_a_theme_leaves_the_rest_of_the_file_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, '# mine\ntheme = "nord"  # dark\n\n[keys]\npause = "space"\n')
    save_theme(path, "autotune-light")
    assert path.read_text() == '# mine\ntheme = "autotune-light"\n\n[keys]\npause = "space"\n'
