"""`run` and `demo`: the commands that put the engine to work in this process."""

from __future__ import annotations

import contextlib
import shlex
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotune_tui.cli.failures import DONE, ERROR, INTERRUPTED, PAUSED
from autotune_tui.cli.places import json_option, path_argument, repository, session_folder
from autotune_tui.cli.setup import new_session
from autotune_tui.errors import UsageError

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig
    from autotune_tui.journal.files import SessionFolder

EXIT_CODES = {"completed": DONE, "paused": PAUSED, "stopped": INTERRUPTED, "failed": ERROR}
"""By the session's outcome."""


@click.command(short_help="Run the loop, or go on with it")
@path_argument
@click.option("--session", "-s", default="", metavar="ID", help="Which session, by id or number.")
@click.option("--new", is_flag=True, help="Start a fresh session; the records of the earlier ones stay.")
@click.option("--headless", is_flag=True, default=True, expose_value=False, help="Without a screen: a line per event.")
@click.option("--rebaseline", is_flag=True, help="Begin a new segment with what has changed since the last one.")
@click.option("--accept-canary", is_flag=True, help="Start although nothing notices when the code in scope is broken.")
@json_option
def run(path: Path, session: str, new: bool, rebaseline: bool, accept_canary: bool, as_json: bool) -> int:
    """Run the loop in the git repository at PATH until its target, its budget or you end it.

    Goes on with the latest session, else starts one from the repository's autotune.toml. Your checkout is never
    written: the result is the branch autotune/SESSION. The exit code says how it ended.
    """
    root = repository(path)
    folder, settings = (None, None) if new else settings_for(root, path, session)
    if folder is None or settings is None:
        folder, settings = start_fresh(root)
    if accept_canary:
        settings = settings.model_copy(update={"canary": settings.canary.model_copy(update={"accept": True})})
    if rebaseline:
        ask_for_rebaseline(folder)
    return run_loop(root, folder, settings, as_json)


def ask_for_rebaseline(folder: SessionFolder) -> None:
    """The request waits in the inbox for the engine that is about to start. Raises EngineError when one is at work."""
    import getpass

    from autotune_tui.errors import EngineError
    from autotune_tui.journal.inbox import send
    from autotune_tui.journal.lock import holder

    if holder(folder.lock) is not None:
        raise EngineError("An engine is at work", f"It holds {folder.id}.", "`autotune-tui rebaseline` asks it.")
    send(folder.inbox, "rebaseline", by=getpass.getuser())


@click.command(short_help="Try a bundled sample repository")
@click.argument("name", default="")
@click.option("--list", "list_them", is_flag=True, help="List the samples.")
@click.option("--into", type=click.Path(path_type=Path), help="The new folder; default: autotune-demo-NAME here.")
@json_option
def demo(name: str, list_them: bool, into: Path | None, as_json: bool) -> int:
    """Copy the sample repository NAME to a new folder and run the loop on it, with the offline agent.

    In a terminal the loop screen shows it; elsewhere, and with --json, it prints a line per event.
    """
    from autotune_tui.cli.screen import has_terminal, live, show
    from autotune_tui.demo import DEMOS, install

    if list_them:
        width = max(len(sample.name) for sample in DEMOS)
        for sample in DEMOS:
            click.echo(f"{sample.name:<{width}}  {sample.language}: {sample.summary}")
        return DONE
    name = name or DEMOS[0].name
    root = install(name, into or _new_folder(f"autotune-demo-{name}"))
    if not as_json:
        click.echo(f"The sample repository is {root}")
    folder, settings = start_fresh(root)
    if has_terminal() and not as_json:
        return show(live(root, folder))
    return run_loop(root, folder, settings, as_json)


def _new_folder(name: str) -> Path:
    """The first of name, name-2, name-3 ... that is not there yet."""
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path for path in map(Path, names) if not path.exists())


def run_loop(root: Path, folder: SessionFolder, settings: SessionConfig, as_json: bool) -> int:
    """The adapter to the engine: run a session in this process, show it, and return the exit code."""
    import asyncio

    from autotune_tui.engine.run import run_session
    from autotune_tui.headless import display

    with display(folder.journal, as_json=as_json) as show:
        end = asyncio.run(run_session(root, folder.id, settings, on_event=show))
    if not as_json:
        with contextlib.suppress(OSError):  # whether somebody still reads does not change how the session ended
            say_what_came_of_it(root, folder)
    return EXIT_CODES[end.outcome]


def say_what_came_of_it(root: Path, folder: SessionFolder) -> None:
    """The claim, and where to look further."""
    from autotune_tui.journal.reader import load_state
    from autotune_tui.report import headlines

    for claim in headlines(load_state(folder.journal)):
        click.echo(click.style(claim, bold=True))
    click.echo(f"What was kept: git -C {shlex.quote(str(root))} log autotune/{folder.id}")
    click.echo(f"The report: {folder.final_report}")


def settings_for(root: Path, path: Path, session: str) -> tuple[SessionFolder | None, SessionConfig]:
    """The session to go on with and its configuration; None and the repository's autotune.toml before there is any."""
    from autotune_tui.config import load
    from autotune_tui.journal.files import find_sessions

    if not session and not find_sessions(root):
        return None, load(_known_configuration(root))
    folder = session_folder(path, session)
    return folder, load(folder.config)


def start_fresh(root: Path) -> tuple[SessionFolder, SessionConfig]:
    """A new session from the repository's autotune.toml, else from the configuration of the latest session."""
    from autotune_tui.config import load

    settings = load(_known_configuration(root))
    return new_session(root, settings), settings


def _known_configuration(root: Path) -> Path:
    from autotune_tui.journal.files import find_sessions

    known = [root / "autotune.toml", *(folder.config for folder in reversed(find_sessions(root)))]
    for file in known:
        if file.is_file():
            return file
    raise UsageError(
        "Nothing is set up here", f"{root} has no session and no autotune.toml.", "`autotune-tui init` sets one up."
    )
