"""The end-to-end benchmark: what makes the whole significantly worse is no keep, whatever the benchmark of a part says."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune_tui.engine.end_to_end import contradiction
from autotune_tui.errors import EngineError
from autotune_tui.model.events import Confirmation, Sample
from autotune_tui.model.experiment import complete_blocks
from autotune_tui.model.state import fold
from autotune_tui.report import final_report
from autotune_tui.ui.details.sample_plot import effect_lines
from autotune_tui.ui.details.samples import Run, samples_view
from autotune_tui.ui.details.subject import figures, find
from engine_support import EXACT, NOISY, Session, configure, git, make_repo
from journal_sessions import experiment, opening

WHOLE = NOISY.replace("src/value.txt", "src/whole.txt")


def with_whole(command: str = "sh whole.sh", more: str = "") -> str:
    return f'[end_to_end]\ncommand = "{command}"\n{more}\n[budget]\nexperiments = 1\n'


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            Confirmation(metric="time", unit="s", effect=0.05, interval=(0.04, 0.06), pairs=6),
            "the end-to-end benchmark contradicts: time +5.0 % [4.0, 6.0] after 6 pairs",
        ),
        (
            Confirmation(text="a run of the candidate failed: exit code 1"),
            "the end-to-end benchmark has no number for it: a run of the candidate failed: exit code 1",
        ),
    ],
)
def test_a_contradiction_in_words(said: Confirmation, words: str) -> None:
    assert contradiction(said) == words


CONTRADICTED = Confirmation(
    experiment=2,
    kind="end_to_end",
    metric="time",
    unit="s",
    effect=0.05,
    interval=(0.04, 0.06),
    pairs=6,
    before=2.0,
    after=2.1,
)


def test_the_details_of_an_experiment_show_it_beside_the_metric() -> None:
    """Also when the experiment was begun again after a restart: what was said of the first attempt is gone."""
    again = experiment(2, reason="end_to_end")
    records = [*opening(), *experiment(2)[:-1], CONTRADICTED, *again[:-1], CONTRADICTED, again[-1]]
    state = fold(records)
    (said,) = state.experiments[-1].confirmations
    assert said == CONTRADICTED
    subject = find(state, 2, None)
    assert subject is not None and "end-to-end: contradicts" in figures(subject)
    view = samples_view(subject, [Run("incumbent", 1.0), Run("candidate", 0.9)])
    assert "end-to-end: contradicts, time +5.0 % [4.0, 6.0]" in effect_lines(view, 100)[-1].plain


def test_samples_of_second_benchmarks_are_not_those_of_the_experiment() -> None:
    own = experiment(2)
    others = [
        Sample(experiment=2, purpose=purpose, block=0, side="candidate", value=9.0)
        for purpose in ("holdout", "end_to_end")
    ]
    state = fold([*opening(), *own[:-1], *others])
    assert state.current is not None
    assert state.current.samples == [record for record in own if isinstance(record, Sample)]


async def test_significant_harm_to_the_whole_wins_over_a_gain_of_the_part(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"src/whole.txt": "100\n", "whole.sh": WHOLE}, EXACT)
    agent = "echo 90 > src/value.txt; echo 110 > src/whole.txt"
    session = Session(repo, configure(tmp_path / "cache", agent, with_whole()))
    await session.run()
    assert session.verdicts == [("discard", "end_to_end")]
    ended = session.state.experiments[-1]
    assert ended.detail.startswith("the end-to-end benchmark contradicts: cost +")
    (said,) = ended.confirmations
    assert not said.passed and said.interval is not None and said.interval[0] > 0
    assert "end-to-end: contradicts, cost +" in final_report(session.state)
    assert git(repo, "rev-parse", "autotune/001-test") == git(repo, "rev-parse", "main")
    # Its samples are journalled as its own, so that what they say can be computed again.
    mine = [record for record in session.events if isinstance(record, Sample) and record.purpose == "end_to_end"]
    assert 2 * len(complete_blocks(mine)) == said.pairs


async def test_a_whole_that_does_not_change_is_no_contradiction(tmp_path: Path) -> None:
    """It need not win, as a part may be a small share of the whole."""
    repo = make_repo(tmp_path, {"src/whole.txt": "100\n", "whole.sh": WHOLE}, EXACT)
    more = with_whole(more="most_pairs = 6\nconfidence = 0.999")  # so few pairs of noise alone decide nothing
    session = Session(repo, configure(tmp_path / "cache", "echo 90 > src/value.txt", more))
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    (said,) = session.state.experiments[-1].confirmations
    assert (said.kind, said.passed, said.pairs) == ("end_to_end", True, 6)


async def test_its_number_may_be_another_one_that_gets_better_upwards(tmp_path: Path) -> None:
    repo = make_repo(
        tmp_path, {"src/rate.txt": "50\n", "whole.sh": "echo rate: $(cat src/rate.txt) per second\n"}, EXACT
    )
    more = with_whole(
        more='[end_to_end.metric]\nname = "rate"\nunit = "/s"\ndirection = "higher"\nsource = "regex"\n'
        "pattern = 'rate: ([0-9]+)'"
    )
    agent = "echo 90 > src/value.txt; echo 40 > src/rate.txt"
    session = Session(repo, configure(tmp_path / "cache", agent, more))
    await session.run()
    assert session.verdicts == [("discard", "end_to_end")]
    (said,) = session.state.experiments[-1].confirmations
    assert (said.metric, said.before, said.after) == ("rate", 50, 40)
    assert said.effect == pytest.approx(-0.2)


async def test_what_is_no_keep_anyway_is_not_asked_about(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"src/whole.txt": "100\n", "whole.sh": WHOLE}, EXACT)
    session = Session(repo, configure(tmp_path / "cache", "echo 120 > src/value.txt", with_whole()))
    await session.run()
    assert session.verdicts == [("discard", "regression")]
    assert session.state.experiments[-1].confirmations == ()


async def test_one_that_does_not_work_on_the_unchanged_code_ends_the_session_at_once(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench=EXACT)
    session = Session(repo, configure(tmp_path / "cache", "true", with_whole("sh nowhere.sh")))
    with pytest.raises(EngineError, match="The end-to-end benchmark does not work on code that was not changed"):
        await session.run()
