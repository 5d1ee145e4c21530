"""The screens: `autotune-tui [PATH]`, and `autotune-tui --watch [PATH]` which only looks."""

from __future__ import annotations

import gc
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotune_tui.cli.places import path_argument, repository, session_folder
from autotune_tui.errors import UsageError

if TYPE_CHECKING:
    from autotune_tui.journal.files import SessionFolder
    from autotune_tui.ui.app import AutotuneApp

JOURNAL = "autotune.jsonl"


@click.command("screen", hidden=True)
@path_argument
@click.option("--watch", is_flag=True, help="Only look: nothing is opened for writing.")
@click.option("--session", "-s", default="", metavar="ID", help="Which session, by id or number.")
def screen(path: Path, watch: bool, session: str) -> int:
    """The loop screen of a session; the setup when there is none; a choice when there are several."""
    if not has_terminal():
        raise UsageError(
            "No terminal",
            "The screens need one.",
            "`autotune-tui run` prints a line per event, `autotune-tui status` where the session stands.",
        )
    gc.disable()  # until the first frame, see AutotuneApp.on_mount: a sixth of the time until then
    return show(watching(path, session) if watch or path.is_file() else opening(path, session))


def has_terminal() -> bool:
    """Whether a person can see the screens and type."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def show(app: AutotuneApp) -> int:
    """Run the application and return the exit code; an error inside it is raised once the terminal is as before."""
    from autotune_tui.ui.app import HANGUP

    code = app.run()
    if app.crash is not None:
        raise app.crash
    if code == HANGUP:  # nobody is there to be told
        return code
    if app.mode == "live" and app.store.folder is not None and app.root is not None:
        _say_what_goes_on(app.root, app.store.folder)
    return code if code is not None else app.return_code or 0


def _say_what_goes_on(root: Path, folder: SessionFolder) -> None:
    from autotune_tui.journal.lock import holder

    if holder(folder.lock) is not None:
        click.echo(f"The loop goes on without a screen; this shows it again:  autotune-tui {shlex.quote(str(root))}")
    if folder.journal.is_file():
        click.echo(f"What was kept:  git -C {shlex.quote(str(root))} log autotune/{folder.id}")


def opening(path: Path, session: str = "") -> AutotuneApp:
    """The application on the sessions of the repository that holds `path`. Raises UsageError."""
    from autotune_tui.journal.files import FOLDER

    root = repository(path)
    here = path.resolve()
    chosen = session_folder(path, session) if session or here.parent.name == FOLDER else None
    return live(root, chosen)


def live(root: Path, folder: SessionFolder | None) -> AutotuneApp:
    """The application on a session, whose engine it starts when none is at work; without one, on all of the repository."""
    return _app(root=root, folder=folder, watch=False)


def watching(path: Path, session: str = "") -> AutotuneApp:
    """The application as a monitor of a journal file, a session's folder or a repository, whether it is there yet or not."""
    from autotune_tui.journal.files import FOLDER, SessionFolder, find_sessions
    from autotune_tui.journal.foreign import find_logs

    here = path.resolve()
    if here.is_file() or here.suffix:
        in_folder = here.name == JOURNAL and here.parent.parent.name == FOLDER
        return _app(folder=SessionFolder(here.parent)) if in_folder else _app(journal=here)
    if here.parent.name == FOLDER:
        return _app(folder=SessionFolder(here))
    root = repository(path)
    if session or find_sessions(root):
        return _app(root=root, folder=session_folder(path, session))
    logs = find_logs(root)
    return _app(journal=logs[0]) if logs else _app(root=root)


def _app(
    *, root: Path | None = None, folder: SessionFolder | None = None, journal: Path | None = None, watch: bool = True
) -> AutotuneApp:
    from autotune_tui.ui.app import AutotuneApp
    from autotune_tui.ui.settings import load_settings, settings_file
    from autotune_tui.ui.store import Store

    store = Store(folder.journal, folder) if folder else Store(journal)
    path = settings_file()
    return AutotuneApp(
        store, root=root, mode="watch" if watch else "live", settings=load_settings(path), settings_path=path
    )
