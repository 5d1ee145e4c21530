"""The process: quick help, exit codes, and words instead of tracebacks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from autotune_tui import __version__
from autotune_tui.cli.failures import guarded
from autotune_tui.errors import AutotuneError, ConfigError, EngineError


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autotune_tui", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version_is_told() -> None:
    assert run("--version").stdout.strip() == f"autotune-tui, version {__version__}"


def test_help_lists_the_commands_as_one_meets_them() -> None:
    done = run("-h")
    assert done.returncode == 0
    commands = [
        row.split()[0]
        for row in done.stdout.partition("Commands:\n")[2].splitlines()
        if row.startswith("  ") and row[2] != " "
    ]
    assert commands[:4] == ["demo", "init", "check", "run"]
    assert {"pause", "resume", "skip", "stop", "rebaseline", "repair", "propose"} < set(commands)
    assert {"status", "explain", "log", "show", "diff"} < set(commands)


def test_help_imports_nothing_heavy() -> None:
    """`--help` and `--version` must be there at once, so the command line imports the rest only when it is needed."""
    code = "import sys, json, autotune_tui.cli; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(subprocess.check_output([sys.executable, "-c", code])))
    heavy = {"numpy", "pydantic", "rich", "git", "tomlkit", "optuna", "libcst", "asyncio", "watchfiles", "psutil"}
    assert loaded & heavy == set()
    assert not {
        name
        for name in loaded
        if name.startswith(("autotune_tui.engine", "autotune_tui.measure", "autotune_tui.model"))
    }


def test_a_user_s_mistake_is_a_title_a_message_and_a_hint_on_stderr(tmp_path: Path) -> None:
    done = run("status", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "Not a git repository."
    assert "git init" in done.stderr


def test_an_unknown_option_is_bad_usage() -> None:
    done = run("status", "--colour")
    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_a_broken_configuration_is_bad_usage_with_all_its_lines(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "autotune.toml").write_text('goal = "x"\nagnt = 1\n[metric]\ntarget = "fast"\n')
    done = run("run", cwd=tmp_path)
    assert done.returncode == 2
    assert "autotune.toml:2: agnt: unknown field; did you mean agent?" in done.stderr
    assert "autotune.toml:4: metric.target" in done.stderr
    assert "Traceback" not in done.stderr


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AutotuneError("Title"), 1),
        (EngineError("Title"), 1),
        (ConfigError("Title"), 2),
        (click.UsageError("no"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(), 0),
    ],
)
def test_the_exit_code_says_what_kind_of_end_it_was(error: BaseException, code: int) -> None:
    assert guarded(raising(error)) == code


def test_errors_cannot_write_to_the_terminal_what_they_like(capsys: pytest.CaptureFixture[str]) -> None:
    guarded(raising(AutotuneError("Title", "bad \x1b]0;name\x07 \x1b[31mred\x00", "hint")))
    assert capsys.readouterr().err == "Title.\nbad  red\ufffd\nhint\n"


def test_an_error_of_ours_leaves_a_crash_file_without_the_values_of_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def command() -> None:
        api_key = "secret-value"
        raise RuntimeError(f"no {len(api_key)}")

    assert guarded(command) == 1
    (file,) = tmp_path.iterdir()
    shown = capsys.readouterr().err
    assert str(file) in shown
    assert "Traceback" not in shown
    content = file.read_text()
    assert "RuntimeError: no 12" in content
    assert "secret-value" not in content.replace('api_key = "secret-value"', "")


def test_output_that_nobody_reads_is_no_error() -> None:
    command = f"set -o pipefail; {sys.executable} -m autotune_tui --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_our_signs_gets_question_marks() -> None:
    code = "import click; from autotune_tui.cli.failures import guarded; guarded(lambda: click.echo('a − b'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"a ? b\n")
