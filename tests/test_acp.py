"""ACP agents (A3): a program that speaks the protocol works in the worktree, and asks before what it may not."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from agents_support import Shown, make_context, outcome, repository
from autotune_tui.agents.acp import permissions
from autotune_tui.agents.acp.agent import AcpAgent
from autotune_tui.agents.base import (
    AgentUnavailable,
    BudgetReached,
    Context,
    Failure,
    NothingToPropose,
    Plan,
    Question,
)
from autotune_tui.config.agent_acp import AgentAcp
from autotune_tui.errors import AgentError, ConfigError
from processes import alive

AGENT = Path(__file__).with_name("acp_agent.py")
PLAN = Plan("Count to 2", "2 should improve time because 2 > 1", target="src/a.txt", strategy="count")
PLANNED = {
    "description": "Count to 2",
    "hypothesis": "2 should improve time because 2 > 1",
    "target": "src/a.txt",
    "strategy": "count",
    "bottleneck": "the number",
    "approaches": [{"name": "two", "trade_off": "none", "chosen": True}, {"name": "three", "trade_off": "too much"}],
    "expected": -0.1,
    "premortem": "nobody counts",
}
DONE = {"description": "Count to two", "hypothesis": "it should", "notes": "easy"}

Steps = list[dict[str, Any]]


def says(answer: dict[str, Any], before: str = "I looked at it.\n") -> dict[str, Any]:
    return {"say": f"{before}{json.dumps(answer)}"}


class Scripted:
    """A scripted agent in a folder, and what it was answered."""

    def __init__(self, folder: Path, *sessions: list[Steps], **more: Any) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "script.json").write_text(json.dumps({"sessions": list(sessions), **more}))

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(AGENT), str(self.folder / "script.json")]

    def agent(self, *, confine: Any = None, terminals: Any = None, **settings: Any) -> AcpAgent:
        return AcpAgent(AgentAcp(command=self.command, **settings), None, confine=confine, terminals=terminals)

    def replies(self, what: str) -> list[Any]:
        file = self.folder / "replies.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [reply["value"] for line in lines if (reply := json.loads(line))["what"] == what]

    @property
    def starts(self) -> int:
        return int((self.folder / "starts").read_text())


@pytest.fixture
def context(tmp_path: Path) -> Context:
    tree = repository(tmp_path / "candidate", {"src/a.txt": "1\n", "other.txt": "1\n"})
    return replace(make_context(tree, files=("src/a.txt",)), include=("src/**",), incumbent="HEAD")


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Scripted]:
    return lambda *sessions, **more: Scripted(tmp_path / "script", *sessions, **more)


async def wait_for(condition: Callable[[], bool], what: str) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"waited in vain for {what}")


async def test_it_plans_and_edits_in_one_conversation(context: Context, script: Callable[..., Scripted]) -> None:
    """A3: the plan is known before anything is changed; thoughts, plan and tools are seen; usage is counted."""
    usage = {"totalTokens": 160, "inputTokens": 100, "outputTokens": 20, "cachedReadTokens": 40}
    scripted = script(
        [
            [{"think": "hm"}, {"plan": ["read", "decide"]}, {"cost": 0.25}, {"usage": usage}, says(PLANNED)],
            [
                {"tool": {"title": "Edit src/a.txt", "kind": "edit"}},
                {"write": ["src/a.txt", "2\n"]},
                {"cost": 0.75},
                says(DONE),
            ],
        ]
    )
    shown, agent = Shown(), scripted.agent()
    plan = await agent.propose(context, shown)
    assert (plan.description, plan.strategy, plan.expected) == ("Count to 2", "count", -0.1)
    assert [(a.name, a.chosen) for a in plan.approaches] == [("two", True), ("three", False)]
    assert (context.directory / "src/a.txt").read_text() == "1\n"
    edit = await agent.edit(context, plan, shown)
    assert (edit.description, edit.notes) == ("Count to two", "easy")
    assert (context.directory / "src/a.txt").read_text() == "2\n"
    assert scripted.starts == 1
    await agent.close()
    log = (context.artifacts / "agent.log").read_text()
    for words in ("(thinks) hm", "[>] decide", "> Edit src/a.txt", "I looked at it."):
        assert words in log
        assert words in shown.text
    spent = [event.usage for event in shown.events if event.kind == "usage"]
    assert spent == [
        {"usd": 0.25},
        {"input_tokens": 140, "output_tokens": 20, "cache_read_tokens": 40, "cache_write_tokens": 0},
        {"usd": 0.5},
    ]
    first, second = scripted.replies("prompt")
    assert "Be quick" in first and "src/**" in first and "Change no file yet" in first
    assert "Count to 2" in second and "Goal" not in second
    assert (context.artifacts / "agent" / "plan.md").read_text() == first


async def test_a_rework_is_told_the_failure_where_the_change_was_made(
    context: Context, script: Callable[..., Scripted]
) -> None:
    failure = Failure("check", "2 tests failed", "test_a ... FAILED", 1)
    scripted = script([[says(PLANNED)], [says(DONE)], [says({"notes": "mended"})]])
    agent = scripted.agent()
    plan = await agent.propose(context, Shown())
    await agent.edit(context, plan, Shown())
    edit = await agent.rework(context, plan, failure, Shown())
    assert edit is not None and edit.notes == "mended"
    assert scripted.starts == 1
    told = scripted.replies("prompt")[2]
    assert "2 tests failed" in told and "test_a ... FAILED" in told and "Goal" not in told
    await agent.rest()
    await agent.rework(context, plan, failure, Shown())
    assert scripted.starts == 2
    anew = scripted.replies("prompt")[3]
    assert "Be quick" in anew and "2 tests failed" in anew
    await agent.close()


async def test_it_is_sent_away_before_anything_is_measured(context: Context, script: Callable[..., Scripted]) -> None:
    """Nothing of it runs beside the benchmark, also no child that left its group; the next call starts it anew."""
    scripted = script([[{"children": "pids"}, says(PLANNED)]], [[says(DONE)]])
    agent = scripted.agent()
    plan = await agent.propose(context, Shown())
    pids = [int(pid) for pid in (scripted.folder / "pids").read_text().split()]
    assert alive(pids)
    await agent.rest()
    await wait_for(lambda: not alive(pids), "the end of all its processes")
    await agent.edit(context, plan, Shown())
    assert "Goal" in scripted.replies("prompt")[1]
    reflection = await agent.reflect(context, plan, outcome("keep", "", -0.1, (-0.12, -0.08), 12), Shown())
    assert reflection.observation.startswith("Time changed by −10.0 %")
    assert scripted.starts == 2


async def test_a_tool_call_is_followed_to_its_end(context: Context, script: Callable[..., Scripted]) -> None:
    """Some agents say only later what it is about; a change is seen, and why it failed."""
    path = str(context.directory / "src/a.txt")
    changed = {"type": "diff", "path": path, "oldText": "1\n", "newText": "2\n3\n"}
    failed = {"type": "content", "content": {"type": "text", "text": "```\nnot read before\n```"}}
    scripted = script(
        [
            [
                {"tool": {"title": "Edit", "kind": "edit"}},
                {"progress": {"title": "Edit src/a.txt", "status": "in_progress", "content": [changed]}},
                {"progress": {"status": "failed", "content": [failed]}},
                says(DONE),
            ]
        ]
    )
    shown, agent = Shown(), scripted.agent()
    await agent.edit(context, PLAN, shown)
    await agent.close()
    log = [line for line in (context.artifacts / "agent.log").read_text().splitlines() if line]
    assert log[1:5] == [
        "> Edit", "> Edit src/a.txt", "src/a.txt: 1 lines become 2", "failed: Edit src/a.txt: not read before",
    ]  # fmt: skip
    assert [event.text for event in shown.events if event.kind == "tool"] == ["Edit", "Edit src/a.txt"]


async def test_nothing_left_to_try_ends_the_proposals(context: Context, script: Callable[..., Scripted]) -> None:
    """And the program: the session's gain is measured next."""
    scripted = script([[{"children": "pids"}, says({"done": True, "notes": "all tried"})]])
    with pytest.raises(NothingToPropose, match="all tried"):
        await scripted.agent().propose(context, Shown())
    assert not alive([int(pid) for pid in (scripted.folder / "pids").read_text().split()])


async def test_an_answer_in_plain_words_is_a_plan(context: Context, script: Callable[..., Scripted]) -> None:
    agent = script([[{"say": "## Cache the rows\n\nIt is slow because ..."}]]).agent()
    plan = await agent.propose(context, Shown())
    assert plan.description == "Cache the rows"
    assert plan.key == "acp:cache the rows"
    await agent.close()


async def test_a_used_up_budget_ends_before_the_program_is_started(
    context: Context, script: Callable[..., Scripted]
) -> None:
    scripted = script([[says(PLANNED)]])
    with pytest.raises(BudgetReached):
        await scripted.agent().propose(replace(context, usd_left=0.0), Shown())
    assert not (scripted.folder / "starts").exists()


async def test_an_agent_that_spends_all_that_is_left_is_stopped(
    context: Context, script: Callable[..., Scripted]
) -> None:
    scripted = script([[{"cost": 0.25}, {"children": "pids"}, {"hang": 600}]])
    shown, poor = Shown(), replace(context, usd_left=0.2)
    with pytest.raises(BudgetReached, match="has spent what the budget had left"):
        await scripted.agent().edit(poor, PLAN, shown)
    assert [event.usage for event in shown.events if event.kind == "usage"] == [{"usd": 0.25}]
    assert not alive([int(pid) for pid in (scripted.folder / "pids").read_text().split()])
    failure = Failure("check", "2 tests failed", "", 1)
    assert await scripted.agent().rework(replace(context, usd_left=0.0), PLAN, failure, shown) is None
    assert shown.events[-1].text == "no rework: the budget is used up"


JUDGED = [
    ("edit", ["src/a.txt"], {}, "allow", ""),
    ("edit", ["src/a.txt"], {"edits": "deny"}, "deny", ""),
    ("edit", ["src/a.txt"], {"edits": "ask"}, "ask", ""),
    ("edit", ["src/a.txt", "other.txt"], {}, "deny", "other.txt is not in scope"),
    ("delete", ["other.txt"], {"edits": "ask", "others": "allow"}, "deny", "other.txt is not in scope"),
    ("edit", [], {}, "ask", ""),
    ("edit", [], {"others": "allow"}, "allow", ""),
    ("read", ["other.txt"], {}, "allow", ""),
    ("read", ["/etc/passwd"], {}, "ask", ""),
    ("search", [], {"edits": "ask"}, "ask", ""),
    ("execute", [], {}, "ask", ""),
    ("execute", ["src/a.txt"], {"others": "deny"}, "deny", ""),
    ("fetch", [], {"others": "allow"}, "allow", ""),
    ("switch_mode", [], {}, "ask", ""),
]


@pytest.mark.parametrize(("kind", "paths", "settings", "verdict", "why"), JUDGED)
def test_what_is_allowed_without_a_person(
    kind: str, paths: list[str], settings: dict[str, Any], verdict: str, why: str
) -> None:
    judged = permissions.judge(
        kind,
        paths,
        AgentAcp(**settings),
        in_worktree=lambda path: not path.startswith("/"),
        in_scope=lambda path: path.startswith("src/"),
    )
    assert (judged.verdict, judged.why) == (verdict, why)


def test_the_narrowest_permission_is_given() -> None:
    """ "Once" before "always": the next call is looked at again."""
    offered = [("a", "allow_always"), ("o", "allow_once"), ("r", "reject_always")]
    assert permissions.choose(offered, permissions.ALLOWING) == "o"
    assert permissions.choose(offered, permissions.REFUSING) == "r"
    assert permissions.choose(offered[:1], permissions.REFUSING) == ""


class Asked:
    """A person who gives one answer to every question."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.questions: list[Question] = []

    async def __call__(self, question: Question) -> str:
        self.questions.append(question)
        return self.answer


COMMAND = {"kind": "execute", "title": "Run pytest", "rawInput": {"command": "pytest -q\nrm -rf /"}}


@pytest.mark.parametrize(("answer", "written"), [("allow", "2\n"), ("deny", "1\n")])
async def test_a_command_is_asked_for_and_the_answer_holds(
    context: Context, script: Callable[..., Scripted], answer: str, written: str
) -> None:
    scripted = script([[{"ask": COMMAND}, {"write": ["src/a.txt", "2\n"], "if": "allowed"}, says(DONE)]])
    person, shown, agent = Asked(answer), Shown(), scripted.agent(answer_timeout=90)
    await agent.edit(replace(context, ask=person), PLAN, shown)
    (question,) = person.questions
    assert (question.text, question.seconds) == ("Run pytest", 90)
    assert "pytest -q" in question.details and "rm -rf /" in question.details
    assert question.options[0].id == "deny"  # the harmless answer is the first, and that of nobody
    assert (context.directory / "src/a.txt").read_text() == written
    assert ("denied: Run pytest" in shown.text) == (answer == "deny")
    await agent.close()


async def test_an_edit_out_of_scope_is_denied_without_a_question(
    context: Context, script: Callable[..., Scripted]
) -> None:
    scripted = script([[{"ask": {"kind": "edit", "title": "Edit other.txt", "paths": ["other.txt"]}}, says(DONE)]])
    person, shown, agent = Asked("allow"), Shown(), scripted.agent(others="allow")
    await agent.edit(replace(context, ask=person), PLAN, shown)
    assert person.questions == []
    assert scripted.replies("session/request_permission") == [{"outcome": {"outcome": "selected", "optionId": "no"}}]
    assert [e.text for e in shown.events if e.kind == "notice"] == [
        f"denied: Edit other.txt ({context.directory.resolve() / 'other.txt'} is not in scope)"
    ]
    await agent.close()


async def test_files_are_read_in_the_worktree_and_written_in_scope_only(
    context: Context, script: Callable[..., Scripted]
) -> None:
    (context.directory / "src/link").symlink_to("/etc")
    scripted = script(
        [
            [
                {"fs_read": {"path": "other.txt"}},
                {"fs_read": {"path": "/etc/passwd"}},
                {"fs_read": {"path": "src/missing"}},
                {"fs_read": {"path": ".git/config"}},
                {"fs_write": ["src/new/b.txt", "a\nb\nc\n"]},
                {"fs_read": {"path": "src/new/b.txt", "line": 2, "limit": 1}},
                {"fs_write": ["other.txt", "2\n"]},
                {"fs_write": ["src/link/x", "2\n"]},
                {"fs_write": ["src/../other.txt", "2\n"]},
                {"fs_write": [".git/hooks/post-commit", "2\n"]},
                says(DONE),
            ]
        ]
    )
    agent = scripted.agent()
    await agent.edit(context, PLAN, Shown())
    await agent.close()
    read = [reply.get("content", reply.get("message")) for reply in scripted.replies("fs/read_text_file")]
    assert read == ["1\n", "Invalid params", "Resource not found", "Invalid params", "b\n"]
    written = scripted.replies("fs/write_text_file")
    assert written[0] == {}
    assert [reply["code"] for reply in written[1:]] == [-32602] * 4
    assert (context.directory / "other.txt").read_text() == "1\n"
    assert (context.directory / "src/new/b.txt").read_text() == "a\nb\nc\n"
    assert not (context.directory / ".git/hooks/post-commit").exists()


async def test_terminals_run_behind_the_sandbox_in_the_worktree(
    context: Context, script: Callable[..., Scripted]
) -> None:
    steps: Steps = [
        {"terminal": {"command": "cat", "args": ["a.txt"], "cwd": str(context.directory / "src")}},
        {"terminal": {"command": "echo $NAME; echo $0; exit 3", "env": [{"name": "NAME", "value": "me"}]}},
        {"terminal": {"command": "cat", "args": ["/etc/passwd"], "cwd": "/etc"}},
        {"terminal": {"command": "yes", "args": ["line"], "outputByteLimit": 9}},
        says(DONE),
    ]
    steps[3] = {"terminal": {"command": "printf '123456789012'", "outputByteLimit": 9}}
    scripted = script([steps])
    before: list[Path] = []

    def confine(tree: Path) -> list[str]:
        before.append(tree)
        return ["env", "CONFINED=yes"]

    agent = scripted.agent(terminals=confine)
    await agent.edit(context, PLAN, Shown())
    await agent.close()
    assert scripted.replies("initialize")[0]["clientCapabilities"]["terminal"] is True
    assert before == [context.directory] * 3
    outputs = scripted.replies("terminal/output")
    assert outputs[0] == {"output": "1\n", "truncated": False, "exitStatus": {"exitCode": 0}}
    assert outputs[1]["output"] == "me\n/bin/sh\n"
    assert outputs[1]["exitStatus"] == {"exitCode": 3}
    assert outputs[2] == {"output": "456789012", "truncated": True, "exitStatus": {"exitCode": 0}}
    assert scripted.replies("terminal/create")[2]["code"] == -32602


async def test_without_a_sandbox_no_terminal_is_offered(context: Context, script: Callable[..., Scripted]) -> None:
    scripted = script([[{"terminal": {"command": "true"}}, says(DONE)]])
    agent = scripted.agent()
    await agent.edit(context, PLAN, Shown())
    await agent.close()
    assert scripted.replies("initialize")[0]["clientCapabilities"].get("terminal", False) is False
    assert scripted.replies("terminal/create")[0]["code"] == -32601


async def test_what_is_no_message_and_what_is_new_are_passed_over(
    context: Context, script: Callable[..., Scripted], capfd: pytest.CaptureFixture[str]
) -> None:
    scripted = script(
        [
            [
                {"garbage": "Welcome to the agent!"},
                {"garbage": '{"jsonrpc": "2.0"'},
                {"garbage": "[1, 2]"},
                {"stderr": "a warning"},
                {"unknown": {"x": 1}},
                says(DONE),
            ]
        ]
    )
    shown, agent = Shown(), scripted.agent()
    edit = await agent.edit(context, PLAN, shown)
    await agent.close()
    assert edit.description == "Count to two"
    assert "Welcome to the agent!" in shown.text and "a warning" in shown.text
    assert capfd.readouterr() == ("", "")


FAULTS: list[tuple[dict[str, Any], Steps, type[AgentError], str, str]] = [
    ({"version": 7}, [], AgentUnavailable, "another version", "Update"),
    (
        {"errors": {"session/new": {"code": -32000, "message": "Authentication required"}}},
        [], AgentUnavailable, "wants you to log in", "resume",
    ),
    ({"errors": {"initialize": {"code": -32603, "message": "no"}}}, [], AgentUnavailable, "with an error", ""),
    ({}, [{"stderr": "it broke"}, {"crash": 7}], AgentError, "in the middle of its work, with exit code 7", ""),
    ({}, [{"error": {"code": -32000, "message": "expired"}}], AgentUnavailable, "wants you to log in", "Log in"),
    ({}, [{"error": {"code": -32603, "message": "overloaded"}}], AgentError, "with an error", "agent.log"),
    ({}, [{"say": "I will not."}, {"stop": "refusal"}], AgentError, "refused", ""),
    ({}, [{"say": "hm"}, {"stop": "invented"}], AgentError, "does not know", ""),
]  # fmt: skip


@pytest.mark.parametrize(("more", "steps", "kind", "title", "hint"), FAULTS)
async def test_each_fault_is_told_and_leaves_no_process(
    context: Context, script: Callable[..., Scripted], more: dict[str, Any], steps: Steps, kind: type[AgentError],
    title: str, hint: str,
) -> None:  # fmt: skip
    scripted = script([[{"children": "pids"}, *steps]], **more)
    with pytest.raises(AgentError, match=title) as caught:
        await scripted.agent().edit(context, PLAN, Shown())
    assert type(caught.value) is kind
    assert hint in caught.value.hint
    if {"stderr": "it broke"} in steps:
        assert "it broke" in caught.value.message
    if (scripted.folder / "pids").exists():
        assert not alive([int(pid) for pid in (scripted.folder / "pids").read_text().split()])


@pytest.mark.parametrize(
    ("command", "title"),
    [
        (["no-such-agent-anywhere"], "is not installed"),
        (["false"], "ended as it started, with exit code 1"),
        ("echo hello; exit 3", "ended as it started, with exit code 3"),
        (["cat"], "answered with an error|does not answer|ended"),
    ],
)
async def test_a_program_that_is_no_agent_pauses_the_session(context: Context, command: Any, title: str) -> None:
    with pytest.raises(AgentUnavailable, match=title) as caught:
        await AcpAgent(AgentAcp(command=command), None).propose(context, Shown())
    assert "autotune-tui agents" in caught.value.hint or title.startswith("answered")


async def test_an_agent_that_hangs_is_stopped(context: Context, script: Callable[..., Scripted]) -> None:
    scripted = script([[{"children": "pids"}, {"hang": 600}]])
    with pytest.raises(AgentError, match=r"was stopped after 0\.5 s"):
        await scripted.agent(timeout=0.5).edit(context, PLAN, Shown())
    assert not alive([int(pid) for pid in (scripted.folder / "pids").read_text().split()])


async def test_while_a_person_thinks_no_time_passes_for_the_agent(
    context: Context, script: Callable[..., Scripted]
) -> None:
    scripted = script([[{"ask": COMMAND}, says(DONE)]])
    answered = asyncio.Event()

    async def person(question: Question) -> str:
        await answered.wait()
        return "allow"

    agent = scripted.agent(timeout=1)
    task = asyncio.create_task(agent.edit(replace(context, ask=person), PLAN, Shown()))
    started = asyncio.get_running_loop().time()
    await wait_for(lambda: asyncio.get_running_loop().time() - started > 2.5 or task.done(), "more than its time")
    assert not task.done()
    answered.set()
    assert (await task).description == "Count to two"
    await agent.close()


@pytest.mark.parametrize("moment", ["starting", "working", "asking"])
async def test_a_cancelled_call_leaves_nothing(context: Context, script: Callable[..., Scripted], moment: str) -> None:
    """Also not the children of a wrapper that ignore SIGTERM and left its group, nor a question that waits."""
    scripted = script([[{"children": "pids"}, {"ask": COMMAND} if moment == "asking" else {"hang": 600}]])
    asked, withdrawn = asyncio.Event(), asyncio.Event()

    async def person(question: Question) -> str:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        raise AssertionError

    agent = scripted.agent()
    task = asyncio.create_task(agent.edit(replace(context, ask=person), PLAN, Shown()))
    pids = scripted.folder / "pids"
    if moment == "starting":
        await wait_for((scripted.folder / "starts").exists, "the start")
    else:
        await wait_for(pids.exists, "its children")
    if moment == "asking":
        await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if pids.exists():
        assert not alive([int(pid) for pid in pids.read_text().split()])
    mine = [process for process in psutil.process_iter() if str(scripted.folder) in _line(process)]
    assert [process for process in mine if alive([process.pid])] == []
    assert withdrawn.is_set() == (moment == "asking")


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


async def test_the_program_is_put_behind_the_sandbox(context: Context, script: Callable[..., Scripted]) -> None:
    scripted = script([[says(DONE)]])
    seen: list[tuple[Path, Path]] = []

    def confine(tree: Path, readable: Path) -> list[str]:
        seen.append((tree, readable))
        return ["env", "CONFINED=yes"]

    agent = scripted.agent(confine=confine)
    await agent.edit(context, PLAN, Shown())
    await agent.close()
    assert seen == [(context.directory, context.artifacts / "agent")]


def test_an_agent_without_a_program_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="no program"):
        AcpAgent(AgentAcp(), None)
