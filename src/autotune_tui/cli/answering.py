"""Answering what an agent asks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotune_tui.cli.control import ask
from autotune_tui.cli.places import json_option, session_folder, session_options
from autotune_tui.errors import EngineError, UsageError

if TYPE_CHECKING:
    from autotune_tui.model.events import Question


@click.command(short_help="Answer what an agent asks")
@click.argument("choice")
@session_options
@click.option("--question", "-q", default="", metavar="ID", help="Which question, where several are open.")
@json_option
def answer(choice: str, path: Path, session: str, question: str, as_json: bool) -> int:
    """Answer the question that an agent asks, such as `autotune-tui answer allow`.

    CHOICE is one of its options. `autotune-tui status` shows what is asked; the screen asks by itself.
    """
    from autotune_tui.journal.reader import load_state

    folder = session_folder(path, session)
    asked = load_state(folder.journal).questions
    meant = [each for each in asked if question in ("", each.id)]
    if not meant:
        why = (
            f"There is no open question {question!r}."
            if question and asked
            else f"Nobody asks anything in {folder.id}."
        )
        raise EngineError("There is nothing to answer", why, "`autotune-tui status` shows what is asked.")
    first = meant[0]
    option = _option(first, choice)
    return ask(folder, "answer", as_json=as_json, data={"question": first.id, "option": option})


def _option(question: Question, choice: str) -> str:
    """The id of the option that is meant, by its id or its words. Raises UsageError."""
    wanted = choice.strip().lower()
    for option in question.options:
        if wanted in (str(option.get("id", "")).lower(), str(option.get("words", "")).lower()):
            return str(option["id"])
    options = ", ".join(str(option.get("id", "")) for option in question.options)
    raise UsageError("That is no answer", f"{question.text}: the answers are {options}.", "")
