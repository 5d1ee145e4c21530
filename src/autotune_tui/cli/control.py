"""Commands to a running engine: they go into its inbox, and its answer comes back through the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from autotune_tui.cli.failures import DONE, ERROR
from autotune_tui.cli.places import json_option, session_folder, session_options
from autotune_tui.errors import EngineError, UsageError

if TYPE_CHECKING:
    from autotune_tui.journal.files import SessionFolder
    from autotune_tui.model.events import Control

F = TypeVar("F", bound=Callable[..., Any])

ANSWER_SECONDS = 10.0
_POLL_SECONDS = 0.05


def _wait_option(command: F) -> F:
    help_ = "Return only when it has taken effect, or could not be done."
    return click.option("--wait", is_flag=True, help=help_)(command)


def _control(name: str, help_text: str, flag: str = "", flag_help: str = "") -> click.Command:
    """A command without arguments of its own; `flag` is what it may also be asked for: --now, --after."""

    @session_options
    @_wait_option
    @json_option
    def command(path: Path, session: str, wait: bool, as_json: bool, **flags: bool) -> int:
        return ask(session_folder(path, session), name, as_json=as_json, wait=wait, data=flags)

    if flag:
        command = click.option(f"--{flag}", is_flag=True, help=flag_help)(command)
    return click.command(name, help=help_text, short_help=help_text.partition(".")[0])(command)


_NOW = "Leave the running experiment, which is begun again later."

pause = _control("pause", "Pause the loop. What is being measured is completed first.", "now", _NOW)
resume = _control("resume", "Go on after a pause. Also takes back `stop --after`.")
skip = _control("skip", "End the current experiment now and go on with the next.")
stop = _control(
    "stop",
    "End the session now. `autotune-tui run` goes on with it later.",
    "after",
    "Let the running experiment come to its end first.",
)
rebaseline = _control(
    "rebaseline", "Measure a new baseline after the current experiment, in a new segment.", "now", _NOW
)
repair = _control("repair", "Rebuild the worktrees after the current experiment.", "now", _NOW)


@click.command(short_help="Take a keep back")
@click.argument("number", type=int)
@session_options
@click.option("--why", required=True, metavar="TEXT", help="The reason, which is journalled and stands in the commit.")
@click.option("--now", is_flag=True, help=_NOW)
@_wait_option
@json_option
def veto(number: int, path: Path, session: str, why: str, now: bool, wait: bool, as_json: bool) -> int:
    """Take the keep of experiment NUMBER back.

    The branch goes on with a commit that undoes it, and the gain is measured again. Refused when later keeps have
    changed the same lines: veto these first. Without an engine it waits for the next `autotune-tui run`.
    """
    data = {"experiment": number, "now": now}
    return override(session_folder(path, session), "veto", number, why, data, wait=wait, as_json=as_json)


@click.command(short_help="Measure a discard again")
@click.argument("number", type=int)
@session_options
@click.option("--why", required=True, metavar="TEXT", help="The reason, which is journalled with it.")
@click.option("--keep", is_flag=True, help="Keep it also when no gain is proven; never when it is worse.")
@click.option("--now", is_flag=True, help=_NOW)
@_wait_option
@json_option
def rescue(number: int, path: Path, session: str, why: str, keep: bool, now: bool, wait: bool, as_json: bool) -> int:
    """Try the change of experiment NUMBER again, on the code of now, as a new experiment.

    It goes through scope, build, checks, guards and measurement like any other. Without an engine it waits for the next
    `autotune-tui run`.
    """
    data = {"experiment": number, "keep": keep, "now": now}
    return override(session_folder(path, session), "rescue", number, why, data, wait=wait, as_json=as_json)


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


def override(
    folder: SessionFolder, command: str, number: int, why: str, data: dict[str, Any], *, wait: bool, as_json: bool
) -> int:
    """Ask for a veto or a rescue; without an engine it waits in the inbox, if the journal has nothing against it."""
    from autotune_tui.journal.inbox import send
    from autotune_tui.journal.lock import holder
    from autotune_tui.journal.reader import load_state
    from autotune_tui.model.override import rescue_refusal, veto_refusal, waiting

    if holder(folder.lock) is not None:
        return ask(folder, command, as_json=as_json, text=why, data=data, wait=wait)
    state = load_state(folder.journal)
    refusal = (veto_refusal if command == "veto" else rescue_refusal)(state, number) or waiting(state, number)
    if refusal:
        raise EngineError(
            f"The {command} is refused", f"{refusal} ({folder.id}).", "`autotune-tui log` lists them all."
        )
    identity = send(folder.inbox, command, by=_me(), text=why, data=data)
    if as_json:
        import json

        click.echo(json.dumps({"id": identity, "command": command, "state": "waiting", "session": folder.id}))
    else:
        click.echo(f"{command} waits: no engine is at work; `autotune-tui run` does it first ({folder.id})")
    return DONE


def _me() -> str:
    import getpass

    return getpass.getuser()


def ask(
    folder: SessionFolder,
    command: str,
    *,
    as_json: bool,
    text: str = "",
    data: dict[str, Any] | None = None,
    wait: bool = False,
) -> int:
    """Send a command, wait for the engine's answer, show it, and return the exit code. Raises EngineError.

    With `wait` the answer is followed by what became of the command.
    """
    good = True
    for answer in exchange(folder, command, text=text, data=data, wait=wait):
        good = answer.accepted and answer.state != "failed"
        if as_json:
            import json

            from autotune_tui.model.events import to_record

            click.echo(json.dumps(to_record(answer), ensure_ascii=False))
        else:
            verdict = answer.state or ("accepted" if answer.accepted else "refused")
            click.echo(f"{command} {verdict}{f': {answer.reason}' if answer.reason else ''} ({folder.id})")
    return DONE if good else ERROR


def exchange(
    folder: SessionFolder, command: str, *, text: str = "", data: dict[str, Any] | None = None, wait: bool = False
) -> Iterator[Control]:
    """The engine's answer to a command and, with `wait`, what became of it.

    Raises EngineError when no engine is there, none answers in time, or it leaves before the command is done.
    """
    from autotune_tui.journal.inbox import send
    from autotune_tui.journal.lock import holder
    from autotune_tui.journal.reader import JournalTail
    from autotune_tui.model.events import Control

    if holder(folder.lock) is None:
        raise EngineError(
            "No engine is running",
            f"Nobody is at work on {folder.id}.",
            f"`autotune-tui run{' --rebaseline' if command == 'rebaseline' else ''}` starts the loop.",
        )
    tail = JournalTail(folder.journal, settled_samples=False)
    tail.read()
    number = send(folder.inbox, command, by=_me(), text=text, data=data)
    end, answered = time.monotonic() + ANSWER_SECONDS, False
    while answered or time.monotonic() < end:
        left = answered and holder(folder.lock) is None  # looked at before the journal: its last words are read below
        for record in tail.read():
            if isinstance(record, Control) and record.id == number:
                yield record
                answered = True
                if record.state or not record.accepted or not wait:
                    return
        if left:
            raise EngineError(
                "The engine has left", f"{command} was accepted and not done.", "`autotune-tui run` does it first."
            )
        time.sleep(_POLL_SECONDS)
    raise EngineError(
        "No answer",
        f"The engine of {folder.id} did not answer within {ANSWER_SECONDS:.0f} s; the command waits in its inbox.",
        "`autotune-tui status` shows what it is doing.",
    )
