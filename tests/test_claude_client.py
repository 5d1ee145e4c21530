"""One request over the wire: what is sent, what comes back, what it costs, and every way in which it goes wrong (H7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from agents_support import Shown
from autotune_tui.agents.base import AgentUnavailable, BudgetReached
from autotune_tui.agents.claude.client import Client, Reply, Request
from autotune_tui.agents.claude.key import Key, take_key
from autotune_tui.agents.claude.meter import Meter, Spent
from autotune_tui.agents.claude.transcript import Transcript
from autotune_tui.agents.claude.trouble import of_status, retry_after
from autotune_tui.config.agent_claude import AgentClaude, price_of
from autotune_tui.errors import AgentError, AutotuneError, ConfigError
from messages_server import KEY, Answer, Fail, MessagesServer, Say, Script, events, serve, text, thinking, tool

HELLO = Request(
    role="planner",
    system="You plan.",
    messages=[{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    tools=[{"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}],
)
FAST = {"retry-after-ms": "1"}


class Wire:
    """A client, its server and what was shown."""

    def __init__(self, server: MessagesServer, folder: Path, **settings: Any) -> None:
        self.server, self.folder, self.shown = server, folder, Shown()
        settings = {"base_url": server.url, **settings}
        self.client = Client(Key(KEY), AgentClaude(**settings), first_wait=0.01)

    async def ask(self, request: Request = HELLO, meter: Meter | None = None) -> Reply:
        with Transcript(self.folder, Key(KEY), self.shown) as transcript:
            return await self.client.ask(request, meter or Meter(), transcript)

    @property
    def usage(self) -> list[dict[str, float]]:
        return [dict(event.usage) for event in self.shown.events if event.kind == "usage"]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.shown.events if event.kind == "notice"]


@asynccontextmanager
async def wire(folder: Path, *answers: Answer, script: Script | None = None, **settings: Any) -> AsyncIterator[Wire]:
    async with serve(script or answers) as server:
        made = Wire(server, folder, **settings)
        try:
            yield made
        finally:
            await made.client.close()


async def test_an_answer_comes_back_whole_and_is_shown_as_it_comes(tmp_path: Path) -> None:
    blocks = [thinking("Let me think."), text("I shall look."), tool("look", path="a.py", lines=[1, 2])]
    async with wire(tmp_path, Say(blocks)) as connection:
        reply = await connection.ask()
    assert reply.stop == "tool_use"
    assert reply.text == "I shall look."
    assert reply.blocks[0] == {"type": "thinking", "thinking": "Let me think.", "signature": "c2lnbmVk"}
    (call,) = reply.calls
    assert (call["name"], call["input"]) == ("look", {"path": "a.py", "lines": [1, 2]})
    log = (tmp_path / "agent.log").read_text()
    assert log.index("Let me think.") < log.index("I shall look.")
    assert "I shall look." in connection.shown.text


async def test_what_is_sent_names_model_effort_and_what_may_be_cached(tmp_path: Path) -> None:
    async with wire(tmp_path, Say([text("Yes.")]), planner="some-model", planner_effort="low") as connection:
        await connection.ask()
        (sent,), (headers,) = connection.server.requests, connection.server.headers
    assert sent["model"] == "some-model"
    assert sent["output_config"] == {"effort": "low"}
    assert sent["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert sent["stream"] is True
    assert sent["system"] == [{"type": "text", "text": "You plan.", "cache_control": {"type": "ephemeral"}}]
    assert sent["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert "tool_choice" not in sent
    assert headers["authorization"] == f"Bearer {KEY}"
    assert HELLO.messages == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]


async def test_an_endpoint_that_knows_neither_thinking_nor_effort_can_be_used(tmp_path: Path) -> None:
    async with wire(tmp_path, Say([text("Yes.")]), thinking=False, planner_effort="") as connection:
        await connection.ask()
        (sent,) = connection.server.requests
    assert not {"thinking", "output_config"} & set(sent)


async def test_the_endpoint_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with wire(tmp_path, Say([text("Yes.")]), base_url="") as connection:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", connection.server.url)
        assert (await connection.ask()).text == "Yes."


async def test_tokens_are_counted_by_kind_and_dollars_come_from_the_price_table(tmp_path: Path) -> None:
    async with wire(tmp_path, Say([text("Yes.")], output=200)) as connection:
        await connection.ask()
    (usage,) = connection.usage
    assert usage == {
        "input_tokens": 6100, "output_tokens": 200, "cache_read_tokens": 5000, "cache_write_tokens": 1000,
        "usd": pytest.approx((100 * 4 + 1000 * 5 + 5000 * 0.2 + 200 * 20) / 1e6),
    }  # fmt: skip
    (event,) = [event for event in connection.shown.events if event.kind == "usage"]
    assert event.text == "planner"


async def test_a_model_without_a_price_is_said_once_and_a_dollar_budget_refuses_it(tmp_path: Path) -> None:
    async with wire(tmp_path, Say([text("1")]), Say([text("2")]), planner="unheard-of") as connection:
        await connection.ask()
        await connection.ask()
        assert [
            notice for notice in connection.notices if "no price is known for unheard-of" in notice
        ] == connection.notices
        assert len(connection.notices) == 1
        with pytest.raises(AgentUnavailable, match="No price is known for unheard-of"):
            await connection.ask(meter=Meter(usd=100.0))
        assert len(connection.server.requests) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fail(429, "rate_limit_error", headers=FAST),
        Fail(529, "overloaded_error", headers=FAST),
        Fail(500, "api_error", headers=FAST),
        Fail(503, headers=FAST),
        Say([text("Half an ans")], cut=2),
        Say([text("Half an ans")], cut=2, how="end"),
        Say([text("Half an ans")], cut=3, how="error"),
        Say([text("Half an ans")], cut=0),
        Say([tool("look", path="a")], garbled=True),
    ],
)
async def test_what_passes_is_waited_for_and_said(tmp_path: Path, fault: Answer) -> None:
    """H7: rate limits, overload, errors of the provider and broken streams cost a wait, not the experiment."""
    async with wire(tmp_path, fault, Say([text("Whole.")])) as connection:
        reply = await connection.ask()
        assert len(connection.server.requests) == 2
    assert reply.text == "Whole."
    assert any("trying again in" in notice for notice in connection.notices)
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "transcript.jsonl").read_text().splitlines()]
    assert "trouble" in kinds


@pytest.mark.parametrize("how", ["abort", "end", "error"])
async def test_a_stream_may_break_off_at_each_of_its_events(
    tmp_path: Path, how: Literal["abort", "end", "error"]
) -> None:
    """H7: wherever it ends too soon, and however: the same is asked again, and the answer comes whole."""
    blocks = [thinking("Hm."), text("Half an answer, then the rest of it."), tool("look", path="a.py")]
    moments = range(len(events(Say(blocks), "m", 1)))
    answers = [answer for cut in moments for answer in (Say(blocks, cut=cut, how=how), Say(blocks))]
    async with wire(tmp_path, *answers) as connection:
        for moment in moments:
            reply = await connection.ask()
            assert reply.text == "Half an answer, then the rest of it."
            assert reply.calls[0]["input"] == {"path": "a.py"}
            assert len(connection.server.requests) == 2 * moment + 2


async def test_a_provider_that_says_how_long_is_waited_for_just_that_long(tmp_path: Path) -> None:
    async with wire(
        tmp_path, Fail(429, "rate_limit_error", headers={"retry-after": "0.02"}), Say([text("Yes.")])
    ) as connection:
        await connection.ask()
    assert any("trying again in 0.02 s" in notice for notice in connection.notices)


async def test_a_wait_beyond_our_patience_pauses_at_once(tmp_path: Path) -> None:
    async with wire(tmp_path, Fail(429, "rate_limit_error", headers={"retry-after": "7200"})) as connection:
        with pytest.raises(AgentUnavailable, match="rate limit"):
            await connection.ask()


async def test_tokens_of_an_answer_that_broke_off_are_counted_too(tmp_path: Path) -> None:
    async with wire(tmp_path, Say([text("Half")], cut=2), Say([text("Whole.")], output=7)) as connection:
        await connection.ask()
    assert [(each["input_tokens"], each["output_tokens"]) for each in connection.usage] == [(6100, 1), (6100, 7)]


async def test_answers_that_always_break_off_end_in_a_pause(tmp_path: Path) -> None:
    async with wire(tmp_path, script=lambda request: Say([text("Half")], cut=2)) as connection:
        with pytest.raises(AgentUnavailable, match="broke off"):
            await connection.ask()
        assert len(connection.server.requests) == 3


async def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with wire(tmp_path, base_url="http://127.0.0.1:1", patience=0) as connection:
        with pytest.raises(AgentUnavailable, match="cannot be reached") as raised:
            await connection.ask()
    assert "127.0.0.1:1" in raised.value.message


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fail(401, "authentication_error", f"invalid key {KEY}"), AgentUnavailable, "does not know the key"),
        (Fail(403, "permission_error"), AgentUnavailable, "may not do this"),
        (Fail(404, "not_found_error", "model: x"), AgentUnavailable, "does not know claude-opus-5-5"),
        (Fail(402, "billing_error"), AgentUnavailable, "no credit"),
        (Fail(400, "invalid_request_error", "Your credit balance is too low"), AgentUnavailable, "no credit"),
        (Fail(400, "invalid_request_error", "prompt is too long: 1 > 0"), AgentError, "too long"),
        (Fail(413, "request_too_large"), AgentError, "too long"),
        (Fail(400, "invalid_request_error", "messages: nonsense"), AgentError, "refused the request"),
    ],
)
async def test_what_does_not_pass_is_an_error_with_its_reason(
    tmp_path: Path, fault: Fail, kind: type[AgentError], words: str
) -> None:
    """H7: the user reads what to do, and nothing is tried a second time; the key is in no message."""
    async with wire(tmp_path, fault) as connection:
        with pytest.raises(kind, match=words) as raised:
            await connection.ask()
        assert type(raised.value) is kind
        assert len(connection.server.requests) == 1
    assert raised.value.hint
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
async def test_a_stream_is_cancelled_at_once_wherever_it_is(tmp_path: Path, cut: int) -> None:
    """A cancelled experiment leaves no connection behind; the limit is far above what it takes on a busy machine."""
    async with wire(tmp_path, Say([text("Half an answer")], cut=cut, how="hang")) as connection:
        asking = asyncio.create_task(connection.ask())
        await (connection.server.begun if cut else connection.server.asked).wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(1):
                await asking
        async with asyncio.timeout(5):
            await connection.server.left.wait()


async def test_a_budget_makes_answers_shorter_and_then_stops_before_the_call(tmp_path: Path) -> None:
    """L23: what a call could cost at most is known before it is made."""
    async with wire(tmp_path, Say([text("Yes.")], usage={"input_tokens": 100}, output=50)) as connection:
        meter = Meter(tokens=5000)
        await connection.ask(meter=meter)
        assert 1024 <= connection.server.requests[0]["max_tokens"] < 5000
        assert meter.tokens == 4850
        with pytest.raises(BudgetReached, match="1,000 tokens"):
            await connection.ask(meter=Meter(tokens=1000))
        with pytest.raises(BudgetReached, match=r"0\.01 dollars"):
            await connection.ask(meter=Meter(usd=0.01))
        assert len(connection.server.requests) == 1


def test_a_meter_takes_the_price_of_every_kind() -> None:
    price = price_of("4/20/5/0.2")
    assert Spent(1_000_000, 1_000_000, 1_000_000, 1_000_000).dollars(price) == pytest.approx(29.2)
    meter = Meter(usd=0.5)
    meter.spend(Spent(output=10_000), Spent(output=10_000).dollars(price))
    assert meter.usd == pytest.approx(0.3)
    assert meter.answer(2000, 32_000, "m", price) == int((0.3 - 1000 * 5 / 1e6) * 1e6 / 20)
    assert Meter().answer(10**9, 32_000, "m", None) == 32_000


@pytest.mark.parametrize("wrong", ["", "4/20", "a/b/c/d", "4/20/5/-1", "4/20/5/nan"])
def test_a_price_that_is_none_is_refused_with_what_would_do(wrong: str) -> None:
    with pytest.raises(ValueError, match="cache write"):
        price_of(wrong)


@pytest.mark.parametrize(("said", "meant"), [(True, "yes"), (False, "no"), ("ask", "ask"), ("yes", "yes")])
def test_searching_is_yes_ask_or_no(said: Any, meant: str) -> None:
    """L27."""
    assert AgentClaude(web_search=said).web_search == meant
    assert AgentClaude().web_search == "no"


def test_the_key_of_the_environment_is_taken_out_of_it() -> None:
    environment = {"ANTHROPIC_API_KEY": f" {KEY}\n", "PATH": "/bin"}
    key = take_key(AgentClaude(), environment)
    assert key.secret == KEY
    assert environment == {"PATH": "/bin"}
    assert KEY not in f"{key!r} {key}"


def test_the_key_can_come_from_a_command() -> None:
    environment = {"ANTHROPIC_API_KEY": "another-key-of-somebody"}
    assert take_key(AgentClaude(key_command=f"echo {KEY}"), environment).secret == KEY
    assert take_key(AgentClaude(key_command=["printf", KEY]), environment).secret == KEY
    assert environment == {}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo secret-part; exit 3", "exit code 3"),
        (["/no/such/program"], "FileNotFoundError"),
        ("echo a b c d e f", "no key"),
    ],
)
def test_a_command_for_the_key_that_fails_shows_nothing_of_its_output(command: Any, words: str) -> None:
    with pytest.raises(AutotuneError, match=words) as raised:
        take_key(AgentClaude(key_command=command), {})
    assert "secret-part" not in str(raised.value).replace("echo secret-part", "")


def test_a_missing_key_says_where_it_is_looked_for() -> None:
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY") as raised:
        take_key(AgentClaude(), {})
    assert "offline" in raised.value.hint


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"retry-after": "3"}, 3.0), ({"retry-after-ms": "250"}, 0.25), ({"retry-after": "Wed, 21 Oct"}, None),
     ({"retry-after": "-5"}, 0.0)],
)  # fmt: skip
def test_how_long_to_wait_is_read_from_the_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_an_error_without_a_kind_is_known_by_its_status() -> None:
    assert of_status(529, "", "x", "m").passing
    assert of_status(502, "", "x", "m").passing
    assert not of_status(401, "", "x", "m").passing
    assert isinstance(of_status(401, "", "x", "m").error, AgentUnavailable)
