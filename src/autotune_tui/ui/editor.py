"""Opens a file in the user's editor, while the rest of the application goes on."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from textual.app import App, SuspendNotSupported

USUAL = ("nano", "vim", "vi")


def editor_command(path: Path, environ: Mapping[str, str]) -> list[str]:
    """$VISUAL, else $EDITOR, else the first usual editor that is there, with the path. Empty when there is none."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError:  # an unfinished quotation
            continue
        if words and shutil.which(words[0], path=environ.get("PATH")):
            return [*words, str(path)]
    usual = next((name for name in USUAL if shutil.which(name, path=environ.get("PATH"))), "")
    return [usual, str(path)] if usual else []


async def open_in_editor(app: App[object], path: Path) -> str:
    """Give the terminal to the editor until it ends; returns what went wrong, in words, else nothing.

    The editor is waited for in a thread: `subprocess.call` in the event loop would stop following the journal. Nothing is
    painted meanwhile.
    """
    command = editor_command(path, os.environ)
    if not command:
        return "No editor was found. Set $EDITOR to the one you like."
    try:
        with app.batch_update(), app.suspend():
            code = await asyncio.to_thread(subprocess.call, command)
    except SuspendNotSupported:
        return f"This terminal cannot be given to an editor. The file is {path}"
    except OSError as error:
        return f"{command[0]} cannot be started: {error.strerror}"
    finally:
        app.refresh(layout=True)
    return f"{command[0]} ended with code {code}." if code else ""
