"""The user's repository: found, looked at, and refused when a session could not work in it. Only ever read, but for
one line in its .git/info/exclude.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace.git import Git, GitError

EXCLUDED = ".autotune/"


@dataclass(frozen=True, slots=True)
class Repository:
    root: Path
    """The user's checkout."""
    git_dir: Path
    """The checkout's own git directory; another than `common` when the checkout is itself a linked worktree."""
    common: Path
    """Where objects and refs are."""
    head: str
    """The commit that is checked out."""

    @property
    def git(self) -> Git:
        """git on objects and refs."""
        return Git.here(self.common).at(self.common)

    @property
    def checkout(self) -> Git:
        """git on the user's checkout, for reading: GIT_OPTIONAL_LOCKS=0 keeps it from refreshing the user's index."""
        return Git.here(self.root).at(self.git_dir, self.root)


def find_repository(path: Path) -> Repository:
    """The repository that `path` lies in. Raises WorkspaceError with the reason when no session can run there."""
    if not path.is_dir():
        raise WorkspaceError("There is no such folder", str(path), "Give the path of a git repository.")
    path = path.resolve()
    git = Git.here(path)
    try:
        bare, inside = git.line("rev-parse", "--is-bare-repository", "--is-inside-work-tree").split("\n")
    except GitError as error:
        if "not a git repository" in error.stderr:
            raise WorkspaceError(
                "This is no git repository", str(path), 'Make it one: git init && git add -A && git commit -m "Start"'
            ) from error
        raise
    if bare == "true":
        raise WorkspaceError(
            "The repository is bare",
            f"{path} has no checked-out files.",
            f"Clone it and work in the clone: git clone {path}",
        )
    if inside != "true":
        raise WorkspaceError("This is inside a .git folder", str(path), "Give the folder of the checkout.")
    root = Path(git.line("rev-parse", "--show-toplevel"))
    try:
        head = git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except GitError as error:
        raise WorkspaceError(
            "The repository has no commit yet", str(root), 'Commit what is there: git add -A && git commit -m "Start"'
        ) from error
    found = Repository(
        root,
        Path(git.line("rev-parse", "--absolute-git-dir")),
        Path(git.line("rev-parse", "--path-format=absolute", "--git-common-dir")),
        head,
    )
    _refuse_read_only(found.common)
    return found


def _refuse_read_only(common: Path) -> None:
    for folder in (common, common / "objects", common / "refs", common / "refs" / "heads", common / "worktrees"):
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise WorkspaceError(
                "The repository is read-only",
                f"{folder} cannot be written; a session keeps its commits and its branch there.",
                "Make it writable, or clone the repository and work in the clone.",
            )


def exclude_session_files(common: Path) -> None:
    """Keep `.autotune/` out of the user's `git status`: one line in info/exclude, added once."""
    path = common / "info" / "exclude"
    try:
        present = path.read_bytes() if path.exists() else b""
        if EXCLUDED.encode() in present.split():
            return
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write((b"\n" if present and not present.endswith(b"\n") else b"") + EXCLUDED.encode() + b"\n")
    except OSError as error:
        raise WorkspaceError("The repository is read-only", str(error), "Make its .git folder writable.") from error


def uncommitted(repository: Repository) -> str:
    """A warning when the checkout has changes that no commit has, else an empty text."""
    found = repository.checkout.run("status", "--porcelain", "-z", "--no-renames", config=("core.untrackedCache=keep",))
    paths = [os.fsdecode(record[3:]) for record in found.split(b"\0") if record]
    paths = [path for path in paths if not path.startswith(EXCLUDED)]
    if not paths:
        return ""
    named = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    return f"Uncommitted changes are not part of the session, which starts from HEAD ({repository.head[:10]}): {named}."
