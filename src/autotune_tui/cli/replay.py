"""`replay`: a journal played through the loop screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotune_tui.errors import UsageError

if TYPE_CHECKING:
    from autotune_tui.journal.files import SessionFolder


@click.command(short_help="Play a journal through the loop screen")
@click.argument("journal", default=".", type=click.Path(path_type=Path))
@click.option("--speed", default=20.0, show_default=True, type=click.FloatRange(0.1, 10_000), help="Times real time.")
@click.option("--session", "-s", default="", metavar="ID", help="Which session of a repository, by id or number.")
def replay(journal: Path, speed: float, session: str) -> int:
    """Play JOURNAL as if it were written now: a journal file, also of another tool, a session's folder, or a repository.

    Silences of more than half a minute are cut short. Nothing is written.
    """
    from autotune_tui.cli.screen import has_terminal, show
    from autotune_tui.ui.replay import ReplayApp
    from autotune_tui.ui.settings import load_settings, settings_file

    path, folder = what_to_play(journal, session)
    if not has_terminal():
        raise UsageError("No terminal", "A replay needs one.", "`autotune-tui log` prints a line for each experiment.")
    settings = settings_file()
    return show(ReplayApp(path, folder, speed=speed, settings=load_settings(settings), settings_path=settings))


def what_to_play(journal: Path, session: str) -> tuple[Path, SessionFolder | None]:
    """The journal's file, and the session's folder when it lies in one. Raises UsageError."""
    from autotune_tui.cli.places import session_folder
    from autotune_tui.journal.files import FOLDER, SessionFolder
    from autotune_tui.journal.foreign import find_logs

    here = journal.resolve()
    if here.is_file():
        inside = here.parent.parent.name == FOLDER
        return here, SessionFolder(here.parent) if inside else None
    if not here.is_dir():
        raise UsageError("No such journal", f"{journal} is neither a file nor a folder.")
    logs = [] if session else find_logs(here)
    if logs and not (here / FOLDER).is_dir() and here.parent.name != FOLDER:
        return logs[0], None
    folder = session_folder(journal, session)
    if not folder.journal.is_file():
        raise UsageError(
            "Nothing to play", f"{folder.id} has no journal yet.", "`autotune-tui run` starts the session."
        )
    return folder.journal, folder
