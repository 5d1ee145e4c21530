"""The command line. Its modules import nothing heavy, so that `--help` is there at once; commands import what they need."""

from __future__ import annotations

import os

import click

from autotune_tui import __version__
from autotune_tui.cli import checking, control, loop, reading, setup
from autotune_tui.cli.failures import guarded

NAME = "autotune-tui"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

ORDER = (
    loop.demo,
    setup.init,
    checking.check,
    loop.run,
    control.pause,
    control.resume,
    control.skip,
    control.stop,
    control.rebaseline,
    control.repair,
    control.propose,
    reading.status,
    reading.explain,
    reading.log,
    reading.show,
    reading.diff,
)
"""As one meets them, which is the order of the help."""


class _InOrder(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(NAME, cls=_InOrder, context_settings=_CONTEXT, commands={str(command.name): command for command in ORDER})
@click.version_option(__version__, "-V", "--version", prog_name=NAME)
@click.pass_context
def command_line(context: click.Context) -> None:
    """Makes software measurably better: tries changes, measures them, keeps only what is really better.

    Start with `autotune-tui demo`, or with `autotune-tui init` in a git repository of yours.

    \b
    Exit codes: 0 done (target or budget reached), 1 an error, 2 bad usage or configuration,
    3 paused with a reason, 130 interrupted.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False


def main() -> None:
    """The entry point of `autotune-tui`: runs the command line and exits."""
    raise SystemExit(guarded(lambda: command_line.main(prog_name=NAME, standalone_mode=False)))
