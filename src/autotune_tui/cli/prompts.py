"""`prompts`: what Claude would be sent for the next experiment; nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotune_tui.cli.loop import settings_for
from autotune_tui.cli.places import json_option, repository, session_options

if TYPE_CHECKING:
    from autotune_tui.agents.claude.preview import Preview

ROLES = ("planner", "searcher", "ranker", "editor", "rework", "inspector", "reflector")


@click.command(short_help="Show what Claude would be sent")
@session_options
@click.option("--role", type=click.Choice(ROLES), help="Only this one.")
@json_option
def prompts(path: Path, session: str, role: str | None, as_json: bool) -> None:
    """Show what the Claude agent would be sent for the next experiment, role by role. Nothing is sent, no key is needed.

    Words in round brackets stand for what is not known before the experiment. --json prints the requests whole.
    """
    import asyncio

    from autotune_tui.engine.preview import preview
    from autotune_tui.journal.files import SessionFolder, next_session_id
    from autotune_tui.text import harmless

    root = repository(path)
    folder, settings = settings_for(root, path, session)
    folder = folder or SessionFolder.of(root, next_session_id(root, settings.name or settings.goal))
    shown = [each for each in asyncio.run(preview(root, folder, settings)) if role in (None, each.name)]
    if as_json:
        click.echo(json.dumps({each.name: each.arguments for each in shown}))
        return
    click.echo(harmless("\n".join(line for each in shown for line in _in_words(each))))


def _in_words(shown: Preview) -> Iterator[str]:
    effort = shown.arguments.get("output_config", {}).get("effort", "")
    yield f"=== {shown.name}: {shown.arguments['model']}{f', effort {effort}' if effort else ''}"
    yield f"=== tools: {', '.join(shown.tools)}; at most {shown.most_tokens:,} tokens to begin with"
    yield "--- instructions"
    yield shown.system
    yield "--- first message"
    yield shown.first
