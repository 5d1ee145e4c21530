"""Commands get a controlled environment, and the machine is described so that a change of it is noticed (S11)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autotune_tui.measure import python
from autotune_tui.measure.environment import Snapshot, command_environment, difference, parse, snapshot


def test_commands_see_no_secrets_no_git_state_and_no_traces_of_the_terminal() -> None:
    base = {
        "PATH": "/bin", "HOME": "/home/x", "LANG": "C.UTF-8", "JAVA_HOME": "/jdk", "OTHER": "1", "PYTHONTOKEN_KEY": "s",
        "DATABASE_URL": "postgres://x:secret@db", "WANTED": "w",
        "ANTHROPIC_API_KEY": "s", "GITHUB_TOKEN": "s", "DB_PASSWORD": "s", "aws_secret_access_key": "s", "X_APIKEY": "s",
        "GIT_DIR": "/x", "SSH_CONNECTION": "a b", "TMUX": "1", "COLUMNS": "80", "SHLVL": "3", "PWD": "/", "_": "/bin/x",
        "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm",
    }  # fmt: skip
    assert command_environment({"OMP_NUM_THREADS": "1"}, base, ["WANTED"]) == {
        "PATH": "/bin", "HOME": "/home/x", "LANG": "C.UTF-8", "JAVA_HOME": "/jdk", "WANTED": "w",
        "GIT_OPTIONAL_LOCKS": "0", "PYTHONHASHSEED": "0", "TERM": "dumb", "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def test_what_the_user_sets_wins() -> None:
    assert command_environment({"PYTHONHASHSEED": "random", "MY_TOKEN": "t"}, {}) == {
        "GIT_OPTIONAL_LOCKS": "0", "PYTHONHASHSEED": "random", "TERM": "dumb", "MY_TOKEN": "t",
    }  # fmt: skip


def test_a_snapshot_describes_the_machine_and_the_commands_python(tmp_path: Path) -> None:
    """S11"""
    (tmp_path / "Makefile").touch()
    found = snapshot(tmp_path, (sys.executable, "bench.py"), command_environment({"OMP_NUM_THREADS": "2"}))
    assert {"system", "kernel", "processor", "cores", "memory", "python", "package pytest"} <= found.facts.keys()
    assert found.facts["python"].startswith(f"Python {sys.version.split()[0]}")
    assert found.facts["variable OMP_NUM_THREADS"] == "2" and found.facts["variable PYTHONHASHSEED"] == "0"
    assert "load" in found.now and "load" not in found.facts


def test_a_snapshot_is_the_same_until_something_changes_and_survives_its_text(tmp_path: Path) -> None:
    first, second = snapshot(tmp_path), snapshot(tmp_path)
    assert first.hash == second.hash == parse(first.text).hash and len(first.hash) == 16
    assert difference(first, second) == []
    assert "package pytest" not in first.facts, "without a command there is no Python to describe"


def test_a_difference_is_said_in_words() -> None:
    """S11: a later difference is flagged before any conclusion."""
    old = Snapshot({"kernel": "Linux 6.1", "cores": "4", "package numpy": "1.26", "package old": "1"}, {"load": "0.1"})
    new = Snapshot({"kernel": "Linux 6.2", "cores": "4", "package numpy": "2.0", "turbo": "off"}, {"load": "9.9"})
    assert difference(old, new) == [
        "kernel was Linux 6.1 and is now Linux 6.2",
        "turbo is new: off",
        "package numpy was 1.26 and is now 2.0",
        "package old is gone; it was 1",
    ]
    assert old.hash != new.hash


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with `.venv/bin/python` and a console script that starts it."""
    bin_ = tmp_path / ".venv" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "python").symlink_to(sys.executable)
    (bin_ / "tool").write_text(f"#!{bin_}/python\nprint()\n")
    (bin_ / "tool").chmod(0o755)
    (bin_ / "native").write_bytes(b"\x7fELF")
    (bin_ / "native").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ([".venv/bin/python", "bench.py"], True),
        (["python", "-m", "bench"], True),
        (["tool"], True),
        (["native"], False),
        (["missing"], False),
        (["uv", "run", "bench"], True),
        (["sh", "-c", "cd src && X=1 python -u bench.py | tail -1"], True),
        (["sh", "-c", "env A=b python bench.py"], True),
        (["sh", "-c", "make; .venv/bin/tool --fast"], True),
        (["sh", "-c", "native --python=3"], False),
        (["sh", "-c", "echo 'unbalanced"], False),
        (["sh", "-c", ""], False),
    ],
)
def test_the_python_of_a_command_is_recognised(project: Path, command: list[str], found: bool) -> None:
    own = project / ".venv" / "bin"
    interpreter = python.interpreter(command, project, {"PATH": str(own)})
    assert interpreter == (own / "python" if found else None)


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        (
            ["python", "-O", "-X", "dev", "bench.py", "-n", "1"],
            (["python", "-O", "-X", "dev"], ["bench.py", "-n", "1"]),
        ),
        (["sh", "-c", "python -m bench 'a b'"], (["python"], ["-m", "bench", "a b"])),
        (["python", "-c", "pass"], None),
        (["python"], None),
        (["pytest"], None),
        (["sh", "-c", "python bench.py | tail"], None),
        (["sh", "-c", "A=1 python bench.py"], None),
        (["sh", "-c", "python bench.py $N"], None),
        (["sh", "-c", ""], None),
    ],
)
def test_a_direct_python_command_is_taken_apart(command: list[str], parts: tuple[list[str], list[str]] | None) -> None:
    assert python.split(command) == parts
