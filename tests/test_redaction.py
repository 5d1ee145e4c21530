"""Values of secret variables never reach a journal, an artifact, a prompt, a screen or an error."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autotune_tui.agents.output import Output
from autotune_tui.cli.failures import guarded
from autotune_tui.engine import preflight
from autotune_tui.engine.try_once import Step, try_once
from autotune_tui.errors import ConfigError
from autotune_tui.mask import Mask
from autotune_tui.measure.executors.base import Command
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.model.events import Note
from autotune_tui.redaction import Redactor, is_secret
from engine_support import EXACT, Session, configure, git, make_repo

SECRET = 'hunter2-"4711"\\x'
"""With characters that JSON writes otherwise."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OPENAI_API_KEY", True),
        ("GITHUB_TOKEN", True),
        ("npm.auth", True),
        ("PGPASSWORD", True),
        ("GH_PAT", True),
        ("KEYBOARD", False),
        ("TOKENIZERS_PARALLELISM", False),
        ("PATH", False),
        ("MONKEY", False),
    ],
)
def test_variables_are_secret_by_their_names(name: str, expected: bool) -> None:
    assert is_secret(name) == expected


@pytest.mark.parametrize(
    ("env", "text", "expected"),
    [
        ({"A_TOKEN": "abc-12345"}, "x abc-12345 y abc-12345", "x [secret A_TOKEN] y [secret A_TOKEN]"),
        ({"A_TOKEN": "short"}, "short", "short"),
        ({"PGPASSWORD": "postgres"}, "src/postgres.py", "src/postgres.py"),
        ({"A_TOKEN": "abc-12345", "B_TOKEN": "abc-12345-more"}, "abc-12345-more", "[secret B_TOKEN]"),
        ({"URL": "postgres://me:s3cr3t-word@host/db"}, "s3cr3t-word", "[secret URL]"),
        ({"PLAIN": "abc-12345"}, "abc-12345", "abc-12345"),
        ({"A_KEY": "-----BEGIN-----\nMIIEvQIBADANBg\n"}, "MIIEvQIBADANBg", "[secret A_KEY]"),
        ({}, "text", "text"),
    ],
)
def test_values_are_replaced_by_names(env: dict[str, str], text: str, expected: str) -> None:
    assert Redactor(env).text(text) == expected


def test_json_stays_json() -> None:
    text = Redactor({"A_TOKEN": SECRET}).text(json.dumps({"said": f"it is {SECRET}"}))
    assert json.loads(text) == {"said": "it is [secret A_TOKEN]"}


def test_texts_inside_values_are_found_and_the_rest_is_left_alone() -> None:
    redactor = Redactor({"A_TOKEN": SECRET})
    assert redactor.deep({"a": [SECRET, 1], "b": (None, 2.5)}) == {"a": ["[secret A_TOKEN]", 1], "b": (None, 2.5)}
    assert redactor.deep(Note(text=SECRET)) == Note(text="[secret A_TOKEN]")
    clean = Note(text="nothing")
    assert redactor.deep(clean) is clean


def test_a_file_is_rewritten_from_a_place_on_and_links_are_left(tmp_path: Path) -> None:
    redactor = Redactor({"A_TOKEN": SECRET})
    file, link = tmp_path / "log", tmp_path / "link"
    file.write_text(f"{SECRET}|{SECRET} end")
    link.symlink_to(file)
    redactor.file(link)
    redactor.file(file, len(SECRET))
    assert file.read_text() == f"{SECRET}|[secret A_TOKEN] end"
    redactor.folder(tmp_path)
    assert SECRET not in file.read_text()


async def test_what_a_command_prints_is_clean_in_its_log_and_its_result(tmp_path: Path) -> None:
    log = tmp_path / "bench.log"
    log.write_text("before ")
    program = f"import sys; print({SECRET!r}); print({SECRET!r}, file=sys.stderr)"
    async with LocalExecutor(redactor=Redactor({"A_TOKEN": SECRET})) as executor:
        run = await executor.run(Command((sys.executable, "-c", program), tmp_path, {}, 30.0, log))
    assert run.stdout == "[secret A_TOKEN]\n"
    assert "hunter2" not in run.tail
    assert log.read_text() == "before " + "[secret A_TOKEN]\n" * 2


def test_an_error_and_the_file_of_a_crash_are_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("A_TOKEN", SECRET)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refused() -> int:
        raise ConfigError("Wrong", f"command = {SECRET}", "Mend it.")

    def broken() -> int:
        raise ValueError(SECRET)

    assert guarded(refused) == 2
    assert guarded(broken) == 1
    said = capsys.readouterr().err
    assert said.count("[secret A_TOKEN]") == 2
    (crash,) = tmp_path.iterdir()
    assert "[secret A_TOKEN]" in crash.read_text()
    assert "hunter2" not in said + crash.read_text()


async def test_a_whole_session_that_prints_a_secret_keeps_it_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The benchmark, a check, the agent, a crash and an error say it, and the configuration has it in a command.

    What is asked for on the command line afterwards does not have it either. A secret that a program prints in another form,
    such as base64, or on two lines, is not known for one.
    """
    secret = "hunter2-4711-word"
    monkeypatch.setenv("DEPLOY_TOKEN", secret)
    say = f"echo {secret}; echo {secret} >&2"
    bench = f"#!/bin/sh\n{say}\ngrep -qx 60 src/value.txt && exit 7\n{EXACT}"
    repo = make_repo(tmp_path, bench=bench)
    seen = tmp_path / "seen"
    agent = (
        f"cat > {seen}-$AUTOTUNE_EXPERIMENT; cat $AUTOTUNE_CONTEXT >> {seen}-$AUTOTUNE_EXPERIMENT; {say};"
        " [ $AUTOTUNE_EXPERIMENT = 4 ] && exit 9;"
        " echo $((90 - AUTOTUNE_EXPERIMENT * 10)) > src/value.txt;"
        f' echo \'{{"description": "with {secret}", "notes": "{secret}"}}\''
    )
    more = f'[checks]\ncommand = "{say}; cd src && ! grep -qx 70 value.txt"\n[budget]\nexperiments = 4'
    ours = Session(repo, configure(tmp_path / "cache", agent, more, command=f"TOKEN={secret} sh bench.sh"))
    await ours.run()
    assert [status for status, _ in ours.verdicts] == ["keep", "checks_failed", "crash", "crash"]
    files = [path for path in ours.folder.root.rglob("*") if path.is_file()]
    assert any(path.name == "bench.log" and "[secret DEPLOY_TOKEN]" in path.read_text() for path in files)
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []
    assert secret not in repr(ours.events)
    prompts = [path.read_text() for path in seen_by_agents(tmp_path)]
    assert len(prompts) >= 4 and all("[secret DEPLOY_TOKEN]" in prompt for prompt in prompts)
    assert not any(secret in prompt for prompt in prompts)
    messages = git(repo, "log", "--format=%B", "autotune/001-test")
    assert "with [secret DEPLOY_TOKEN]" in messages
    assert secret not in messages
    asked = (["log"], ["explain"], ["status", "--json"], *(["show", str(n)] for n in range(1, 5)))
    shown = [await asyncio.to_thread(said_by, [*arguments, str(repo)]) for arguments in asked]
    assert any("[secret DEPLOY_TOKEN]" in text for text in shown)
    assert not any(secret in text for text in shown)


def seen_by_agents(folder: Path) -> list[Path]:
    return sorted(folder.glob("seen-*"))


def said_by(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "autotune_tui", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (arguments, ran.stderr)
    return ran.stdout + ran.stderr


async def test_the_preflight_and_a_run_by_hand_keep_it_to_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` and `check --once`, of which the wizard shows every line."""
    secret = "hunter2-4711-word"
    monkeypatch.setenv("DEPLOY_TOKEN", secret)
    repo = make_repo(tmp_path, bench=f"#!/bin/sh\necho {secret}\nexit 7\n")
    settings = configure(tmp_path / "cache", "true", f'[checks]\ncommand = "echo {secret}"\n')
    lines = await preflight.check(repo, settings, lambda _: None)
    steps: list[Step] = []
    await try_once(repo, settings, steps.append)
    assert "[secret DEPLOY_TOKEN]" in repr(lines) and "[secret DEPLOY_TOKEN]" in repr(steps)
    assert secret not in repr(lines) + repr(steps)


# --- streams: what people watch while a command runs


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc-12345", "[A]"),
        ("abc-12345-more abc-12345", "[B] [A]"),
        ("x abc-1234 abc-12345", "x abc-1234 [A]"),
        ("abc-abc-12345abc-12345-mor", "abc-[A][A]-mor"),
        ("xyzxyzx xyzx xyz", "[C]yzx [C] xyz"),
        ("one\ntwo\nthree\n", "[D]\nthree\n"),
        ("nothing\n", "nothing\n"),
        ("", ""),
    ],
)
def test_a_stream_is_masked_wherever_it_is_cut(text: str, expected: str, size: int) -> None:
    mask = Mask({b"abc-12345": b"[A]", b"abc-12345-more": b"[B]", b"xyzx": b"[C]", b"one\ntwo": b"[D]"})
    data = text.encode()
    pieces = [mask.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert b"".join([*pieces, mask.flush()]).decode() == expected


def test_whole_lines_are_never_held_back() -> None:
    mask = Redactor({"A_TOKEN": "line-4711-word"}).mask()
    assert mask.feed(b"a line\n") == b"a line\n"
    assert mask.feed(b"a line") == b"a "
    assert mask.feed(b"-4711-word") == b"[secret A_TOKEN]"


async def test_a_log_has_no_secret_while_the_command_still_runs(tmp_path: Path) -> None:
    """The screen follows it; what the command prints in two pieces is found, too."""
    log, go = tmp_path / "bench.log", tmp_path / "go"
    os.mkfifo(go)
    program = f"""
import os
out = {SECRET!r}
for part in ("it is ", out[:6], out[6:], " and more\\n"):
    os.write(1, part.encode())
open({str(go)!r}).read()
os.write(2, out.encode())
"""
    async with LocalExecutor(redactor=Redactor({"A_TOKEN": SECRET})) as executor:
        running = asyncio.create_task(
            executor.run(Command((sys.executable, "-c", program), tmp_path, {}, 30.0, log, purpose="measure"))
        )
        while not log.exists() or b"more\n" not in log.read_bytes():
            assert not running.done(), running.result()
            await asyncio.sleep(0.01)
        assert log.read_text() == "it is [secret A_TOKEN] and more\n"
        with go.open("w"):
            pass
        run = await running
    assert run.stdout == "it is [secret A_TOKEN] and more\n"
    assert log.read_text() == "it is [secret A_TOKEN] and more\n[secret A_TOKEN]"


def test_what_an_agent_says_is_clean_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log is followed by the screen, and its lines are shown."""
    monkeypatch.setenv("A_TOKEN", SECRET)
    log, shown = tmp_path / "agent.log", []
    output = Output(log, shown.append, lambda: 0.0)
    output.feed("stdout", f"the {SECRET[:5]}".encode())
    output.feed("stdout", f"{SECRET[5:]} it found\n".encode())
    assert log.read_text() == "the [secret A_TOKEN] it found\n"
    output.close()
    assert shown == ["the [secret A_TOKEN] it found"]
    assert log.read_text() == "the [secret A_TOKEN] it found\n"
