"""Where the holdout's own files lie, and that no reason names them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.scope import words_of

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig


def folders_of(settings: SessionConfig, root: Path) -> tuple[Path, ...]:
    """The folders that only the holdout's runs may read."""
    return tuple((root / expanded(text)).resolve() for text in settings.holdout.folders)


def expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # the home folder of somebody who does not exist
        return Path(text)


def files_of(settings: SessionConfig, root: Path, most: int) -> list[str]:
    """At most `most` files below these folders, absolute and in order."""
    found: list[str] = []
    for top in folders_of(settings, root):
        for folder, names, files in os.walk(top):
            names[:] = sorted(name for name in names if name != "__pycache__")
            found += [str(Path(folder, name)) for name in sorted(files)]
            if len(found) >= most:
                return found[:most]
    return found


def told(paths: Iterable[str], differences: Sequence[str], settings: SessionConfig, root: Path) -> list[str]:
    """The differences in words, each that names one of the holdout's files in words that do not.

    `paths` are those that the differences may be about.
    """
    folders = folders_of(settings, root)
    words = {os.path.normpath(root / expanded(word)) for word in words_of(settings.holdout.command)}
    unseen = [path for path in paths if path in words or any(folder in Path(path).parents for folder in folders)]
    hidden = [any(text.startswith(path) for path in unseen) for text in differences]
    said = [text for text, hide in zip(differences, hidden, strict=True) if not hide]
    return [*said, "data of the holdout was changed"] if any(hidden) else said
