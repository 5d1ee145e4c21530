"""The command line. Its modules import nothing heavy, so that `--help` is there at once; commands import what they need."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import click

from autotune_tui import __version__
from autotune_tui.cli.failures import guarded
from autotune_tui.cli.screen import has_terminal

NAME = "autotune-tui"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

COMMANDS = {
    "demo": "loop",
    "init": "setup",
    "check": "checking",
    "run": "loop",
    "prepare": "prepare",
    "pause": "control",
    "resume": "control",
    "skip": "control",
    "stop": "control",
    "rebaseline": "control",
    "repair": "control",
    "veto": "control",
    "rescue": "control",
    "answer": "answering",
    "propose": "control",
    "status": "reading",
    "explain": "reading",
    "log": "reading",
    "show": "reading",
    "diff": "reading",
    "agents": "agents",
    "prompts": "prompts",
    "replay": "replay",
    "screen": "screen",
}
"""The module of each command, where it has its own name; as one meets them, which is the order of the help."""


class _InOrder(click.Group):
    """Commands in their order; without a command, or with a path in its place, the screens."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"{__name__}.{COMMANDS[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["screen", *args] if self._means_screen(args) else args)

    def _means_screen(self, args: list[str]) -> bool:
        if not args:
            return has_terminal()  # elsewhere the help, as of old
        if "--watch" in args and args[0] not in COMMANDS:
            return True
        first = args[0]
        is_session = first in ("-s", "--session") or first.startswith("--session=")
        return is_session or (not first.startswith("-") and first not in COMMANDS and Path(first).exists())


@click.group(NAME, cls=_InOrder, context_settings=_CONTEXT)
@click.option("--watch", is_flag=True, expose_value=False, help="Only look at the session, from a second terminal.")
@click.version_option(__version__, "-V", "--version", prog_name=NAME)
@click.pass_context
def command_line(context: click.Context) -> None:
    """Makes software measurably better: tries changes, measures them, keeps only what is really better.

    Start with `autotune-tui demo`, or with `autotune-tui` in a git repository of yours: without a command,
    `autotune-tui [PATH]` shows the loop of the session there, and sets one up when there is none.
    `autotune-tui --watch [PATH]` only looks: at a repository, a session or a journal file.

    \b
    Exit codes: 0 done (target or budget reached), 1 an error, 2 bad usage or configuration,
    3 paused with a reason, 130 interrupted.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False


def main() -> None:
    """The entry point of `autotune-tui`: runs the command line and exits."""
    raise SystemExit(guarded(lambda: command_line.main(prog_name=NAME, standalone_mode=False)))
