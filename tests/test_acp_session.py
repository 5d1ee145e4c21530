"""Whole sessions with an ACP agent (A3): a real repository, a real engine, a scripted agent over stdio, and a person."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from autotune_tui.config import SessionConfig, parse
from autotune_tui.engine.loop import End
from autotune_tui.journal.inbox import send
from autotune_tui.model.events import Control, Question
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.screens.confirm import QuestionScreen
from autotune_tui.ui.store import Store
from engine_support import EXACT, Session, make_repo, snapshot
from processes import alive
from test_acp import COMMAND, DONE, PLANNED, Scripted, Steps, says
from ui_session import shown, until, until_shown

NOTHING: list[Steps] = [[says({"done": True, "notes": "nothing is left"})]]
PLAN: Steps = [says({**PLANNED, "description": "Halve the value"})]


def write(value: int) -> dict[str, Any]:
    return {"fs_write": ["src/value.txt", f"{value}\n"]}


def configured(cache: Path, scripted: Scripted, more: str = "", acp: str = "") -> SessionConfig:
    return parse(f"""
        goal = "Lower the cost"
        agent = "acp"
        [metric]
        name = "cost"
        unit = ""
        source = "metric_line"
        [benchmark]
        profile = false
        command = "sh bench.sh"
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(cache))}
        [canary]
        files = 0
        [agent_acp]
        command = {json.dumps(scripted.command)}
        {acp}
        {more}
    """)


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., tuple[Session, Scripted]]:
    def make(
        *starts: list[Steps], more: str = "", acp: str = "", files: dict[str, str] | None = None
    ) -> tuple[Session, Scripted]:
        scripted = Scripted(tmp_path / "script", *starts)
        repo = make_repo(tmp_path, files, EXACT)
        return Session(repo, configured(tmp_path / "cache", scripted, more, acp)), scripted

    return make


async def when(condition: Callable[[], Any], what: str, task: asyncio.Task[End]) -> None:
    for _ in range(6000):
        if condition():
            return
        assert not task.done(), f"it ended before {what}: {task}"
        await asyncio.sleep(0.01)
    pytest.fail(f"waited in vain for {what}")


def questions(session: Session) -> list[Question]:
    return [event for event in session.events if isinstance(event, Question)]


Make = Callable[..., tuple[Session, Scripted]]


async def test_a_scripted_agent_does_the_whole_loop(session: Make) -> None:
    """Plan, edit, a failing check, a rework in the same conversation, a keep, and an end when it has no more ideas."""
    usage = {"totalTokens": 120, "inputTokens": 100, "outputTokens": 20}
    one, scripted = session(
        [
            PLAN,
            [{"think": "half of it"}, write(70), {"usage": usage}, {"cost": 0.5}, says(DONE)],
            [write(50), says({"description": "Halve the value, and no less"})],
        ],
        NOTHING,
        more='[checks]\ncommand = "sh check.sh"',
        files={"check.sh": "echo not 70; test $(cat src/value.txt) != 70\n"},
    )
    before = snapshot(one.repo)
    end = await one.run()
    assert (end.outcome, end.reason) == ("completed", "nothing is left")
    assert one.verdicts == [("keep", "improvement")]
    assert snapshot(one.repo) == before
    keep = one.state.keeps[0]
    assert (keep.description, keep.metric) == ("Halve the value, and no less", 50)
    assert one.state.session is not None and one.state.session.agent == "acp"
    assert (one.state.usage.input_tokens, one.state.usage.output_tokens, one.state.usage.usd) == (100, 20, 0.5)
    assert scripted.starts == 2
    told = scripted.replies("prompt")
    assert len(told) == 4 and "sh check.sh" in told[2] and "not 70" in told[2]
    assert "(thinks) half of it" in (one.experiment_folder(1) / "agent.log").read_text()
    assert (
        "- the number" in (one.experiment_folder(1) / "plan.md").read_text()
        or "the number" in (one.experiment_folder(1) / "plan.md").read_text()
    )


async def test_a_command_is_asked_for_on_the_screen_and_allowed_there(session: Make) -> None:
    """Done-when 3: the question comes up by itself, with the command; the harmless answer has the focus."""
    one, scripted = session([PLAN, [{"ask": COMMAND}, {**write(50), "if": "allowed"}, says(DONE)]], NOTHING)
    task = asyncio.create_task(one.run())
    await when(lambda: questions(one), "the question", task)
    app = AutotuneApp(Store(one.folder.journal, one.folder), root=one.repo)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await until_shown(pilot, "#1 acp asks", "Run pytest", "pytest -q", "rm -rf /", "Deny", "Allow")
        assert app.focused is not None and app.focused.id == "option-0"
        await pilot.press("escape")
        await until_shown(pilot, "acp asks: Run pytest")  # it waits, and is not forgotten
        assert not isinstance(app.screen, QuestionScreen)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press("right", "enter")
        await until(pilot, lambda: one.verdicts)
        end = await task
        await until(pilot, lambda: "acp asks" not in shown(app))
    assert end.outcome == "completed"
    assert one.verdicts == [("keep", "improvement")]
    assert [question.state for question in questions(one)] == ["open", "answered"]
    assert questions(one)[-1].answer == "allow"
    assert scripted.replies("session/request_permission") == [{"outcome": {"outcome": "selected", "optionId": "yes"}}]


async def test_a_question_goes_away_from_the_screen_when_it_was_answered_elsewhere(session: Make) -> None:
    """Here by the command line, which refuses what is no answer, and a second one."""
    one, _ = session([PLAN, [{"ask": COMMAND}, {**write(50), "if": "allowed"}, says(DONE)]], NOTHING)
    task = asyncio.create_task(one.run())
    await when(lambda: questions(one), "the question", task)
    app = AutotuneApp(Store(one.folder.journal, one.folder), root=one.repo)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        code, text = await command_line("answer", "perhaps", str(one.repo))
        assert code == 2 and "the answers are deny, allow" in text
        code, text = await command_line("status", str(one.repo))
        assert "acp asks: Run pytest (`autotune-tui answer deny` or `autotune-tui answer allow`)" in text
        code, text = await command_line("answer", "Deny", str(one.repo))
        assert (code, text.strip()) == (0, "answer accepted: Deny: Run pytest (001-test)")
        await until(pilot, lambda: not isinstance(app.screen, QuestionScreen))
        await task
    code, text = await command_line("answer", "allow", str(one.repo))
    assert code == 1 and "There is nothing to answer" in text
    assert one.verdicts == [("discard", "no_change")]
    assert "denied: Run pytest" in " ".join(note.text for note in one.state.notes)


async def test_on_another_screen_it_is_said_that_something_is_asked(session: Make) -> None:
    """The dialog comes up over the loop; who reads documents meanwhile is told, and finds it when he comes back."""
    from autotune_tui.ui.screens.help import explanation

    one, scripted = session([PLAN, [{"wait": "go"}, {"ask": COMMAND}, says(DONE)]], NOTHING)
    task = asyncio.create_task(one.run())
    await when(lambda: one.folder.journal.exists() and one.state.current is not None, "the first experiment", task)
    app = AutotuneApp(Store(one.folder.journal, one.folder), root=one.repo)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, lambda: app.store.state.current is not None)
        app.push_screen(explanation("nothing happens"))
        await until_shown(pilot, "happens")
        (scripted.folder / "go").touch()
        words = "acp asks: Run pytest. The loop screen takes the answer."
        await until(pilot, lambda: any(note.message == words for note in app._notifications))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press("enter")
        await task
    assert [question.answer for question in questions(one)] == ["", "deny"]


async def test_nobody_answers_and_it_is_denied(session: Make) -> None:
    one, _ = session(
        [PLAN, [{"ask": COMMAND}, {**write(50), "if": "allowed"}, says(DONE)]], NOTHING, acp="answer_timeout = 0.2"
    )
    await one.run()
    assert one.verdicts == [("discard", "no_change")]
    assert [(question.state, question.answer) for question in questions(one)] == [("open", ""), ("unanswered", "deny")]
    assert one.state.questions == []


async def test_an_old_answer_opens_nothing(session: Make) -> None:
    """A question that is not open, or an answer that it does not have, changes nothing."""
    one, _ = session([PLAN, [{"ask": COMMAND}, {**write(50), "if": "allowed"}, says(DONE)]], NOTHING)
    task = asyncio.create_task(one.run())
    await when(lambda: questions(one), "the question", task)
    open_one = questions(one)[0].id
    for identity, option in (("", "allow"), ("elsewhere", "allow"), (open_one, "always")):
        send(one.folder.inbox, "answer", by="me", data={"question": identity, "option": option})

    def answers() -> list[Control]:
        return [event for event in one.events if isinstance(event, Control) and event.command == "answer"]

    await when(lambda: len(answers()) == 3, "the refusals", task)
    assert [answer.accepted for answer in answers()] == [False] * 3
    assert answers()[2].reason == "the answers are: Deny, Allow"
    send(one.folder.inbox, "answer", by="me", data={"question": open_one, "option": "deny"})
    await task
    assert one.verdicts == [("discard", "no_change")]


async def test_what_it_writes_out_of_scope_is_refused_or_ends_the_experiment(session: Make) -> None:
    """Through the protocol it is refused; written past it, it is found."""
    one, scripted = session(
        [PLAN, [{"fs_write": ["bench.sh", "echo METRIC cost=1\n"]}, write(50), says(DONE)]],
        [[says({**PLANNED, "description": "Cheat"})], [{"write": ["bench.sh", "echo METRIC cost=1\n"]}, says(DONE)]],
        NOTHING,
    )
    await one.run()
    assert one.verdicts == [("keep", "improvement"), ("discard", "out_of_scope")]
    assert scripted.replies("fs/write_text_file")[0]["code"] == -32602


async def test_a_silent_agent_is_stopped_and_one_that_waits_for_a_person_is_not(session: Make) -> None:
    one, scripted = session(
        [PLAN, [{"ask": COMMAND}, {"children": "pids"}, {"hang": 600}]],
        NOTHING,
        more='[watchdogs]\nagent_silence = "1s"',
    )
    task = asyncio.create_task(one.run())
    await when(lambda: questions(one), "the question", task)
    asked = asyncio.get_running_loop().time()
    await when(lambda: asyncio.get_running_loop().time() - asked > 2, "more than its time", task)
    send(one.folder.inbox, "answer", by="me", data={"question": questions(one)[0].id, "option": "allow"})
    await task
    assert one.verdicts[0][0] == "crash"
    assert "said nothing" in one.state.experiments[1].detail
    assert not alive([int(pid) for pid in (scripted.folder / "pids").read_text().split()])


async def test_stopping_while_it_works_leaves_nothing(session: Make) -> None:
    one, scripted = session([PLAN, [{"children": "pids"}, {"hang": 600}]])
    task = asyncio.create_task(one.run())
    await when((scripted.folder / "pids").exists, "its children", task)
    send(one.folder.inbox, "stop", by="me")
    end = await task
    assert end.outcome == "stopped"
    assert not alive([int(pid) for pid in (scripted.folder / "pids").read_text().split()])
    assert one.state.end is not None and one.state.questions == []


async def test_stopping_while_it_asks_withdraws_the_question(session: Make) -> None:
    one, _ = session([PLAN, [{"ask": COMMAND}, says(DONE)]])
    task = asyncio.create_task(one.run())
    await when(lambda: questions(one), "the question", task)
    send(one.folder.inbox, "stop", by="me")
    assert (await task).outcome == "stopped"
    assert [question.state for question in questions(one)] == ["open", "withdrawn"]


async def test_nothing_of_it_runs_while_the_benchmark_does(session: Make) -> None:
    one, scripted = session([PLAN, [{"children": "pids"}, write(50), says(DONE)]], NOTHING)
    running: list[bool] = []

    def watch() -> None:
        from autotune_tui.model.events import Sample

        for event in one.events[watch.seen :]:  # type: ignore[attr-defined]
            if isinstance(event, Sample) and event.experiment:
                pids = [int(pid) for pid in (scripted.folder / "pids").read_text().split()]
                running.append(bool(alive(pids)))
        watch.seen = len(one.events)  # type: ignore[attr-defined]

    watch.seen = 0  # type: ignore[attr-defined]
    task = asyncio.create_task(one.run())
    while not task.done():
        watch()
        await asyncio.sleep(0.01)
    watch()
    assert one.verdicts == [("keep", "improvement")]
    assert running and not any(running)


async def test_a_crash_is_an_experiment_and_a_missing_login_a_pause(session: Make) -> None:
    one, _ = session(
        [PLAN, [{"stderr": "out of memory"}, {"crash": 9}]],
        [
            [says({**PLANNED, "description": "Try again"})],
            [{"error": {"code": -32000, "message": "Authentication required"}}],
        ],
    )
    end = await one.run()
    assert one.verdicts[0] == ("crash", "agent_failed")
    assert "out of memory" in one.state.experiments[1].detail
    assert end.outcome == "paused"
    assert "wants you to log in" in end.reason


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap: apt-get install bubblewrap")
async def test_behind_the_sandbox_it_sees_its_worktree_and_not_the_journal(session: Make, tmp_path: Path) -> None:
    """[sandbox] agent = true. What it lets us run is confined in any case, and has no network."""
    look = "ls {} 2>&1; touch {}/x 2>&1; echo 50 > src/value.txt; cat src/value.txt"
    one, scripted = session(
        [PLAN, [{"terminal": {"command": look.format(*[tmp_path / "repo" / ".autotune"] * 2)}}, says(DONE)]],
        NOTHING,
        more=f"[sandbox]\nagent = true\nread = [{json.dumps(str(Path(__file__).parent))}]\n"
        f"write = [{json.dumps(str(tmp_path / 'script'))}]",
    )
    await one.run()
    if one.state.session is None or one.state.session.sandbox != "bubblewrap":
        pytest.skip("bubblewrap does not work here")
    assert one.verdicts == [("keep", "improvement")], scripted.replies("terminal/output")
    (output,) = scripted.replies("terminal/output")
    assert "autotune.jsonl" not in output["output"] and "001-test" not in output["output"]
    assert not (one.repo / ".autotune" / "x").exists()
    assert output["output"].endswith("50\n")


async def command_line(*arguments: str) -> tuple[int, str]:
    """What the command line says, and its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "autotune_tui", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


def test_no_process_of_a_scripted_agent_is_left_by_these_tests(tmp_path: Path) -> None:
    mine = str(tmp_path.parent)
    left = []
    for process in psutil.process_iter():
        try:
            if "acp_agent.py" in " ".join(process.cmdline()) and mine in " ".join(process.cmdline()):
                left.append(process.pid)
        except psutil.Error:
            continue
    assert left == []
