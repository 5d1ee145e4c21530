"""Finding what a command is about: the repository, the session in it, and who is at work on it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from autotune_tui.errors import UsageError

if TYPE_CHECKING:
    from autotune_tui.journal.files import SessionFolder

F = TypeVar("F", bound=Callable[..., Any])


def path_argument(command: F) -> F:
    """The PATH that every command takes: a repository, a folder in it, or a session's folder."""
    return click.argument("path", default=".", type=click.Path(path_type=Path))(command)


def session_options(command: F) -> F:
    """PATH and --session, for commands about a session that is there."""
    option = click.option("--session", "-s", default="", metavar="ID", help="Which session, by id or number.")
    return path_argument(option(command))


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")(command)


def file_option(command: F) -> F:
    help_ = "The configuration to use; - reads it from standard input."
    kind = click.Path(path_type=Path, allow_dash=True)
    return click.option("--file", "-f", "config_file", type=kind, metavar="FILE", help=help_)(command)


def text_of(file: Path) -> str:
    """The text of the file that --file names. Raises UsageError."""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "The configuration cannot be read", f"{file}: {error}.", "Give a TOML file in UTF-8."
        ) from error


def repository(path: Path) -> Path:
    """The root of the git working tree that holds `path`. Raises UsageError."""
    start = path.resolve()
    if not start.is_dir():
        raise UsageError("No such folder", f"{path} is not a folder.")
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    raise UsageError(
        "Not a git repository", f"{start} is in no git working tree.", "Go to one, or make one with `git init`."
    )


def session_folder(path: Path, wanted: str) -> SessionFolder:
    """The session meant by PATH and --session: the one whose engine is alive, else the latest. Raises UsageError."""
    from autotune_tui.journal.files import FOLDER, SessionFolder, find_sessions
    from autotune_tui.journal.lock import holder

    here = SessionFolder(path.resolve())
    if not wanted and here.root.parent.name == FOLDER and here.root.is_dir():
        return here
    root = repository(path)
    sessions = find_sessions(root)
    if wanted:
        sessions = [folder for folder in sessions if _is_meant(folder.id, wanted)]
    if not sessions:
        if wanted:
            known = ", ".join(folder.id for folder in find_sessions(root)) or "none"
            raise UsageError("No such session", f"{root} has no session {wanted!r}.", f"There: {known}.")
        raise UsageError("Nothing there yet", f"{root} has no session.", "`autotune-tui init` sets one up.")
    alive = [folder for folder in sessions if holder(folder.lock)]
    return (alive or sessions)[-1]


def _is_meant(session: str, wanted: str) -> bool:
    """By id, by number ("2", "002") or by name ("import-speed")."""
    number, _, name = session.partition("-")
    return wanted in (session, name) or (wanted.isdigit() and number.isdigit() and int(number) == int(wanted))
