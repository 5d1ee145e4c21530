"""The command agent (A4): any executable, with the context as JSON, and nothing of it left behind."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from agents_support import Shown, make_context, outcome, past, profile_of, repository
from autotune_tui.agents.base import Context, Edit, Failure, NothingToPropose, Plan
from autotune_tui.agents.command import CommandAgent
from autotune_tui.agents.output import LOG_HEAD, LOG_TAIL
from autotune_tui.errors import AgentError, ConfigError

PLAN = Plan("Run it", "It should improve time because it says so.", strategy="command", key="command:1")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_context(repository(tmp_path / "candidate", {"a.txt": "1\n"}), files=("a.txt",))


def shell(script: str, seconds: float = 60, grace: float = 0.3) -> CommandAgent:
    return CommandAgent(script, seconds, grace)


def python(script: str, seconds: float = 60) -> CommandAgent:
    return CommandAgent([sys.executable, "-c", script], seconds, 0.3)


async def wait_for(condition: Callable[[], bool], what: str) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"waited in vain for {what}")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def test_a_ten_line_script_is_an_agent(context: Context) -> None:
    """A4: it reads the context on stdin, changes a file, and may say what it did."""
    shown = Shown()
    agent = python(
        "import json, sys\n"
        "context = json.load(sys.stdin)\n"
        "print('thinking about', context['goal'], flush=True)\n"
        "open('a.txt', 'w').write('2\\n')\n"
        "print(json.dumps({'description': 'Count to 2', 'hypothesis': '2 should improve time because 2 > 1',\n"
        "                  'notes': 'easy', 'expected': -0.1,\n"
        "                  'usage': {'input_tokens': 10, 'output_tokens': 2, 'usd': 0.5, 'other': 1}}))\n"
    )
    plan = await agent.propose(context, shown)
    edit = await agent.edit(context, plan, shown)
    assert (context.directory / "a.txt").read_text() == "2\n"
    assert edit == Edit("Count to 2", "2 should improve time because 2 > 1", "easy", {"expected": -0.1})
    assert "thinking about Be quick" in shown.text
    (usage,) = [event.usage for event in shown.events if event.kind == "usage"]
    assert usage == {"input_tokens": 10, "output_tokens": 2, "usd": 0.5}
    assert "thinking about" in (context.artifacts / "agent.log").read_text()


async def test_the_context_is_complete_and_its_keys_are_stable(tmp_path: Path) -> None:
    earlier = past(PLAN, "discard", "no_improvement", 0.01)
    context = make_context(
        repository(tmp_path / "candidate", {}), history=(earlier,), profile=profile_of(("a.py", "f", 3, 0.5, 0.9))
    )
    await shell("cat > seen.json").edit(context, PLAN, Shown())
    seen = json.loads((context.directory / "seen.json").read_text())
    assert sorted(seen) == [
        "artifacts", "baseline_value", "benchmark", "beside", "constraints", "direction", "directory", "exclude", "experiment",
        "failure", "files", "goal", "guidance", "health", "history", "ideas", "include", "incumbent", "incumbent_value", "metric",
        "plan", "profile", "target", "unit", "version",
    ]  # fmt: skip
    assert seen["directory"] == str(context.directory)
    assert seen["profile"]["hot_spots"][0] == {
        "file": "a.py", "function": "f", "line": 3, "self_share": 0.5, "total_share": 0.9,
    }  # fmt: skip
    assert seen["history"][0]["effect"] == 0.01
    assert seen["plan"]["description"] == "Run it"
    assert (seen["version"], seen["failure"], seen["target"]) == (1, None, 1.0)


async def test_files_named_in_the_environment_hold_the_same(tmp_path: Path) -> None:
    context = make_context(
        repository(tmp_path / "candidate", {}), profile=profile_of(("a.py", "f", 3, 0.5, 0.9)), history=(past(PLAN),)
    )
    script = """
        cp "$AUTOTUNE_CONTEXT" context; cp "$AUTOTUNE_PLAN" plan; cp "$AUTOTUNE_PROFILE" profile
        cp "$AUTOTUNE_IDEAS" ideas; cp "$AUTOTUNE_HISTORY" history
        echo "$AUTOTUNE_EXPERIMENT ${AUTOTUNE_FAILURE-none}" > rest
    """
    await shell(script).edit(context, PLAN, Shown())
    folder = context.directory
    assert json.loads((folder / "context").read_text())["goal"] == "Be quick"
    assert json.loads((folder / "plan").read_text())["key"] == "command:1"
    assert json.loads((folder / "profile").read_text())["folded"] == "main;parse 1000"
    assert json.loads((folder / "history").read_text())[0]["strategy"] == "command"
    assert (folder / "ideas").read_text() == "- try harder\n"
    assert (folder / "rest").read_text() == "2 none\n"


async def test_a_rework_runs_it_again_with_the_failure(context: Context) -> None:
    failure = Failure("check", "2 tests failed", "test_a ... FAILED", 1)
    agent = shell("cp $AUTOTUNE_FAILURE failure.json 2>/dev/null; cat > context.json")
    await agent.edit(context, PLAN, Shown())
    assert not (context.directory / "failure.json").exists()
    await agent.rework(context, PLAN, failure, Shown())
    seen = json.loads((context.directory / "failure.json").read_text())
    assert seen == {"phase": "check", "reason": "2 tests failed", "output": "test_a ... FAILED", "attempt": 1}
    assert json.loads((context.directory / "context.json").read_text())["failure"] == seen


async def test_its_environment_is_the_users_but_for_git_and_with_the_benchmarks_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"PATH": os.environ["PATH"], "SIZE": "10"}
    context = make_context(repository(tmp_path / "candidate", {}), environment=environment)
    monkeypatch.setenv("MY_API_KEY", "secret")
    monkeypatch.setenv("GIT_DIR", "/somewhere/else")
    await shell('echo "$MY_API_KEY ${GIT_DIR-none} $SIZE" > seen').edit(context, PLAN, Shown())
    assert (context.directory / "seen").read_text() == "secret none 10\n"
    artifacts = "".join(path.read_text() for path in context.artifacts.rglob("*") if path.is_file())
    assert "secret" not in artifacts


@pytest.mark.parametrize(
    ("script", "title", "hint"),
    [
        ("echo first; echo it broke >&2; exit 3", "exit code 3", "agent.log"),
        ("kill -SEGV $$", f"signal {signal.SIGSEGV.value}", "agent.log"),
        ("no-such-agent --now", "exit code 127", "absolute path"),
        ("./a.txt", "exit code 126", "executable"),
    ],
)
async def test_a_failure_is_told_with_its_last_words(context: Context, script: str, title: str, hint: str) -> None:
    with pytest.raises(AgentError) as caught:
        await shell(script).edit(context, PLAN, Shown())
    assert title in caught.value.title
    assert hint in caught.value.hint
    if "broke" in script:
        assert "it broke" in caught.value.message


@pytest.mark.parametrize(
    ("argv", "title"),
    [(["./no-such-agent"], "was not found: ./no-such-agent"), (["./a.txt"], "cannot be run: ./a.txt")],
)
async def test_a_command_that_cannot_be_started_is_named(context: Context, argv: list[str], title: str) -> None:
    with pytest.raises(AgentError, match=title) as caught:
        await CommandAgent(argv, 60).edit(context, PLAN, Shown())
    assert caught.value.hint


async def test_a_worktree_that_is_gone_is_said_to_be_gone(context: Context) -> None:
    (context.directory / "a.txt").unlink()
    await shell('rm -rf "$PWD"').edit(context, PLAN, Shown())
    with pytest.raises(AgentError, match="worktree is gone"):
        await shell("true").edit(context, PLAN, Shown())


def test_an_empty_command_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="has no command"):
        CommandAgent("", 60)


async def test_done_with_nothing_changed_ends_the_proposals(context: Context) -> None:
    agent = shell("""echo '{"done": true, "notes": "tried all 3 ideas"}'""")
    with pytest.raises(NothingToPropose, match="tried all 3 ideas"):
        await agent.edit(context, PLAN, Shown())
    with pytest.raises(NothingToPropose):
        await agent.propose(context, Shown())


async def test_done_with_a_change_is_its_last_proposal(context: Context) -> None:
    agent = shell("""echo 2 > new.txt; echo '{"done": true, "description": "The last one"}'""")
    edit = await agent.edit(context, PLAN, Shown())
    assert edit.description == "The last one"
    with pytest.raises(NothingToPropose, match="no more proposals"):
        await agent.propose(context, Shown())


async def test_nothing_changed_without_done_is_left_to_the_engine(context: Context) -> None:
    assert await shell("true").edit(context, PLAN, Shown()) == Edit()


@pytest.mark.parametrize(
    "last",
    [
        "no JSON",
        "[1, 2]",
        "{broken",
        '{"description": 5, "usage": 3, "expected": "x"}',
        '{"done": 1}',
        '{"expected": NaN, "usage": {"usd": -1, "input_tokens": true}}',
        "{" * 100_000,
    ],
)
async def test_last_words_that_mean_nothing_are_passed_over(context: Context, last: str) -> None:
    shown = Shown()
    (context.directory / "words").write_text(last)
    assert await shell("echo 2 > a.txt; cat words").edit(context, PLAN, shown) == Edit()
    assert not [event for event in shown.events if event.kind == "usage"]


async def test_escape_codes_and_binary_are_harmless(context: Context) -> None:
    shown = Shown()
    (context.directory / "printed").write_bytes(
        b"\x1b[31mred\x1b[0m \x1b]0;title\x07\x00\xff\x9b5m back\x08\x08\n10%\r50%\rdone\n"
        + os.urandom(5000)
        + b'\n{"description": "a\\u001b[2Jb\\u202ec\\nd"}\n'
    )
    edit = await shell("cat printed").edit(context, PLAN, shown)
    assert edit.description == "abc d"
    log = (context.artifacts / "agent.log").read_text()
    for text in (shown.text, log):
        assert "red" in text
        assert not {c for c in text if c < " " and c not in "\n\t"}
        assert not {c for c in text if "\x7f" <= c <= "\x9f"}
    assert "done" in shown.text.splitlines()
    assert "50%" not in shown.text


async def test_a_gigabyte_of_output_costs_neither_memory_nor_disk(context: Context) -> None:
    shown = Shown()
    script = """
        head -c 700000000 /dev/zero | tr '\\0' 'x'
        yes 'a line of output that repeats itself for quite a while' | head -c 300000000
        echo; echo '{"description": "Talk a lot"}'
    """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    edit = await shell(script, seconds=300).edit(context, PLAN, shown)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB; far less than the gigabyte
    assert edit.description == "Talk a lot"
    assert (context.artifacts / "agent.log").stat().st_size < LOG_HEAD + 2 * LOG_TAIL + 1000
    assert "bytes left out" in (context.artifacts / "agent.log").read_text()
    assert "Talk a lot" in (context.artifacts / "agent.log").read_text()
    assert len(shown.text) < 10_000_000
    assert "more lines, see agent.log" in shown.text


async def test_stdin_need_not_be_read(tmp_path: Path) -> None:
    """A context larger than a pipe's buffer does not hang a command that ignores it."""
    files = tuple(f"src/file{number}.py" for number in range(50_000))
    context = make_context(repository(tmp_path / "candidate", {}), files=files)
    edit = await shell('exec 0<&-; echo \'{"notes": "fine"}\'').edit(context, PLAN, Shown())
    assert edit.notes == "fine"


GRANDCHILDREN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
child = subprocess.Popen([sys.executable, "-c", ignore + "open('ready1', 'w'); time.sleep(600)"])
daemon = subprocess.Popen([sys.executable, "-c", ignore + "open('ready2', 'w'); time.sleep(600)"], start_new_session=True)
open("pids", "w").write(f"{os.getpid()} {child.pid} {daemon.pid}\\n")
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("end", ["cancelled", "cancelled twice", "time limit", "by itself"])
async def test_nothing_is_left_behind_however_it_ends(context: Context, end: str) -> None:
    """Children that ignore SIGTERM, and one that left the session, are gone when the call returns."""
    folder = context.directory
    wait = "" if end == "by itself" else "time.sleep(600)"
    until = "while not (os.path.exists('ready1') and os.path.exists('ready2')): time.sleep(0.01)\n"
    agent = python(f"{GRANDCHILDREN}{until}open('ready', 'w')\n{wait}", seconds=2 if end == "time limit" else 60)
    task = asyncio.create_task(agent.edit(context, PLAN, Shown()))
    if end.startswith("cancelled"):
        await wait_for((folder / "ready").exists, "the grandchildren")
        task.cancel()
        if end == "cancelled twice":
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    elif end == "time limit":
        with pytest.raises(AgentError, match="stopped after 2 s"):
            await task
    else:
        await task
    pids = [int(pid) for pid in (folder / "pids").read_text().split()]
    assert len(pids) == 3
    await wait_for(lambda: not any(map(is_running, pids)), "the end of all processes")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("turns", range(8))
async def test_a_command_that_is_stopped_while_it_starts_leaves_nothing_and_keeps_nobody_waiting(
    context: Context, turns: int
) -> None:
    """However far the start has come: neither the shell nor what it has started is left, and the call returns."""
    agent = shell("touch begun; sleep 600 & sleep 600")
    task = asyncio.create_task(agent.edit(context, PLAN, Shown()))
    while not psutil.Process().children():  # noqa: ASYNC110 - turns of the loop are what is counted here
        await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(20):
        with pytest.raises(asyncio.CancelledError):
            await task
    mine = [process for process in psutil.process_iter() if str(context.directory) in _directory(process)]
    assert not [process for process in mine if process.name() == "sleep" and is_running(process.pid)]


def _directory(process: psutil.Process) -> str:
    try:
        return str(process.cwd())
    except psutil.Error:
        return ""


async def test_a_process_that_holds_the_output_open_does_not_delay_the_end(context: Context) -> None:
    agent = shell('sleep 600 & echo \'{"notes": "left one behind"}\'')
    async with asyncio.timeout(10):
        edit = await agent.edit(context, PLAN, Shown())
    assert edit.notes == "left one behind"


async def test_the_plan_and_the_reflection_are_honest(context: Context) -> None:
    agent = shell("./my-agent")
    plan = await agent.propose(context, Shown())
    assert plan.description == "Ask my-agent"
    reflection = await agent.reflect(
        context, plan, outcome("discard", "no_improvement", -0.002, (-0.01, 0.006), 12), Shown()
    )
    assert reflection.observation == "Time changed by −0.2 % [−1.0, 0.6] over 12 pairs: no effect within ±0.8 %."
    await agent.close()


def test_an_executable_may_be_a_script_of_the_users(tmp_path: Path) -> None:
    script = tmp_path / "my agent.sh"
    script.write_text("#!/bin/sh\necho 2 > a.txt\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    context = make_context(repository(tmp_path / "candidate", {"a.txt": "1\n"}))
    asyncio.run(CommandAgent([str(script)], 60).edit(context, PLAN, Shown()))
    assert (context.directory / "a.txt").read_text() == "2\n"
