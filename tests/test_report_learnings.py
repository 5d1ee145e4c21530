"""learnings.md: what worked, what did not, and what was seen of the code, for sessions that come later (L26)."""

from __future__ import annotations

from autotune_tui import report
from autotune_tui.model.events import Plan, Result
from autotune_tui.model.state import fold
from journal_sessions import opening

LESSONS = ["Only 40 dates come *often*.", "Sorting is free."]


def tried(index: int, status: str, reason: str, **more: object) -> list[Plan | Result]:
    asi = {"observation": f"Saw {index}.", "next": "Go on.", "lessons": more.pop("lessons", [])}
    return [
        Plan(experiment=index, description=f"Try {index}", target="src/a.py:parse"),
        Result(index=index, status=status, reason=reason, description=f"Try {index}", asi=asi, segment=1, **more),  # type: ignore[arg-type]
    ]


def test_what_worked_what_did_not_and_lessons_once() -> None:
    kept = tried(1, "keep", "improvement", metric=1.5, effect=-0.1, interval=(-0.12, -0.08), pairs=8, lessons=LESSONS)
    dropped = tried(2, "discard", "no_improvement", lessons=[LESSONS[1], "Each call is quick.", 7])
    untried = tried(3, "discard", "duplicate")
    text = report.learnings(fold([*opening(), *kept, *dropped, *untried]))
    worked, failed, code = (
        text.split(f"## {title}")[1] for title in ("What worked", "What did not work", "About the code")
    )
    assert "- Try 1 on src/a.py:parse: about −10.0 % [−12.0, −8.0], 8 pairs" in worked.split("##")[0]
    assert "- Try 2 on src/a.py:parse: no improvement. Saw 2." in failed.split("##")[0]
    assert [line for line in code.splitlines() if line] == [
        "- Each call is quick.", "- Sorting is free.", r"- Only 40 dates come \*often\*.",
    ]  # fmt: skip
    assert "Try 3" not in text


def test_before_anything_was_tried_there_is_nothing_to_say() -> None:
    assert report.learnings(fold(opening())) == ""


def test_lessons_stand_in_the_living_document_too() -> None:
    text = report.living_document(fold([*opening(), *tried(1, "discard", "no_improvement", lessons=LESSONS)]))
    assert r"- #1 Saw 1. Only 40 dates come \*often\*. Sorting is free. Next: Go on." in text


def test_a_reason_that_says_the_same_as_the_status_is_said_once() -> None:
    state = fold([*opening(), *tried(1, "checks_failed", "checks_failed"), *tried(2, "crash", "timeout")])
    failed, slow = (e for e in state.experiments if not e.baseline)
    assert "- **Verdict:** checks_failed\n" in report.summary_text(state, failed)
    assert "It ended as checks_failed." in report.reflexion_text(failed)
    assert "- **Verdict:** crash, timeout\n" in report.summary_text(state, slow)
    assert "- #1 Try 1 (checks_failed)" in report.living_document(state)
