"""`check`: try the unchanged code, all of it or the benchmark once, and say what was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotune_tui.cli.failures import DONE, ERROR
from autotune_tui.cli.loop import settings_for
from autotune_tui.cli.places import file_option, json_option, path_argument, repository, text_of

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig

MARKS = {"pass": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command(short_help="Try the session without running it")
@path_argument
@click.option("--session", "-s", default="", metavar="ID", help="Which session, by id or number.")
@file_option
@click.option("--once", is_flag=True, help="Only run the benchmark once, and show the number that is read.")
@json_option
def check(path: Path, session: str, config_file: Path | None, once: bool, as_json: bool) -> int:
    """Try the benchmark and the checks on the unchanged code: what would run, and whether it can be trusted.

    Nothing of it stays. With --json each line is an object: findings have a `status`, everything else a `type`.
    """
    from autotune_tui.config import parse

    root = repository(path)
    settings = parse(text_of(config_file), str(config_file)) if config_file else settings_for(root, path, session)[1]
    return try_once(root, settings, as_json) if once else preflight(root, settings, as_json)


def preflight(root: Path, settings: SessionConfig, as_json: bool) -> int:
    """The adapter to the engine's preflight: shows its lines, and with `as_json` its samples, as they come."""
    import asyncio

    from autotune_tui.engine import preflight
    from autotune_tui.model.events import to_record

    failed = False

    def show(line: Any) -> None:
        nonlocal failed
        failed = failed or line.status == "fail"
        click.echo(_as_json(line) if as_json else _in_words(line))

    def sample(record: Any, expected: int) -> None:
        if as_json:
            click.echo(json.dumps({**to_record(record), "expected": expected}))

    asyncio.run(preflight.check(root, settings, show, sample))
    return ERROR if failed else DONE


def try_once(root: Path, settings: SessionConfig, as_json: bool) -> int:
    """The adapter to the engine's single run."""
    import asyncio

    from autotune_tui.engine import try_once

    show = _echo_json if as_json else _show_step
    return DONE if asyncio.run(try_once.try_once(root, settings, show)) else ERROR


def _echo_json(step: Any) -> None:
    click.echo(json.dumps(step.record(), ensure_ascii=False))


def _show_step(step: Any) -> None:
    from autotune_tui.model.format import number
    from autotune_tui.text import harmless

    match step.type:
        case "doing":
            click.echo(click.style(step.text, dim=True))
        case "output":
            click.echo(harmless(step.text), nl=False)
        case "error":
            words = "\n".join(part for part in (step.message, step.hint) if part)
            click.echo(harmless(f"✗ {step.title}\n{words}".rstrip()))
        case "reading":
            click.echo(click.style(f"✓ {step.name} = {number(step.value)} {step.unit}".rstrip(), fg="green"))
            if step.end:
                click.echo(f"  read from: {_marked(step.line, step.column, step.end - step.start)}")


def _marked(line: str, column: int, length: int) -> str:
    """The line with the number in reverse, cut to 40 characters on each side."""
    from autotune_tui.text import HARMFUL

    safe = HARMFUL.sub(" ", line)
    before, value, after = safe[:column], safe[column : column + length], safe[column + length :]
    return before[-40:] + click.style(value, reverse=True) + after[:40]


def _as_json(line: Any) -> str:
    import dataclasses

    return json.dumps(dataclasses.asdict(line), ensure_ascii=False)


def _in_words(line: Any) -> str:
    from autotune_tui.text import harmless

    mark, colour = MARKS[line.status]
    text = f"{click.style(f'{mark} {line.status}', fg=colour)}  {line.title}: {harmless(line.detail)}"
    return f"{text}\n        {harmless(line.hint)}" if line.hint else text
