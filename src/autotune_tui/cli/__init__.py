"""The command line. Its modules import nothing heavy, so that `--help` is there at once; commands import what they need."""

from __future__ import annotations

import os
from pathlib import Path

import click

from autotune_tui import __version__
from autotune_tui.cli import (
    agents,
    answering,
    checking,
    control,
    loop,
    prepare,
    prompts,
    reading,
    replay,
    screen,
    setup,
)
from autotune_tui.cli.failures import guarded

NAME = "autotune-tui"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

ORDER = (
    loop.demo,
    setup.init,
    checking.check,
    loop.run,
    prepare.prepare,
    control.pause,
    control.resume,
    control.skip,
    control.stop,
    control.rebaseline,
    control.repair,
    control.veto,
    control.rescue,
    answering.answer,
    control.propose,
    reading.status,
    reading.explain,
    reading.log,
    reading.show,
    reading.diff,
    agents.agents,
    prompts.prompts,
    replay.replay,
    screen.screen,
)
"""As one meets them, which is the order of the help."""


class _InOrder(click.Group):
    """Commands in their order; without a command, or with a path in its place, the screens."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["screen", *args] if self._means_screen(args) else args)

    def _means_screen(self, args: list[str]) -> bool:
        if not args:
            return screen.has_terminal()  # elsewhere the help, as of old
        if "--watch" in args and args[0] not in self.commands:
            return True
        first = args[0]
        is_session = first in ("-s", "--session") or first.startswith("--session=")
        return is_session or (not first.startswith("-") and first not in self.commands and Path(first).exists())


@click.group(NAME, cls=_InOrder, context_settings=_CONTEXT, commands={str(command.name): command for command in ORDER})
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
