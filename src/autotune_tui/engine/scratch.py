"""A folder of ours for one command, which it may read and write, and of which nothing stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.workspace.folders import remove_tree

if TYPE_CHECKING:
    from autotune_tui.engine.core import Engine


@contextmanager
def scratch(engine: Engine) -> Iterator[Path]:
    """An empty folder below the session's."""
    folder = engine.folder.root / "scratch"
    remove_tree(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove_tree(folder)
