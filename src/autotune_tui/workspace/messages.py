"""Commit messages with trailers, and commits as text: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from autotune_tui.errors import WorkspaceError

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def compose(message: str, trailers: Mapping[str, str]) -> bytes:
    """The message with the trailers as its last paragraph, so that git reads these and none that the message's text
    forges.
    """
    body = _UNPRINTABLE.sub(" ", message.replace("\r\n", "\n")).strip() or "Change"
    lines = []
    for key, value in trailers.items():
        if not _KEY.fullmatch(key):
            raise WorkspaceError(f"{key!r} cannot be a trailer", hint="Use letters, digits and dashes.")
        lines.append(f"{key}: {' '.join(_UNPRINTABLE.sub(' ', value).split())}")
    text = body + ("\n\n" + "\n".join(lines) if lines else "") + "\n"
    return text.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class CommitHead:
    """What a commit object says above its message. `date` is in git's raw form: seconds and zone."""

    tree: str
    parents: tuple[str, ...]
    name: str
    email: str
    date: str


def parse_commit(raw: bytes) -> CommitHead:
    """The headers of `git cat-file commit`."""
    tree, parents, author = "", [], ""
    for line in raw.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree":
            tree = value
        elif key == "parent":
            parents.append(value)
        elif key == "author":
            author = value
    name, _, rest = author.partition(" <")
    email, _, date = rest.partition("> ")
    return CommitHead(tree, tuple(parents), name, email, date)
