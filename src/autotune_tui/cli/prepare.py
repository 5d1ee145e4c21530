"""`prepare`: a missing benchmark and missing tests are written, tried, shown, and added once you agree (S6)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotune_tui.cli.failures import DONE
from autotune_tui.cli.places import file_option, path_argument, repository, text_of

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig
    from autotune_tui.engine.prepare import Draft

_LONGEST = 400
"""Lines of one file that are shown."""


@click.command(short_help="Have a missing benchmark and tests written")
@path_argument
@file_option
@click.option("--goal", default="", help="What is to become better, in a sentence.")
@click.option("--include", multiple=True, metavar="GLOB", help="The files that are to become better.")
@click.option("--constraint", "constraints", multiple=True, metavar="TEXT", help="A rule for whoever writes.")
@click.option(
    "--only", type=click.Choice(("benchmark", "tests")), help="Only this one; default: both, at the same time."
)
@click.option("--yes", is_flag=True, help="Add and commit what was written without asking.")
def prepare(
    path: Path,
    config_file: Path | None,
    goal: str,
    include: tuple[str, ...],
    constraints: tuple[str, ...],
    only: str | None,
    yes: bool,
) -> int:
    """Have Claude write a benchmark and regression tests for the git repository at PATH, where it has none.

    Both are written in worktrees, run several times in the sandbox, and shown. They come into your checkout, as one commit of
    new files, only when you agree; a session then locks them.
    """
    import asyncio

    from autotune_tui.engine import prepare as engine

    root = repository(path)
    settings = _settings(config_file, goal, include, constraints)
    kinds: Any = (only,) if only else ("benchmark", "tests")
    drafts = asyncio.run(engine.prepare(root, settings, kinds, _show))
    for draft in drafts:
        _show_draft(draft)
    if not yes and not click.confirm("Add these files to the repository and commit them?", default=False):
        click.echo("Nothing was added.")
        return DONE
    engine.accept(root, drafts)
    click.echo(f"Committed. Next, with the number at which you would stop:\n  {_next(settings, drafts)}")
    return DONE


def _settings(file: Path | None, goal: str, include: tuple[str, ...], constraints: tuple[str, ...]) -> SessionConfig:
    """Of a file, of options, or of both. There is no benchmark yet, so that any command stands for it."""
    from autotune_tui.config import tables, validate

    data = tables(text_of(file), str(file)) if file else {}
    data = {**data, "agent": "claude", "constraints": [*data.get("constraints", []), *constraints]}
    data["goal"] = goal or data.get("goal", "")
    scope = data.get("scope", {})
    data["scope"] = {**scope, "include": list(include)} if include else scope
    for name, given in (("--goal", data["goal"]), ("--include", data["scope"].get("include"))):
        if not given:
            raise click.UsageError(f"Missing option '{name}'.")
    data["benchmark"] = {"command": "true", **data.get("benchmark", {})}
    return validate(data, str(file or "prepare"))


def _show(kind: str, event: Any) -> None:
    from autotune_tui.text import harmless

    if event.kind in ("tool", "notice"):
        click.echo(click.style(f"{kind:<9} {harmless(event.text)}", dim=event.kind == "tool"))


def _show_draft(draft: Draft) -> None:
    from autotune_tui.model.format import number
    from autotune_tui.text import harmless

    built = draft.built
    click.echo(
        f"\n{click.style(built.kind.capitalize(), bold=True)}: {harmless(built.command)}\n{harmless(built.about)}"
    )
    if built.values:
        read = ", ".join(number(value) for value in built.values)
        better = f"{built.direction} is better"
        click.echo(
            f"It ran {len(built.values)} times: {built.metric} = {read} {harmless(built.unit)}".rstrip()
            + f" ({better})"
        )
    else:
        click.echo("It passed each time.")
    for name, content in draft.contents.items():
        lines = harmless(content.decode("utf-8", "replace")).splitlines()
        click.echo(click.style(f"\n{name}, {len(lines)} lines", bold=True))
        click.echo("\n".join(f"  {line}" for line in lines[:_LONGEST]))
        if len(lines) > _LONGEST:
            click.echo(f"  [{len(lines) - _LONGEST} more lines]")


def _next(settings: SessionConfig, drafts: list[Draft]) -> str:
    words = ["autotune-tui", "init", "--goal", settings.goal]
    words += [word for pattern in settings.scope.include for word in ("--include", pattern)]
    for built in (draft.built for draft in drafts):
        if built.kind == "tests":
            words += ["--check", built.command]
            continue
        words += ["--command", built.command, "--source", "metric_line", "--metric", built.metric]
        words += ["--unit", built.unit] if built.unit else []
        words += ["--direction", built.direction]
    return f"{shlex.join(words)} --target NUMBER"
