"""The Claude agent (A2): each role a conversation of its own; nothing is kept from one experiment to the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from autotune_tui.agents import words
from autotune_tui.agents.base import (
    BudgetReached,
    Built,
    Context,
    Edit,
    Emit,
    Failure,
    Kind,
    Opinion,
    Outcome,
    Plan,
    Reflection,
)
from autotune_tui.agents.claude import builder, editor, inspector, planner, reflector
from autotune_tui.agents.claude.client import FIRST_WAIT, Client
from autotune_tui.agents.claude.conversation import Conversation
from autotune_tui.agents.claude.key import Key, take_key
from autotune_tui.agents.claude.meter import Meter
from autotune_tui.agents.claude.step import Step
from autotune_tui.agents.claude.tools.commands import Commands, Confine
from autotune_tui.agents.claude.tools.worktree import open_worktree
from autotune_tui.agents.claude.transcript import Transcript
from autotune_tui.config import SessionConfig
from autotune_tui.config.agent_claude import AgentClaude
from autotune_tui.errors import AgentError

_SAYS_NOTHING = frozenset({"skipped", "duplicate", "no_change", "agent_failed"})
"""Ends of experiments of which there is nothing to learn but that they ended so: not worth a request."""


def make(config: SessionConfig, confine: Confine | None) -> ClaudeAgent:
    """The agent of a configuration. Takes the key out of the environment. Raises ConfigError, AgentError."""
    return ClaudeAgent(take_key(config.agent_claude), config.agent_claude, commands_of(config, confine))


def commands_of(config: SessionConfig, confine: Confine | None) -> Commands:
    return Commands(
        build=config.benchmark.build,
        checks=config.checks.command,
        benchmark=config.benchmark.command,
        seconds=config.benchmark.timeout,
        checks_seconds=config.checks.timeout,
        confine=confine,
        shell=config.agent_claude.shell,
    )


_WALLS = "Install bubblewrap: apt-get install bubblewrap"


class ClaudeAgent:
    """`commands` are the session's own, for the editor's tools."""

    def __init__(
        self,
        key: Key,
        settings: AgentClaude,
        commands: Commands,
        *,
        name: str = "claude",
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self.name = name
        self._key, self._settings, self._commands = key, settings, commands
        self._client = Client(key, settings, first_wait=first_wait)
        self.inspects = settings.inspect

    def at_effort(self, effort: str) -> ClaudeAgent:
        settings = self._settings.model_copy(update={"planner_effort": effort, "editor_effort": effort})
        return ClaudeAgent(self._key, settings, self._commands, name=f"{self.name}@{effort}")

    async def propose(self, context: Context, emit: Emit) -> Plan:
        """A plan, or NothingToPropose; AlreadyTried when it insists on an old one."""
        async with self._step(context, emit) as step:
            return await planner.propose(step)

    async def edit(self, context: Context, plan: Plan, emit: Emit) -> Edit:
        """The change of the plan; AlreadyTried when it was made before."""
        async with self._step(context, emit) as step:
            return await editor.edit(step, plan)

    async def rework(self, context: Context, plan: Plan, failure: Failure, emit: Emit) -> Edit | None:
        """The mended change; None when there is none, or no money for it."""
        async with self._step(context, emit) as step:
            try:
                return await editor.rework(step, plan, failure)
            except BudgetReached as reached:
                step.transcript.notice(f"no rework: {reached}")
                return None

    async def inspect(self, context: Context, description: str, diff: str, outcome: Outcome, emit: Emit) -> Opinion:
        """Whether a change that was measured to be better should be kept."""
        async with self._step(context, emit) as step:
            return await inspector.inspect(step, description, diff, outcome)

    async def reflect(self, context: Context, plan: Plan, outcome: Outcome, emit: Emit) -> Reflection:
        """What was learned; only the figures when nothing was, or when the budget is used up."""
        plain = Reflection(words.observation(outcome, context.metric, context.direction), "")
        if outcome.reason in _SAYS_NOTHING:
            return plain
        async with self._step(context, emit) as step:
            try:
                return await reflector.reflect(step, plan, outcome)
            except BudgetReached as reached:
                step.transcript.notice(f"no reflection: {reached}")
                return plain

    async def build(self, context: Context, kind: Kind, emit: Emit) -> Built:
        """A benchmark or tests that the repository lacks, written into `context.directory` and tried."""
        async with self._step(context, emit) as step:
            if step.commands.confine is None:
                raise AgentError("Nothing can be built without a sandbox", "What is written has to be run.", _WALLS)
            return await builder.build(step, kind)

    async def close(self) -> None:
        await self._client.close()

    @asynccontextmanager
    async def _step(self, context: Context, emit: Emit) -> AsyncIterator[Step]:
        with Transcript(context.artifacts, self._key, emit) as transcript:
            meter = Meter(context.tokens_left, context.usd_left)
            conversation = Conversation(self._client, self._settings, meter, transcript)
            yield Step(context, await open_worktree(context), conversation, transcript, self._commands)
