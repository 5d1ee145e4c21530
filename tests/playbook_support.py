"""Sessions that get stuck in one certain way: a benchmark, an agent in Python that sees its context, and what they are told."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from autotune_tui.model.events import Health, Record, Recovery, Result
from autotune_tui.model.health import explain
from autotune_tui.model.state import SessionState, fold
from engine_support import EXACT, Session, configure, make_repo

_AGENT = """\
#!/usr/bin/env python3
import json, os, pathlib, sys

folder = pathlib.Path({folder!r})
context = json.load(sys.stdin)
number, guidance = context["experiment"], context["guidance"]
(folder / f"context-{{number}}.json").write_text(json.dumps(context))
value, flag = pathlib.Path("src/value.txt"), folder / "flag"
said = {{"description": f"Change {{number}}"}}
{body}
print(json.dumps(said))
"""


def stuck(
    folder: Path,
    body: str,
    recovery: str,
    *,
    bench: str = EXACT,
    files: dict[str, str] | None = None,
    more: str = "",
    health: str = "max_no_improvement = 2",
    agent: str = "command",
) -> Session:
    """A session whose agent runs `body`; `recovery` and `health` are the TOML of these tables. Commands are not confined."""
    script = folder / "agent.py"
    script.write_text(_AGENT.format(folder=str(folder), body=body))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    tables = f'{more}\n[health]\n{health}\n[recovery]\n{recovery}\n[sandbox]\nmode = "none"\n'
    repo = make_repo(folder, files, bench.replace("FOLDER", str(folder)))
    config = configure(folder / "cache", str(script), tables)
    return Session(repo, config.model_copy(update={"agent": agent}))


def budget(ours: Session, experiments: int) -> None:
    """Let the session have so many experiments."""
    limits = ours.config.budget.model_copy(update={"experiments": experiments})
    ours.config = ours.config.model_copy(update={"budget": limits})


def told(folder: Path, number: int) -> dict[str, Any]:
    """The context that the agent was given."""
    context = json.loads((folder / f"context-{number}.json").read_text())
    assert isinstance(context, dict)
    return context


def recoveries(ours: Session) -> list[Recovery]:
    return [event for event in ours.events if isinstance(event, Recovery)]


def until(ours: Session, last: type[Record], number: int = 1) -> SessionState:
    """The state right after the number-th record of a type."""
    places = [place for place, event in enumerate(ours.events) if isinstance(event, last)]
    return fold(ours.events[: places[number - 1] + 1])


def explained(state: SessionState) -> dict[str, str]:
    """The rows of `explain` by label; of several with one label the last."""
    return dict(row.split(maxsplit=1) for row in explain(state).splitlines())


def healths(ours: Session) -> list[str]:
    """The health after each record that tells it, without repetitions."""
    told = [event.health for event in ours.events if isinstance(event, Health | Result)]
    return [health for place, health in enumerate(told) if place == 0 or told[place - 1] != health]
