"""Commands to a running engine: sent through its inbox, answered through its journal (H3)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autotune_tui.cli import command_line, control
from autotune_tui.cli.failures import ERROR
from autotune_tui.errors import EngineError, UsageError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.inbox import Command, Inbox
from autotune_tui.journal.lock import EngineLock
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Control

PATCH = b"--- a/caf\xe9\r\n+++ b/caf\xe9\r\n"


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    (tmp_path / ".git").mkdir()
    folder = SessionFolder.of(tmp_path, "001-import-speed")
    folder.create()
    folder.config.touch()
    return folder


@contextmanager
def engine(folder: SessionFolder, accepted: bool = True, silent: bool = False) -> Iterator[list[Command]]:
    """Answers commands as the engine does: holds the lock, empties the inbox, journals each answer."""
    received: list[Command] = []
    over = threading.Event()

    def work() -> None:
        with EngineLock(folder.lock), JournalWriter(folder.journal, now=lambda: datetime.now(UTC)) as journal:
            ready.set()
            while not over.wait(0.01):
                for command in [] if silent else Inbox(folder.inbox).take():
                    received.append(command)
                    reason = "as asked" if accepted else "not now"
                    answer = Control(
                        id=command.id, command=command.command, by=command.by, accepted=accepted, reason=reason
                    )
                    journal.append(answer)

    ready = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    try:
        yield received
    finally:
        over.set()
        thread.join()


def call(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(command_line, arguments, input=stdin, standalone_mode=False)


@pytest.mark.parametrize("name", ["pause", "resume", "skip", "stop", "rebaseline", "repair"])
def test_each_command_is_sent_and_its_answer_shown(session: SessionFolder, name: str) -> None:
    with engine(session) as received:
        result = call(name, str(session.root))
    assert [command.command for command in received] == [name]
    assert received[0].by, "who asked is known"
    assert (result.return_value, result.output) == (0, f"{name} accepted: as asked (001-import-speed)\n")


def test_a_refusal_is_shown_with_its_reason(session: SessionFolder) -> None:
    with engine(session, accepted=False):
        result = call("skip", str(session.root.parent.parent))
    assert (result.return_value, result.output) == (ERROR, "skip refused: not now (001-import-speed)\n")


def test_programs_get_the_answer_as_it_was_journalled(session: SessionFolder) -> None:
    with engine(session):
        answer = json.loads(call("pause", "--json", str(session.root)).output)
    assert (answer["type"], answer["command"], answer["accepted"]) == ("control", "pause", True)


def test_a_change_is_handed_in_with_a_patch_from_stdin(session: SessionFolder) -> None:
    with engine(session) as received:
        result = call("propose", "-m", "Cache rows", "--patch", "-", str(session.root), stdin=PATCH)
    assert result.return_value == 0
    assert received[0].text == "Cache rows"
    assert received[0].data["patch"].encode(errors="surrogateescape") == PATCH


def test_a_change_made_in_place_needs_no_patch(session: SessionFolder) -> None:
    with engine(session) as received:
        call("propose", "-m", "Cache rows", str(session.root))
    assert received[0].data == {"patch": ""}


def test_an_empty_patch_is_refused_before_it_is_sent(session: SessionFolder) -> None:
    with engine(session) as received:
        result = call("propose", "-m", "Cache rows", "--patch", "-", str(session.root), stdin=b"\n")
    assert isinstance(result.exception, UsageError)
    assert received == []


def test_without_an_engine_nothing_is_sent_and_the_user_is_told(session: SessionFolder) -> None:
    result = call("pause", str(session.root))
    assert isinstance(result.exception, EngineError)
    assert "No engine is running" in str(result.exception)
    assert list(session.inbox.iterdir()) == []


def test_an_engine_that_does_not_answer_is_not_waited_for_for_ever(
    session: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ANSWER_SECONDS", 0.2)
    with engine(session, silent=True):
        result = call("pause", str(session.root))
    assert isinstance(result.exception, EngineError)
    assert "did not answer" in str(result.exception)


def test_of_several_sessions_the_one_at_work_is_meant(session: SessionFolder) -> None:
    later = SessionFolder.of(session.root.parent.parent, "002-memory")
    later.create()
    later.config.touch()
    with engine(session):
        assert "(001-import-speed)" in call("pause", str(session.root.parent.parent)).output
