"""Known programs as command agents (A4): each is run once for an experiment, with a task in words.

Such a program knows nothing of this one: it gets the task that `tasks/whole.md` describes, in the way that
`agent_programs/agents.toml` says, and the JSON object in which its answer ends is looked for in all that it printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autotune_tui.agent_programs import Known, Where
from autotune_tui.agents import tasks
from autotune_tui.agents.answers import is_number, last_object, object_of
from autotune_tui.agents.base import AgentUnavailable, Context, Failure, Plan
from autotune_tui.agents.claude.tools.base import shortened
from autotune_tui.agents.command import CommandAgent, Confine, Invocation
from autotune_tui.agents.process import GRACE, Finished, agent_environment

MOST_ARGUMENT = 100_000
"""Characters of a task that is handed over as an argument: the kernel takes 128 KiB."""
MOST_FILES = 20
PRIVATE = "/tmp"
"""Where a confined program may write beside the worktree; it is its own."""


class RecipeAgent(CommandAgent):
    """Runs a known program. `timeout` and `grace` as with `CommandAgent`."""

    def __init__(self, known: Known, timeout: float, grace: float = GRACE, confine: Confine | None = None) -> None:
        super().__init__(list(known.argv), timeout, grace, confine)
        self.name, self._known = known.agent, known
        self._shown = known.title

    def require(self, directory: Path, environment: Mapping[str, str]) -> None:
        """The directory does not matter: such a program is looked for on PATH."""
        if not self._known.found(agent_environment({**environment, **self._known.set}).get("PATH")):
            raise AgentUnavailable(
                f"{self._known.title} is not installed",
                f"There is no program {self._known.program!r} on PATH.",
                f"Install it: {self._known.needs}. `autotune-tui agents` lists what there is.",
            )

    def _invocation(self, context: Context, plan: Plan, failure: Failure | None) -> Invocation:
        self.require(context.directory, context.environment)
        task = tasks.whole(context) if failure is None else tasks.whole(context) + tasks.rework(context, plan, failure)
        folder = context.artifacts / "agent"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "task.md"
        file.write_text(task, encoding="utf-8", errors="surrogateescape")
        values = {
            "prompt": shortened(task, MOST_ARGUMENT),
            "prompt_file": str(file),
            "folder": PRIVATE if self._confine is not None else str(folder),
        }
        stdin = task.encode("utf-8", "surrogateescape") if self._known.stdin else b""
        return Invocation(filled(self._known.argv, values, hottest(context)), stdin, self._known.set)

    def _said(self, finished: Finished, printed: str) -> Mapping[str, Any]:
        if self._known.answer is not None:
            return translated(object_of(finished.last_line), self._known.answer)
        return object_of(finished.last_line) or last_object(printed)


def filled(argv: Sequence[str], values: Mapping[str, str], files: Sequence[str]) -> list[str]:
    """The program's arguments; `{files}` becomes one argument for each file."""
    found: list[str] = []
    for argument in argv:
        if argument == "{files}":
            found += files
            continue
        name = next((name for name in values if f"{{{name}}}" in argument), "")
        found.append(argument.replace(f"{{{name}}}", values[name]) if name else argument)
    return found


def hottest(context: Context) -> list[str]:
    """Files in scope, those first in which the profile says that the time is spent."""
    spots = [spot.file for spot in context.profile.hot_spots] if context.profile is not None else []
    known = set(context.files)
    hot = [file for file in dict.fromkeys(spots) if file in known]
    return [*hot, *(file for file in context.files if file not in set(hot))][:MOST_FILES]


def translated(said: Mapping[str, Any], where: Where) -> Mapping[str, Any]:
    """A program's own last words as those of a command agent: the object at the end of its answer, and what it cost."""
    words = _at(said, where.words)
    usage = {
        "usd": _sum(said, (where.usd,)),
        "input_tokens": _sum(said, where.input_tokens),
        "output_tokens": _sum(said, where.output_tokens),
    }
    answer = last_object(words) if isinstance(words, str) else {}
    return {**answer, "usage": {name: value for name, value in usage.items() if value is not None}}


def _sum(said: Mapping[str, Any], names: Sequence[str]) -> float | None:
    found = [float(value) for name in names if is_number(value := _at(said, name))]
    return sum(found) if found else None


def _at(said: Mapping[str, Any], name: str) -> Any:
    value: Any = said
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
