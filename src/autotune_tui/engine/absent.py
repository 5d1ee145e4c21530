"""What a command misses in a worktree although the checkout has it: files that git does not have, and the line that brings
them in.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui.scope import words_of

if TYPE_CHECKING:
    from autotune_tui.config import Command
    from autotune_tui.engine.core import Engine

_PATH = re.compile(r"/?[\w.@+-]+(?:/[\w.@+-]+)+|[\w@+-]+\.\w+")
"""What looks like a path in the output of a command: it has a slash or a suffix."""
MOST_WORDS = 500
"""Of the output that are looked at, the last."""


def missing(command: Command, output: str, root: Path, tree: Path) -> list[str]:
    """Paths that the command or its output names, and that the checkout has and the worktree does not: the topmost of each."""
    found: list[str] = []
    for word in [*words_of(command), *_PATH.findall(output)[-MOST_WORDS:]]:
        path = os.path.normpath(word.removeprefix(f"{tree}/"))
        if path.startswith(("/", "..")) or path == "." or not os.path.lexists(root / path):
            continue
        parts = Path(path).parts
        tops = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        gone = next((top for top in tops if not os.path.lexists(tree / top)), "")
        if gone and gone not in found and parts[0] not in (".git", ".autotune"):
            found.append(gone)
    return found


def advice(paths: Sequence[str], linked: Iterable[str]) -> str:
    """What to do about them; `linked` is what is linked already. Empty when nothing is missing."""
    if not paths:
        return ""
    line = json.dumps([*linked, *paths], ensure_ascii=False)
    them, what = ("it", "is") if len(paths) == 1 else ("them", "are")
    return (
        f"Commands run in a clean worktree, and {', '.join(paths)} {what} not in git. Let the worktrees have your own, with "
        f"link = {line} in [workspace], or commit {them}."
    )


def hint(engine: Engine, command: Command, output: str, otherwise: str) -> str:
    """What to do about a command that failed on code that was not changed."""
    workspace = engine.workspace
    return advice(missing(command, output, workspace.root, workspace.incumbent), workspace.linked) or otherwise
