"""Known programs (A4) and the choice among agents: data, what is found on PATH, and what `auto` takes."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agents_support import Shown, make_context, profile_of, repository
from autotune_tui import agent_programs
from autotune_tui.agent_programs import KINDS, find, installed, known, version_of
from autotune_tui.agents.acp.agent import AcpAgent
from autotune_tui.agents.answers import approaches_in, first_line, last_object
from autotune_tui.agents.base import AgentUnavailable, Approach, Context, Failure, Plan
from autotune_tui.agents.command import CommandAgent
from autotune_tui.agents.recipes import MOST_FILES, RecipeAgent, filled, hottest, translated
from autotune_tui.agents.registry import agent_name, make_agent, offers
from autotune_tui.cli import command_line
from autotune_tui.config import SessionConfig, parse
from autotune_tui.errors import AgentError, ConfigError

PLAN = Plan("Ask it", "It should improve time because it says so.")


def configured(first: str = "", more: str = "") -> SessionConfig:
    return parse(f"""
        goal = "Be quick"
        {first}
        [metric]
        name = "time"
        [benchmark]
        profile = false
        command = "true"
        [scope]
        include = ["src/**"]
        {more}
    """)


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only what a test puts there; the shell and Python stay."""
    (tmp_path / "bin").mkdir()
    for name in ("git", "sh", "cat", "echo"):
        for folder in os.environ["PATH"].split(":"):
            if (Path(folder) / name).exists():
                (tmp_path / "bin" / name).symlink_to(Path(folder) / name)
                break
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)


def install(tmp_path: Path, name: str, script: str = "exit 0") -> None:
    """Put a program on PATH; `script` is for the shell, or for Python where it begins with an import."""
    file = tmp_path / "bin" / name
    python = script.startswith("import")
    file.write_text(f"#!{sys.executable if python else '/bin/sh'}\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    tree = repository(tmp_path / "candidate", {"src/a.py": "1\n", "src/b.py": "1\n"})
    return make_context(
        tree,
        files=("src/a.py", "src/b.py"),
        profile=profile_of(("src/b.py", "f", 3, 0.5, 0.9), ("lib/x.py", "g", 1, 0.1, 0.1)),
        environment={"PATH": os.environ["PATH"]},
    )


def test_the_data_is_whole() -> None:
    """Each program has a name of its own, says how it is installed, and gets its task in one way."""
    names = [program.agent for program in known()]
    assert len(set(names)) == len(names)
    assert {program.kind for program in known()} == set(KINDS)
    for program in known():
        assert program.title and program.needs and program.login, program.agent
        if program.kind == "command":
            places = [argument for argument in program.argv if argument in ("{prompt}", "{prompt_file}")]
            assert len(places) + program.stdin == 1, program.agent
        else:
            assert not any("{" in argument for argument in program.argv), program.agent


def test_only_what_is_on_path_is_installed(tmp_path: Path) -> None:
    assert installed() == ()
    install(tmp_path, "gemini")
    (tmp_path / "bin" / "codex").write_text("not executable")
    assert [program.agent for program in installed()] == ["acp:gemini", "command:gemini"]
    assert [program.agent for program in installed("acp")] == ["acp:gemini"]


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo 'gemini-cli v0.65.1-nightly (linux)'", "0.65.1-nightly"),
        ("echo 2.0.1 >&2", "2.0.1"),
        ("echo no number; exit 3", ""),
        ("cat; echo 1.2", "1.2"),
    ],
)
def test_a_program_is_asked_for_its_version(tmp_path: Path, script: str, version: str) -> None:
    install(tmp_path, "gemini", script)
    program = find("acp", "gemini")
    assert program is not None
    assert version_of(program) == version


def test_a_program_that_never_says_its_version_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_programs, "_VERSION_SECONDS", 0.2)
    install(tmp_path, "gemini", "import time; time.sleep(600)")
    program = find("acp", "gemini")
    assert program is not None
    assert version_of(program) == ""


CHOICES: list[tuple[str, str, str, type]] = [
    ('agent = "acp:gemini"', "", "acp:gemini", AcpAgent),
    ('agent = "acp"', '[agent_acp]\nname = "codex"', "acp:codex", AcpAgent),
    ('agent = "acp"', '[agent_acp]\ncommand = "./mine --acp"', "acp", AcpAgent),
    ('agent = "acp"', '[agent_acp]\nname = "codex"\ncommand = "./mine"', "acp", AcpAgent),
    ('agent = "acp:gemini"', '[agent_acp]\ncommand = "./mine"', "acp:gemini", AcpAgent),
    ('agent = "command:codex"', "", "command:codex", RecipeAgent),
    ('agent = "command"', '[agent_command]\nrecipe = "aider"', "command:aider", RecipeAgent),
    ('agent = "command"', '[agent_command]\nrecipe = "aider"\ncommand = "./mine"', "command", CommandAgent),
    ("", '[agent_acp]\nname = "goose"', "acp:goose", AcpAgent),
    ("", '[agent_command]\nrecipe = "goose"', "command:goose", RecipeAgent),
]


@pytest.mark.parametrize(("first", "more", "name", "kind"), CHOICES)
def test_an_agent_is_chosen_by_name(first: str, more: str, name: str, kind: type) -> None:
    agent = make_agent(configured(first, more))
    assert type(agent) is kind
    assert agent.name == name


@pytest.mark.parametrize("name", ["acp:gemini", "command:codex", "offline", "manual"])
def test_an_agent_may_be_named_in_place_of_the_configured_one(name: str) -> None:
    """As a playbook does that switches agents."""
    config = configured('agent = "acp:codex"').model_copy(update={"agent": name})
    assert make_agent(config).name == name


@pytest.mark.parametrize("name", ["acp:nobody", "command:nobody", "somebody"])
def test_an_unknown_agent_is_a_configuration_error(name: str) -> None:
    with pytest.raises(ConfigError, match="There is no agent"):
        make_agent(configured().model_copy(update={"agent": name}))


@pytest.mark.parametrize(
    ("first", "more", "said"),
    [
        ('agent = "acp:nobody"', "", "agent_acp.name"),
        ('agent = "command:nobody"', "", "agent_command.recipe"),
        ('agent = "acp"', "", "agent_acp.name"),
        ('agent = "offline:x"', "", "agent:"),
        ("", '[agent_acp]\nothers = "perhaps"', "agent_acp.others"),
    ],
)
def test_a_wrong_name_is_said_where_it_stands(first: str, more: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(first, more)
    assert said in caught.value.message


def test_auto_takes_a_key_and_offers_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choosing: claude with a key; an installed ACP agent is named, never taken; else offline."""
    assert (agent_name(configured()), offers(configured())) == ("offline", "")
    install(tmp_path, "gemini")
    install(tmp_path, "codex-acp")
    assert agent_name(configured()) == "offline"
    assert offers(configured()) == 'Codex is installed: agent = "acp:codex" uses it (or acp:gemini)'
    assert offers(configured('agent = "offline"')) == ""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    assert (agent_name(configured()), offers(configured())) == ("claude", "")


def test_agents_lists_what_is_there_and_what_auto_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "gemini", "echo 0.65.1")
    monkeypatch.setenv("GEMINI_API_KEY", "sk-not-to-be-shown")
    result = CliRunner().invoke(command_line, ["agents"])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert any(line.startswith("acp:gemini") and "Gemini CLI 0.65.1, key in GEMINI_API_KEY" in line for line in lines)
    assert not any(line.startswith("acp:codex") for line in lines)
    assert lines[-1].startswith("auto takes offline: there is no API key; Gemini CLI is installed")
    assert "sk-not-to-be-shown" not in result.output
    data = json.loads(CliRunner().invoke(command_line, ["agents", "--all", "--json"]).output)
    assert {program["agent"] for program in data["programs"]} == {program.agent for program in known()}
    assert data["auto"]["agent"] == "offline"


def test_arguments_are_filled_in_once() -> None:
    """What is put in is text: a task may have braces."""
    values = {"prompt": "use {folder} and {files}", "folder": "/x"}
    assert filled(["a", "{prompt}", "--log={folder}/l", "{files}"], values, ["b.py", "c.py"]) == [
        "a", "use {folder} and {files}", "--log=/x/l", "b.py", "c.py",
    ]  # fmt: skip


def test_the_hottest_files_in_scope_come_first(context: Context) -> None:
    assert hottest(context) == ["src/b.py", "src/a.py"]
    many = make_context(context.directory, files=tuple(f"f{n}.py" for n in range(100)))
    assert len(hottest(many)) == MOST_FILES


OBJECTS: list[tuple[str, dict[str, Any]]] = [
    ('Done.\n{"description": "x"}', {"description": "x"}),
    ('Done.\n```json\n{\n  "description": "x",\n  "notes": "{}"\n}\n```\n', {"description": "x", "notes": "{}"}),
    ('{"description": "first"}\nmore\n{"description": "last"}\nbye', {"description": "last"}),
    ('{"a": {"b": {}}}', {"a": {"b": {}}}),
    ("no {object} here", {}),
    ("{broken", {}),
    ("[1, 2]", {}),
    ("{" * 100_000, {}),
    ("", {}),
]


@pytest.mark.parametrize(("answer", "found"), OBJECTS)
def test_the_object_at_the_end_of_an_answer_is_found(answer: str, found: dict[str, Any]) -> None:
    assert last_object(answer) == found


def test_an_answer_is_believed_only_as_far_as_it_has_the_right_form() -> None:
    said = {
        "approaches": [{"name": "a", "trade_off": 5, "chosen": "yes"}, {"name": ""}, 7, {"name": "b", "chosen": True}]
    }
    assert approaches_in(said) == (Approach("a", "", False), Approach("b", "", True))
    assert approaches_in({"approaches": "many"}) == ()
    assert first_line('```\n{"a": 1}\n\n## **Sort once**\nbecause') == "Sort once"


FAKES = {
    "codex": """import json, pathlib, sys
assert sys.argv[1:] == ["exec", "--sandbox", "workspace-write", "-"], sys.argv
task = sys.stdin.read()
pathlib.Path("task").write_text(task)
pathlib.Path("src/a.py").write_text("2\\n")
sys.stderr.write("thinking\\n")
print("I did it.\\n\\n```json")
print(json.dumps({"description": "Count to 2", "expected": -0.1, "notes": "x" * 400}, indent=1))
print("```")""",
    "claude": """import json, pathlib, sys
assert sys.argv[1:4] == ["-p", "--permission-mode", "acceptEdits"], sys.argv
pathlib.Path("task").write_text(sys.stdin.read())
usage = {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 5}
answer = 'Done.\\n{"description": "Count to 2", "expected": -0.1}'
print(json.dumps({"type": "result", "result": answer, "total_cost_usd": 0.25, "usage": usage}))""",
    "aider": """import json, pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--chat-history-file") + 1]).parent
assert folder.is_dir() and not folder.is_relative_to(pathlib.Path.cwd())
pathlib.Path("task").write_text(pathlib.Path(sys.argv[2]).read_text())
pathlib.Path("files").write_text(" ".join(sys.argv[-2:]))
print(json.dumps({"description": "Count to 2", "expected": -0.1}))
print("Tokens: 2.1k sent")""",
    "opencode": """import json, pathlib, sys
pathlib.Path("task").write_text(sys.argv[2])
assert sys.stdin.read() == ""
print(json.dumps({"description": "Count to 2", "expected": -0.1}))""",
}


@pytest.mark.parametrize("name", FAKES)
async def test_a_known_program_is_run_as_it_wants_to_be(context: Context, tmp_path: Path, name: str) -> None:
    """A4: the task goes in by standard input, as an argument or as a file; its last words are understood."""
    install(tmp_path, name, FAKES[name])
    shown, agent = Shown(), make_agent(configured(f'agent = "command:{name}"'))
    plan = await agent.propose(context, shown)
    edit = await agent.edit(context, plan, shown)
    assert edit.description == "Count to 2"
    assert edit.data == {"expected": -0.1}
    task = (context.directory / "task").read_text()
    assert "Be quick" in task and "make it in the files in scope" in task and "stay readable" in task
    spent = [event.usage for event in shown.events if event.kind == "usage"]
    assert spent == ([{"usd": 0.25, "input_tokens": 100, "output_tokens": 5}] if name == "claude" else [])
    if name == "aider":
        assert (context.directory / "files").read_text() == "src/b.py src/a.py"
    failure = Failure("check", "2 tests failed", "test_a ... FAILED", 1)
    await agent.rework(context, plan, failure, shown)
    assert "test_a ... FAILED" in (context.directory / "task").read_text()


async def test_last_words_of_an_earlier_run_are_not_taken_for_those_of_this_one(
    context: Context, tmp_path: Path
) -> None:
    script = """import pathlib
mark = pathlib.Path("mark")
print("nothing to say" if mark.exists() else '{"description": "First"}')
mark.touch()"""
    install(tmp_path, "goose", script)
    agent = make_agent(configured('agent = "command:goose"'))
    assert (await agent.edit(context, PLAN, Shown())).description == "First"
    assert (await agent.edit(context, PLAN, Shown())).description == ""


@pytest.mark.parametrize("name", [program.name for program in known() if program.kind == "command"])
async def test_a_program_that_is_not_installed_pauses_the_session(context: Context, name: str) -> None:
    with pytest.raises(AgentUnavailable, match="is not installed") as caught:
        await make_agent(configured(f'agent = "command:{name}"')).edit(context, PLAN, Shown())
    assert "Install it" in caught.value.hint


async def test_a_program_that_fails_says_what_it_said(context: Context, tmp_path: Path) -> None:
    install(tmp_path, "codex", "echo 'not logged in' >&2; exit 1")
    with pytest.raises(AgentError, match="exit code 1: Codex") as caught:
        await make_agent(configured('agent = "command:codex"')).edit(context, PLAN, Shown())
    assert "not logged in" in caught.value.message


@pytest.mark.parametrize(
    "said", [{}, {"result": 5}, {"result": "no object", "usage": "x"}, {"result": "{}", "total_cost_usd": "a lot"}]
)
def test_a_programs_own_words_may_be_of_any_form(said: dict[str, Any]) -> None:
    program = find("command", "claude")
    assert program is not None and program.answer is not None
    assert translated(said, program.answer) == {"usage": {}}


def test_programs_are_data_that_the_package_ships() -> None:
    from importlib import resources

    files: Iterable[Any] = resources.files("autotune_tui.agent_programs").iterdir()
    assert "agents.toml" in {file.name for file in files}
