"""What commits hold: their files, texts, and the lines with a word. Nothing that runs can change these meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autotune_tui.workspace.git import Git, GitError
from autotune_tui.workspace.submodules import list_tree

MOST_WORDS = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of a commit's file, from 1."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    git: Git

    def files(self, commit: str) -> dict[str, str]:
        """The blob of each regular file, by path."""
        return {file.path: file.blob for file in list_tree(self.git, commit) if file.mode.startswith("100")}

    def texts(self, blobs: Mapping[str, str], most: int) -> dict[str, str]:
        """The texts of blobs, by the same keys; bytes that are no UTF-8 are replaced.

        Left out are blobs of more than `most` bytes and those with a NUL byte. Two git processes, however many there are.
        """
        wanted = sorted(set(blobs.values()))
        if not wanted:
            return {}
        checked = self.git.run("cat-file", "--batch-check", stdin=_lines(wanted)).decode().splitlines()
        sizes = {name: int(size) for name, kind, size in (line.split() for line in checked) if kind == "blob"}
        small = [name for name in wanted if sizes.get(name, most + 1) <= most]
        output = self.git.run("cat-file", "--batch", stdin=_lines(small)) if small else b""
        texts: dict[str, str] = {}
        at = 0
        for name in small:
            at = output.index(b"\n", at) + 1
            content = output[at : at + sizes[name]]
            at += sizes[name] + 1
            if b"\0" not in content:
                texts[name] = content.decode("utf-8", "replace")
        return {path: texts[blob] for path, blob in blobs.items() if blob in texts}

    def lines_with(self, commit: str, words: Sequence[str]) -> list[Hit]:
        """The lines of the commit's text files that have one of the words as a whole word, at most 100 words."""
        if not words:
            return []
        patterns = [part for word in words[:MOST_WORDS] for part in ("-e", word)]
        try:
            output = self.git.run("grep", "-n", "-I", "-w", "-F", "-z", "--full-name", *patterns, commit, "--")
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


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
