"""The one place where an exception becomes words on stderr and an exit code."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

import click

from autotune_tui.errors import AutotuneError

DONE, ERROR, USAGE, PAUSED, INTERRUPTED = 0, 1, 2, 3, 130


def guarded(command: Callable[[], Any]) -> int:
    """Run a command line and return its exit code, whatever happens. A user's mistake is never shown as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no sign for "−" gets a question mark
    code = _outcome(command)
    try:
        sys.stdout.flush()
    except OSError:
        # Nobody reads our output any more (`| head`); without this Python complains about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _outcome(command: Callable[[], Any]) -> int:
    try:
        code = command()
    except AutotuneError as error:
        return _say(error.title, error.message, error.hint, error.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        return DONE  # click, too, leaves by SystemExit when nobody reads its output any more
    except Exception:
        return _crashed()
    return code if isinstance(code, int) else DONE


def _say(title: str, message: str, hint: str, code: int) -> int:
    from autotune_tui.redaction import Redactor
    from autotune_tui.text import harmless

    text = "\n".join(part for part in (f"{title}.", message, hint) if part)
    click.echo(harmless(Redactor(os.environ).text(text)), err=True)
    return code


def _crashed() -> int:
    """Write the traceback, without the values of variables, to a file and say where it is."""
    from autotune_tui.redaction import Redactor

    name, error = sys.exc_info()[0], sys.exc_info()[1]
    details = Redactor(os.environ).text(traceback.format_exc())
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="autotune-tui-crash-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(details)
        where = f"The details are in {file.name}."
    except OSError as refused:
        where = f"The details could not be written to a file: {refused.strerror or refused}."
    what = f"{name.__name__ if name else 'error'}: {error}"
    return _say("Something went wrong inside autotune-tui", what, where, ERROR)
