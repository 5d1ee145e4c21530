"""The difference of two commits as text, as counts and as a key that recognises the same change elsewhere."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from autotune_tui.workspace.git import Git


@dataclass(frozen=True, slots=True)
class Comparison:
    text: str
    """A unified diff with renames found; bytes that are no UTF-8 are replaced."""
    added: int
    removed: int
    key: str


def compare(git: Git, old: str, new: str) -> Comparison:
    """One git process: a plumbing command, so that nothing in the user's diff configuration changes the text."""
    options = (
        "-r",
        "-M",
        "--numstat",
        "-p",
        "--full-index",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--no-commit-id",
    )
    out = git.run("diff-tree", *options, old, new)
    counts, _, patch = out.partition(b"\n\n")
    added = removed = 0
    for line in counts.splitlines():
        plus, minus, _ = line.split(b"\t", 2)
        if plus != b"-":  # a binary file has no lines
            added, removed = added + int(plus), removed + int(minus)
    return Comparison(patch.decode("utf-8", "replace"), added, removed, change_key(patch))


def change_key(patch: bytes) -> str:
    """Hash of what a patch does: changed and surrounding lines, without line numbers and, where lines tell it, blob
    names.

    So the same edit is recognised on an incumbent that changed elsewhere in the file. White space counts: in Python
    it is code.
    """
    digest = hashlib.sha256()
    for part in re.split(rb"^(?=diff --git )", patch, flags=re.MULTILINE):
        head, *hunks = re.split(rb"^(?=@@ )", part, flags=re.MULTILINE)
        for line in head.split(b"\n"):
            if not hunks or not line.startswith(b"index "):
                digest.update(line + b"\n")
        for hunk in hunks:
            digest.update(b"@@\n" + hunk.partition(b"\n")[2])
    return digest.hexdigest()[:16]
