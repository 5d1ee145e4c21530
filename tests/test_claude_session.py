"""Whole sessions with the Claude agent (A2): the real client, real HTTP and streams, a real repository, a scripted model."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from autotune_tui.agents.claude import client as client_module
from autotune_tui.config import dump
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.inbox import send
from autotune_tui.model.events import Inspection, Question, Usage
from claude_support import (
    Answer,
    Fail,
    Say,
    by_role,
    configured,
    finish,
    nothing_left,
    plan,
    ranking,
    reflection,
    replace,
    results_of,
    role_of,
    said,
    text,
    tool,
    verdict,
    write,
)
from engine_support import EXACT, Session, git, make_repo
from messages_server import KEY, MessagesServer, Script, serve, thinking

CHECK = {"check.sh": "test $(cat src/value.txt) -le 100\n"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(client_module, "FIRST_WAIT", 0.01)


class Played:
    """A session and what its model was asked."""

    def __init__(self, session: Session, server: MessagesServer) -> None:
        self.session, self.server = session, server

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        return self.session.verdicts

    def of(self, role: str) -> list[dict[str, Any]]:
        return [request for request in self.server.requests if role_of(request) == role]

    def text(self, number: int, name: str) -> str:
        return (self.session.experiment_folder(number) / name).read_text()

    @property
    def notes(self) -> str:
        return "\n".join(note.text for note in self.session.state.notes)


async def play(
    folder: Path, script: Script, more: str = "", agent: str = "", files: dict[str, str] | None = None
) -> tuple[Played, Any]:
    repo = make_repo(folder, files, bench=EXACT)
    async with serve(script) as server:
        session = Session(repo, configured(folder / "cache", server.url, more, agent))
        end = await session.run()
        return Played(session, server), end


async def test_plan_tools_edit_failing_check_rework_keep(tmp_path: Path) -> None:
    """A2, L4, L12, L25: the whole of an experiment; what was planned, done, spent and learned stands in its folder."""
    script = by_role(
        planner=[
            Say([thinking("Where is the cost?"), tool("read_file", path="src/value.txt"), tool("list_files")]),
            Say([text("It is the value."), plan()]),
            Say([nothing_left()]),
        ],
        editor=[
            Say([tool("read_file", path="src/value.txt"), tool("search", pattern="100")]),
            Say([replace("src/value.txt", "100", "150")]),
            Say([finish("Raise it by mistake")]),
            Say([text("Wrong way."), replace("src/value.txt", "150", "50"), tool("run_checks")]),
            Say([finish("Halve the value", notes="Other files are untouched.")]),
        ],
        reflector=[
            Say([reflection(lessons=["The cost is the value."], directions=["Try a quarter of it"], surprises="None.")])
        ],
    )
    played, end = await play(tmp_path, script, '[checks]\ncommand = "sh check.sh"', files=CHECK)
    assert played.verdicts == [("keep", "improvement")]
    assert end.outcome == "completed"
    assert "nothing more to propose: It is as low as it gets." in end.reason
    assert git(played.session.repo, "show", "autotune/001-test:src/value.txt") == "50"
    message = git(played.session.repo, "log", "-1", "--format=%B", "autotune/001-test")
    assert message.startswith("Halve the value")
    assert "Other files are untouched." in message

    first, second = results_of(played.of("planner")[1])
    assert first["content"] == "1\t100"
    assert "* src/value.txt" in second["content"] and "  bench.sh" in second["content"]
    assert "exit code 0" in results_of(played.of("editor")[4])[1]["content"]
    rework = played.of("editor")[3]
    assert "in the worktree was made for the plan" in rework["system"][0]["text"]
    assert "-100" in said(rework) and "+150" in said(rework)
    assert "exit code 1" in said(rework)

    document = played.text(1, "plan.md")
    for words in (
        "Raise it by mistake",
        "Half of the value should improve",
        "halve",
        "Early signal",
        "Unmeasured harm",
        "(chosen)",
    ):
        assert words in document
    assert "The cost is the value." in played.text(1, "reflexion.md")
    assert "- Try a quarter of it (seen in #1)" in played.session.folder.ideas.read_text()
    spoken = played.text(1, "agent.log").splitlines()
    for line in ("Where is the cost?", "1 name: halve", "3 change: Leave it out.", "why: Both rankings agree.",
                 "> edit_file src/value.txt · 100 · 150"):  # fmt: skip
        assert line in spoken
    assert spoken[spoken.index("> read_file src/value.txt") + 1] == "> list_files"
    assert not any(line.startswith("elsewhere") for line in spoken), "what is empty is not said"
    assert "- halve: Write half of it. Simple; nothing speaks against it. (chosen)" in document
    lines = [json.loads(line) for line in played.text(1, "transcript.jsonl").splitlines()]
    assert {line["role"] for line in lines if line["kind"] == "assistant"} == {
        "planner", "editor", "inspector", "reflector",
    }  # fmt: skip
    usage = [event for event in played.session.events if isinstance(event, Usage)]
    assert [event.role for event in usage] == [
        "planner", "planner", "planner", "editor", "editor", "editor", "editor", "editor", "inspector", "reflector", "planner",
    ]  # fmt: skip
    assert all(event.cache_read_tokens == 5000 and event.usd > 0 for event in usage)
    assert played.session.state.usage.usd == pytest.approx(sum(event.usd for event in usage))
    assert "- planner: 18,300 tokens in (15,000 from the cache), 150 out, $0.02" in played.text(1, "summary.md")
    report = played.session.folder.final_report.read_text()
    assert "By role:" in report and "- planner: 24,400 tokens in (20,000 from the cache), 200 out, $0.03" in report


def files_with(words: str, folder: Path) -> list[str]:
    found = [path for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]
    return [path.relative_to(folder).as_posix() for path in found]


async def test_a_rework_that_undoes_the_change_leaves_the_verdict_as_it_was(tmp_path: Path) -> None:
    """L12, L15: the idea has failed its checks; that nothing is left of it is not the reason."""
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[
            Say([replace("src/value.txt", "100", "150"), finish("Raise it")]),
            Say([replace("src/value.txt", "150", "100"), finish(nothing_to_change="Any raise fails the check.")]),
        ],
    )
    played, _ = await play(tmp_path, script, '[checks]\ncommand = "sh check.sh"', files=CHECK)
    assert played.verdicts == [("checks_failed", "checks_failed")]


async def test_the_key_is_in_nothing_that_is_written_or_asked(tmp_path: Path) -> None:
    """A6: neither in a file of the session, the repository or the worktrees, nor in a record, a prompt or a child."""
    script = by_role(
        planner=[Fail(429, "rate_limit_error", f"key {KEY} is too fast", {"retry-after-ms": "1"}), Say([plan()]),
                 Fail(401, "authentication_error", f"invalid x-api-key: {KEY}")],
        editor=[
            Say([tool("shell", command="env; cat /proc/self/environ; tr '\\0' '\\n' < /proc/$PPID/environ")]),
            Say([tool("read_file", path="src/secret.txt")]),
            Say([replace("src/value.txt", "100", "50"), finish("Halve it")]),
        ],
    )  # fmt: skip
    played, end = await play(tmp_path, script, files={"src/secret.txt": f"key={KEY}\n"})
    assert played.verdicts == [("keep", "improvement")]
    assert (end.outcome, "does not know the key" in end.reason) == ("paused", True)
    assert "[key removed]" in said(played.of("editor")[-1])
    for request in played.server.requests:
        assert KEY not in json.dumps(request)
    assert KEY not in repr(played.session.events)
    assert files_with(KEY, tmp_path) == ["repo/src/secret.txt"]


async def test_the_command_line_shows_all_but_the_key(tmp_path: Path) -> None:
    """A6: as its user runs it, with the client's own debugging on, which shows whatever it sends."""
    repo = make_repo(tmp_path, bench=EXACT)
    script = by_role(
        planner=[
            Say([text("Half should do."), plan()]),
            Fail(401, "authentication_error", f"invalid x-api-key: {KEY}"),
        ],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    async with serve(script) as server:
        (repo / "autotune.toml").write_text(dump(configured(tmp_path / "cache", server.url)))
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "autotune_tui", "run", str(repo), "--headless",
            env={**os.environ, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_LOG": "debug"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output = (await running.communicate())[0].decode()
    assert running.returncode == 3, output
    for words in ("(agent claude", "#1 tries: Halve the value", "does not know the key", "Sending HTTP Request"):
        assert words in output
    assert KEY not in output
    assert files_with(KEY, tmp_path) == []


async def test_trouble_of_every_kind_in_one_session(tmp_path: Path) -> None:
    """H7: 429, 529, a stream cut in the middle, a 400, a refusal and an endless tool loop; and then a keep."""
    endless = [Say([tool("list_files")])] * 5
    script = by_role(
        planner=[
            Fail(429, "rate_limit_error", headers={"retry-after-ms": "1"}),
            Fail(529, "overloaded_error", headers={"retry-after-ms": "1"}),
            Say([text("Half a sen")], cut=2),
            Say([plan("Loop without an end", target="src/value.txt:a")]),
            Fail(400, "invalid_request_error", "messages.1: no"),
            Say([plan()]),
            Say([text("I cannot help with that.")], stop="refusal"),
            Say([nothing_left()]),
        ],
        editor=[*endless, Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    played, end = await play(tmp_path, script, "[health]\nmax_crash_streak = 9", agent="rounds = 5")
    details = {e.index: e.detail for e in played.session.state.experiments}
    failed = ("crash", "agent_failed")
    assert played.verdicts == [failed, failed, ("keep", "improvement"), failed]
    assert "did not come to an end" in details[1]
    assert "refused the request" in details[2]
    assert "model refused" in details[4]
    assert end.outcome == "completed"
    for words in ("The rate limit is reached", "The provider is overloaded", "broke off"):
        assert words in played.notes


async def test_what_the_inspector_rejects_is_not_kept(tmp_path: Path) -> None:
    """L14: it sees goal, diff and figures, but nothing of the plan; its reason and its remarks are journalled."""
    script = by_role(
        planner=[Say([plan()]), Say([plan("Lower it to a quarter", hypothesis="A quarter should do because it is less.")]),
                 Say([nothing_left()])],
        editor=[
            Say([replace("src/value.txt", "100", "50"), finish("Halve the value", notes="A brilliant idea.")]),
            Say([replace("src/value.txt", "100", "25"), finish("Quarter the value")]),
        ],
        inspector=[
            Say([tool("read_file", path="src/value.txt")]),
            Say([verdict(False)]),
            Say([verdict(False, "It fits only this benchmark: src/value.txt")]),
            Say([verdict(True, "", "The file has no comment.")]),
        ],
    )  # fmt: skip
    played, _ = await play(tmp_path, script)
    assert played.verdicts == [("discard", "inspector"), ("keep", "improvement")]
    assert "It fits only this benchmark" in played.session.state.experiments[-2].detail
    asked = played.of("inspector")
    assert "-100" in said(asked[0]) and "+50" in said(asked[0]) and "changed by" in said(asked[0])
    for praise in ("brilliant", "should improve", "less-work", "Both rankings"):
        assert praise not in json.dumps(asked[0]["messages"])
    assert results_of(asked[1])[0]["content"] == "1\t50"
    assert "must have its reason" in results_of(asked[2])[0]["content"]
    looks = [event for event in played.session.events if isinstance(event, Inspection) and event.by == "model"]
    assert [bool(look.blocked) for look in looks] == [True, False]
    assert looks[1].findings[0]["text"] == "The file has no comment."


async def test_a_keep_is_not_lost_because_its_inspector_is_gone(tmp_path: Path) -> None:
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
        inspector=[Fail(403, "permission_error", "not this model")],
    )
    played, _ = await play(tmp_path, script)
    assert played.verdicts == [("keep", "improvement")]
    assert "no second look by the model: The key may not do this" in played.notes


async def test_the_inspector_can_be_switched_off(tmp_path: Path) -> None:
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    played, _ = await play(tmp_path, script, agent="inspect = false")
    assert played.verdicts == [("keep", "improvement")]
    assert played.of("inspector") == []


async def test_what_is_out_of_scope_is_refused_by_the_tool(tmp_path: Path) -> None:
    """L9: the model reads why, and the engine finds nothing to discard."""
    script = by_role(
        planner=[Say([plan(files=["bench.sh"])]), Say([plan()]), Say([nothing_left()])],
        editor=[
            Say([
                write("bench.sh", "echo METRIC cost=1"), write("../outside", "x"), write(".git/config", "x"),
                write("new.txt", "x"), write("autotune.toml", "x"), tool("delete_file", path="bench.sh"),
                tool("read_file", path="/etc/passwd"),
                tool("read_file", path="src/link"), tool("nonsense"), tool("edit_file", path="src/value.txt"),
            ]),
            Say([write("src/new.txt", "1"), replace("src/value.txt", "100", "50"), finish("Halve the value")]),
        ],
    )  # fmt: skip
    repo = make_repo(tmp_path, bench=EXACT)
    (repo / "src/link").symlink_to("/etc/passwd")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a link")
    async with serve(script) as server:
        session = Session(repo, configured(tmp_path / "cache", server.url))
        await session.run()
    played = Played(session, server)
    assert played.verdicts == [("keep", "improvement")]
    assert "bench.sh may not be changed" in results_of(played.of("planner")[1])[0]["content"]
    results = results_of(played.of("editor")[1])
    assert all(result["is_error"] for result in results)
    for result, words in zip(
        results,
        ["bench.sh may not be changed", "outside the worktree", "belongs to git", "new.txt may not",
         "may not be changed",
         "may not be changed", "outside the worktree", "outside the worktree", "There is no tool nonsense", "does not fit"],
        strict=True,
    ):  # fmt: skip
        assert words in result["content"]
    assert session.state.experiments[-1].files == ("src/new.txt", "src/value.txt")


async def test_the_shell_reaches_nothing_but_the_worktree(tmp_path: Path) -> None:
    """A6: no network, no other folder, and what it changes out of scope is said at once."""
    outside = tmp_path / "outside.txt"
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[
            Say([
                tool("shell", command=f"touch {outside} ~/here; ls {tmp_path}/repo/.autotune; echo ok"),
                tool("shell", command=f"{sys.executable} -c \"import socket; socket.create_connection(('127.0.0.1', 9))\""),
                tool("shell", command="echo 1 > new.txt"),
                tool("shell", command="rm new.txt; seq 100000"),
                tool("shell", command="sleep 60", seconds=1),
            ]),
            Say([tool("try_benchmark")]),
            Say([replace("src/value.txt", "100", "50"), finish("Halve the value")]),
        ],
    )  # fmt: skip
    played, _ = await play(tmp_path, script)
    first, network, wrong, long, slow = (result["content"] for result in results_of(played.of("editor")[1]))
    assert not outside.exists()
    assert "ok" in first and "autotune.jsonl" not in first
    assert "exit code 1" in network and "Error" in network
    assert "new.txt. Undo that." in wrong
    assert "characters left out here" in long and "100000" in long and len(long) < 13_000
    assert "killed after 1 s" in slow
    (tried,) = results_of(played.of("editor")[2])
    assert "no evidence" in tried["content"] and "METRIC cost=100" in tried["content"]
    assert played.verdicts == [("keep", "improvement")]


async def test_without_a_sandbox_there_is_no_tool_that_runs_anything(tmp_path: Path) -> None:
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    played, _ = await play(tmp_path, script, '[sandbox]\nmode = "none"')
    names = {each["name"] for each in played.of("editor")[0]["tools"]}
    assert not names & {"shell", "run_checks", "try_benchmark"}
    assert {"edit_file", "create_file", "finish", "recall"} <= names
    assert played.verdicts == [("keep", "improvement")]


def search(query: str, *pages: tuple[str, str]) -> list[dict[str, Any]]:
    results = [
        {"type": "web_search_result", "title": title, "url": url, "encrypted_content": "xyz", "page_age": None}
        for title, url in pages
    ]
    return [
        {"type": "server_tool_use", "id": f"srvtoolu_{query}", "name": "web_search", "input": {"query": query}},
        {"type": "web_search_tool_result", "tool_use_id": f"srvtoolu_{query}", "content": results},
    ]


async def test_what_was_found_on_the_web_is_recorded(tmp_path: Path) -> None:
    """L27: only the planner may search, and only when it is allowed; sources stand in the plan, searches in the cost."""
    script = by_role(
        planner=[
            Say([text("I search."), *search("costs", ("On costs", "https://example.org/costs"))], stop="pause_turn"),
            Say(
                [
                    *search(
                        "halves", ("On halves", "https://example.org/halves"), ("On costs", "https://example.org/costs")
                    ),
                    plan(),
                ]
            ),
            Say([nothing_left()]),
        ],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    played, _ = await play(tmp_path, script, agent="web_search = true")
    assert played.verdicts == [("keep", "improvement")]
    first, second, _ = played.of("planner")
    assert {"type": "web_search_20260318", "name": "web_search", "max_uses": 5} in first["tools"]
    assert "web_search" not in json.dumps(played.of("editor")[0]["tools"])
    assert [message["role"] for message in second["messages"]] == ["user", "assistant"]
    result = second["messages"][1]["content"][-1]
    assert "cache_control" not in json.dumps(second["messages"])
    assert result["content"][0]["encrypted_content"] == "xyz"
    document = played.text(1, "plan.md")
    assert document.count("example.org/costs") == 1 and "On halves: https" in document.replace("\\", "")
    usage = [event.usd for event in played.session.events if isinstance(event, Usage)]
    assert usage[0] - usage[-1] == pytest.approx(0.01)


async def test_a_search_is_asked_about_before_anything_leaves_the_machine(tmp_path: Path) -> None:
    """L27: yes and no of a person decide each query; what is allowed is searched for once, by somebody who knows no code."""
    script = by_role(
        planner=[
            Say([tool("ask_to_search", query="speed of halves", why="I am stuck.")]),
            Say([tool("ask_to_search", query="names of our customers", why="Curious.")]),
            Say([plan()]),
            Say([nothing_left()]),
        ],
        searcher=[
            Say(
                [
                    *search("speed of halves", ("On halves", "https://example.org/halves")),
                    tool("submit_findings", findings="Halves are quick: https://example.org/halves"),
                ]
            )
        ],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    repo = make_repo(tmp_path, bench=EXACT)
    async with serve(script) as server:
        session = Session(repo, configured(tmp_path / "cache", server.url, agent='web_search = "ask"'))
        running = asyncio.create_task(session.run())
        for words, option in (("speed of halves", "yes"), ("names of our customers", "no")):
            question = await opened(session, words)
            assert question.details and question.options[0]["id"] == "no"
            send(session.folder.inbox, "answer", by="test", data={"question": question.id, "option": option})
        await running
    played = Played(session, server)
    assert played.verdicts == [("keep", "improvement")]
    first, second, third, _ = played.of("planner")
    assert '"web_search"' not in json.dumps(first["tools"])
    assert "Halves are quick" in results_of(second)[0]["content"]
    assert "may not be searched for" in results_of(third)[0]["content"]
    (asked,) = played.of("searcher")
    assert asked["tools"][-1] == {"type": "web_search_20260318", "name": "web_search", "max_uses": 1}
    assert "speed of halves" in said(asked) and "src/value.txt" not in said(asked)
    assert "example.org/halves" in played.text(1, "plan.md")
    assert '"allowed": false' in played.text(1, "transcript.jsonl")


async def opened(session: Session, words: str) -> Question:
    """The question that has these words, once it is open."""

    def found() -> list[Question]:
        asked = [event for event in session.events if isinstance(event, Question) and event.state == "open"]
        return [event for event in asked if words in event.text]

    await until(lambda: bool(found()))
    return found()[0]


async def test_a_budget_in_dollars_stops_before_it_is_overrun(tmp_path: Path) -> None:
    """L23: the session ends as complete, with less spent than it may."""
    script = by_role(
        planner=[Say([plan()])],
        editor=[Say([tool("list_files")], output=3000)] * 50,
    )
    played, end = await play(tmp_path, script, "[budget]\nusd = 0.35")
    assert end.outcome == "completed"
    assert "could cost more than the budget has left" in end.reason
    assert 0.1 < played.session.state.usage.usd <= 0.35
    assert played.session.experiment_folder(1).joinpath("transcript.jsonl").exists()


@pytest.mark.parametrize(
    "where",
    ["planner streams", "editor streams", "a command runs", "the provider is waited for", "reflector streams"],
)
async def test_a_session_is_stopped_at_once_at_every_moment(tmp_path: Path, where: str) -> None:
    """Nothing is left running, the journal holds together, and the session goes on where it was."""
    hanging = Say([text("I think")], cut=2, how="hang")
    scripts: dict[str, list[Answer]] = {
        "planner": [Say([plan()])],
        "editor": [Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    }
    match where:
        case "planner streams":
            scripts["planner"] = [hanging]
        case "editor streams":
            scripts["editor"] = [hanging]
        case "a command runs":
            scripts["editor"] = [Say([tool("shell", command="echo $$ > src/pid; sleep 1234.5 & sleep 1234.5")])]
        case "the provider is waited for":
            scripts["planner"] = [Fail(529, "overloaded_error", headers={"retry-after": "600"})]
        case _:
            scripts["reflector"] = [hanging]
    repo = make_repo(tmp_path, bench=EXACT)
    async with serve(by_role(**scripts)) as server:
        session = Session(repo, configured(tmp_path / "cache", server.url))
        running = asyncio.create_task(session.run())
        role = {"editor streams": "editor", "a command runs": "editor", "reflector streams": "reflector"}.get(
            where, "planner"
        )
        await until(lambda: any(role_of(request) == role for request in server.requests))
        if where == "a command runs":
            await until(lambda: sleeping("1234.5"))
        send(session.folder.inbox, "stop", by="test")
        end = await running
    assert end.outcome == "stopped"
    assert not sleeping("1234.5")
    assert session.verdicts == ([("keep", "improvement")] if role == "reflector" else [])
    records = [json.loads(line) for line in session.folder.journal.read_text().splitlines()]
    assert records[-1]["type"] == "session" and records[-1]["outcome"] == "stopped"
    for line in next(session.folder.experiments.glob("001*")).joinpath("transcript.jsonl").read_text().splitlines():
        json.loads(line)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("waited in vain")


def sleeping(seconds: str) -> bool:
    """Whether some `sleep` of just this time runs."""
    found = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return any(seconds in words for words in found)


async def test_a_provider_that_is_gone_pauses_the_session_and_it_goes_on_later(tmp_path: Path) -> None:
    """H7: nothing is lost, and no experiment is counted for it."""
    repo = make_repo(tmp_path, bench=EXACT)
    gone = Session(repo, configured(tmp_path / "cache", "http://127.0.0.1:1", agent="patience = 0"))
    end = await gone.run()
    assert (end.outcome, gone.verdicts) == ("paused", [])
    assert "cannot be reached" in end.reason
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    os.environ["ANTHROPIC_API_KEY"] = KEY  # the first session took it out
    async with serve(script) as server:
        again = Session(repo, configured(tmp_path / "cache", server.url))
        end = await again.run()
    assert (end.outcome, again.verdicts) == ("completed", [("keep", "improvement")])


async def test_the_same_change_under_other_names_is_not_measured_twice(tmp_path: Path) -> None:
    """Near-duplicates are recognised before anything is spent on them."""
    start = "def cost(rows):\n    return len(rows)\n"
    one = "def cost(rows):\n    n = len(rows)\n    return n\n"
    same = "def cost(rows):\n    count  =  len(rows)  # how many\n    return count\n"
    script = by_role(
        planner=[
            Say([plan("Name the length of the rows", target="src/a.py:cost", files=["src/a.py"])]),
            Say([plan("Name the length of rows", target="src/a.py:cost", files=["src/a.py"])]),
            Say([plan("Keep a local for speed", target="src/a.py:cost", files=["src/a.py"],
                      hypothesis="A local should improve cost because it is read faster.")]),
            Say([nothing_left()]),
        ],
        editor=[
            Say([write("src/a.py", one), finish("Name the length")]),
            Say([write("src/a.py", same), finish("Keep a local")]),
            Say([finish("Keep a local")]),
        ],
    )  # fmt: skip
    played, _ = await play(tmp_path, script, files={"src/a.py": start})
    assert played.verdicts == [("discard", "no_improvement"), ("discard", "duplicate")]
    assert "Much the same was tried" in results_of(played.of("planner")[2])[0]["content"]
    assert "the change of experiment 1" in results_of(played.of("editor")[-1])[1]["content"]
    assert "same change as experiment 1" in played.session.state.experiments[-1].detail


async def test_a_plan_must_hold_together(tmp_path: Path) -> None:
    """L4, L5: three approaches, two rankings, a hypothesis with its reason, figures that point the right way."""
    wrong = [
        plan(approaches=[]),
        plan(choice="cache"),
        plan(second_ranking=["halve", "cache", "other"]),
        plan(hypothesis="It will be better."),
        plan(expected_percent=50),
        plan(impact=11),
    ]
    script = by_role(planner=[*(Say([each]) for each in wrong), Say([nothing_left()])])
    played, _ = await play(tmp_path, script)
    refusals = [results_of(request)[0]["content"] for request in played.of("planner")[1:]]
    for refusal, words in zip(
        refusals,
        [
            "approaches",
            "choice must be the first",
            "second_ranking must have",
            "should improve Y because Z",
            "is better when lower",
            "impact",
        ],
        strict=True,
    ):
        assert words in refusal
    assert played.verdicts == []


async def test_answers_without_a_tool_or_cut_at_their_limit_are_asked_for_again(tmp_path: Path) -> None:
    script = by_role(
        planner=[
            Say([text("I think we should halve it.")]),
            Say([plan()], stop="max_tokens"),
            Say([plan()]),
            Say([nothing_left()]),
        ],
        editor=[Say([text("Done.")]), Say([]), Say([text("Really.")])],
    )
    played, _ = await play(tmp_path, script)
    assert played.verdicts == [("crash", "agent_failed")]
    asked = played.of("planner")
    assert "call submit_plan when you are done" in said(asked[1])
    assert "longer than it may be" in said(asked[2])
    assert [message["role"] for message in asked[2]["messages"]] == ["user", "assistant", "user"]
    assert "gave no answer" in played.session.state.experiments[-1].detail


async def test_a_weak_plan_is_sent_back_but_not_for_ever(tmp_path: Path) -> None:
    """L5: not in the first experiment, where there is nothing to compare with, and at most twice."""
    low = {"impact": 2, "feasibility": 6, "novelty": 3}
    weak = [
        Say([plan(f"Idea {number} of little worth", target=f"src/value.txt:{number}", **low)]) for number in range(4)
    ]
    script = by_role(
        planner=[*weak, Say([nothing_left()])],
        editor=[
            Say([replace("src/value.txt", "100", "150"), finish("Raise the value")]),
            Say([replace("src/value.txt", "100", "50"), finish("Halve the value")]),
        ],
    )
    played, _ = await play(tmp_path, script)
    assert [status for status, _ in played.verdicts] == ["discard", "keep"]
    refusals = [results_of(request)[0]["content"] for request in played.of("planner")[2:4]]
    assert all("scores are 3.7 on average. Find something that is worth 5 or more" in refusal for refusal in refusals)
    assert "impact 2 of 10, feasibility 6 of 10, novelty 3 of 10" in played.text(2, "plan.md")


async def test_a_plan_must_win_a_ranking_by_somebody_else(tmp_path: Path) -> None:
    """L4, self-consistency: who ranks again sees neither order nor choice; a plan that loses goes back once, with the reason."""
    stubborn = plan(why="The cache is no good: nothing is read twice.")
    script = by_role(
        planner=[Say([plan()]), Say([stubborn]), Say([plan("Lower it to a quarter", target="src/value.txt:b")]),
                 Say([nothing_left()])],
        ranker=[
            Say([ranking("cache", "halve")]),
            Say([ranking("cache", "remove", "halve", reason="It is read in every request.")]),
            Fail(400, "invalid_request_error", "no"),
        ],
        editor=[
            Say([replace("src/value.txt", "100", "50"), finish("Halve the value")]),
            Say([replace("src/value.txt", "50", "25"), finish("Lower it to a quarter")]),
        ],
    )  # fmt: skip
    played, _ = await play(tmp_path, script)
    assert played.verdicts == [("keep", "improvement"), ("keep", "improvement")]
    asked = said(played.of("ranker")[0])
    assert asked.index("**cache**") < asked.index("**halve**") < asked.index("**remove**")
    for hint in ("Both rankings agree", "should improve", "Lower the value by a half", "second_ranking"):
        assert hint not in asked
    assert "each once: cache, halve, remove" in results_of(played.of("ranker")[1])[0]["content"]
    sent_back = results_of(played.of("planner")[1])[0]["content"]
    assert "puts cache first: It is read in every request." in sent_back
    assert "cache, remove, halve. It is read in every request." in played.text(1, "plan.md")
    assert "nothing is read twice" in played.text(1, "plan.md")
    assert len(played.of("ranker")) == 3, "a plan that is handed in again with the same approaches is not ranked again"
    assert "were not ranked a second time" in played.notes
    assert "Ranked by somebody else" not in played.text(2, "plan.md")


async def test_the_second_ranking_can_be_switched_off(tmp_path: Path) -> None:
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
    )
    played, _ = await play(tmp_path, script, agent="second_ranking = false")
    assert played.verdicts == [("keep", "improvement")]
    assert played.of("ranker") == []


async def test_a_conversation_only_grows_so_that_its_beginning_can_be_cached(tmp_path: Path) -> None:
    script = by_role(
        planner=[Say([plan()]), Say([nothing_left()])],
        editor=[
            Say([thinking("Hm."), tool("list_files")]),
            Say([tool("read_file", path="src/value.txt")]),
            Say([replace("src/value.txt", "100", "50"), finish("Halve the value")]),
        ],
    )
    played, _ = await play(tmp_path, script)

    def bare(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**each, "content": [{k: v for k, v in block.items() if k != "cache_control"} for block in each["content"]]}
            for each in messages
        ]

    one, two, three = played.of("editor")
    assert bare(two["messages"])[: len(one["messages"])] == bare(one["messages"])
    assert bare(three["messages"])[: len(two["messages"])] == bare(two["messages"])
    assert one["system"] == two["system"] == three["system"] and one["tools"] == three["tools"]
    assert two["messages"][1]["content"][0] == {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    marks = json.dumps(three).count("cache_control")
    assert marks == 2


async def test_what_was_learned_reaches_the_next_plan_and_the_next_session(tmp_path: Path) -> None:
    """L1, L21, L24, L26: results, lessons, ideas, commits, and what earlier sessions left."""
    script = by_role(
        planner=[
            Say([plan(elsewhere="The database has no index.")]),
            Say([tool("recall", experiment=1), tool("recall", words="half value"), tool("recall", experiment=9)]),
            Say([nothing_left()]),
        ],
        editor=[Say([replace("src/value.txt", "100", "50"), finish("Halve the value")])],
        reflector=[Say([reflection(observation="The cost is all value.", directions=["A quarter"])])],
    )
    repo = make_repo(tmp_path, bench=EXACT)
    older = SessionFolder.of(repo, "000-older")
    older.create()
    older.learnings.write_text("Never touch the colours.\n")
    async with serve(script) as server:
        session = Session(repo, configured(tmp_path / "cache", server.url))
        await session.run()
    second = said(Played(session, server).of("planner")[1])
    for words in ("#1 keep", "Halve the value", "The cost is all value.", "A quarter (seen in #1)", "Never touch the colours.",
                  "less-work: tried 1, kept 1", "incumbent: 50"):  # fmt: skip
        assert words in second
    shown, found, missing = results_of(Played(session, server).of("planner")[2])
    assert "-100" in shown["content"] and "== plan.md" in shown["content"]
    assert "#1 plan.md" in found["content"]
    assert missing["is_error"]
    assert "out of scope: The database has no index." in Played(session, server).notes
    assert "- The database has no index. (seen in #1)" in session.folder.handoff.read_text()
    assert "- Halve the value on src/value.txt: about" in session.folder.learnings.read_text()


def test_the_offline_agent_never_imports_the_client() -> None:
    """A1: with the offline agent nothing of the client is loaded."""
    script = (
        "import sys\nfrom autotune_tui.agents.registry import make_agent\nfrom autotune_tui.config import SessionConfig\n"
        "import autotune_tui.engine.run, autotune_tui.agents.claude.agent\n"
        "make_agent(SessionConfig.model_validate({'goal': 'x', 'benchmark': {'command': 'x'}, 'scope': {'include': ['x']}}))\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('anthropic', 'httpx2')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


async def test_with_a_key_auto_means_claude(tmp_path: Path) -> None:
    from autotune_tui.agents.registry import agent_name

    config = configured(tmp_path, "http://127.0.0.1:1").model_copy(update={"agent": "auto"})
    assert agent_name(config) == "claude"
    assert agent_name(config.model_copy(update={"agent": "offline"})) == "offline"
