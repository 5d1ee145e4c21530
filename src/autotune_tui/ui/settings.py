"""The settings of the person at the terminal: theme and keys, in `autotune-tui/settings.toml` of the configuration folder.

theme = "autotune-light"

[keys]
pause = "space"          # a command's id, as the help shows it, and the keys for it
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from autotune_tui.errors import ConfigError
from autotune_tui.model.value import Value, frozen


@frozen
class Settings(Value):
    """Which theme, and which keys for which command; what is not set is as by default."""

    theme: str = ""
    keymap: Mapping[str, str] = field(default_factory=dict)


def settings_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the settings are: below XDG_CONFIG_HOME, by default ~/.config."""
    base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "autotune-tui" / "settings.toml"


def load_settings(path: Path) -> Settings:
    """The settings of a file; the default ones when there is none. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("Cannot read the settings", f"{path}: {error}") from error
    import tomllib

    try:
        return _settings(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ConfigError("The settings are wrong", f"{path}: {error}.", "Mend the file, or remove it.") from error


def _settings(values: Mapping[str, Any]) -> Settings:
    """Raises TypeError that says what is wrong."""
    unknown = sorted(set(values) - {"theme", "keys"})
    if unknown:
        raise TypeError(f"unknown setting {unknown[0]}; there are theme and [keys]")
    theme, keys = values.get("theme", ""), values.get("keys", {})
    if not isinstance(theme, str):
        raise TypeError("theme must be the name of a theme, in quotes")
    if not isinstance(keys, dict) or not all(isinstance(key, str) and key for key in keys.values()):
        raise TypeError('[keys] must hold keys in quotes, such as pause = "space"')
    if theme and theme not in _themes():
        near = difflib.get_close_matches(theme, _themes(), 1)
        raise TypeError(
            f"there is no theme {theme!r}; "
            + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_themes())}")
        )
    if keys:
        from autotune_tui.ui.keymap import problem  # imports every screen: only for who has keys of their own

        if wrong := problem(keys):
            raise TypeError(wrong)
    return Settings(theme, keys)


def _themes() -> list[str]:
    from textual.theme import BUILTIN_THEMES

    from autotune_tui.ui.theme import THEMES

    return sorted([*BUILTIN_THEMES, *(theme.name for theme in THEMES)])


def save_theme(path: Path, theme: str) -> None:
    """Set the theme in the file and leave everything else in it as it is. Raises JournalError, ConfigError."""
    import json

    from autotune_tui.journal.files import cannot_write, read_text, write_atomic

    lines = read_text(path).splitlines()
    setting = f"theme = {json.dumps(theme)}"
    end = next((number for number, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    place = next((n for n in range(end) if lines[n].partition("=")[0].strip() == "theme"), None)
    if place is None:
        lines.insert(0, setting)
    else:
        lines[place] = setting
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    write_atomic(path, "\n".join(lines) + "\n")
