"""Claude's work can be broken off at every moment: the connection is closed, nothing runs on, what was written is whole."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agents_support import Shown, outcome, repository
from autotune_tui.agents.base import Context, Plan
from autotune_tui.agents.claude.agent import ClaudeAgent
from autotune_tui.agents.claude.key import Key
from autotune_tui.agents.claude.tools.commands import Commands
from autotune_tui.config.agent_claude import AgentClaude
from claude_support import Say, plan, text, tool
from messages_server import KEY, MessagesServer, events, serve, thinking
from test_claude_tools import at, is_running, wait_for

PLAN = Plan("Halve the value", "Half should improve cost because it is less.", target="src/value.txt")
LONG = "echo $$ > pid; trap '' TERM; setsid sh -c 'echo $$ > child; sleep 300' & sleep 300"
"""Does not end when it is asked to, and has a child in a session of its own."""
ANSWER = Say([thinking("Where is the cost?"), text("It is the value, I think."), tool("list_files"), plan()])
MOMENTS = len(events(ANSWER, "some-model", 1))


class Work:
    """An agent, what it works on, and the server that it asks."""

    def __init__(self, folder: Path, server: MessagesServer, commands: Commands) -> None:
        files = {"src/value.txt": "100\n"}
        self.context: Context = at(repository(folder / "candidate", files), tuple(files), include=("src/**",))
        self.server, self.shown = server, Shown()
        settings = AgentClaude(base_url=server.url, second_ranking=False)
        self.agent = ClaudeAgent(Key(KEY), settings, commands, first_wait=0.01)

    @property
    def transcript(self) -> list[dict[str, Any]]:
        lines = (self.context.artifacts / "transcript.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    async def broken_off(self, asking: Awaitable[Any], moment: Callable[[], Awaitable[Any]]) -> None:
        """Begin to ask, wait for the moment, and cancel: that ends it, and nothing else."""
        task = asyncio.ensure_future(asking)
        waiting = asyncio.ensure_future(moment())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), task
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(30):
                await task


@asynccontextmanager
async def work(folder: Path, *answers: Say, command: str = "true") -> AsyncIterator[Work]:
    commands = Commands(command, command, command, 600, 600, confine=lambda tree: ("env", "--"))
    async with serve([*answers, Say([text("too late")])]) as server:
        made = Work(folder, server, commands)
        try:
            yield made
        finally:
            await made.agent.close()


async def test_an_answer_is_broken_off_at_each_of_its_events(tmp_path: Path) -> None:
    """Done at every event of a stream, from before the first to after the last but one."""
    assert MOMENTS > 20
    moments = [Say(ANSWER.blocks, cut=moment, how="hang") for moment in range(MOMENTS)]
    async with work(tmp_path, *moments) as at_work:
        server = at_work.server
        for moment in range(MOMENTS):
            server.hanging.clear(), server.left.clear()
            await at_work.broken_off(at_work.agent.propose(at_work.context, at_work.shown), server.hanging.wait)
            async with asyncio.timeout(30):
                await server.left.wait()
            assert len(server.requests) == moment + 1
        assert [line["kind"] for line in at_work.transcript].count("begin") == MOMENTS


@pytest.mark.parametrize("role", ["edit", "rework", "inspect", "reflect"])
async def test_every_role_can_be_broken_off(tmp_path: Path, role: str) -> None:
    from autotune_tui.agents.base import Failure

    async with work(tmp_path, Say([text("I think")], cut=3, how="hang")) as at_work:
        agent, context, emit = at_work.agent, at_work.context, at_work.shown
        ended = outcome("keep", "improvement", -0.1, (-0.12, -0.08), 8)
        asking: dict[str, Callable[[], Awaitable[Any]]] = {
            "edit": lambda: agent.edit(context, PLAN, emit),
            "rework": lambda: agent.rework(context, PLAN, Failure("check", "no", "no", 1), emit),
            "inspect": lambda: agent.inspect(context, "Halve it", "+50", ended, emit),
            "reflect": lambda: agent.reflect(context, PLAN, ended, emit),
        }
        await at_work.broken_off(asking[role](), at_work.server.hanging.wait)
        async with asyncio.timeout(30):
            await at_work.server.left.wait()


@pytest.mark.parametrize(
    "call",
    [tool("shell", command=LONG), tool("run_checks"), tool("try_benchmark")],
    ids=lambda call: call["name"],
)
async def test_a_tool_that_runs_is_ended_with_all_that_it_started(tmp_path: Path, call: dict[str, Any]) -> None:
    """Also what ignores being asked, and what hides in a session of its own."""
    async with work(tmp_path, Say([call]), command=LONG) as at_work:
        root = at_work.context.directory
        files = [root / "pid", root / "child"]

        async def running() -> None:
            await wait_for(lambda: all(file.exists() and file.read_text().strip() for file in files))

        await at_work.broken_off(at_work.agent.edit(at_work.context, PLAN, at_work.shown), running)
        pids = [int(file.read_text()) for file in files]
        await wait_for(lambda: not any(map(is_running, pids)))
        assert os.getpid() not in pids
        assert len(at_work.server.requests) == 1
        assert at_work.transcript[-1]["kind"] == "assistant"


async def test_waiting_for_a_person_is_broken_off(tmp_path: Path) -> None:
    """A question about a search does not outlive who asked."""
    import dataclasses

    asked = asyncio.Event()

    async def never(question: Any) -> str:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with work(tmp_path, Say([tool("ask_to_search", query="halves", why="stuck")])) as at_work:
        settings = AgentClaude(base_url=at_work.server.url, web_search="ask")
        commands = Commands("", "", "true", 60, 60, confine=None)
        asker = ClaudeAgent(Key(KEY), settings, commands, first_wait=0.01)
        context = dataclasses.replace(at_work.context, ask=never)
        try:
            await at_work.broken_off(asker.propose(context, at_work.shown), asked.wait)
        finally:
            await asker.close()
