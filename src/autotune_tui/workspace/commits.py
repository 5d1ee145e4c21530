"""What commits are to each other, and new ones of files that git has. No worktree is touched, and no ref moves."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping

from autotune_tui.workspace.contents import Contents
from autotune_tui.workspace.diff import Comparison
from autotune_tui.workspace.folders import as_workspace_error
from autotune_tui.workspace.git import Git, GitError
from autotune_tui.workspace.merge import Merged, merge
from autotune_tui.workspace.messages import compose

_IDENTITY = {
    "GIT_AUTHOR_NAME": "autotune-tui",
    "GIT_AUTHOR_EMAIL": "autotune-tui@localhost",
    "GIT_COMMITTER_NAME": "autotune-tui",
    "GIT_COMMITTER_EMAIL": "autotune-tui@localhost",
}


class Commits:
    """Of one repository; commits are named by their object names."""

    def __init__(self, git: Git, contents: Contents) -> None:
        self._git = git
        self._contents = contents

    def has(self, commit: str, parent: str) -> bool:
        """Whether there is such a commit, whole, with that parent."""
        try:
            self._git.run("rev-list", "--objects", "--quiet", f"{parent}..{commit}", "--")
            return self._git.line("rev-parse", "--verify", "--quiet", f"{commit}^1") == parent
        except GitError:
            return False

    def parent(self, commit: str) -> str:
        """The commit that another was made from. Raises GitError when it has none."""
        return self._git.line("rev-parse", "--verify", "--quiet", f"{commit}^")

    def same_files(self, one: str, other: str) -> bool:
        """Whether two commits or trees hold the same files."""
        return self._git.line("rev-parse", f"{one}^{{tree}}") == self._git.line("rev-parse", f"{other}^{{tree}}")

    def with_text(self, path: str, text: str) -> str:
        """The latest commit of any branch by which a file gained or lost a text, shortened; empty when there is none."""
        return self._git.line("log", "--all", "-1", "--format=%h", f"-S{text}", "--", path)

    def changed_paths(self, *commits: str) -> set[str]:
        """The files that differ from one of these commits to the next."""
        steps = itertools.pairwise(commits)
        changes = itertools.chain.from_iterable(self._contents.differences(old, new) for old, new in steps)
        return {change.path for change in changes if change.new_mode.startswith("100")}

    def diff(self, old: str, new: str) -> str:
        """A unified diff of two commits, for people; bytes that are no UTF-8 are replaced."""
        return self._comparison(old, new).text

    def stat(self, old: str, new: str) -> tuple[int, int]:
        """(added, removed) lines."""
        comparison = self._comparison(old, new)
        return comparison.added, comparison.removed

    def change_key(self, old: str, new: str) -> str:
        """Equal for equal changes, also when the rest of the code differs."""
        return self._comparison(old, new).key

    def merged(self, base: str, ours: str, theirs: str) -> Merged:
        """What `theirs` changed since `base`, done to `ours`. Each is a commit or a tree."""
        with as_workspace_error():
            return merge(self._git, base, ours, theirs)

    def of_tree(self, tree: str, parent: str, message: str, trailers: Mapping[str, str]) -> str:
        """A new commit of a tree, such as a merged one."""
        with as_workspace_error():
            return self.write(tree, (parent,), compose(message, trailers))

    def write(
        self, tree: str, parents: tuple[str, ...], message: bytes, author: Mapping[str, str] | None = None
    ) -> str:
        """A new commit; the author and its date are those of whoever commits now, but for what `author` names as
        GIT_AUTHOR_NAME, _EMAIL and _DATE.
        """
        git = self._git.with_env(**{**self._identity, **(author or {})})
        words = [word for parent in parents for word in ("-p", parent)]
        return git.run("commit-tree", tree, *words, "-F", "-", stdin=message).decode().strip()

    @functools.cached_property
    def _identity(self) -> dict[str, str]:
        """Who commits: the user, as git knows them, or ourselves."""
        try:
            self._git.run("var", "GIT_COMMITTER_IDENT", config=("user.useConfigOnly=true",))
            return {}
        except GitError:
            return {name: self._git.env.get(name) or text for name, text in _IDENTITY.items()}

    def _comparison(self, old: str, new: str) -> Comparison:
        with as_workspace_error():
            return self._contents.comparison(old, new)
