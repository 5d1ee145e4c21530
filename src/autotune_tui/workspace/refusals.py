"""Looks at a fresh worktree for what would make every later answer wrong: LFS pointers, files that are never clean."""

from __future__ import annotations

import os
from pathlib import Path

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace.contents import TreeFile
from autotune_tui.workspace.status import parse_status
from autotune_tui.workspace.tree import Tree

_LFS = b"version https://git-lfs.github.com/spec/"


def refuse_unusable(tree: Tree, files: list[TreeFile], common: Path) -> None:
    """Raises WorkspaceError. Only attributes can cause either, so without attributes it costs nothing."""
    if (
        not any(file.path.rsplit("/", 1)[-1] == ".gitattributes" for file in files)
        and not (common / "info" / "attributes").exists()
    ):
        return
    _refuse_pointers(tree)
    _refuse_never_clean(tree)


def _refuse_pointers(tree: Tree) -> None:
    paths = tree.git.run("ls-files", "-z", "--", ":(top,attr:filter=lfs)").split(b"\0")[:-1]
    pointers = [os.fsdecode(path) for path in paths if _starts(tree.path / os.fsdecode(path), _LFS)]
    if pointers:
        raise WorkspaceError(
            "The content of LFS files is missing",
            f"{_some(pointers)} would be measured as pointers, not as the real content.",
            "Install git-lfs, run git lfs install and git lfs pull in your checkout, and start again.",
        )


def _starts(path: Path, prefix: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(prefix)) == prefix
    except OSError:
        return False


def _refuse_never_clean(tree: Tree) -> None:
    """Files whose committed bytes are not what their attributes would commit are `modified` right after checkout.

    An index without file times makes git compare content; with them it would notice now and then only.
    """
    index = tree.index.with_name("inspect.index")
    git = tree.git.with_env(GIT_INDEX_FILE=str(index))
    try:
        git.run("read-tree", "HEAD")
        out = git.run("status", "--porcelain=v2", "-z", "--no-renames", "-uno", "--ignore-submodules=all")
    finally:
        index.unlink(missing_ok=True)
    never_clean = [entry.path for entry in parse_status(out)]
    if never_clean:
        raise WorkspaceError(
            "Files are not stored as .gitattributes says",
            f"git calls {_some(never_clean)} modified right after checking out (line endings or a filter).",
            'Run git add --renormalize . && git commit -m "Normalise files" in your checkout, and start again.',
        )


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
