"""The refs of a session: the branch `autotune/<session>` and `refs/autotune/<session>/<n>`, n = 0 being the base.

Each move is one `git update-ref` transaction that names the old value, so that it happens whole or not at all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace.git import Git, GitError

ABSENT = ""


def check_session(git: Git, session: str) -> None:
    """Raises WorkspaceError when the id cannot be part of a ref's name, or of a folder's."""
    try:
        git.run("check-ref-format", f"refs/heads/autotune/{session}")
        good = bool(session) and "/" not in session and not session.startswith("-")
    except (GitError, ValueError):
        good = False
    if not good:
        raise WorkspaceError(
            "The session's name cannot name a branch",
            f"Found {session!r}.",
            "Use letters, digits and dashes: 001-import-speed",
        )


@dataclass(frozen=True, slots=True)
class SessionRefs:
    git: Git
    common: Path
    session: str

    @property
    def branch(self) -> str:
        return f"refs/heads/autotune/{self.session}"

    @property
    def namespace(self) -> str:
        return f"refs/autotune/{self.session}"

    def candidate(self, experiment: int) -> str:
        return f"{self.namespace}/{experiment}"

    def milestone(self, number: int) -> str:
        return f"{self.namespace}/milestone-{number}"

    def read(self) -> dict[str, str]:
        """All refs of the session with their commits."""
        out = self.git.line("for-each-ref", "--format=%(objectname) %(refname)", self.branch, self.namespace)
        return {name: commit for commit, name in (line.split(" ", 1) for line in out.splitlines())}

    def tip(self) -> str:
        """The commit of the branch. Raises WorkspaceError when the branch is gone."""
        try:
            return self.git.line("rev-parse", "--verify", "--quiet", self.branch)
        except GitError as error:
            raise self._branch_gone() from error

    def start(self, base: str) -> bool:
        """Make the branch at `base` unless it is there; whether it was made.

        The base's ref comes first: the branch alone would be somebody else's, a base without branch was made by somebody who
        was killed in between, as long as there is no candidate.
        """
        present = self.read()
        if self.branch in present and self.candidate(0) in present:
            return False
        if self.branch in present:
            raise WorkspaceError(
                f"The branch autotune/{self.session} already exists",
                "It was not made by this session.",
                "Name the session otherwise, or rename the branch: git branch -m",
            )
        if len(present) > (self.candidate(0) in present):
            raise self._branch_gone()
        base = present.get(self.candidate(0), base)
        if not present:
            self.update([(self.candidate(0), base, ABSENT)])
        try:
            self.update([(self.branch, base, ABSENT)])
        except GitError as error:
            self.git.run("update-ref", "-d", self.candidate(0), base)
            if "exists; cannot create" in error.stderr:
                raise WorkspaceError(
                    f"The branch autotune/{self.session} cannot be made",
                    error.message,
                    "A branch named `autotune` is in the way: rename it with git branch -m autotune NEW",
                ) from error
            raise
        return True

    def delete(self) -> None:
        """Delete what `start` made, unless it was not `start` that made it or the branch has gone on since."""
        present = self.read()
        base = present.get(self.candidate(0))
        if base is not None and present.get(self.branch) == base:
            script = b"".join(os.fsencode(f"delete {ref}\0{base}\0") for ref in (self.branch, self.candidate(0)))
            self.git.run("update-ref", "--stdin", "-z", stdin=script)

    def keep_candidate(self, experiment: int, commit: str, worktree: Git) -> None:
        """Point refs/autotune/<session>/<experiment> and the worktree's HEAD at the commit.

        A commit that an earlier attempt of the same experiment left there moves to <experiment>.1, .2, ...: none is
        ever lost.
        """
        ref = self.candidate(experiment)
        try:
            self.update([(ref, commit, ABSENT)], worktree, head=commit)
        except GitError as error:
            present = self.read()
            if ref not in present:
                raise error
            if present[ref] == commit:
                self.update([], worktree, head=commit)
                return
            attempt = next(n for n in range(1, len(present) + 2) if f"{ref}.{n}" not in present)
            moves = [(f"{ref}.{attempt}", present[ref], ABSENT), (ref, commit, present[ref])]
            self.update(moves, worktree, head=commit)

    def set_milestone(self, number: int, commit: str) -> None:
        """Point refs/autotune/<session>/milestone-<number> at the commit, unless it is there already."""
        ref = self.milestone(number)
        present = self.read().get(ref)
        if present != commit:
            self.update([(ref, commit, present or ABSENT)])

    def advance(self, old: str, new: str) -> None:
        """Move the branch from `old` to `new`. Raises WorkspaceError when it is elsewhere, or checked out somewhere."""
        self._refuse_checked_out()
        try:
            self.git.run("update-ref", "-m", "autotune-tui: keep", self.branch, new, old)
        except GitError as error:
            if "but expected" in error.stderr or "unable to resolve" in error.stderr:
                raise WorkspaceError(
                    f"The branch autotune/{self.session} was moved by someone else",
                    error.message,
                    f"Put it back: git branch -f autotune/{self.session} {old[:12]}",
                ) from error
            raise

    def update(self, moves: list[tuple[str, str, str]], git: Git | None = None, head: str = "") -> None:
        """One transaction of (ref, new, old) moves, old = ABSENT for a ref that must not exist, and of the worktree's
        HEAD.
        """
        script = b""
        if head:
            script += b"option no-deref\0update HEAD\0" + head.encode() + b"\0\0"
        for ref, new, old in moves:
            name = os.fsencode(ref)
            if old == ABSENT:
                script += b"create " + name + b"\0" + new.encode() + b"\0"
            else:
                script += b"update " + name + b"\0" + new.encode() + b"\0" + old.encode() + b"\0"
        (git or self.git).run("update-ref", "--stdin", "-z", stdin=script)

    def remove_stale_locks(self) -> None:
        """Remove the locks that a killed git left on the session's own refs; the engine's lock says that none is at
        work.
        """
        for lock in (self.common / f"{self.branch}.lock", *(self.common / self.namespace).glob("*.lock")):
            if lock.is_file():
                lock.unlink()

    def _refuse_checked_out(self) -> None:
        wanted = f"ref: {self.branch}".encode()
        for head in (self.common / "HEAD", *(self.common / "worktrees").glob("*/HEAD")):
            if head.is_file() and head.read_bytes().strip() == wanted:
                raise WorkspaceError(
                    f"The branch autotune/{self.session} is checked out",
                    "To move it now would leave that checkout behind its own HEAD.",
                    "Switch to another branch there (git switch -), then resume.",
                )

    def _branch_gone(self) -> WorkspaceError:
        return WorkspaceError(
            f"The branch autotune/{self.session} is gone",
            f"Its commits are still under {self.namespace}/.",
            f"Put it back: git branch autotune/{self.session} {self.namespace}/<number of the last keep>",
        )
