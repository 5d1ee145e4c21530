"""What the panels say: views and texts are pure functions, so these are tables of what goes in and what comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content
from textual.style import Style

from autotune_tui.model.events import Decision, Health, Note, Phase, Plan, Proposal, Record, Result, Session
from autotune_tui.model.state import SessionState, fold
from autotune_tui.ui import views
from autotune_tui.ui.board import board, columns_for, matches
from autotune_tui.ui.evidence import Axis, EffectBar, bar, dots, effect_axis, evidence, fast_half, labels, ticks
from autotune_tui.ui.follower import Look, is_timed, looks_after
from autotune_tui.ui.layout import PANELS, Kind, kind, places
from autotune_tui.ui.lines import Piece, fit, labelled, line, spread
from autotune_tui.ui.text import coloured, plain
from autotune_tui.ui.trend import chart, trend
from autotune_tui.ui.widgets.evidence import summary
from autotune_tui.ui.widgets.plan import plan
from journal_sessions import experiment, keep, opening, segment, typical, validated


def numbered(*records: Record) -> SessionState:
    """The fold of records that are stamped as the writer stamps them: a second apart."""
    return fold(
        replace(record, seq=number, timestamp=f"2026-04-04T10:{number // 60:02}:{number % 60:02}Z")
        for number, record in enumerate(records, 1)
    )


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], {"baseline": "—", "verdict": "", "name": "given"}),
        (opening(), {"baseline": "1.840", "best": "1.840", "verdict": "", "target": "0.500", "most": 50}),
        (
            [*opening(), *keep(1, 1.402, -0.238)],
            {"best": "1.402", "gain": "−23.8 %", "verdict": "single values", "better": True, "since": 0},
        ),
        (
            [*opening(), *keep(1, 1.402, -0.238), *validated(-0.24, 1)],
            {"gain": "−24.0 % [−25.1, −22.8]", "verdict": "confirmed", "better": True, "best": "1.398"},
        ),
        (
            [*opening(), *keep(1, 1.402, -0.238), *validated(-0.24, 1), *keep(2, 1.3, -0.07)],
            {"verdict": "confirmed", "since": 1, "best": "1.300", "baseline": "1.840"},
        ),
        (
            [*opening(), *keep(1, 1.402, -0.238), *validated(-0.001, 1, confirmed=False)],
            {"verdict": "unconfirmed", "better": False},
        ),
        ([*opening(), *keep(1, 0.4, -0.78)], {"reached": True}),
        ([*opening(), *segment(2)], {"segment": 2}),
        (
            [*opening("higher", 3.0), *keep(1, 2.2, 0.2)],
            {"gain": "+19.6 %", "better": True, "reached": False, "unit": "rows/s"},
        ),
    ],
)
def test_the_headline_says_whether_it_works_and_how_well_that_is_known(
    records: list[Record], said: dict[str, object]
) -> None:
    """V1, D5: a gain of single values is called that, and only one that was measured afresh has an interval."""
    view = views.headline(numbered(*records), "given")
    assert {name: getattr(view, name) for name in said} == said


def test_health_is_told_with_limits_and_what_is_left() -> None:
    """H1, H2, L23: state, reason, next, streaks, recovery, experiments, time, cost."""
    view = views.health(numbered(*typical()))
    assert (view.health, view.reason) == ("completed", "the agent has nothing left to propose")
    assert view.next == "nothing: no engine is at work"
    assert (view.no_improvement, view.failures, view.heals) == ((0, 5), (0, 2), (0, 3))
    assert view.experiments == "5 of 50 experiments"
    assert view.cost == "$0.04, 1,500 tokens"
    assert view.noise == "1.8 % per pair"
    assert view.notes[0] == ("info", "both worktrees were made afresh")


def test_the_line_of_phases_fills_up() -> None:
    """V1: what is done with its time, what runs since when, what follows."""
    done = Phase(experiment=1, phase="sync", state="end", seconds=0.1)
    state = numbered(*opening(), Phase(experiment=1, phase="sync"), done, Phase(experiment=1, phase="measure"))
    view = views.phases(state, "2026-04-04T10:01:15Z")
    assert (view.title, view.done, view.running) == ("#1", (("sync", 0.1),), "measure")
    assert view.elapsed == "0:58"
    assert view.waiting == ("decide",)
    assert views.phases(state).elapsed == "", "without an engine the clock stands"


def test_what_is_done_between_experiments_is_said_in_words() -> None:
    view = views.phases(numbered(*opening(), Phase(phase="validate")), "2026-04-04T10:01:00Z")
    assert view.running == "measuring the gain afresh, the first commit against the branch"


def test_an_ended_session_says_how_it_ended_in_the_line_of_phases() -> None:
    assert views.phases(numbered(*typical())).last == "completed: the agent has nothing left to propose"


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (Look(), ["nothing is there yet: waiting for there"]),
        (Look(exists=True, reading=True), ["reading the journal: 0 experiments so far"]),
        (Look(exists=True, problem="Cannot read the journal: no"), ["Cannot read the journal: no"]),
        (
            Look(numbered(*opening()), exists=True, engine_known=True, modified=1000.0),
            ["the engine is gone; another goes on from here"],
        ),
        (Look(numbered(*opening()), exists=True, engine={"pid": 1}, engine_known=True, modified=1000.0), []),
        (Look(numbered(*opening()), exists=True, modified=820.0), ["silent for 3 min"]),
        (Look(numbered(*opening()), exists=True, modified=1000.0), []),
        (
            Look(numbered(*opening(), Health(health="paused", reason="asked for by me")), exists=True, modified=1.0),
            ["paused: asked for by me"],
        ),
        (Look(numbered(*typical()), exists=True, engine_known=True, modified=1.0), []),
        (Look(replace(numbered(*typical()), unreadable=2), exists=True), ["2 lines of the journal cannot be read"]),
    ],
)
def test_what_lasts_stands_in_the_status_line(look: Look, words: list[str]) -> None:
    """V4: waiting, engine gone, silent, paused and why, unreadable lines."""
    assert [standing.text for standing in views.standings(look, 1000.0, "there")] == words


def test_a_journal_of_another_tool_is_introduced_with_what_it_cannot_tell() -> None:
    """V4"""
    own = fold([record for record in opening() if not isinstance(record, Session)])
    (said,) = views.about(Look(own, exists=True, modified=820.0), 1000.0)
    assert said.text == "autotune journal · 1 run · single samples, no evidence recorded · silent for 3 min"
    (said,) = views.about(Look(own, exists=True, tool="pi-autoresearch", modified=999.0), 1000.0)
    assert said.text == "pi-autoresearch journal · 1 run · single samples, no evidence recorded"
    assert views.about(Look(numbered(*opening()), exists=True), 1000.0) == ()


@pytest.mark.parametrize(
    ("status", "mark"),
    [("keep", ("●", "keep")), ("checks_failed", ("×", "checks")), ("kept?", ("?", "kept?")), ("", ("?", "unknown"))],
)
def test_a_status_is_a_glyph_and_a_word_and_an_unknown_one_is_shown_as_it_is(
    status: str, mark: tuple[str, str]
) -> None:
    assert views.status_mark(status)[:2] == mark


def test_the_evidence_of_the_running_experiment_closes_in() -> None:
    """V2: both sides' samples, the looks so far, the next one, and those at which a keep may be decided."""
    records = experiment(1, blocks=3)[:-2]
    decisions = [
        Decision(experiment=1, pairs=2, effect=-0.1),
        Decision(experiment=1, pairs=4, effect=-0.12, interval=(-0.3, 0.1), next_look=6),
        Decision(experiment=1, pairs=6, effect=-0.13, interval=(-0.2, -0.05), next_look=8),
    ]
    state = numbered(*opening(), *records[:-1], *decisions)
    view = evidence(state, looks_after(decisions, ()), (6, 10), 40)
    assert (view.purpose, view.number, view.pairs) == ("experiment", 1, 6)
    assert [(shown.pairs, shown.low, shown.high) for shown in view.bars] == [(4, -0.3, 0.1), (6, -0.2, -0.05)]
    assert (view.next_look, view.looks, view.most, view.threshold) == (8, (6, 10), 40, "1%")
    assert is_timed(state)


def test_while_the_holdout_is_measured_the_pairs_say_that_they_are_not_the_last_word() -> None:
    """V2, D7: the pairs that are shown are those of the benchmark, and it stands there what is measured now."""
    kept = Decision(experiment=1, pairs=6, effect=-0.13, interval=(-0.2, -0.05), state="keep", reason="improvement")
    records = [*experiment(1, blocks=3)[:-2], kept, Phase(experiment=1, phase="holdout")]
    view = evidence(numbered(*opening(), *records), looks_after([kept], ()), (6, 10), 40)
    assert (view.state, view.then) == ("keep", "the holdout")
    assert "● keep so far; now the holdout is measured" in summary(view, 120).plain


def test_without_a_running_experiment_the_last_validation_is_shown() -> None:
    """D5"""
    view = evidence(numbered(*opening(), *keep(1, 1.4, -0.2), *validated(-0.2, 1)), ())
    assert (view.purpose, view.state, view.bars[0].pairs) == ("validation", "keep", 40)
    again = numbered(*opening(), *keep(1, 1.4, -0.2), *validated(-0.2, 1), *experiment(2))
    assert evidence(again, ()).purpose == "nothing", "what was measured before the last experiment is not shown as new"


def test_looks_are_those_of_the_last_experiment() -> None:
    first = [Phase(experiment=1, phase="sync"), Decision(experiment=1, pairs=4, interval=(-0.1, 0.1))]
    second = [Phase(experiment=2, phase="sync"), Decision(experiment=2, pairs=4, interval=(-0.2, 0.1))]
    assert [look.experiment for look in looks_after(second, looks_after(first, ()))] == [2]
    intent = Decision(experiment=2, state="keep", pairs=6, interval=(-0.2, -0.1), to_commit="c" * 40)
    assert len(looks_after([*second, intent], ())) == 1, "the intent of a keep is no further look"


@pytest.mark.parametrize(
    ("values", "direction", "expected"),
    [
        ([], "lower", None),
        ([1.0, 4.0, 9.0], "lower", 2.0),
        ([1.0, 4.0, 9.0], "higher", 6.0),
        ([-2.0, 4.0], "lower", -2.0),
    ],
)
def test_the_fast_half_is_the_mean_of_the_better_half(
    values: list[float], direction: str, expected: float | None
) -> None:
    found = fast_half(values, direction)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_dots_tell_one_two_and_more_runs_at_a_place() -> None:
    assert dots([0.0, 5.0, 5.0, 10.0, 10.0, 10.0], Axis(0.0, 10.0, 11)) == "∘    ○    ●"


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (EffectBar(6, 0.0, -4.0, 4.0), "├───◆───┤"),
        (EffectBar(6, 0.0, -9.0, 9.0), "◂───◆───▸"),
        (EffectBar(6, 2.0, 1.0, 4.0), "     ├◆─┤"),
        (EffectBar(6, 2.0, 2.0, 2.0), "      ◆  "),
    ],
)
def test_an_interval_that_leaves_the_axis_ends_in_an_arrow(look: EffectBar, expected: str) -> None:
    assert bar(look, Axis(-4.0, 4.0, 9)) == expected


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=20),
    st.integers(10, 200),
)
def test_bars_dots_and_labels_never_leave_their_width(looks: list[tuple[float, float, float]], width: int) -> None:
    bars = [EffectBar(2 * n, effect, effect - low, effect + high) for n, (effect, low, high) in enumerate(looks, 1)]
    axis = effect_axis(bars, width)
    assert {len(bar(look, axis)) for look in bars} == {width}
    assert bar(bars[-1], axis).count("◆") == 1
    texts = [(value, f"{value:.3f}") for value in ticks(axis)]
    assert len(labels(axis, texts)) == width
    assert len(texts) <= 4


def test_the_leaderboard_has_units_aligned_decimals_and_the_better_direction() -> None:
    """V1: rank, value, change, status; baseline row; target and incumbent marked."""
    state = numbered(
        *opening(target=1.5), *keep(1, 1.4, -0.238), *experiment(2, metric=1.45), *experiment(3, "crash", None)
    )
    view = board(state)
    rows = [view.words(row) for row in view.ranked]
    assert view.heading == "time [s] ↓"
    assert [row.value for row in rows] == ["1.840", "1.400", "1.450", "—"]
    assert [row.status for row in rows] == ["baseline", "keep", "discard", "crash"]
    assert rows[1].effect == "−23.8 % [−25.8, −21.8]"
    assert rows[1].brief == "−23.8 % ±2.0"
    assert (rows[1].better, rows[2].better) == (True, None)
    assert (rows[1].incumbent, rows[1].target, rows[0].target) == (True, True, False)


@pytest.mark.parametrize("width", [20, 38, 60, 66, 76, 110, 160])
def test_the_leaderboard_s_columns_fit_into_any_width(width: int) -> None:
    view = board(numbered(*typical()))
    columns = columns_for(view, width)
    assert columns[-1].heading == "what"
    assert sum(column.width for column in columns) + 2 * (len(columns) - 1) <= max(width, 44)
    assert ("in its pairs" in [column.heading for column in columns]) == (width >= 60)


def test_a_filter_finds_words_in_number_status_description_and_strategy() -> None:
    view = board(numbered(*typical()))
    found = {
        words: [row.experiment.index for row in view.ranked if matches(row, words)]
        for words in ("crash", "#5", "read BLOCKS")
    }
    assert found == {"crash": [3], "#5": [5], "read BLOCKS": [1]}


@pytest.mark.parametrize(("width", "height"), [(20, 4), (66, 14), (40, 30), (160, 40)])
@pytest.mark.parametrize(
    "records", [opening(), typical(), [*typical()[:-1], *segment(2), *keep(6, 1.7, -0.08, segment=2)]]
)
def test_the_trend_fills_its_place_exactly(records: list[Record], width: int, height: int) -> None:
    lines = chart(trend(numbered(*records)), width, height)
    assert len(lines) == max(height, 3)
    assert {text.cell_length for text in lines} == {width}


def test_the_trend_marks_every_experiment_by_how_it_ended() -> None:
    """V1: kept, discarded, crashed, the best so far, the target."""
    view = trend(numbered(*typical()))
    assert [point.mark for point in view.points] == ["baseline", "keep", "discard", "failure", "failure", "keep"]
    assert [point.best for point in view.points] == [1.84, 1.402, 1.402, 1.402, 1.402, 0.61]
    assert view.target == 0.5
    text = "\n".join(line.plain for line in chart(view, 60, 12))
    assert all(text.count(glyph) == times for glyph, times in (("○", 1), ("●", 1), ("◆", 1), ("×", 2)))


def test_a_value_far_outside_is_marked_at_the_edge_and_does_not_flatten_the_rest() -> None:
    state = numbered(*opening(), *keep(1, 1.4, -0.2), *experiment(2, metric=900.0))
    text = "\n".join(line.plain for line in chart(trend(state), 60, 12))
    assert "▴" in text and "900" not in text


def test_a_plan_is_told_with_what_else_there_was() -> None:
    """L4: target, hypothesis, approaches, expected gain, what would make it fail."""
    chosen = {"name": "cache rows", "chosen": True}
    state = numbered(*opening(), *experiment(1)[:2])
    made = Plan(
        experiment=1,
        target="rows.py:read",
        expected=-0.05,
        premortem="if rows differ",
        approaches=(chosen, {"name": "slots on Row"}),
    )
    view = plan(fold([made], state))
    assert dict(view.rows)["others"] == "slots on Row"
    assert dict(view.rows)["expected"] == "−5.0 % of the time"
    assert dict(view.rows)["would fail"] == "if rows differ"
    assert plan(state, ("thinking about rows",)).said == ("thinking about rows",)


def test_the_plan_says_what_rivals_have_proposed_and_waits_for_its_turn() -> None:
    one, two = (Proposal(experiment=1, agent=agent, description=f"By {agent}") for agent in ("offline", "claude@low"))
    state = numbered(*opening(), *experiment(1)[:2], Plan(experiment=1, agent="command"), one, two)
    assert dict(plan(state).rows)["waiting"] == "offline: By offline · claude@low: By claude@low"
    tried = fold([*experiment(1)[2:], Plan(experiment=2, agent="offline", beside=1, description="By offline")], state)
    assert dict(plan(tried).rows)["waiting"] == "claude@low: By claude@low"


def test_between_experiments_the_plan_says_what_the_last_one_has_taught() -> None:
    view = plan(numbered(*opening(), *experiment(1)))
    assert (view.number, view.ended) == (1, "discard")
    assert dict(view.rows)["seen"] == "seen 1"


@pytest.mark.parametrize(
    ("size", "layout"),
    [((80, 24), "narrow"), ((100, 27), "narrow"), ((100, 30), "medium"), ((139, 50), "medium"), ((140, 45), "wide")],
)
def test_the_layout_follows_the_size_of_the_terminal(size: tuple[int, int], layout: Kind) -> None:
    assert kind(*size) == layout


@pytest.mark.parametrize(("layout", "width", "height"), [("narrow", 80, 20), ("medium", 120, 36), ("wide", 160, 46)])
@pytest.mark.parametrize("chosen", PANELS)
def test_panels_cover_the_area_without_overlap(layout: Kind, width: int, height: int, chosen: str) -> None:
    name = next(panel for panel in PANELS if panel == chosen)
    found = places(layout, width, height, name)
    cells = [
        (x, y)
        for place in found.values()
        for x in range(place.x, place.x + place.width)
        for y in range(place.y, place.y + place.height)
    ]
    assert len(cells) == len(set(cells)) == width * height
    assert name in found
    assert places(layout, width, height, name, zoomed=True).keys() == {name}


def test_a_line_gives_up_what_matters_least_first() -> None:
    pieces = [Piece(1, line("least")), Piece(3, line("most important"), line("most")), Piece(2, line("middle"))]
    assert [fit(pieces, width).plain for width in (40, 20, 12, 6, 3)] == [
        "least  most important  middle",
        "least  most  middle",
        "most  middle",
        "most",
        "mo…",
    ]


def test_labels_stand_beside_wrapped_text() -> None:
    assert [part.plain for part in labelled("why", line("because it is so"), 16, label_width=5)] == [
        "why  because it",
        "     is so",
    ]
    assert spread(line("left"), line("right"), 12).plain == "left   right"
    assert spread(line("left"), line("right"), 9).plain == "left"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10 %\r20 %\r100 %\r", "100 %"),
        ("a\tb", "a       b"),
        ("bell\x07 nul\x00", "bell␇ nul␀"),
        ("unfinished \x1b[3", "unfinished "),
        ("\x9b31mred\x9d0;x\x9c", "red"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\x1bc\x1b(0reset", "reset"),
        ("wide 漢字 ✓", "wide 漢字 ✓"),
        ("\x1b[32;1mgreen\x1b[0m", "green"),
        ("\x1bP1;2|payload\x1b\\end", "end"),
    ],
)
def test_output_can_colour_its_text_and_nothing_else(text: str, expected: str) -> None:
    """No cursor movement, no title, no text outside the panel."""
    assert plain(text) == expected
    assert coloured(text).plain == expected


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_whatever_is_printed_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = coloured("\x1b[31m" + text.replace("\n", " "))
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in shown.plain)
    assert Content(shown.plain).cell_length >= 0


def styles(text: str) -> list[Style]:
    return [span.style for span in coloured(text).spans if isinstance(span.style, Style)]


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("\x1b[31mx", "ansi_red"),
        ("\x1b[91mx", "ansi_bright_red"),
        ("\x1b[38;5;208mx", "#ff8700"),
        ("\x1b[38;5;244mx", "#808080"),
        ("\x1b[38;5;9mx", "ansi_bright_red"),
        ("\x1b[38;2;1;2;3mx", "#010203"),
        ("\x1b[38:2:1:2:3mx", "#010203"),
    ],
)
def test_colours_of_all_kinds_are_kept(text: str, colour: str) -> None:
    from textual.color import Color

    assert styles(text)[0].foreground == Color.parse(colour)


def test_attributes_begin_and_end_where_they_were_set() -> None:
    bold, neither = coloured("\x1b[1;4mx\x1b[0my").spans[0], coloured("\x1b[1mx\x1b[22my")
    assert isinstance(bold.style, Style) and bold.style.bold and bold.style.underline
    assert (bold.start, bold.end) == (0, 1)
    assert len(neither.spans) == 1
    assert styles("\x1b[99;1000;38;5mx") == []


def test_what_is_shown_of_a_session_never_depends_on_how_it_was_read() -> None:
    records = [
        replace(record, seq=number, timestamp=f"2026-04-04T10:00:{number % 60:02}Z")
        for number, record in enumerate([*typical(), Note(text="x"), Result(index=9, status="odd")], 1)
    ]
    whole = fold(records)
    state = SessionState()
    for record in records:
        state = fold([record], state)
    for view in (views.headline, views.health, views.phases, trend, plan):
        assert view(state) == view(whole)
