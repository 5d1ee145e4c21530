"""Submodules of the worktrees: filled from the objects of the user's checkout, without network and without touching
either.

Each gets a git directory of its own in the cache folder, which borrows the objects through `alternates`. `git
submodule update` would write the submodule's url into the user's .git/config.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace.bytecode import is_bytecode
from autotune_tui.workspace.contents import Contents, TreeFile, list_tree
from autotune_tui.workspace.folders import is_folder
from autotune_tui.workspace.git import Git, GitError
from autotune_tui.workspace.registration import reconnect
from autotune_tui.workspace.status import Change
from autotune_tui.workspace.tree import Tree

_UPDATE = "Run in your checkout: git submodule update --init --recursive"


@dataclass(frozen=True, slots=True)
class Submodule:
    path: str
    """Relative to the worktree, also when it is a submodule of a submodule."""
    commit: str
    common: Path
    """Git directory of the submodule in the user's checkout, for its objects."""


def find_submodules(files: list[TreeFile], checkout: Path) -> tuple[list[Submodule], list[str]]:
    """The submodules that the user's checkout has, and the paths of those it left empty (they stay empty).

    Raises WorkspaceError when one lacks the commit that is recorded for it.
    """
    found: list[Submodule] = []
    empty: list[str] = []
    for path, commit in _gitlinks(files):
        inner = checkout / path
        if not os.path.lexists(inner / ".git"):
            empty.append(path)
            continue
        git = Git.here(inner)
        common = Path(git.line("rev-parse", "--path-format=absolute", "--git-common-dir"))
        git = git.at(common)
        try:
            git.run("cat-file", "-e", f"{commit}^{{commit}}")
        except GitError as error:
            raise WorkspaceError(
                f"The submodule {path} lacks its commit", f"{commit} is not there.", _UPDATE
            ) from error
        found.append(Submodule(path, commit, common))
        deeper, deeper_empty = find_submodules(list_tree(git, commit), inner)
        found += [Submodule(f"{path}/{sub.path}", sub.commit, sub.common) for sub in deeper]
        empty += [f"{path}/{name}" for name in deeper_empty]
    return found, empty


def _gitlinks(files: list[TreeFile]) -> Iterator[tuple[str, str]]:
    return ((file.path, file.blob) for file in files if file.mode == "160000")


class SubmoduleTrees:
    """The submodules of one worktree, outer ones first: an inner one lies among the files of the outer."""

    def __init__(self, submodules: list[Submodule], tree: Path, state: Path) -> None:
        self._submodules = submodules
        self._tree = tree
        self._state = state
        self._open: dict[str, Tree] = {}

    def sync(self) -> list[tuple[Path, set[str] | None]]:
        """Put each at its recorded commit; folders and what was touched in them (paths, None for all)."""
        touched: list[tuple[Path, set[str] | None]] = []
        for number, submodule in enumerate(self._submodules):
            git_dir = self._state / str(number)
            _make_git_dir(submodule, git_dir)
            path = self._tree / submodule.path
            reconnect(path, git_dir)
            git = Git.here(git_dir)
            tree = self._open.setdefault(
                submodule.path, Tree(git, git_dir, path, git_dir / "autotune.index", Contents(git.at(git_dir)))
            )
            tree.remove_stale_locks()
            touched.append((path, tree.sync(submodule.commit, is_bytecode).touched))
        return touched

    def changes(self) -> list[Change]:
        """A submodule that is not as recorded, by a new commit, by edited files or by its absence: never to be
        committed, since what it points to would be in no repository that outlives the session.
        """
        return [
            Change(
                submodule.path, "submodule", in_scope=False, problem="a submodule, whose files another repository has"
            )
            for submodule in self._submodules
            if self._is_changed(submodule)
        ]

    def _is_changed(self, submodule: Submodule) -> bool:
        tree = self._open[submodule.path]
        if not is_folder(tree.path) or not (tree.path / ".git").is_file() or tree.head() != submodule.commit:
            return True
        return any(entry.tracked or not is_bytecode(entry.path) for entry in tree.entries())


def _make_git_dir(submodule: Submodule, git_dir: Path) -> None:
    if (git_dir / "ready").is_file():
        return
    shutil.rmtree(git_dir, ignore_errors=True)
    git_dir.mkdir(parents=True)
    source = Git.here(submodule.common).at(submodule.common)
    form = source.line("rev-parse", "--show-object-format")
    Git.here(git_dir).run("init", "-q", "--bare", "--template=", f"--object-format={form}", str(git_dir))
    git = Git.here(git_dir).at(git_dir)
    git.run("config", "core.bare", "false")
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    (git_dir / "objects" / "info" / "alternates").write_bytes(os.fsencode(submodule.common / "objects") + b"\n")
    if (submodule.common / "shallow").is_file():
        shutil.copy2(submodule.common / "shallow", git_dir / "shallow")
    git.run("update-ref", "--no-deref", "HEAD", submodule.commit)
    (git_dir / "ready").touch()
