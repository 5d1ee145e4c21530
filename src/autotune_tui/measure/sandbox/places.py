"""Which folders of this machine a confined command sees, and which are hidden from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TEMPORARY = ("/tmp", "/var/tmp", "/run")
"""Emptied for every command, as the home folder is: sockets of services, and what one run could leave to the next."""
TOOLS = (
    ".cargo/bin", ".cargo/registry", ".cargo/git", ".rustup", "go", ".nvm", ".fnm", ".volta", ".bun", ".deno", ".pyenv",
    ".asdf", ".rbenv", ".sdkman", ".ghcup", ".juliaup", ".local/bin", ".local/lib", ".local/share/uv",
    ".local/share/pipx", ".local/share/mise", ".local/share/pnpm", ".m2/repository", "miniconda3", "anaconda3",
    "miniforge3", "bin",
)  # fmt: skip
"""Below the home folder: where tools live. Chosen without the files beside them that hold credentials."""


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths that exist, with links resolved."""

    hidden: tuple[Path, ...]
    """Empty and fresh for each command."""
    read: tuple[Path, ...]
    """Seen although they lie below a hidden folder; read-only, outer ones first."""
    covered: tuple[Path, ...]
    """Hidden although they lie below a readable folder: the journal, the other worktree."""
    shown: tuple[Path, ...] = ()
    """Read-only below a covered folder."""
    write: tuple[Path, ...] = ()
    """May be written by every command."""
    masked: tuple[Path, ...] = ()
    """Files that cannot be read."""
    roots: tuple[Path, ...] = ()
    """All that the session and its tools need, also where nothing hides it: for walls that name what may be read."""


def places_of(
    *,
    home: Path,
    read: Iterable[Path],
    covered: Iterable[Path],
    shown: Iterable[Path],
    write: Iterable[Path],
    env: Mapping[str, str],
    python: Path | None,
    masked: Iterable[Path] = (),
) -> Places:
    """The places of a session. `read` and `write` are what the session needs and the user named; `python` is its Python."""
    hidden = _existing([*map(Path, TEMPORARY), *([home] if home != Path("/") else [])])
    wanted = [*read, Path(sys.prefix), Path(sys.base_prefix), *(home / tool for tool in TOOLS)]
    wanted += [Path(entry) for entry in env.get("PATH", "").split(os.pathsep) if entry.startswith("/")]
    if python is not None:
        # The interpreter's own folder, a virtual environment's, and the one that it was made from.
        wanted += [python.absolute().parent.parent, python.resolve().parent.parent]
    inner = {path for path in _existing(wanted) if _is_below(path, hidden) and path not in (*hidden, home.resolve())}
    writable = _existing(write)
    seen = [*inner, *writable]
    return Places(
        hidden=hidden,
        read=_outermost(inner, hidden),
        # What nothing shows needs no cover, which would only tell its name.
        covered=tuple(path for path in _existing(covered) if _is_below(path, seen) or not _is_below(path, hidden)),
        shown=_existing(shown),
        write=writable,
        masked=_existing(masked),
        roots=tuple(path for path in _existing(wanted) if path not in (*hidden, home.resolve())),
    )


def _existing(paths: Iterable[Path]) -> tuple[Path, ...]:
    # A folder of PATH may be another user's, below which nothing can be asked: that is not there for us.
    found = (path.resolve() for path in paths if os.access(path, os.F_OK))
    return tuple(dict.fromkeys(path for path in found if path != Path("/")))


def _outermost(paths: Iterable[Path], hidden: Sequence[Path]) -> tuple[Path, ...]:
    """Outer ones first, without those that an outer one shows as well: each mount costs every run a part of a millisecond."""
    kept: list[Path] = []
    for path in sorted(paths, key=lambda path: (len(path.parts), str(path))):
        around = [outer for outer in kept if outer in path.parents]
        if not around or any(around[-1] in veil.parents and _is_below(path, [veil]) for veil in hidden):
            kept.append(path)
    return tuple(kept)


def _is_below(path: Path, folders: Iterable[Path]) -> bool:
    return any(folder == path or folder in path.parents for folder in folders)
