"""Questions of agents in the journal, on the screen and in words; programs that the wizard offers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autotune_tui import headless
from autotune_tui.agent_programs import Known, known
from autotune_tui.model.events import Question, Record, Session, from_record, to_record
from autotune_tui.model.state import fold
from autotune_tui.ui.commands import BY_ID, Situation, shown_keys
from autotune_tui.ui.screens.question import no_longer_open, option_of, question_screen
from journal_sessions import opening
from ui_session import running, shown, until, until_shown
from wizard_support import Host, Programs, go_to, programs, until_step

__all__ = ["programs"]

OPTIONS = ({"id": "deny", "words": "Deny"}, {"id": "allow", "words": "Allow"})
OPEN = Question(
    seq=50, experiment=4, id="q1", agent="acp:gemini", text="Run \x1b[31mpytest", details="pytest -q",
    options=OPTIONS, seconds=600,
)  # fmt: skip
ANSWERED = replace(OPEN, state="answered", answer="allow", by="ann")
UNANSWERED = replace(OPEN, state="unanswered", answer="deny")
WITHDRAWN = replace(OPEN, state="withdrawn")


def folded(*records: Record) -> list[str]:
    return [question.id for question in fold([*opening(), *records]).questions]


def test_a_question_is_open_until_it_is_not() -> None:
    other = replace(OPEN, id="q2")
    assert folded(OPEN) == ["q1"]
    assert folded(OPEN, other) == ["q1", "q2"]
    for end in (ANSWERED, UNANSWERED, WITHDRAWN):
        assert folded(OPEN, other, end) == ["q2"]
    assert folded(OPEN, Session(event="end", outcome="stopped")) == []
    assert folded(OPEN, Session(event="start")) == []  # the engine that asked has died


def test_a_question_reads_as_it_was_written() -> None:
    assert from_record(to_record(OPEN)) == OPEN
    assert from_record({"type": "question", "options": "many", "seconds": "long"}) == Question()


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (OPEN, "#4 acp:gemini asks: Run [31mpytest (`autotune-tui answer deny|allow`, within 10 min 00 s)"),
        (ANSWERED, "#4 acp:gemini asks: Run [31mpytest — Allow, says ann"),
        (UNANSWERED, "#4 acp:gemini asks: Run [31mpytest — nobody has answered: Deny"),
        (WITHDRAWN, None),
    ],
)
def test_without_a_screen_it_is_a_line(record: Question, line: str | None) -> None:
    assert headless.line(record, fold([*opening(), record])) == line


def test_it_can_be_answered_while_it_is_open_and_an_engine_is_there() -> None:
    state = fold([*opening(), *running(4), OPEN])
    live = Situation("live", state, engine=True)
    assert BY_ID["answer"].blocked(live) == ""
    assert [command.id for command in shown_keys(live)][:3] == ["pause", "answer", "stop"]
    assert BY_ID["answer"].blocked(replace(live, state=fold([*opening(), *running(4)]))) == "the agent asks nothing"
    assert "no engine" in BY_ID["answer"].blocked(replace(live, engine=False))
    assert "only watches" in BY_ID["answer"].blocked(replace(live, mode="watch"))


def test_the_dialog_has_the_harmless_answer_first_and_gives_back_the_option() -> None:
    screen = question_screen(OPEN, lambda: "")
    assert [(answer.words, answer.variant) for answer in screen._answers] == [("Deny", "default"), ("Allow", "warning")]
    assert "\x1b" not in screen._message
    assert "Without an answer within 10 min 00 s: Deny." in screen._message
    assert [option_of(OPEN, answer) for answer in ("option-0", "option-1", "", None)] == ["deny", "allow", "", ""]


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([OPEN], ""),
        ([OPEN, ANSWERED], "somebody has answered it, or its time is over"),
        ([OPEN, Session(event="end", outcome="stopped")], "the session has ended"),
    ],
)
def test_the_dialog_says_why_it_goes_away(records: list[Record], why: str) -> None:
    assert no_longer_open(fold([*opening(), *records]), OPEN) == why


def these(*agents: str) -> Any:
    found: tuple[Known, ...] = tuple(program for program in known() if program.agent in agents)
    return lambda: found


async def test_the_wizard_offers_what_is_installed(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choosing: found on PATH, so it is named; it is taken only when a person takes it."""
    monkeypatch.setattr("autotune_tui.ui.wizard.limits.installed", these("acp:gemini", "acp:codex", "command:codex"))
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Agent")
        await until_shown(pilot, "● auto", "also installed: Codex, Gemini CLI, with acp")
        await pilot.press("right", "right", "right")
        await until_shown(pilot, "● acp", "Commands", "↓ 2 more")
        assert "also installed" not in shown(app)
        await pilot.press("ctrl+n")
        await until_shown(pilot, "✗ a program's name", "5 of 7")
        assert app.focused is not None and app.focused.name == "agent_acp.name"
        await pilot.press("down")
        await until_shown(pilot, "found: Codex is installed")
        await pilot.press("ctrl+n")
        await until_step(pilot, "Preflight")


async def test_the_wizard_refuses_a_program_that_it_does_not_know(programs: Programs) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await go_to(pilot, "Agent")
        await pilot.press("right", "right", "right", "right")
        await until_shown(pilot, "● command", "Known", "none is installed")
        await pilot.press("tab", "tab", "tab")
        await until(pilot, lambda: app.focused is not None and app.focused.name == "agent_command.recipe")
        await pilot.press(*"somebody", "ctrl+n")
        await until_shown(pilot, "one of claude, codex, gemini", "5 of 7")
