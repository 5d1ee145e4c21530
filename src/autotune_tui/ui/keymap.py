"""Looks through the keys of the settings file: names of commands and keys that do not exist, and keys given twice."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.commands import COMMANDS
from autotune_tui.ui.details.log_pane import LogPane
from autotune_tui.ui.replay import ReplayScreen
from autotune_tui.ui.screens.details import DetailsScreen
from autotune_tui.ui.screens.document import DocumentScreen
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.screens.sessions import SessionsScreen
from autotune_tui.ui.screens.wizard import WizardScreen

_PLACES: tuple[tuple[BindingType, ...], ...] = (
    (*AutotuneApp.BINDINGS, *LoopScreen.BINDINGS),
    tuple(ReplayScreen.BINDINGS),  # come before the loop's, of which a replay can do few
    tuple(DetailsScreen.BINDINGS),
    tuple(LogPane.BINDINGS),
    tuple(SessionsScreen.BINDINGS),
    tuple(DocumentScreen.BINDINGS),
    tuple(WizardScreen.BINDINGS),
)
"""The bindings of the screens; within one place a key can mean one thing."""
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def problem(keymap: Mapping[str, str]) -> str:
    """What is wrong with the keys, in words; empty when nothing is."""
    places = [{b.id: b.key for b in place if isinstance(b, Binding) and b.id} for place in _PLACES]
    known = {id: keys for place in places for id, keys in place.items()}
    for id, keys in keymap.items():
        if id not in known:
            return f"[keys] has no command {id!r}; {_instead(id, known)}"
        for key in _split(keys):
            if not _exists(key):
                return f"[keys] gives {id} the key {key!r}, which no terminal sends"
    for place in places:
        owners: dict[str, str] = {}
        for id, keys in {**place, **{id: keymap[id] for id in place if id in keymap}}.items():
            for key in _split(keys):
                other = owners.setdefault(key, id)
                if other != id and (id in keymap or other in keymap):
                    return f"[keys] leaves {key!r} to both {other} and {id}; give one of them another"
    return ""


def _instead(id: str, known: Mapping[str, str]) -> str:
    command = next((command for command in COMMANDS if command.id == id), None)
    if command is not None:
        first = next(other for other in COMMANDS if other.keys == command.keys)
        return f"it shares its key with {first.id!r}: set that"
    near = difflib.get_close_matches(id, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",")]


def _exists(key: str) -> bool:
    """Whether a terminal can send it: a character, a name of one such as question_mark, or a key that has a name."""
    bare = key
    for modifier in ("ctrl+", "alt+", "shift+"):
        bare = bare.removeprefix(modifier)
    if key in _NAMED or bare in _NAMED or len(bare) == 1:
        return True
    try:
        return bool(unicodedata.lookup(bare.replace("_", " ")))
    except KeyError:
        return False
