"""Reports say what was measured, claim what was confirmed, and nothing in them breaks what reads them."""

from __future__ import annotations

import csv
import io
import re

import pytest

from autotune_tui import report
from autotune_tui.model.events import Config, Plan, Record, Result, Unreadable, Validation
from autotune_tui.model.state import SessionState, fold
from journal_sessions import experiment, keep, opening, segment, typical, validated

NASTY = "a | b\n# not a heading\t<script>`x` **bold** \x1b[31m [link](http://x) " + "long " * 100


def tables(text: str) -> list[list[str]]:
    """The rows of all tables, cells split at unescaped bars."""
    return [re.split(r"(?<!\\) \| |^\| | \|$", line)[1:-1] for line in text.splitlines() if line.startswith("|")]


def test_the_leaderboard_shows_units_direction_rank_and_evidence() -> None:
    """V5."""
    text = report.leaderboard(fold(typical()))
    assert text.startswith("# Leaderboard of 001-import-speed\n")
    assert "time: lower is better. Target 500 ms." in text
    rows = tables(text)
    assert rows[0][2] == "time [s] ↓"
    assert rows[2][1:4] == ["baseline", "1.840", ""]
    assert rows[3] == [
        "1", "5", "0.610", "−66.8 %", "−56.5 % [−58.5, −54.5]", "4", "keep ◆ incumbent", "Compile the pattern once",
    ]  # fmt: skip
    assert rows[6][:7] == ["", "3", "—", "", "", "", "crash (agent_failed)"]


def test_the_target_is_marked_when_it_is_reached() -> None:
    text = report.leaderboard(fold([*opening(target=1.5), *keep(1, 1.4, -0.2)]))
    assert "Target 1.500 s, reached." in text
    assert "keep ◆ incumbent ◎ target" in text


def test_each_segment_has_its_own_table() -> None:
    text = report.leaderboard(fold([*opening(), *keep(1, 1.4, -0.2), *segment(2)]))
    assert text.index("## Segment 2") < text.index("## Segment 1")


def test_the_tsv_is_what_tools_of_that_form_read() -> None:
    rows = list(
        csv.DictReader(io.StringIO(report.results_tsv(fold(typical()))), delimiter="\t", quoting=csv.QUOTE_NONE)
    )
    assert list(rows[0]) == ["experiment", "commit", "metric", "status", "description"]
    assert [(row["experiment"], row["status"], float(row["metric"])) for row in rows] == [
        ("0", "baseline", 1.84),
        ("1", "keep", 1.402),
        ("2", "discard", 1.9),
        ("3", "crash", 0.0),
        ("4", "checks_failed", 0.0),
        ("5", "keep", 0.61),
    ]
    assert rows[2]["description"].endswith("(no_improvement)")


def test_the_headline_is_the_gain_that_fresh_pairs_confirmed_never_the_product_of_the_steps() -> None:
    """D5."""
    records = [*opening(), *keep(1, 0.92, -0.5), *keep(2, 0.46, -0.5), *validated(-0.6, 2)]
    text = report.final_report(fold(records))
    assert "**Time fell: −60.0 % [−61.1, −58.8] in 40 fresh pairs (2.50x), 1.840 → 0.736 s.**" in text
    claims = text.split("## All experiments")[0]
    assert "−75" not in claims
    assert "4.00x" not in claims
    assert text.count("about −50.0 % [−52.0, −48.0], 4 pairs; selected on its own data, may be optimistic") == 2


@pytest.mark.parametrize(
    ("records", "headline"),
    [
        ([*opening(), *experiment(1)], "No confirmed improvement: nothing was kept."),
        ([*opening(), *keep(1, 1.4, -0.2)], "No confirmed improvement: 1 keep, not measured again against the baseline."),
        (
            [*opening(), *keep(1, 1.8, -0.02), *validated(-0.004, 1, confirmed=False)],
            "No confirmed improvement: time −0.4 % [−1.5, 0.8] in 40 fresh pairs.",
        ),
        (
            [*opening(), *keep(1, 1.4, -0.2), *validated(-0.2, 1), *keep(2, 1.2, -0.1)],
            "Time fell: −20.0 % [−21.1, −18.8] in 40 fresh pairs (1.25x), 1.840 → 1.472 s. 1 later keep not included.",
        ),
        (
            [*opening("higher", None, 100.0), *keep(1, 150.0, 0.5), Validation(
                keeps=1, pairs=40, effect=0.5, interval=(0.4, 0.6), confirmed=True)],
            "Rate rose: +50.0 % [40.0, 60.0] in 40 fresh pairs (1.50x).",
        ),
        (
            [Config(metric_name="loss"), Result(metric=0.5, status="keep"), Result(index=1, metric=0.4, status="keep"),
             Validation(keeps=1, pairs=40, effect=-0.1, interval=(-0.12, -0.08), scale="difference", confirmed=True)],
            "Loss fell: −0.100 [−0.120, −0.0800] in 40 fresh pairs.",
        ),
    ],
)  # fmt: skip
def test_what_may_be_claimed(records: list[Record], headline: str) -> None:
    state = fold(records)
    assert report.headlines(state) == [headline]
    assert f"**{headline}**" in report.final_report(state)


def test_each_segment_claims_for_itself() -> None:
    later = [*segment(2, baseline=1.41), *keep(2, 1.2, -0.15, segment=2), *validated(-0.15, 1, segment=2)]
    lines = report.headlines(fold([*opening(), *keep(1, 1.4, -0.2), *validated(-0.2, 1), *later]))
    assert [line.split(":")[0] for line in lines] == ["Segment 1", "Segment 2"]
    assert "−20.0 %" in lines[0]
    assert "−15.0 %" in lines[1]


def test_the_confidence_of_other_tools_is_shown_as_theirs() -> None:
    """D2."""
    assert "MAD" not in report.final_report(fold(typical()))
    text = report.final_report(fold(typical()), mad_confidence=3.21987)
    assert "as other tools compute it, |best − baseline| / MAD of all values: 3.22. For comparison only" in text


def test_the_report_says_what_weakens_it() -> None:
    undecided = experiment(1, reason="inconclusive")
    text = report.final_report(fold([*opening(), *undecided, Unreadable(text="x")]))
    assert "Undecided when measuring had to end, which is not the same as without effect: #1." in text
    assert "1 line of the journal could not be read." in text
    assert "Noise of one pair 1.8 %; a full measurement detects effects from about 1.3 % on." in text


def test_the_diffs_of_keeps_are_shown_and_cannot_end_their_block() -> None:
    diff = "--- a/x.md\n+++ b/x.md\n+```\n+````python\n" + "+line\n" * 300
    text = report.final_report(fold(typical()), diffs={1: diff, 2: "of a discard"})
    assert "\n`````diff\n--- a/x.md" in text
    assert "\n`````\n(104 more lines are in the experiment's folder)" in text
    assert "of a discard" not in text


def test_the_living_document_is_enough_to_go_on_from_and_stays_short() -> None:
    """T: a fresh agent reads it and goes on."""
    records = [*opening()]
    for number in range(1, 301):
        status = ("keep", "discard", "crash")[number % 3]
        records += experiment(number, status, None if status == "crash" else 1.5, description=f"Idea {number}")
    text = report.living_document(fold(records))
    assert len(text.splitlines()) < 160
    for part in ("Objective", "Current best", "Wins", "Dead ends", "Tried, by strategy", "Learned", "Now"):
        assert f"## {part}\n" in text
    assert text.startswith("# Import a day of events in under a second\n")
    assert "Idea 300" in text
    assert "60 earlier ones are in results.tsv." in text
    assert "| rewrite:list-to-set | 300 | 100 | 100 |" in text


def test_a_session_that_has_only_begun_has_documents_too() -> None:
    for state in (SessionState(), fold(opening()[:2]), fold(opening())):
        for text in (
            report.living_document(state),
            report.final_report(state),
            report.leaderboard(state),
            report.results_tsv(state),
        ):
            assert text.endswith("\n")
            assert not text.endswith("\n\n")
    assert "Nothing was measured yet." in report.leaderboard(SessionState())


def test_a_plan_is_written_out() -> None:
    """L4, L5."""
    plan = Plan(
        experiment=7,
        agent="offline",
        description="Cache rows",
        hypothesis="Caching should improve time because rows repeat",
        bottleneck="CPU: parse_row",
        principles=("do it once",),
        approaches=({"name": "cache", "trade_off": "memory", "chosen": True}, {"name": "slots", "trade_off": "small"}),
        expected=-0.05,
        scores={"impact": 7, "novelty": 3},
        premortem="rows differ",
    )
    text = report.plan_text(plan)
    for line in (
        "# Plan of experiment 7: Cache rows",
        "- **Expected:** −5.0 %",
        "- **Scores:** impact 7 of 10, novelty 3 of 10",
        "- cache: memory (chosen)",
        "- slots: small",
        "rows differ",
    ):
        assert line in text.splitlines()


def test_a_summary_says_the_verdict_and_what_it_rests_on() -> None:
    state = fold(typical())
    text = report.summary_text(state, state.experiments[1])
    for line in (
        "- **Verdict:** keep, improved",
        "- **time ↓:** 1.402 s",
        "- **Effect:** about −23.8 % [−25.8, −21.8], 4 pairs; selected on its own data, may be optimistic",
        "- **wall_time:** 1.402 s",
        "- `src/rows.py`",
        "sync 100 ms, measure 20.0 s",
    ):
        assert line in text.splitlines()
    assert "optimistic" not in report.summary_text(state, state.experiments[2])


def test_a_reflexion_says_what_was_learned() -> None:
    """L25: also for the failed."""
    asi = {"observation": "slower", "surprises": "the cache missed", "lessons": ["rows differ", 3], "next": "a set"}
    text = report.reflexion_text(
        fold([*opening(), Result(index=1, status="crash", reason="timeout", asi=asi)]).experiments[1]
    )
    assert "It ended as crash, timeout." in text
    for words in ("slower", "the cache missed", "- rows differ", "a set"):
        assert words in text.splitlines()


def test_texts_of_others_cannot_break_a_document() -> None:
    records = [
        *opening(),
        Result(
            index=1, status="discard", metric=1.0, description=NASTY, reason=NASTY, detail=NASTY, strategy=NASTY,
            asi={"observation": NASTY, "lessons": [NASTY]}, files=(NASTY,), commit="a\tb\nc",
        ),
    ]  # fmt: skip
    state = fold(records)
    documents = [
        report.leaderboard(state),
        report.living_document(state),
        report.final_report(state),
        report.summary_text(state, state.experiments[1]),
        report.reflexion_text(state.experiments[1]),
        report.plan_text(Plan(description=NASTY, hypothesis=NASTY, principles=(NASTY,), approaches=({"name": NASTY},))),
    ]
    for text in documents:
        assert "\x1b" not in text
        assert "\n# not a heading" not in text
        outside_code = re.sub(r"`[^`\n]*`", "", text)
        assert not re.search(r"(?<!\\)<script>", outside_code)
        assert "](http" not in outside_code
        widths = {len(row) for row in tables(text)}
        assert widths <= {8} or widths <= {4}
    assert all(line.count("\t") == 4 for line in report.results_tsv(state).splitlines())


def test_the_same_state_gives_the_same_text() -> None:
    state = fold(typical())
    assert report.final_report(state) == report.final_report(fold(typical()))
