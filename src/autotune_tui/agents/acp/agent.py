"""The ACP agent (A3): plans, edits and reworks in one conversation with a program that speaks the protocol.

The program is started for each experiment and sent away before anything is measured. The package that speaks the protocol
takes a second to import, so that this happens in a thread, when it is needed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune_tui.agents import tasks, words
from autotune_tui.agents.acp.speech import Speech
from autotune_tui.agents.answers import approaches_in, first_line, last_object, number_in, text_in
from autotune_tui.agents.base import (
    AgentEvent,
    AgentUnavailable,
    BudgetReached,
    Context,
    Edit,
    Emit,
    Failure,
    NothingToPropose,
    Outcome,
    Plan,
    Reflection,
)
from autotune_tui.agents.claude.tools.worktree import open_worktree
from autotune_tui.agents.command import Confine
from autotune_tui.agents.process import agent_environment
from autotune_tui.agents.text import one_line
from autotune_tui.errors import ConfigError

if TYPE_CHECKING:
    from autotune_tui.agent_programs import Known
    from autotune_tui.agents.acp.link import Link
    from autotune_tui.agents.acp.terminals import Confine as ConfineTerminals
    from autotune_tui.config import Command
    from autotune_tui.config.agent_acp import AgentAcp

GRACE = 0.3
"""Seconds between SIGTERM and SIGKILL: a cancelled experiment ends at once."""


class AcpAgent:
    """Talks to `command`, or to the `known` program. `confine` is put before the program, `terminals` before the commands
    that it lets us run; without it we offer to run none.
    """

    def __init__(
        self,
        settings: AgentAcp,
        known: Known | None,
        *,
        confine: Confine | None = None,
        terminals: ConfineTerminals | None = None,
        grace: float = GRACE,
    ) -> None:
        if known is None and not settings.command:
            raise ConfigError(
                "The ACP agent has no program",
                "Neither [agent_acp] name nor command is set.",
                '`autotune-tui agents` lists known ones; agent = "acp:gemini" takes one.',
            )
        self._settings, self._known = settings, known
        self._argv = _argv(settings.command) if settings.command or known is None else list(known.argv)
        self._title = known.title if known is not None and not settings.command else _shown(settings.command)
        self.name = known.agent if known is not None and not settings.command else "acp"
        self._confine, self._terminals, self._grace = confine, terminals, grace
        self._link: Link | None = None

    async def propose(self, context: Context, emit: Emit) -> Plan:
        """What the agent wants to try. Raises NothingToPropose when it says that there is nothing."""
        await self.rest()
        answer = await self._prompt(context, tasks.plan(context), emit, "plan")
        said = last_object(answer)
        if said.get("done") is True:
            await self.rest()  # what is measured now is the session's gain
            raise NothingToPropose(text_in(said, "notes") or f"{self._title} has no more proposals")
        description = one_line(text_in(said, "description"), 200) or first_line(answer)
        strategy = one_line(text_in(said, "strategy"), 40) or "acp"
        return Plan(
            description=description or f"Ask {self._title}",
            hypothesis=text_in(said, "hypothesis")
            or f"The change should improve {context.metric}, because {self._title} proposes it.",
            target=one_line(text_in(said, "target"), 200),
            strategy=strategy,
            key=f"{strategy}:{description.lower()}" if description else f"acp:{context.experiment}",
            bottleneck=text_in(said, "bottleneck"),
            approaches=approaches_in(said),
            expected=number_in(said, "expected"),
            premortem=text_in(said, "premortem"),
        )

    async def edit(self, context: Context, plan: Plan, emit: Emit) -> Edit:
        """Let the agent make the change that it planned."""
        known = self._link is not None and self._link.alive
        text = tasks.edit(context, plan) if known else tasks.anew(context, plan)
        return _edit(await self._prompt(context, text, emit, "edit"))

    async def rework(self, context: Context, plan: Plan, failure: Failure, emit: Emit) -> Edit | None:
        """Tell the agent what failed: in the same conversation where it still lives, else in a new one."""
        text = tasks.rework(context, plan, failure)
        if self._link is None or not self._link.alive:
            text = tasks.anew(context, plan) + text
        try:
            return _edit(await self._prompt(context, text, emit, f"rework-{failure.attempt}"))
        except BudgetReached as reached:
            emit(AgentEvent("notice", f"no rework: {reached}"))
            return None

    async def reflect(self, context: Context, plan: Plan, outcome: Outcome, emit: Emit) -> Reflection:
        await self.rest()
        return Reflection(observation=words.observation(outcome, context.metric, context.direction), next="")

    async def rest(self) -> None:
        """End the program: nothing of it may run while something is measured."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def close(self) -> None:
        await self.rest()

    async def _prompt(self, context: Context, text: str, emit: Emit, what: str) -> str:
        """The agent's answer. However it fails, the program is ended."""
        if any(left is not None and left <= 0 for left in (context.tokens_left, context.usd_left)):
            raise BudgetReached("the budget is used up")
        folder = context.artifacts / "agent"
        folder.mkdir(exist_ok=True)
        (folder / f"{what}.md").write_text(text, encoding="utf-8", errors="surrogateescape")
        client: Any = await asyncio.to_thread(import_module, "autotune_tui.agents.acp.client")
        with Speech(context.artifacts, emit) as speech:
            speech.line(f"== {what} ==")
            try:
                link = await self._linked(context, speech)
                call = client.Call(context, await open_worktree(context), speech)
                return await link.prompt(text, call)
            except BaseException:
                await self.rest()
                raise

    async def _linked(self, context: Context, speech: Speech) -> Link:
        """The conversation under way, or a new one."""
        if self._link is not None and self._link.alive:
            return self._link
        await self.rest()
        module: Any = await asyncio.to_thread(import_module, "autotune_tui.agents.acp.link")
        self.require(context.directory, context.environment)
        env = self._environment(context.environment)
        argv = self._argv
        if self._confine is not None:
            argv = [*self._confine(context.directory, context.artifacts / "agent"), *argv]
        terminals = None
        if self._terminals is not None and self._settings.others != "deny":
            from autotune_tui.agents.acp.terminals import Terminals

            terminals = Terminals(self._terminals, self._grace)
        start = module.Start(
            argv, context.directory, env, self._title, self._known.login if self._known else "", self._grace
        )
        link: Link = module.Link(start, self._settings, terminals)
        self._link = link
        await link.open(speech)
        return link

    def require(self, directory: Path, environment: Mapping[str, str]) -> None:
        program = self._argv[0]
        here = str(directory / program) if "/" in program else program
        if shutil.which(here, path=self._environment(environment).get("PATH")) is None:
            needs = f"Install it: {self._known.needs}." if self._known and not self._settings.command else ""
            raise AgentUnavailable(
                f"{self._title} is not installed",
                f"There is no program {program!r}, or it cannot be run.",
                needs or "Check [agent_acp] command; `autotune-tui agents` lists what is installed.",
            )

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        return agent_environment({**given, **(self._known.set if self._known else {})})


def _edit(answer: str) -> Edit:
    said = last_object(answer)
    return Edit(
        description=one_line(text_in(said, "description"), 200),
        hypothesis=text_in(said, "hypothesis"),
        notes=text_in(said, "notes"),
    )


def _argv(command: Command) -> list[str]:
    return ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)


def _shown(command: Command) -> str:
    """A command's program, without the folders of this machine."""
    argv = command.split() if isinstance(command, str) else list(command)
    return one_line(Path(argv[0]).name if argv else "The agent", 60)
