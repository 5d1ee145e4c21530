"""Commands to a running engine: they go into its inbox, and its answer comes back through the journal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from autotune_tui.cli.failures import DONE, ERROR
from autotune_tui.cli.places import json_option, session_folder, session_options
from autotune_tui.errors import EngineError, UsageError

if TYPE_CHECKING:
    from autotune_tui.journal.files import SessionFolder
    from autotune_tui.model.events import Control

ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.05


def _control(name: str, help_text: str) -> click.Command:
    @click.command(name, help=help_text, short_help=help_text.partition(".")[0])
    @session_options
    @json_option
    def command(path: Path, session: str, as_json: bool) -> int:
        return ask(session_folder(path, session), name, as_json=as_json)

    return command


pause = _control("pause", "Pause the loop. What is being measured is completed first.")
resume = _control("resume", "Go on after a pause.")
skip = _control("skip", "End the current experiment now and go on with the next.")
stop = _control("stop", "End the session now. `autotune-tui run` goes on with it later.")
rebaseline = _control("rebaseline", "Measure a new baseline after the current experiment, in a new segment.")
repair = _control("repair", "Rebuild the worktrees after the current experiment.")


@click.command(short_help="Hand in a change of your own to be measured")
@session_options
@click.option("-m", "--description", required=True, help="What the change does, in a line.")
@click.option(
    "--patch",
    type=click.File("rb"),
    help="A unified diff, - for stdin; without it the candidate worktree is taken as you edited it.",
)
@json_option
def propose(path: Path, session: str, description: str, patch: BinaryIO | None, as_json: bool) -> int:
    """Hand in a change of your own, for a session with agent = "manual"."""
    # Bytes that are no UTF-8, and line ends, come out again as they went in.
    text = patch.read().decode("utf-8", "surrogateescape") if patch else ""
    if patch and not text.strip():
        raise UsageError("The patch is empty", "It has no diff.", "`git diff > change.patch` makes one.")
    return ask(session_folder(path, session), "propose", as_json=as_json, text=description, data={"patch": text})


def ask(
    folder: SessionFolder, command: str, *, as_json: bool, text: str = "", data: dict[str, Any] | None = None
) -> int:
    """Send a command, wait for the engine's answer, show it, and return the exit code. Raises EngineError."""
    answer = exchange(folder, command, text=text, data=data)
    if as_json:
        import json

        from autotune_tui.model.events import to_record

        click.echo(json.dumps(to_record(answer), ensure_ascii=False))
    else:
        verdict = "accepted" if answer.accepted else "refused"
        click.echo(f"{command} {verdict}{f': {answer.reason}' if answer.reason else ''} ({folder.id})")
    return DONE if answer.accepted else ERROR


def exchange(folder: SessionFolder, command: str, *, text: str = "", data: dict[str, Any] | None = None) -> Control:
    """The engine's answer to a command. Raises EngineError when no engine is there or none answers in time."""
    import getpass

    from autotune_tui.journal.inbox import send
    from autotune_tui.journal.lock import holder
    from autotune_tui.journal.reader import JournalTail
    from autotune_tui.model.events import Control

    if holder(folder.lock) is None:
        raise EngineError(
            "No engine is running", f"Nobody is at work on {folder.id}.", "`autotune-tui run` starts the loop."
        )
    tail = JournalTail(folder.journal, settled_samples=False)
    tail.read()
    number = send(folder.inbox, command, by=getpass.getuser(), text=text, data=data)
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        for record in tail.read():
            if isinstance(record, Control) and record.id == number:
                return record
        time.sleep(_POLL_SECONDS)
    raise EngineError(
        "No answer",
        f"The engine of {folder.id} did not answer within {ANSWER_SECONDS:.0f} s; the command waits in its inbox.",
        "`autotune-tui status` shows what it is doing.",
    )
