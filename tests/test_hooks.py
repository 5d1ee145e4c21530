"""Commands and webhooks that are told of keeps, milestones, pauses and the end (L29)."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from autotune_tui.config import parse
from autotune_tui.engine.hooks import event_of, payload, post
from autotune_tui.errors import ConfigError
from autotune_tui.model.events import Health, Milestone, Record, Result
from autotune_tui.model.events import Session as Ended
from autotune_tui.model.state import fold
from engine_support import EXACT, Session, configure, make_repo

LOWER = "echo $((100 - AUTOTUNE_EXPERIMENT)) > src/value.txt"
TWO = "[budget]\nexperiments = 2\n[decision]\nmilestone = 1\n"


@pytest.mark.parametrize(
    ("record", "event"),
    [
        (Result(index=3, status="keep"), "keep"),
        (Result(index=0, status="keep", reason="baseline"), None),
        (Result(index=3, status="discard"), None),
        (Milestone(number=1), "milestone"),
        (Health(health="paused", previous="running"), "pause"),
        (Health(health="running", previous="paused"), None),
        (Ended(event="end", outcome="completed"), "end"),
        (Ended(event="end", outcome="stopped"), "end"),
        (Ended(event="end", outcome="failed"), "end"),
        (Ended(event="end", outcome="paused"), None),
        (Ended(), None),
    ],
)
def test_what_hooks_are_told_of(record: Record, event: str | None) -> None:
    """A pause that ends the engine is told once, as a pause; the baseline is no keep."""
    assert event_of(record) == event
    if event is not None:
        state = fold([Ended(id="001-x", goal="Faster", branch="autotune/001-x"), record])
        told = payload(event, record, state)
        assert told["event"] == event
        assert told["session"] == "001-x"
        assert told["text"]
        assert json.loads(json.dumps(told)) is not None


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_commands_are_told_by_json_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """L29: keep, milestone and end, in the user's checkout and with the user's environment, outside of the sandbox."""
    monkeypatch.setenv("MY_HOME_AUTOMATION", "lamp")
    said, facts = tmp_path / "said", tmp_path / "facts"
    tell = (
        f"cat >> {facts}; echo >> {facts}; echo $AUTOTUNE_EVENT $AUTOTUNE_SESSION $MY_HOME_AUTOMATION $(pwd) >> {said}"
    )
    hooks = "".join(f'{name} = "{tell}"\n' for name in ("keep", "milestone", "pause", "end"))
    repo = make_repo(tmp_path, bench=EXACT)
    session = Session(repo, configure(tmp_path / "cache", LOWER, f"{TWO}[hooks]\n{hooks}"))
    await session.run()
    assert session.verdicts == [("keep", "improvement"), ("keep", "improvement")]
    told = lines(facts)
    assert sorted(each["event"] for each in told) == ["end", "keep", "keep", "milestone", "milestone"]
    keep = next(each for each in told if each["event"] == "keep")
    assert keep["experiment"] == 1
    assert keep["effect"] == pytest.approx(-0.01)
    assert keep["files"] == ["src/value.txt"]
    assert keep["metric"]["incumbent"] == 99.0
    assert keep["branch"] == "autotune/001-test"
    end = next(each for each in told if each["event"] == "end")
    assert end["outcome"] == "completed"
    assert "all 2 experiments are done" in end["reason"]
    assert set(said.read_text().splitlines()) == {
        f"{name} 001-test lamp {repo}" for name in ("keep", "milestone", "end")
    }
    assert session.warnings == []


async def test_a_pause_is_told_once(tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    tell = f"cat >> {facts}; echo >> {facts}"
    more = f'[watchdogs]\nfree_disk = 1000000000\n[hooks]\npause = "{tell}"\nend = "{tell}"'
    session = Session(make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", LOWER, more))
    assert (await session.run()).outcome == "paused"
    assert [(each["event"], each["health"]) for each in lines(facts)] == [("pause", "paused")]
    assert "free some space" in lines(facts)[0]["reason"]


async def test_hooks_that_fail_or_hang_are_noted_and_stop_nothing(tmp_path: Path) -> None:
    """L29: what they say goes to hooks.log; the loop does not wait for one that hangs, and it is gone afterwards."""
    mark = f"1000.{os.getpid()}"
    hooks = f'[hooks]\nkeep = "echo oh no; exit 7"\nmilestone = "sleep {mark} & wait"\nend = "/nowhere/at/all"\ntimeout = "2s"'
    session = Session(make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", LOWER, TWO + hooks))
    end = await session.run()
    assert end.outcome == "completed"
    assert session.verdicts == [("keep", "improvement"), ("keep", "improvement")]
    said = "\n".join(session.warnings)
    assert "the hook for keep failed: `echo oh no; exit 7`: exit code 7: oh no" in said
    assert "the hook for milestone failed:" in said
    assert "given up" in said
    assert "the hook for end failed: `/nowhere/at/all`: exit code 127" in said
    assert "[keep]\noh no" in (session.folder.root / "hooks.log").read_text()
    assert not [p for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or [])]


async def test_a_program_that_is_not_there_is_noted(tmp_path: Path) -> None:
    more = f'{TWO}[hooks]\nend = ["/nowhere/at/all"]'
    session = Session(make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", LOWER, more))
    await session.run()
    assert session.warnings == [
        "the hook for end failed: `/nowhere/at/all` cannot be started: No such file or directory"
    ]


Answer = Callable[[BaseHTTPRequestHandler], None]


def accepted(request: BaseHTTPRequestHandler) -> None:
    request.send_response(204)
    request.end_headers()


class Server:
    """A webhook on this machine that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.answer: Answer = accepted
        self.released = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                server.paths.append(self.path)
                server.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/hook/sekret"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join()


async def test_a_webhook_gets_the_same_json(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """L29: its address, which is often a secret, may stand in a variable; it is told what is asked for."""
    monkeypatch.setenv("MY_WEBHOOK", server.address)
    more = f'{TWO}[hooks]\nwebhook = "$MY_WEBHOOK"\nwebhook_events = ["keep", "end"]'
    session = Session(make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", LOWER, more))
    await session.run()
    assert sorted(each["event"] for each in server.told) == ["end", "keep", "keep"]
    assert set(server.paths) == {"/hook/sekret"}
    assert session.warnings == []
    assert "sekret" not in session.folder.journal.read_text()


async def test_a_webhook_that_refuses_is_noted_without_its_address(tmp_path: Path, server: Server) -> None:
    server.answer = lambda request: request.send_error(503, "not today")
    more = f'{TWO}[hooks]\nwebhook = "{server.address}"\nwebhook_events = ["end"]'
    session = Session(make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", LOWER, more))
    assert (await session.run()).outcome == "completed"
    assert session.warnings == ["the hook for end failed: 127.0.0.1: HTTP 503 not today"]


async def test_a_webhook_that_never_answers_does_not_keep_the_session_from_its_end(
    tmp_path: Path, server: Server
) -> None:
    """L29: it is given up after the configured time, and the session has ended as usual."""

    def hang(request: BaseHTTPRequestHandler) -> None:
        server.released.wait(60)
        accepted(request)

    server.answer = hang
    more = f'{TWO}[hooks]\nwebhook = "{server.address}"\nwebhook_events = ["keep"]\ntimeout = "500ms"'
    session = Session(make_repo(tmp_path, bench=EXACT), configure(tmp_path / "cache", LOWER, more))
    assert (await session.run()).outcome == "completed"
    assert session.warnings == ["the hook for keep failed: 127.0.0.1: no answer within 500 ms"] * 2


def test_nobody_listens_is_said_without_the_address() -> None:
    said = post("http://127.0.0.1:1/sekret", b"{}", 5.0)
    assert said
    assert "sekret" not in said
    assert post("http://[bad/sekret", b"{}", 5.0) == "ValueError"


@pytest.mark.parametrize("address", ["ftp://example.org/x", "file:///etc/passwd", "example.org", "$9"])
def test_only_addresses_of_the_web_are_taken(address: str) -> None:
    text = f'goal = "x"\n[benchmark]\ncommand = "true"\n[scope]\ninclude = ["src/**"]\n[hooks]\nwebhook = "{address}"'
    with pytest.raises(ConfigError, match="an address such as"):
        parse(text)
