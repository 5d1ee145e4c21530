"""The `command` agent: any executable of the user's is run in the candidate worktree, and what it changed is the proposal.

It gets the context as JSON on its standard input and as files named in its environment (`context_json` describes both). Its
environment is the user's own, with secrets, since it may need a key; only the variables that would point git at another
repository are taken out, and the benchmark's variables are set. It is killed, with everything that it started, when the
experiment is cancelled or its time is over.

The last line of its standard output may be a JSON object that says more:

    description, hypothesis, notes    text
    expected                          expected relative change of the metric (-0.1: falls by 10 %)
    usage                             {input_tokens, output_tokens, usd}
    done                              true: this was the last proposal; with nothing changed: there is none any more

An exit code other than 0 is a failure. Exit code 0 with nothing changed is an experiment without a change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotune_tui.agents import words
from autotune_tui.agents.answers import is_number, object_of, text_in, usage_in
from autotune_tui.agents.base import (
    AgentEvent,
    AgentStalled,
    Approach,
    Context,
    Edit,
    Emit,
    Failure,
    NothingToPropose,
    Outcome,
    Plan,
    Reflection,
)
from autotune_tui.agents.context_json import write_files
from autotune_tui.agents.process import GRACE, Finished, agent_environment, run_agent
from autotune_tui.agents.text import one_line
from autotune_tui.agents.worktree import is_changed
from autotune_tui.errors import AgentError, ConfigError

LOG = "agent.log"
_END = 64 << 10
"""Bytes of the log's end in which a program's last words are looked for."""

Confine = Callable[[Path, Path], Sequence[str]]
"""What to put before a command that runs in the first folder and may read the second."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What is run, and what it is given."""

    argv: Sequence[str]
    stdin: bytes
    env: Mapping[str, str]


class CommandAgent:
    """Runs one command for each experiment. `timeout` and `grace` (between SIGTERM and SIGKILL) are in seconds."""

    name = "command"

    def __init__(
        self, command: str | list[str], timeout: float, grace: float = GRACE, confine: Confine | None = None
    ) -> None:
        if not command:
            raise ConfigError(
                "The command agent has no command",
                "[agent_command] command is empty.",
                'Set it in autotune.toml, for example command = "./my-agent".',
            )
        self._argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        self._shown = command if isinstance(command, str) else " ".join(command)
        self._timeout, self._grace = timeout, grace
        self._confine = confine
        self._done = False

    async def propose(self, context: Context, emit: Emit) -> Plan:
        """A plan that says little: what is tried is known only once the command has run."""
        if self._done:
            raise NothingToPropose(f"{self._shown} said that it has no more proposals")
        command = one_line(re.sub(r"\S*/", "", self._shown), 60)  # a path of this machine is nobody else's business
        return Plan(
            description=f"Ask {command}",
            hypothesis=f"The change should improve {context.metric}, because {command} proposes it.",
            strategy="command",
            key=f"command:{context.experiment}",
            approaches=(Approach(command, "chosen by configuration; it sees the whole context", chosen=True),),
        )

    async def edit(self, context: Context, plan: Plan, emit: Emit) -> Edit:
        """Run the command; raises AgentError when it fails, NothingToPropose when it is done and changed nothing."""
        return await self._run(context, plan, None, emit)

    async def rework(self, context: Context, plan: Plan, failure: Failure, emit: Emit) -> Edit | None:
        """Run the command again on the same worktree, with the failure in its context."""
        return await self._run(context, plan, failure, emit)

    async def reflect(self, context: Context, plan: Plan, outcome: Outcome, emit: Emit) -> Reflection:
        return Reflection(
            observation=words.observation(outcome, context.metric, context.direction),
            next="",
        )

    async def close(self) -> None:
        """Nothing is held between calls."""

    async def _run(self, context: Context, plan: Plan, failure: Failure | None, emit: Emit) -> Edit:
        invocation = self._invocation(context, plan, failure)
        argv = list(invocation.argv)
        if self._confine is not None:
            argv = [*self._confine(context.directory, context.artifacts / "agent"), *argv]
        log = context.artifacts / LOG
        before = log.stat().st_size if log.exists() else 0
        finished = await run_agent(
            argv,
            directory=context.directory,
            env=agent_environment({**context.environment, **invocation.env}),
            stdin=invocation.stdin,
            seconds=self._timeout,
            log=log,
            show=lambda line: emit(AgentEvent("text", line)),
            grace=self._grace,
        )
        self._expect_success(finished)
        said = self._said(finished, _end_of(log, before))
        if usage := usage_in(said.get("usage")):
            emit(AgentEvent("usage", usage=usage))
        if said.get("done") is True:
            self._done = True
            if failure is None and not await is_changed(context.directory):
                raise NothingToPropose(text_in(said, "notes") or f"{self._shown} said that it has no more proposals")
        expected = said.get("expected")
        return Edit(
            description=one_line(text_in(said, "description"), 200),
            hypothesis=text_in(said, "hypothesis"),
            notes=text_in(said, "notes"),
            strategy=one_line(text_in(said, "strategy"), 60),
            data={"expected": float(expected)} if is_number(expected) else {},
        )

    def _invocation(self, context: Context, plan: Plan, failure: Failure | None) -> Invocation:
        """How the program is run: here with the context, as JSON and as files."""
        named = write_files(context.artifacts / "agent", context, plan, failure)
        return Invocation(self._argv, Path(named["AUTOTUNE_CONTEXT"]).read_bytes(), named)

    def _said(self, finished: Finished, printed: str) -> Mapping[str, Any]:
        """The object of the program's last words; `printed` is the end of all that it printed."""
        return object_of(finished.last_line)

    def _expect_success(self, finished: Finished) -> None:
        code = finished.exit
        if code == 0:
            return
        if code is None:
            raise AgentStalled(
                f"The agent was stopped after {self._timeout:g} s",
                finished.tail,
                "Give it more time with [agent_command] timeout, or make it do less in one go.",
            )
        hint = f"All of its output is in {LOG}, beside the experiment's other files."
        if code in (126, 127) and self._argv[0] == "/bin/sh":
            hint = (
                "The shell could not run it: is it executable? A relative path is relative to the candidate worktree: "
                "commit the file, or give its absolute path."
            )
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise AgentError(f"The agent failed with {how}: {one_line(self._shown, 60)}", finished.tail, hint)


def _end_of(log: Path, start: int) -> str:
    """The end of what was added to the log."""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - _END))
        return file.read(_END).decode("utf-8", "replace")
