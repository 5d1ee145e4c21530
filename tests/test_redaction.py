"""Values of secret variables never reach a journal, an artifact, a prompt, a screen or an error."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autotune_tui.cli.failures import guarded
from autotune_tui.errors import ConfigError
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
    """The benchmark, a check, the setup and the agent know it and say it, and the configuration has it in a command."""
    secret = "hunter2-4711-word"
    monkeypatch.setenv("DEPLOY_TOKEN", secret)
    say = f"echo {secret}; echo {secret} >&2"
    repo = make_repo(tmp_path, bench=f"#!/bin/sh\n{say}\n{EXACT}")
    seen = tmp_path / "seen"
    agent = (
        f"cat > {seen}-$AUTOTUNE_EXPERIMENT; cat $AUTOTUNE_CONTEXT >> {seen}-$AUTOTUNE_EXPERIMENT; {say};"
        " echo $((90 - AUTOTUNE_EXPERIMENT * 10)) > src/value.txt;"
        f' echo \'{{"description": "with {secret}", "notes": "{secret}"}}\''
    )
    more = f'[checks]\ncommand = "{say}; cd src && ! grep -qx 70 value.txt"\n[budget]\nexperiments = 2'
    ours = Session(repo, configure(tmp_path / "cache", agent, more, command=f"TOKEN={secret} sh bench.sh"))
    await ours.run()
    assert len(ours.verdicts) == 2
    files = [path for path in ours.folder.root.rglob("*") if path.is_file()]
    assert any(path.name == "bench.log" and "[secret DEPLOY_TOKEN]" in path.read_text() for path in files)
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []
    assert secret not in repr(ours.events)
    prompts = [(tmp_path / f"seen-{number}").read_text() for number in (1, 2)]
    assert all("[secret DEPLOY_TOKEN]" in prompt for prompt in prompts)
    assert not any(secret in prompt for prompt in prompts)
    messages = git(repo, "log", "--format=%B", "autotune/001-test")
    assert "with [secret DEPLOY_TOKEN]" in messages
    assert secret not in messages
