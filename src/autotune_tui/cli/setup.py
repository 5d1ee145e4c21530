"""`init`: a session from options or a file, without questions."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotune_tui.cli.looking import show_suggestions
from autotune_tui.cli.places import file_option, json_option, path_argument, repository, text_of
from autotune_tui.errors import UsageError

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig
    from autotune_tui.journal.files import SessionFolder


def _number(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """A finite number; anything else is answered with what a target is for."""
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise click.BadParameter(f"{value!r} is no number; give the number at which you would stop.")
    return number


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str] | None:
    """NAME=VALUE, any number of times."""
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE.")
        pairs[name] = text
    return pairs or None


_SOURCES = ("wall_time", "cpu_time", "peak_rss", "instructions", "metric_line", "regex", "json", "line")
_GLOBS: dict[str, Any] = {"multiple": True, "metavar": "GLOB"}
_PATHS: dict[str, Any] = {"multiple": True, "metavar": "PATH"}
_PAIRS: dict[str, Any] = {"multiple": True, "callback": _pairs}

FIELD_OPTIONS = (
    click.option("--goal", "goal", help="What is to become better, in a sentence."),
    click.option("--command", "benchmark__command", help="What is measured: a shell command."),
    click.option("--include", "scope__include", **_GLOBS, help="Files that may be changed."),
    click.option("--exclude", "scope__exclude", **_GLOBS, help="Files that may not, although included."),
    click.option("--metric", "metric__name", help="The metric's name."),
    click.option("--unit", "metric__unit", help="Its unit."),
    click.option(
        "--direction", "metric__direction", type=click.Choice(("lower", "higher")), help="Which way is better."
    ),
    click.option("--source", "metric__source", type=click.Choice(_SOURCES), help="Where the number is read from."),
    click.option("--pattern", "metric__pattern", help="For regex: a regular expression; group 1 is the number."),
    click.option("--json-path", "metric__path", help="For json: a JSONPath to the number."),
    click.option("--line", "metric__line", type=int, help="For line: its number; -1 is the last."),
    click.option("--metric-file", "metric__file", help="Read the number from this file, not from stdout."),
    click.option(
        "--target", "metric__target", metavar="NUMBER", callback=_number, help="The value at which you would stop."
    ),
    click.option("--threshold", "metric__threshold", help="The least gain worth keeping, such as 1%."),
    click.option("--build", "benchmark__build", help="Run after each change."),
    click.option("--setup", "benchmark__setup", help="Run once in each new worktree."),
    click.option("--timeout", "benchmark__timeout", metavar="DURATION", help="A run that takes longer is killed."),
    click.option("--env", "benchmark__env", **_PAIRS, metavar="NAME=VALUE", help="A variable for all commands."),
    click.option("--check", "checks__command", help="Must pass for every candidate: tests, types."),
    click.option("--guard", "guards", **_PAIRS, metavar="METRIC=+5%", help="How much worse another metric may get."),
    click.option(
        "--agent",
        metavar="NAME",
        help="Who proposes changes: auto, offline, claude, manual, command, or a program of `autotune-tui agents`.",
    ),
    click.option("--agent-command", "agent_command__command", help="For --agent command: the executable."),
    click.option("--constraint", "constraints", multiple=True, metavar="TEXT", help="A rule for the agent."),
    click.option("--experiments", "budget__experiments", type=int, help="The most experiments."),
    click.option("--time", "budget__time", metavar="DURATION", help="The most time, such as 8h."),
    click.option("--tokens", "budget__tokens", type=int, help="The most tokens."),
    click.option("--usd", "budget__usd", type=float, help="The most money."),
    click.option("--link", "workspace__link", **_PATHS, help="An ignored path to link into the worktrees."),
    click.option("--copy", "workspace__copy", **_PATHS, help="An ignored path to copy into the worktrees."),
    click.option("--profile", "decision__profile", help="How sure a keep must be: quick, standard, strict, costly."),
    click.option("--name", "name", help="A short name for the session."),
)
"""The options that set a field of the configuration; each one's parameter is named TABLE__FIELD."""


def _field_options(command: Any) -> Any:
    for option in reversed(FIELD_OPTIONS):
        command = option(command)
    return command


@click.command(short_help="Set up a session in a git repository")
@path_argument
@file_option
@_field_options
@click.option("--no-target", is_flag=True, help="There is no such value; needs --experiments or --time.")
@click.option("--share", is_flag=True, help="Also write autotune.toml to the repository's root, to be committed.")
@click.option("--suggest", is_flag=True, help="Only look at the repository and say what could be set up.")
@json_option
def init(
    path: Path, config_file: Path | None, no_target: bool, share: bool, suggest: bool, as_json: bool, **options: Any
) -> None:
    """Set up a session in the git repository at PATH, from options, a file, or a file and options that change it.

    Writes .autotune/NUMBER-NAME/autotune.toml, which you may edit. Nothing is run.
    """
    from autotune_tui.config import dump, tables, validate
    from autotune_tui.journal.files import write_atomic

    root = repository(path)
    if suggest:
        show_suggestions(root, as_json)
        return
    data = tables(text_of(config_file), str(config_file)) if config_file else require_basics(options)
    merge(data, as_data(options))
    require_a_number(data, no_target)
    config = validate(data, str(config_file or "init"))
    folder = new_session(root, config)
    if share:
        write_atomic(root / "autotune.toml", dump(config))
    if as_json:
        click.echo(json.dumps({"session": folder.id, "config": str(folder.config)}))
    else:
        click.echo(f"Session {folder.id} is set up: {folder.config}")
        click.echo("Next: `autotune-tui check` tries it, `autotune-tui run` starts it.")


def new_session(root: Path, config: SessionConfig) -> SessionFolder:
    """Make the folder of a new session with its configuration. Raises WorkspaceError where no session could work."""
    from autotune_tui.config import dump
    from autotune_tui.journal.files import SessionFolder, next_session_id, write_atomic
    from autotune_tui.workspace.repository import exclude_session_files, find_repository

    exclude_session_files(find_repository(root).common)
    folder = SessionFolder.of(root, next_session_id(root, config.name or config.goal))
    folder.create()
    write_atomic(folder.config, dump(config))
    return folder


def require_basics(options: Mapping[str, Any]) -> dict[str, Any]:
    """No data yet, when the options can make up for it. Raises click's error for the first that is missing."""
    for name, option in (("goal", "--goal"), ("benchmark__command", "--command"), ("scope__include", "--include")):
        if not options[name]:
            raise click.UsageError(f"Missing option '{option}'; or give all by --file.")
    return {}


def merge(data: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Put `more` into `data`, table by table."""
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(data.get(name), dict):
            merge(data[name], value)
        else:
            data[name] = value


def require_a_number(data: Mapping[str, Any], no_target: bool) -> None:
    """Success must be a number, or its absence be said together with a limit (S2). Raises UsageError."""
    metric, budget = data.get("metric"), data.get("budget")
    target = metric.get("target") if isinstance(metric, dict) else None
    if target is not None and no_target:
        raise UsageError("A target and --no-target contradict each other", "", "Give one of them.")
    if target is None and not no_target:
        raise UsageError(
            "There is no number to reach",
            "A goal in words does not say when it is reached.",
            "Give --target NUMBER, the value at which you would stop; or --no-target with --experiments or --time.",
        )
    if no_target and not budget:
        raise UsageError(
            "Nothing would end the session",
            "--no-target was given without a limit.",
            "Add --experiments NUMBER or --time DURATION.",
        )


def as_data(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as the tables of autotune.toml."""
    data: dict[str, Any] = {}
    for option, value in options.items():
        if value is not None and value != ():
            table, _, name = option.rpartition("__")
            fields = data.setdefault(table, {}) if table else data
            fields[name] = list(value) if isinstance(value, tuple) else value
    return data
