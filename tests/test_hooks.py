"""Commands and webhooks that are told of keeps, milestones, pauses and the end (L29)."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from autotune_tui.config import parse
from autotune_tui.engine import hooks
from autotune_tui.engine.core import Engine
from autotune_tui.engine.hooks import Hooks, event_of, payload, post
from autotune_tui.errors import ConfigError
from autotune_tui.model.events import Health, Milestone, Record, Result
from autotune_tui.model.events import Session as Begun
from autotune_tui.model.state import fold
from autotune_tui.redaction import Redactor
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
        (Begun(event="end", outcome="completed"), "end"),
        (Begun(event="end", outcome="stopped"), "end"),
        (Begun(event="end", outcome="failed"), "end"),
        (Begun(event="end", outcome="paused"), None),
        (Begun(), None),
    ],
)
def test_what_hooks_are_told_of(record: Record, event: str | None) -> None:
    """A pause that ends the engine is told once, as a pause; the baseline is no keep."""
    assert event_of(record) == event
    if event is not None:
        state = fold([Begun(id="001-x", goal="Faster", branch="autotune/001-x"), record])
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
    table = "".join(f'{name} = "{tell}"\n' for name in ("keep", "milestone", "pause", "end"))
    repo = make_repo(tmp_path, bench=EXACT)
    session = Session(repo, configure(tmp_path / "cache", LOWER, f"{TWO}[hooks]\n{table}"))
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
    more = f'[hooks]\npause = "{tell}"\nend = "{tell}"'
    repo = make_repo(tmp_path, bench=EXACT)
    away = f"git -C {repo} branch -D autotune/001-test; {LOWER}"
    session = Session(repo, configure(tmp_path / "cache", away, more))
    assert (await session.run()).outcome == "paused"
    assert [(each["event"], each["health"]) for each in lines(facts)] == [("pause", "paused")]
    assert "The branch autotune/001-test is gone" in lines(facts)[0]["reason"]


class Listened:
    """What hooks need of an engine: records that are folded and told, and a checkout."""

    def __init__(self, folder: Path, hooks: str) -> None:
        self.config = parse(
            f'goal = "x"\n[benchmark]\ncommand = "true"\n[scope]\ninclude = ["src/**"]\n[hooks]\n{hooks}'
        )
        self.workspace = SimpleNamespace(root=folder)
        self.folder = SimpleNamespace(root=folder)
        self.redactor = Redactor({"MY_TOKEN": "sekret-value-1234"})
        self.state = fold([Begun(id="001-x", goal="Faster", branch="autotune/001-x")])
        self.warnings: list[str] = []
        self.on_event: Callable[[Record], None] = lambda record: None

    def record(self, record: Record) -> None:
        self.state = fold([record], self.state)
        self.on_event(record)

    def note(self, text: str, level: str = "info", experiment: int = 0) -> None:
        self.warnings.append(text)


def listening(engine: Listened) -> Hooks:
    return Hooks(cast(Engine, engine))


KEEP = Result(index=1, status="keep", description="Join strings once")
ENDED = Begun(event="end", outcome="completed", reason="the target is reached")


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for a condition; fail when it never comes."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (a condition of another process, which tells us nothing)
            await asyncio.sleep(0.01)


async def test_a_hook_that_fails_is_noted_and_what_it_says_is_kept_without_secrets(tmp_path: Path) -> None:
    engine = Listened(tmp_path, 'keep = "echo oh no sekret-value-1234; exit 7"\nend = ["/nowhere/at/all"]')
    async with listening(engine):
        engine.record(KEEP)
        engine.record(ENDED)
    failed, missing = sorted(engine.warnings, key=len, reverse=True)
    assert failed.startswith("the hook for keep failed: `echo oh no")
    assert "exit code 7: oh no" in failed
    assert missing == "the hook for end failed: `/nowhere/at/all` cannot be started: No such file or directory"
    log = (tmp_path / "hooks.log").read_text()
    assert log.startswith("[keep]\noh no")
    assert "sekret" not in log


async def test_a_hook_that_hangs_delays_nothing_and_is_gone_after_its_time(tmp_path: Path) -> None:
    """L29: the record is written while the hook still runs; with it goes what it has started."""
    mark = f"1000.{os.getpid()}"
    engine = Listened(tmp_path, f'keep = "sleep {mark} & wait"\ntimeout = "1s"')

    def running() -> list[psutil.Process]:
        return [p for p in psutil.process_iter(["cmdline"]) if (p.info["cmdline"] or [])[:2] == ["sleep", mark]]

    async with listening(engine):
        engine.record(KEEP)
        await until(running)
        assert engine.warnings == []
        await until(lambda: engine.warnings)
    assert engine.warnings == [
        f"the hook for keep failed: `sleep {mark} & wait`: it took longer than 1.0 s and was given up"
    ]
    await until(lambda: not running())


async def test_the_end_waits_for_hooks_that_still_run_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "LAST_SECONDS", 1.0)
    engine = Listened(tmp_path, f'keep = "sleep 0.3; touch done"\nend = "sleep 1000.{os.getpid()}"')
    async with listening(engine):
        engine.record(KEEP)
        engine.record(ENDED)
    assert (tmp_path / "done").exists()
    assert len(engine.warnings) == 1
    assert "it still ran at the session's end and was given up" in engine.warnings[0]


async def test_hooks_that_pile_up_are_not_begun(tmp_path: Path) -> None:
    """L29: however often something happens, only some run at a time."""
    engine = Listened(tmp_path, f'keep = "sleep 1000.{os.getpid()}"\ntimeout = "500ms"')
    async with listening(engine):
        for _ in range(hooks.MOST_AT_ONCE + 2):
            engine.record(KEEP)
        assert engine.warnings == ["the hook for keep failed: 8 hooks are running already"] * 2


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
    engine = Listened(tmp_path, f'webhook = "{server.address}"\nwebhook_events = ["end"]')
    async with listening(engine):
        engine.record(KEEP)
        engine.record(ENDED)
    assert [told["event"] for told in server.told] == ["end"]
    assert engine.warnings == ["the hook for end failed: 127.0.0.1: HTTP 503 not today"]


async def test_a_webhook_that_never_answers_is_given_up(tmp_path: Path, server: Server) -> None:
    """L29: after the configured time; nobody waits for its thread."""

    def hang(request: BaseHTTPRequestHandler) -> None:
        server.released.wait(60)
        accepted(request)

    server.answer = hang
    engine = Listened(tmp_path, f'webhook = "{server.address}"\ntimeout = "500ms"')
    async with listening(engine):
        engine.record(KEEP)
    assert engine.warnings == ["the hook for keep failed: 127.0.0.1: no answer within 500 ms"]


async def test_a_webhook_whose_variable_is_not_set_is_noted(tmp_path: Path) -> None:
    engine = Listened(tmp_path, 'webhook = "$NOT_SET_ANYWHERE"')
    async with listening(engine):
        engine.record(KEEP)
    assert engine.warnings == ["the hook for keep failed: $NOT_SET_ANYWHERE holds no http(s) address"]


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
