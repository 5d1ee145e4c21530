"""Deadlines, experiments that would overrun, targets that end nothing, and what is left, as it is shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from autotune_tui.cli import command_line
from autotune_tui.config import Budget, dump, parse
from autotune_tui.engine.budget import time_left, used_up
from autotune_tui.errors import ConfigError
from autotune_tui.headless import line
from autotune_tui.model.budget import left
from autotune_tui.model.events import Calibration, Config, Phase, Record, Result, Session, Usage
from autotune_tui.model.session import SessionState
from autotune_tui.model.state import fold
from autotune_tui.ui.views import health
from engine_support import EXACT, configure, make_repo
from engine_support import Session as Run

START, NOW = "2026-01-01T00:00:00.000Z", "2026-01-01T00:10:00.000Z"
KEEP = Result(index=1, metric=1.0, status="keep", reason="improvement", pairs=6, seconds=50.0)
SLOW = Result(index=2, metric=1.0, status="discard", reason="no_improvement", pairs=6, seconds=90.0)
PLAIN = Result(index=2, status="discard", reason="no_change", seconds=1.0)


def state(*more: Record, budget: dict[str, object] | None = None) -> SessionState:
    """A session that has worked for ten minutes at NOW; a first look comes after 12 seconds."""
    config = Config(segment=1, budget=budget or {})
    baseline = Result(index=0, metric=2.0, status="keep", reason="baseline")
    calibration = Calibration(seconds=1.0, decision_seconds=(12.0, 80.0), exact=True)
    return fold([Session(timestamp=START), config, calibration, baseline, *more])


def spent(experiment: int, tokens: int, usd: float) -> Usage:
    return Usage(experiment=experiment, input_tokens=tokens, usd=usd)


@pytest.mark.parametrize(
    ("budget", "records", "words"),
    [
        (Budget(deadline="2026-01-01T00:20:00Z"), (), ""),
        (Budget(deadline="2026-01-01T00:10:11Z"), (), "no experiment ends before 2026-01-01 00:10:11+00:00"),
        (Budget(deadline="2026-01-01T00:09:00Z"), (), "it is 2026-01-01 00:09:00+00:00"),
        (Budget(deadline="2026-01-01T01:09:00+01:00"), (), "it is 2026-01-01 01:09:00+01:00"),
        (Budget(deadline="2026-01-01T00:20:00Z", time=605), (), "the time of 605 s is used up"),
        (Budget(time=655), (KEEP, SLOW), ""),
        (Budget(time=645), (KEEP, SLOW), "the time of 645 s is used up"),
        (Budget(time=645), (PLAIN,), ""),
        (Budget(tokens=1000), (spent(1, 300, 0.0), KEEP, spent(2, 600, 0.0), SLOW),
         "900 of 1000 tokens are used, and no experiment has used fewer than 300"),
        (Budget(tokens=1000), (spent(1, 50, 0.0), KEEP, spent(2, 600, 0.0), SLOW), ""),
        (Budget(tokens=1000), (KEEP, spent(2, 900, 0.0), SLOW), ""),
        (Budget(usd=2.0), (spent(1, 1, 0.5), KEEP, spent(2, 1, 1.2), SLOW),
         "1.70 of 2.00 dollars are spent, and no experiment has cost less than 0.50"),
        (Budget(usd=2.0), (spent(1, 1, 2.0), KEEP), "2.00 of 2.00 dollars are spent"),
    ],
)  # fmt: skip
def test_what_would_overrun_is_not_begun(budget: Budget, records: tuple[Record, ...], words: str) -> None:
    """L23: less is left of time, tokens or money than any experiment of this session has used."""
    assert used_up(budget, state(*records), NOW) == words


def test_the_nearer_of_time_and_deadline_counts() -> None:
    assert time_left(Budget(deadline="2026-01-01T00:20:00Z"), state(), NOW) == pytest.approx(600)
    assert time_left(Budget(deadline="2026-01-01T00:20:00Z", time=700), state(), NOW) == pytest.approx(100)
    assert time_left(Budget(time="unlimited"), state(), NOW) == float("inf")


def limited(text: str) -> str:
    return f'goal = "x"\n[benchmark]\ncommand = "true"\n[scope]\ninclude = ["src/**"]\n[budget]\n{text}\n'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-05-01T08:00:00Z", "2026-05-01 08:00:00+00:00"),
        ('"2026-05-01 08:00+02:00"', "2026-05-01 08:00:00+02:00"),
        ('"2026-05-01T08:00:30Z"', "2026-05-01 08:00:30+00:00"),
    ],
)
def test_a_deadline_is_a_moment_of_toml_or_a_text(written: str, read: str) -> None:
    """L23: what is written back is read as the same moment."""
    config = parse(limited(f"deadline = {written}"))
    assert config.budget.deadline == read
    assert parse(dump(config)) == config


def test_a_deadline_without_a_distance_from_utc_is_local() -> None:
    config = parse(limited("deadline = 2026-05-01T08:00:00"))
    assert datetime.fromisoformat(config.budget.deadline) == datetime(2026, 5, 1, 8).astimezone()


@pytest.mark.parametrize("written", ['"soon"', "2026-05-01", '"2026-05-01"', "08:00:00", "7", '"8:00"'])
def test_what_is_no_moment_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="a date and a time such as 2026-05-01 08:00"):
        parse(limited(f"deadline = {written}"))


def test_a_session_that_goes_on_at_its_target_needs_another_limit() -> None:
    text = 'experiments = "unlimited"\ntime = "unlimited"\nat_target = "go on"\n[metric]\ntarget = 1.0'
    with pytest.raises(ConfigError, match="nothing would end the session"):
        parse(limited(text))
    assert parse(limited(text + '\n[hooks]\ntimeout = "1s"').replace("go on", "end")).budget.at_target == "end"


ALL = {
    "maxIterations": 50, "seconds": 3600.0, "deadline": "2026-01-01 02:10:00+00:00", "tokens": 5000, "usd": 2.5,
}  # fmt: skip


def test_what_is_left_is_said_when_an_experiment_begins_and_in_the_health_panel() -> None:
    """L23: a text for each limit that there is, and none for those that there are not."""
    before = state(spent(1, 1500, 0.5), KEEP, budget=ALL)
    begins = Phase(timestamp=NOW, experiment=2, phase="sync")
    now = fold([begins], before)
    assert left(now) == (
        "49 experiments",
        "50 min 00 s",
        "2 h 00 min until 2026-01-01 02:10:00+00:00",
        "3,500 tokens",
        "$2.00",
    )
    assert line(begins, now) == f"#2 begins; left: {', '.join(left(now))}"
    assert line(begins, fold([begins], state())) == "#2 begins"
    shown = health(now)
    assert shown.time == "10:00 of 1:00:00, until 2026-01-01 02:10:00+00:00"
    assert shown.cost == "$0.50 of $2.50, 1,500 of 5,000 tokens"
    assert left(fold([], state(budget={"seconds": 60.0, "maxIterations": None}))) == ("1 min 00 s",)
    assert left(fold([Phase(timestamp=NOW)], state(budget={"seconds": 60.0}))) == ("0 ms",)


def test_a_budget_that_was_changed_is_what_is_left_of() -> None:
    """L23: an engine that goes on within a segment heeds the limits that it began with."""
    begun = Session(timestamp=NOW, budget={**ALL, "maxIterations": 70})
    assert left(fold([begun], state(KEEP, budget=ALL)))[0] == "69 experiments"


async def test_a_deadline_ends_a_session_and_status_says_what_is_left(tmp_path: Path) -> None:
    """L23: with a deadline that has passed no experiment is begun."""
    past = datetime.now(UTC) - timedelta(minutes=1)
    repo = make_repo(tmp_path, bench=EXACT)
    more = f'[budget]\ndeadline = "{past.isoformat()}"'
    session = Run(repo, configure(tmp_path / "cache", "echo 90 > src/value.txt", more))
    end = await session.run()
    assert end.outcome == "completed"
    assert end.reason.startswith("it is ")
    assert session.verdicts == []
    said = json.loads(CliRunner().invoke(command_line, ["status", "--json", str(repo)]).stdout)
    assert said["left"][0] == "50 experiments"
    assert any(text.startswith("0 ms until ") for text in said["left"])
    assert "left: 50 experiments" in CliRunner().invoke(command_line, ["status", str(repo)]).stdout


@pytest.mark.parametrize(("at_target", "experiments"), [("end", 1), ("go on", 3)])
async def test_a_target_ends_the_session_unless_it_is_to_go_on(
    tmp_path: Path, at_target: str, experiments: int
) -> None:
    """L23: when it goes on, that is said once."""
    more = f'[budget]\nexperiments = 3\nat_target = "{at_target}"'
    config = configure(tmp_path / "cache", "echo $((60 - AUTOTUNE_EXPERIMENT)) > src/value.txt", more)
    config = config.model_copy(update={"metric": config.metric.model_copy(update={"target": 60.0})})
    session = Run(make_repo(tmp_path, bench=EXACT), config)
    end = await session.run()
    assert len(session.verdicts) == experiments
    said = [
        note.text for note in session.state.notes if "the session goes on, as [budget] at_target asks for" in note.text
    ]
    assert len(said) == (at_target == "go on")
    assert end.reason == ("the target of 60 is reached" if at_target == "end" else "all 3 experiments are done")
