"""One working tree of ours, driven by an explicit git directory and an index that nobody else uses.

The index that git would use by itself lies where an edit agent can reach it: staged files, `--assume-unchanged`, a
lock left by a killed process or a commit would blind us. Ours stays at the commit that the tree was last synced to;
git's gets a copy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autotune_tui.workspace.bytecode import remove_empty
from autotune_tui.workspace.contents import Contents
from autotune_tui.workspace.folders import copy_index, remove_tree
from autotune_tui.workspace.git import Git
from autotune_tui.workspace.status import NO_MODE, Difference, Entry, parse_raw, parse_status

# These decide what git sees of other files: put right first, and then git is asked again.
_RULES = (".gitattributes", ".gitignore")
_SUBMODULE = "160000"
_FEW = 200
"""Paths that are put in place one by one."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What `Tree.sync` has touched, None for everything, and what it has left beside the commit's files, None if it
    cannot tell.
    """

    touched: set[str] | None
    left: set[str] | None


class Tree:
    """`path` with `git_dir`. `at` is the commit our index is known to be at, None when that is not known (a new
    process).
    """

    def __init__(self, git: Git, git_dir: Path, path: Path, index: Path, contents: Contents) -> None:
        self.path = path
        self.git_dir = git_dir
        self.index = index
        self.git = git.at(git_dir, path, index)
        self.contents = contents
        self.at: str | None = None

    def head(self) -> str:
        """What HEAD says: a commit when detached, as it is unless somebody switched to a branch here."""
        try:
            return (self.git_dir / "HEAD").read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def detach_at(self, commit: str) -> None:
        """Make HEAD the commit, detached; a branch that somebody checked out here is left where it is."""
        if self.head() != commit:
            self.git.run("update-ref", "--no-deref", "HEAD", commit)

    def entries(self, *, only_tracked: bool = False, ignored: bool = False) -> list[Entry]:
        """What differs from the commit, with `ignored` also what git ignores. One process that looks at every file, and at
        every folder unless `only_tracked`.

        Without git's untracked cache, which may take a folder for one that it has seen: where the folder was removed and
        made again between two ticks of the file system's clock, new files in it were missed.
        """
        arguments = ("status", "--porcelain=v2", "-z", "--no-renames", "--ignore-submodules=all")
        options = (
            f"--untracked-files={'no' if only_tracked else 'all'}",
            f"--ignored={'traditional' if ignored else 'no'}",
        )
        return parse_status(self.git.run(*arguments, *options, config=("core.untrackedCache=false",)))

    def others(self, commit: str) -> list[str]:
        """Files and links that the commit does not have, ignored or not; a folder with a repository of its own ends with "/".

        Git compares its index with the folders much faster than we could: 25 ms at 20,000 files.
        """
        if self.at is None:
            self.adopt(commit)
        listed = self.git.run("ls-files", "--others", "-z").split(b"\0")[:-1]
        moved = self.contents.differences(self.at, commit) if self.at is not None else ()
        now = {change.path for change in moved if change.new_mode != NO_MODE}
        gone = [
            change.path for change in moved if change.new_mode == NO_MODE and os.path.lexists(self.path / change.path)
        ]
        return [*(path for path in map(os.fsdecode, listed) if path not in now), *gone]

    def tracked(self) -> Collection[str]:
        """The files of the commit that our index is at."""
        if self.at is not None:
            return self.contents.tree(self.at).keys()
        return [os.fsdecode(path) for path in self.git.run("ls-files", "-z").split(b"\0")[:-1]]

    def holds(self, wanted: Mapping[str, tuple[str, str]]) -> set[str]:
        """The paths, of those with mode and object name, that are what a commit has there: nothing where the mode says so."""
        found = {
            path for path, (mode, _) in wanted.items() if mode == NO_MODE and not os.path.lexists(self.path / path)
        }
        there = [path for path, (mode, _) in wanted.items() if mode != NO_MODE]
        links = [path for path in there if (self.path / path).is_symlink()]
        found.update(
            path
            for path in links
            if wanted[path] == ("120000", self._hash_of_text(os.fsencode((self.path / path).readlink())))
        )
        files = [path for path in there if path not in links and (self.path / path).is_file()]
        plain = [path for path in files if "\n" not in path]  # one process for all of them
        names = b"".join(os.fsencode(path) + b"\n" for path in plain)
        hashes = self.git.run("hash-object", "--stdin-paths", stdin=names).decode().split() if plain else []
        found.update(path for path, blob in zip(plain, hashes, strict=True) if blob == wanted[path][1])
        odd = (path for path in files if "\n" in path)
        return found | {path for path in odd if self.git.line("hash-object", "--", path) == wanted[path][1]}

    def _hash_of_text(self, text: bytes) -> str:
        return self.git.run("hash-object", "--stdin", stdin=text).decode().strip()

    def adopt(self, commit: str) -> None:
        """Set our index to the commit and leave the files as they are."""
        if self.at != commit:
            self.git.run("read-tree", "--reset", commit)
            self.at = commit

    def sync(self, commit: str, keep: Callable[[str], bool]) -> Synced:
        """Make the files those of the commit and remove untracked ones but ignored and `keep(path)`.

        Cheaper than reset and clean: git looks at all files once, not three times, and then only what differs is written.
        """
        touched: set[str] | None = set()
        if self.at is None:
            self.git.run("read-tree", "--reset", "-u", commit)
            touched = None
        elif self.at != commit:
            touched = self._move_index(self.at, commit)
        self.at = None  # until everything below went well
        self.detach_at(commit)
        for last in (False, False, True):  # a rule that is never clean itself must not hold us here
            found = self.entries(ignored=True)
            left = {entry.path for entry in found if not entry.tracked and (entry.ignored or keep(entry.path))}
            entries = [entry for entry in found if entry.path not in left]
            rules = [entry for entry in entries if entry.path.rsplit("/", 1)[-1] in _RULES]
            self._restore(entries if last else rules or entries)
            if touched is not None:
                touched.update(entry.path for entry in entries)
            if not rules:
                break
        self.at = commit
        self.publish()
        return Synced(touched, None if rules else left)

    def move(self, held: str, commit: str) -> Synced | None:
        """`sync` of a tree whose tracked files are known to be those of the commit `held`: the others are not looked at.

        None, and nothing done, where more may have to be: after a start, with submodules, with a file where a folder was, with
        other rules for what git sees.
        """
        if self.at is None:
            return None
        listed, moved = self.contents.differences(self.at, commit), self.contents.differences(held, commit)
        changes = {*listed, *moved}
        paths = {change.path for change in changes}
        if len(paths) > _FEW or any(
            change.path.rsplit("/", 1)[-1] in _RULES
            or _SUBMODULE in (change.old_mode, change.new_mode)
            or not paths.isdisjoint(map(str, PurePosixPath(change.path).parents))
            for change in changes
        ):
            return None
        if changes:
            self.at = None  # until everything below went well
            for path in paths:
                self._remove(path)
            # Index and files in one process, which goes through all entries once for each path; it must know the path.
            known = {change.path for change in listed}.union(c.path for c in moved if c.new_mode != NO_MODE)
            names = b"".join(os.fsencode(path) + b"\0" for path in known)
            options = ("--staged", "--worktree", "--no-recurse-submodules")
            named = ("--pathspec-from-file=-", "--pathspec-file-nul")
            if names:
                git = self.git.with_env(GIT_LITERAL_PATHSPECS="1")
                git.run("restore", "--quiet", f"--source={commit}", *options, *named, stdin=names)
            self.publish()
        self.detach_at(commit)
        self.at = commit
        return Synced(paths, None)

    def restore(self, paths: Iterable[str]) -> None:
        """Put the paths back as the commit has them."""
        wanted = set(paths)
        self._restore([entry for entry in self.entries() if entry.path.rstrip("/") in wanted])

    def stage(self, paths: Iterable[str]) -> str:
        """Write the tree that the commit becomes with the files at `paths`; git's own index is then at it, ours is
        not.
        """
        self.publish()
        git = self.git.with_env(GIT_INDEX_FILE=str(self.git_dir / "index"))
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        git.run("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=names)
        return git.line("write-tree")

    def renames(self, added: Iterable[str]) -> list[Difference]:
        """Deleted files that are, perhaps edited, among the added ones."""
        self.publish()
        git = self.git.with_env(GIT_INDEX_FILE=str(self.git_dir / "index"), GIT_LITERAL_PATHSPECS="1")
        names = b"".join(os.fsencode(path) + b"\0" for path in added)
        git.run("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=names)
        found = git.run("diff-files", "-M", "--raw", "-z", "--ignore-submodules=all", "--diff-filter=R")
        self.publish()
        return parse_raw(found)

    def publish(self) -> None:
        """Give git's own index what ours has, so that git works for whoever calls it in the worktree."""
        (self.git_dir / "index.lock").unlink(missing_ok=True)
        copy_index(self.index, self.git_dir / "index")

    def remove_stale_locks(self) -> None:
        """Remove what a killed git left."""
        for lock in (
            self.git_dir / "index.lock",
            self.git_dir / "HEAD.lock",
            self.index.with_name(self.index.name + ".lock"),
        ):
            lock.unlink(missing_ok=True)

    def _move_index(self, old: str, new: str) -> set[str]:
        """Move our index and delete the files that differ: their content is missing then, and put there like any that
        is.
        """
        # Entry by entry: `read-tree` goes through every entry, 60 ms against 15 at 20,000 files.
        moved = self.contents.differences(old, new)
        gone_first = sorted(moved, key=lambda change: change.new_mode != NO_MODE)
        lines = (f"{c.new_mode} {c.new_blob}\t".encode() + os.fsencode(c.path) + b"\0" for c in gone_first)
        if moved:
            self.git.run("update-index", "-z", "--index-info", stdin=b"".join(lines))
        for change in moved:
            # Deleted also where git would call the content equal: equal up to line endings is not the same bytes.
            self._remove(change.path)
        return {change.path for change in moved}

    def _restore(self, entries: Iterable[Entry]) -> None:
        wanted = []
        for entry in entries:
            if entry.tracked:
                wanted.append(entry.path)
            else:
                self._remove(entry.path.rstrip("/"), folder=True)
        if wanted:
            names = b"".join(os.fsencode(path) + b"\0" for path in wanted)
            self.git.run("checkout-index", "-f", "-u", "-z", "--stdin", stdin=names)

    def _remove(self, path: str, *, folder: bool = False) -> None:
        """Delete a path of the tree; nothing is reached through a link that now stands for one of its folders."""
        target = self.path / path
        for parent in target.parents:
            if parent == self.path:
                break
            if parent.is_symlink():
                return
        if folder or not target.is_dir() or target.is_symlink():
            remove_tree(target)
            remove_empty(target.parent, self.path)
