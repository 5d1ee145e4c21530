"""Which agents there are on this machine, and which one `auto` takes."""

from __future__ import annotations

from typing import Any

import click

from autotune_tui.cli.failures import DONE
from autotune_tui.cli.places import json_option


@click.command(short_help="Which agents are installed, and what auto takes")
@click.option("--all", "everything", is_flag=True, help="Also known programs that are not installed.")
@json_option
def agents(everything: bool, as_json: bool) -> int:
    """List the agents that can be used here: built in, and known programs on PATH with their version.

    The name in the first column is what `agent` takes in autotune.toml. At the end stands what `agent = "auto"` takes, and
    why.
    """
    from autotune_tui.agent_programs import key_in_environment, known, version_of

    programs = [
        {
            "agent": program.agent, "title": program.title, "path": program.found(), "version": version_of(program),
            "key": key_in_environment(program), "needs": program.needs, "login": program.login, "note": program.note,
        }
        for program in known()
        if everything or program.found()
    ]  # fmt: skip
    takes, why = _auto()
    if as_json:
        import json

        click.echo(json.dumps({"programs": programs, "auto": {"agent": takes, "why": why}}, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(programs, takes, why)))
    return DONE


def _auto() -> tuple[str, str]:
    """What `auto` takes where a configuration says nothing more, and why."""
    from autotune_tui.agent_programs import installed
    from autotune_tui.agents.claude.key import is_there
    from autotune_tui.config.agent_claude import AgentClaude

    if is_there(AgentClaude()):
        return "claude", "there is an API key"
    why = "there is no API key"
    if found := installed("acp"):
        why += f'; {found[0].title} is installed, and is taken only where it is named: agent = "{found[0].agent}"'
    return "offline", why


def _lines(programs: list[dict[str, Any]], takes: str, why: str) -> list[str]:
    own = (
        ("offline", "knobs and rewrites, without a network"),
        ("claude", "Claude through the API; needs ANTHROPIC_API_KEY or [agent_claude] key_command"),
        ("command", "a program of your own: [agent_command] command"),
        ("acp", "a program of your own that speaks ACP: [agent_acp] command"),
        ("manual", "you: `autotune-tui propose`"),
    )
    rows = [*own, *((program["agent"], _about(program)) for program in programs)]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {about}" for name, about in rows]
    if not programs:
        lines += ["", "No known program is on PATH; --all lists them."]
    return [*lines, "", f"auto takes {takes}: {why}."]


def _about(program: dict[str, Any]) -> str:
    if not program["path"]:
        return f"{program['title']}, not installed: {program['needs']}"
    version = f" {program['version']}" if program["version"] else ""
    key = f"key in {program['key']}" if program["key"] else f"login: {program['login']}"
    return ". ".join(part for part in (f"{program['title']}{version}, {key}", program["note"].rstrip(".")) if part)
