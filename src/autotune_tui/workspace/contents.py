"""What commits hold: their files, texts, differences, and the lines with a word.

Nothing that runs can change these, so what git was asked once is kept: of a few commits, and not more than is stated here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from autotune_tui.workspace.diff import Comparison, compare
from autotune_tui.workspace.git import Git, GitError
from autotune_tui.workspace.status import NO_MODE, Difference, parse_raw

K = TypeVar("K")
V = TypeVar("V")

MOST_WORDS = 100
MOST_HELD = 16_000_000
"""Characters of texts that are kept."""
MOST_SAME = 16
"""Commits of which it is kept that they hold the same files as an earlier one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of a commit's file, from 1."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file, link or submodule of a commit."""

    mode: str
    blob: str
    path: str


def list_tree(git: Git, commit: str) -> list[TreeFile]:
    """All files, links and submodules of a commit."""
    files = []
    for record in git.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        head, _, path = record.partition(b"\t")
        mode, _, blob = head.decode().split(" ")
        files.append(TreeFile(mode, blob, os.fsdecode(path)))
    return files


class Answers(Generic[K, V]):
    """The latest few answers, by question. For several threads at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._known: dict[K, V] = {}

    def of(self, question: K, ask: Callable[[], V]) -> V:
        with self._lock:
            if question in self._known:
                return self._known[question]
        answer = ask()
        with self._lock:
            self._known[question] = answer
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        return answer


class Contents:
    """Of one repository; commits are named by their object names. For several threads at once."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._trees = Answers[str, Mapping[str, TreeFile]](3)
        self._last_tree: tuple[str, Mapping[str, TreeFile]] | None = None
        self._differences = Answers[tuple[str, str], tuple[Difference, ...]](32)
        self._comparisons = Answers[tuple[str, str], Comparison](8)
        self._first: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._texts: dict[str, str] = {}

    def same_files(self, commit: str, other: str) -> None:
        """Learn that a commit holds the same files as another, of which they may be known. The other may be pruned: git is
        not asked about it any more.
        """
        self._first = dict([*self._first.items(), (commit, self._known_as(other))][-MOST_SAME:])
        if self._last_tree is not None and self._last_tree[0] == other:
            self._last_tree = (commit, self._last_tree[1])

    def tree(self, commit: str) -> Mapping[str, TreeFile]:
        """All files, links and submodules of a commit, by path."""
        return self._trees.of(self._known_as(commit), lambda: self._list(commit))

    def blobs(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """The blob of each of the paths that is a regular file of the commit."""
        tree = self.tree(commit)
        files = ((path, tree[path]) for path in paths if path in tree)
        return {path: file.blob for path, file in files if file.mode.startswith("100")}

    def differences(self, old: str, new: str) -> tuple[Difference, ...]:
        """The paths that two commits have differently, without a search for renames."""
        pair = self._pair(old, new)
        return self._differences.of(pair, lambda: self._raw(old, new)) if pair[0] != pair[1] else ()

    def comparison(self, old: str, new: str) -> Comparison:
        """What the change from one commit to another is for people."""
        return self._comparisons.of(self._pair(old, new), lambda: compare(self._git, old, new))

    def texts(self, blobs: Mapping[str, str], most: int) -> dict[str, str]:
        """The texts of blobs, by the same keys; bytes that are no UTF-8 are replaced.

        Left out are blobs of more than `most` bytes and those with a NUL byte. At most two git processes, however many there are.
        """
        wanted = sorted(set(blobs.values()))
        sizes = self._sizes | self._sizes_of(blob for blob in wanted if blob not in self._sizes)
        small = [blob for blob in wanted if sizes.get(blob, most + 1) <= most]
        texts = self._texts | self._read([blob for blob in small if blob not in self._texts], sizes)
        self._sizes = sizes
        if sum(map(len, texts.values())) <= MOST_HELD:
            self._texts = texts
        else:
            self._texts, self._sizes = {}, {}
        held = {blob for blob in small if "\0" not in texts[blob]}
        return {path: texts[blob] for path, blob in blobs.items() if blob in held}

    def lines_with(self, commit: str, words: Sequence[str]) -> list[Hit]:
        """The lines of the commit's text files that have one of the words as a whole word, at most 100 words."""
        if not words:
            return []
        patterns = [part for word in words[:MOST_WORDS] for part in ("-e", word)]
        try:
            output = self._git.run("grep", "-n", "-I", "-w", "-F", "-z", "--full-name", *patterns, commit, "--")
        except GitError as error:
            if error.stderr.strip():
                raise
            return []  # nothing was found
        hits = []
        for record in output.split(b"\n"):
            name, _, rest = record.partition(b"\0")
            number, _, text = rest.partition(b"\0")
            if number.isdigit():
                path = os.fsdecode(name.partition(b":")[2])
                hits.append(Hit(path, int(number), text[:2000].decode("utf-8", "replace")))
        return hits

    def _list(self, commit: str) -> Mapping[str, TreeFile]:
        if self._last_tree is None:
            files = {file.path: file for file in list_tree(self._git, commit)}
        else:  # most often they differ in a file or two
            known, held = self._last_tree
            files = dict(held)
            for change in self.differences(known, commit):
                files.pop(change.path, None)
                if change.new_mode != NO_MODE:
                    files[change.path] = TreeFile(change.new_mode, change.new_blob, change.path)
        self._last_tree = (commit, files)
        return files

    def _known_as(self, commit: str) -> str:
        """The commit that was the first, as far as it is known, to hold the same files."""
        return self._first.get(commit, commit)

    def _pair(self, old: str, new: str) -> tuple[str, str]:
        return self._known_as(old), self._known_as(new)

    def _raw(self, old: str, new: str) -> tuple[Difference, ...]:
        out = self._git.run("diff-tree", "-r", "--raw", "-z", "--no-renames", "--no-commit-id", old, new)
        return tuple(parse_raw(out))

    def _sizes_of(self, blobs: Iterable[str]) -> dict[str, int]:
        names = _lines(blobs)
        checked = self._git.run("cat-file", "--batch-check", stdin=names).decode().splitlines() if names else ()
        return {name: int(size) for name, kind, size in (line.split() for line in checked) if kind == "blob"}

    def _read(self, blobs: Sequence[str], sizes: Mapping[str, int]) -> dict[str, str]:
        output = self._git.run("cat-file", "--batch", stdin=_lines(blobs)) if blobs else b""
        texts = {}
        at = 0
        for blob in blobs:
            at = output.index(b"\n", at) + 1
            texts[blob] = output[at : at + sizes[blob]].decode("utf-8", "replace")
            at += sizes[blob] + 1
        return texts


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
