"""The holdout: a would-be keep must win where no agent looks, and no agent hears more than that it did not."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autotune_tui.config import SessionConfig, parse
from autotune_tui.engine.confirming import Said, unharmed, weigh, wins
from autotune_tui.engine.holdout import UNSEEN, exposed, refuse
from autotune_tui.engine.preflight import check
from autotune_tui.engine.second import looks
from autotune_tui.engine.unseen import told
from autotune_tui.errors import ConfigError, EngineError, MeasureError
from autotune_tui.measure.sandbox import find_sandbox
from autotune_tui.model.events import Confirmation, Record
from autotune_tui.model.format import confirmation
from autotune_tui.report import final_report, living_document
from autotune_tui.stats.order import block_order
from engine_support import EXACT, Session, configure, git, make_repo

SECRET = "quokka"


def works(mode: str) -> bool:
    """Whether this machine has the sandbox."""
    try:
        return find_sandbox(mode, dict(os.environ)).kind == mode
    except MeasureError:
        return False


WALLS = ("bubblewrap", "landlock")
NUMBER = "7341.25"

HOLDOUT = f"""\
#!/bin/sh
# {SECRET}-file: the metric on data that nobody has seen, {NUMBER} times what is in the file it is given.
set -e
echo "{SECRET}-output"
value=$(cat src/$1.txt)
awk -v v="$value" 'BEGIN {{ printf "METRIC cost=%.6f\\n", v * {NUMBER} }}'
"""

SPY = r"""
folder=$SPY/$(printf %03d "$AUTOTUNE_EXPERIMENT")
mkdir -p "$folder"
cat > "$folder/stdin"
env > "$folder/env"
cat "$AUTOTUNE_CONTEXT" "$AUTOTUNE_PLAN" "$AUTOTUNE_PROFILE" "$AUTOTUNE_HISTORY" "$AUTOTUNE_IDEAS" > "$folder/given"
tar -cf - . > "$folder/tree.tar"
git log --all -p --notes > "$folder/history"
git for-each-ref > "$folder/refs"
root=$(dirname "$(dirname "$(dirname "$(sed 's/^gitdir: //' .git)")")")
ls -laR "$root" "$(dirname "$PWD")" "$HOME" "$KEPT" > "$folder/listing" 2>&1 || true
for place in "$root" "$(dirname "$PWD")" "$HOME" "$KEPT"; do
  find "$place" -name .git -prune -o -type f -size -1000k -exec cat {} + >> "$folder/found" 2>> "$folder/errors" || true
done
session=$root/.autotune/001-test
for file in "$root/bench.sh" "$KEPT/near.txt" "$KEPT/away/bench.sh" "$root/autotune.toml" "$session/autotune.jsonl" \
  "$session/holdout/001.log" "$session/holdout/baseline.log" "$session/experiments" "$session/../../autotune.toml"; do
  cat "$file" >> "$folder/found" 2>> "$folder/errors" || true
done
"""

BOTH = "echo 80 | tee src/value.txt > src/unseen.txt"
FIRST_SEEN_THEN_BOTH = f'if [ "$AUTOTUNE_EXPERIMENT" = 1 ]; then echo 90 > src/value.txt; else {BOTH}; fi'


def with_holdout(folder: Path, more: str = "", argument: str = "value") -> str:
    """The tables of a session whose holdout lies beside the repository."""
    place = folder / "kept" / "away"
    place.mkdir(parents=True, exist_ok=True)
    (place / "bench.sh").write_text(HOLDOUT)
    return f"""
        [holdout]
        command = "sh {place}/bench.sh {argument} {SECRET}-argument"
        folders = ["{place}"]
        {more}
    """


def scores(incumbent: float, candidate: float, blocks: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Log scores of blocks in random order, with a noise that is known."""
    labels = np.array([block_order(7, number, 0) for number in range(blocks)])
    steps = np.random.default_rng(5).normal(0, noise, labels.shape) if noise else np.zeros(labels.shape)
    return np.where(labels, np.log(candidate), np.log(incumbent)) + steps, labels


# --- what the pairs say


@pytest.mark.parametrize(
    ("candidate", "blocks", "noise", "said"),
    [
        (90.0, 2, 0.0, "better"),
        (110.0, 2, 0.0, "worse"),
        (100.0, 2, 0.0, "open"),
        (90.0, 3, 0.01, "better"),
        (110.0, 3, 0.01, "worse"),
        (100.0, 20, 0.01, "open"),
        (99.9, 3, 0.01, "open"),
        (90.0, 1, 0.0, "open"),
    ],
)
def test_pairs_say_better_or_worse_only_when_no_difference_is_excluded(
    candidate: float, blocks: int, noise: float, said: str
) -> None:
    values, labels = scores(100.0, candidate, blocks, noise)
    assert weigh(values, labels, alpha=0.01, location="fast_half", seed=3) == said


@pytest.mark.parametrize(
    ("said", "last", "gain", "harmless"),
    [
        ("better", False, True, True),
        ("better", True, True, True),
        ("worse", False, False, False),
        ("worse", True, False, False),
        ("open", False, None, None),
        ("open", True, False, True),
    ],
)
def test_a_gain_must_show_again_and_less_code_must_do_no_harm(
    said: Said, last: bool, gain: bool | None, harmless: bool | None
) -> None:
    assert (wins(said, last), unharmed(said, last)) == (gain, harmless)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [(6, 40, (6, 10, 16, 24, 40)), (6, 6, (6,)), (4, 16, (4, 6, 10, 16)), (7, 13, (8, 10, 14)), (41, 50, (42, 50))],
)
def test_looks_come_after_whole_blocks_within_the_bounds(least: int, most: int, expected: tuple[int, ...]) -> None:
    assert looks(least, most) == expected


def test_looking_often_makes_a_gain_from_nothing_no_likelier_than_the_confidence_allows() -> None:
    """600 candidates that change nothing, each looked at as often as there are looks."""
    when = looks(6, 24)
    alpha, held = 0.05 / len(when), 0
    random = np.random.default_rng(11)
    for trial in range(600):
        labels = np.array([block_order(trial, number, 0) for number in range(when[-1] // 2)])
        values = random.normal(0, 0.02, labels.shape)
        said = (weigh(values[: n // 2], labels[: n // 2], alpha=alpha, location="fast_half", seed=trial) for n in when)
        held += next((one for one in said if one != "open"), "open") == "better"
    assert held <= 0.05 * 600


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            Confirmation(kind="holdout", passed=True, metric="time", unit="s", effect=-0.2, interval=(-0.21, -0.19),
                         before=1.5, after=1.2, pairs=6),
            "holdout: holds, time −20.0 % [−21.0, −19.0], 1.500 → 1.200 s, 6 pairs",
        ),
        (
            Confirmation(kind="end_to_end", passed=False, metric="loss", effect=0.03, scale="difference", before=0.5,
                         after=0.53, pairs=16),
            "end-to-end: contradicts, loss +0.0300, 0.5000 → 0.5300, 16 pairs",
        ),
        (
            Confirmation(kind="holdout", text="a run of the candidate failed: exit code 1"),
            "holdout: does not hold, a run of the candidate failed: exit code 1",
        ),
        (Confirmation(kind="of a later version", passed=True), "of a later version: passed"),
    ],
)  # fmt: skip
def test_what_a_second_benchmark_says_in_words(said: Confirmation, words: str) -> None:
    assert confirmation(said) == words


# --- what agents could read


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("sh /far/away/bench.sh", ()),
        ("python holdout.py", ("holdout.py",)),
        ("python ./hidden/../holdout.py --n 3", ("holdout.py",)),
        ("cd hidden && ./run", ("hidden", "hidden/run")[:1]),
        (["python", "holdout.py"], ("holdout.py",)),
        ("python bench.py --data=hidden/data.json", ("hidden/data.json",)),
        ("python bench.py --data ~/data.json", ()),
        ("python src/main.py < /far/away/input", ()),
        ("cd src && python main.py", ()),
        ("pytest /far/tests", ()),
    ],
)
def test_files_of_the_repository_are_no_secret(
    tmp_path: Path, command: str | list[str], expected: tuple[str, ...]
) -> None:
    """What the benchmark names, too, and what is in scope may be named: it is known anyway."""
    for name in ("holdout.py", "bench.py", "src/main.py", "hidden/data.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert exposed(command, ["python bench.py", ""], ["src/**"], tmp_path, tmp_path / "tree") == expected


def test_an_absolute_path_into_the_repository_is_found_as_well(tmp_path: Path) -> None:
    (tmp_path / "holdout.py").write_text("")
    assert exposed(f"python {tmp_path}/holdout.py", [], ["src/**"], tmp_path, tmp_path) == ("holdout.py",)


def settings_with(folder: Path, holdout: str) -> SessionConfig:
    return configure(folder / "cache", "true", f"[holdout]\n{holdout}")


@pytest.mark.parametrize(
    ("holdout", "message"),
    [
        ('command = "x"\nfolders = ["inside"]', "inside lies in the repository"),
        ('command = "x"\nfolders = ["."]', "lies in the repository"),
        ('command = "x"\nfolders = [".."]', "holds the repository"),
        ('command = "x"\nfolders = ["../nowhere"]', "is no folder"),
        ('command = "python inside/bench.py"', "names inside/bench.py of the repository"),
        ('command = "python -m inside.bench"', "names inside/bench.py of the repository"),
    ],
)
def test_a_holdout_that_agents_could_read_is_refused_by_name(tmp_path: Path, holdout: str, message: str) -> None:
    root = tmp_path / "repo"
    (root / "inside").mkdir(parents=True)
    (root / "inside" / "bench.py").write_text("")
    with pytest.raises(ConfigError) as refused:
        refuse(settings_with(tmp_path, holdout), root, root)
    assert message in refused.value.message


def test_a_configuration_that_git_has_may_not_hold_the_holdout(tmp_path: Path) -> None:
    (tmp_path / "autotune.toml").write_text('[holdout]\ncommand = "x"\n')
    with pytest.raises(ConfigError, match="is in git and has a table"):
        refuse(settings_with(tmp_path, 'command = "x"'), tmp_path, tmp_path)


async def test_a_session_whose_holdout_can_be_read_does_not_start(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"holdout.sh": HOLDOUT}, EXACT)
    session = Session(repo, configure(tmp_path / "cache", "true", '[holdout]\ncommand = "sh holdout.sh"'))
    with pytest.raises(ConfigError, match="Agents could read the holdout"):
        await session.run()
    assert not session.state.experiments
    assert session.state.end is not None and session.state.end.outcome == "failed"


async def test_the_check_tries_the_holdout_and_refuses_one_that_can_be_read(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"holdout.sh": HOLDOUT}, EXACT)
    works = await check(repo, configure(tmp_path / "cache", "true", with_holdout(tmp_path)), lambda line: None)
    assert [(line.status, line.detail) for line in works if line.title == "holdout"] == [
        ("pass", "works, and gives 734125")
    ]
    settings = configure(tmp_path / "cache", "true", '[holdout]\ncommand = "sh holdout.sh value"')
    refused = (await check(repo, settings, lambda line: None))[-1]
    assert (refused.status, refused.title) == ("fail", "Agents could read the holdout")
    assert "holdout.sh" in refused.detail and "[holdout].folders" in refused.hint


async def test_a_holdout_in_the_history_of_the_configuration_is_warned_of(tmp_path: Path) -> None:
    """It was taken out of git, and every agent can still look it up."""
    repo = make_repo(tmp_path, {"autotune.toml": '[holdout]\ncommand = "old"\n'}, EXACT)
    git(repo, "rm", "-q", "autotune.toml")
    git(repo, "commit", "-qm", "out")
    more = with_holdout(tmp_path) + "\n[budget]\nexperiments = 1\n"
    session = Session(repo, configure(tmp_path / "cache", "echo 90 > src/value.txt", more))
    await session.run()
    commit = git(repo, "log", "-1", "--format=%h")
    assert f"the history of autotune.toml shows a holdout, and agents can read it (commit {commit})" in session.warnings


async def test_a_holdout_that_does_not_work_on_the_unchanged_code_ends_the_session_at_once(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench=EXACT)
    session = Session(repo, configure(tmp_path / "cache", "true", with_holdout(tmp_path, argument="missing")))
    with pytest.raises(EngineError, match="The holdout does not work on code that was not changed"):
        await session.run()


# --- sessions


async def test_a_gain_that_is_only_in_what_is_seen_is_discarded(tmp_path: Path) -> None:
    """The benchmark reads one file, the holdout another: the agent improves the first alone, then both."""
    files = {"src/unseen.txt": "100\n"}
    agent = FIRST_SEEN_THEN_BOTH
    repo = make_repo(tmp_path, files, EXACT)
    more = with_holdout(tmp_path, argument="unseen") + "\n[budget]\nexperiments = 2\n"
    session = Session(repo, configure(tmp_path / "cache", agent, more))
    await session.run()
    assert session.verdicts == [("discard", "holdout"), ("keep", "improvement")]
    first, second = (e for e in session.state.experiments if not e.baseline)
    assert first.detail == UNSEEN
    failed, held = first.confirmations[0], second.confirmations[0]
    assert (failed.kind, failed.passed, failed.effect, failed.pairs) == ("holdout", False, 0.0, 4)
    assert held.passed and held.effect == pytest.approx(-0.2) and held.before == pytest.approx(100 * float(NUMBER))
    # Its samples are its own: those of the experiment are as they were.
    assert [e.pairs for e in (first, second)] == [2, 2]


async def test_a_change_that_breaks_the_holdout_is_discarded(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"src/unseen.txt": "100\n"}, EXACT)
    agent = "echo 90 > src/value.txt; rm src/unseen.txt; echo x > src/other.txt"
    more = with_holdout(tmp_path, argument="unseen")
    session = Session(repo, configure(tmp_path / "cache", agent, more + "\n[budget]\nexperiments = 1\n"))
    await session.run()
    assert session.verdicts == [("discard", "holdout")]
    (said,) = session.state.experiments[-1].confirmations
    assert said.effect is None and "a run of the candidate failed" in said.text
    assert session.state.experiments[-1].detail == UNSEEN


async def test_less_code_at_an_equal_metric_needs_no_gain_on_the_holdout(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"src/dead.txt": "nobody\nreads\nthis\n"}, EXACT)
    more = with_holdout(tmp_path) + "\n[budget]\nexperiments = 1\n"
    session = Session(repo, configure(tmp_path / "cache", "rm src/dead.txt", more))
    await session.run()
    assert session.verdicts == [("keep", "simpler")]
    assert session.state.experiments[-1].confirmations[0].passed


async def test_a_noisy_gain_that_is_real_holds(tmp_path: Path) -> None:
    repo = make_repo(tmp_path)
    place = tmp_path / "kept" / "away"
    more = with_holdout(tmp_path) + "\n[budget]\nexperiments = 1\n"
    (place / "bench.sh").write_text((repo / "bench.sh").read_text())
    session = Session(repo, configure(tmp_path / "cache", "echo 85 > src/value.txt", more))
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    (said,) = session.state.experiments[-1].confirmations
    assert said.passed and said.interval is not None and said.interval[1] < 0
    assert said.pairs in looks(6, 40)


def readable(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


GIVEN = ("stdin", "env", "given", "tree.tar", "history", "refs")
"""What the spy was handed; in `found` and `listing` is what it looked for beside that."""


@pytest.mark.parametrize(
    "mode",
    [
        *(pytest.param(m, marks=pytest.mark.skipif(not works(m), reason=f"{m} does not work here")) for m in WALLS),
        "none",
    ],
)
async def test_no_byte_that_an_agent_is_given_tells_of_the_holdout(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent copies its context, environment, worktree, history and all files that it finds, in three experiments.

    The last of them runs after a discard by the holdout, a keep that won there, and a journal full of both. With a sandbox
    nothing that can be found tells more; without one, which is said, the journal can be found.
    """
    spy = tmp_path / "spy"
    spy.mkdir()
    (tmp_path / "home").mkdir()
    for name, value in {"SPY": spy, "KEPT": tmp_path / "kept", "HOME": tmp_path / "home"}.items():
        monkeypatch.setenv(name, str(value))
    changes = ("echo 90 > src/value.txt", BOTH, "echo 70 > src/value.txt")
    cases = (f"if [ $AUTOTUNE_EXPERIMENT = {number} ]; then {change}; fi" for number, change in enumerate(changes, 1))
    agent = "\n".join([SPY, *cases])
    repo = make_repo(tmp_path, {"src/unseen.txt": "100\n", ".gitignore": "/autotune.toml\n"}, EXACT)
    more = with_holdout(tmp_path, argument="unseen")
    (tmp_path / "kept" / "near.txt").write_text("may be read")
    more += "\n[budget]\nexperiments = 3\n"
    more += f'[sandbox]\nmode = "{mode}"\nwrite = ["{spy}"]\nread = ["{tmp_path}/kept"]\n'
    config = configure(tmp_path / "cache", agent, more)
    (repo / "autotune.toml").write_text(f'[holdout]\ncommand = "{SECRET}"\n')
    if mode in WALLS:  # code of a candidate that runs there and writes what it sees where all others may write
        leak = f"(cat $0 > {spy}/leak) 2> /dev/null || true\n"
        (tmp_path / "kept" / "away" / "bench.sh").write_text(HOLDOUT + leak)
    session = Session(repo, config)
    await session.run()
    assert session.verdicts == [("discard", "holdout"), ("keep", "improvement"), ("discard", "holdout")]
    seen = readable(spy)
    assert {name.partition("/")[0] for name in seen} == {"001", "002", "003"}
    assert b"unseen.txt" in seen["003/tree.tar"] and b"Lower the cost" in seen["003/stdin"]
    assert b"METRIC cost" in seen["003/found"] and b"may be read" in seen["003/found"], "the spy has looked around"
    history = json.loads(seen["003/stdin"])["history"]
    assert [past["reason"] for past in history] == ["holdout", "improvement"]
    # The secret is there to be found: in the journal, and in the log of its output.
    journal = session.folder.journal.read_bytes()
    numbers = {repr(c.before) for e in session.state.experiments for c in e.confirmations if c.before}
    assert numbers and all(number.encode() in journal for number in numbers)
    assert SECRET.encode() in (session.folder.root / "holdout" / "001.log").read_bytes()
    searched = seen if mode in WALLS else {n: seen[n] for n in seen if n.partition("/")[2] in GIVEN}
    for secret in (SECRET, NUMBER, *numbers):
        found = [name for name, content in searched.items() if secret.encode() in content]
        assert not found, f"{secret} stands in {found}"
    assert (SECRET.encode() in seen["003/found"]) is (mode == "none")
    assert any("could read the holdout" in text for text in session.warnings) is (mode == "none")


async def test_what_is_kept_and_told_has_no_word_of_the_holdout(tmp_path: Path) -> None:
    """Reflexions, the living document, the branch's messages and the folders of experiments are what agents are given."""
    repo = make_repo(tmp_path, {"src/unseen.txt": "100\n"}, EXACT)
    agent = FIRST_SEEN_THEN_BOTH
    more = with_holdout(tmp_path, argument="unseen") + "\n[budget]\nexperiments = 2\n"
    session = Session(repo, configure(tmp_path / "cache", agent, more))
    await session.run()
    state = session.state
    told = [
        git(repo, "log", "--all", "-p", "--notes"),
        living_document(state),
        *(path.read_text() for path in session.folder.experiments.rglob("*") if path.is_file()),
        session.folder.document.read_text(),
        session.folder.leaderboard.read_text(),
        session.folder.results.read_text(),
        *(json.dumps(e.asi, default=dict) for e in state.experiments),
    ]
    assert any(UNSEEN in text for text in told)
    for secret in (SECRET, NUMBER, "73412", "734,1", "587,3", "holdout: holds"):
        assert not [text for text in told if secret in text]
    # A person sees the figures, beside those of the metric.
    report = final_report(state)
    assert "holdout: does not hold, cost 0.0 %" in report and "holdout: holds, cost −20.0 %" in report
    assert "#1 holdout: does not hold" in " ".join(note.text for note in state.notes), "the loop screen shows notes"
    command = [sys.executable, "-m", "autotune_tui", "show", "1", str(repo)]
    shown = (await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)).stdout.decode()
    assert "also measured: holdout: does not hold, cost 0.0 %" in shown


class Died(Exception):
    """As if the engine had been killed after a record was on disk."""


class UntilConfirmed(list[Record]):
    def append(self, record: Record) -> None:
        if isinstance(record, Confirmation):
            raise Died


async def test_an_experiment_that_is_interrupted_in_the_holdout_is_begun_again(tmp_path: Path) -> None:
    """The holdout stands before the branch moves, so nothing has to be undone."""
    repo = make_repo(tmp_path, bench=EXACT)
    more = with_holdout(tmp_path) + "\n[budget]\nexperiments = 1\n"
    config = configure(tmp_path / "cache", "echo 90 > src/value.txt", more)
    session = Session(repo, config)

    session.events = UntilConfirmed()
    with pytest.raises(Died):
        await session.run()
    assert git(repo, "rev-parse", "autotune/001-test") == git(repo, "rev-parse", "main")
    again = Session(repo, config)
    await again.run()
    assert again.verdicts == [("keep", "improvement")]
    assert len(again.state.experiments[-1].confirmations) == 1


def test_the_number_of_a_second_benchmark_is_printed() -> None:
    with pytest.raises(ConfigError, match="a number that is printed"):
        parse(
            'goal = "g"\n[benchmark]\ncommand = "x"\n[scope]\ninclude = ["a"]\n'
            '[holdout.metric]\nsource = "json"\npath = "$.a"\nfile = "out.json"\n'
        )


def test_a_change_of_the_holdouts_data_is_told_without_its_name(tmp_path: Path) -> None:
    place = tmp_path / "away"
    settings = settings_with(tmp_path, f'command = "sh {place}/bench.sh {tmp_path}/extra.txt"\nfolders = ["{place}"]')
    paths = [f"{place}/bench.sh", f"{place}/gone.txt", f"{tmp_path}/extra.txt", "data/days.json"]
    differences = [f"{path} is gone" for path in paths]
    assert told(paths, differences, settings, tmp_path) == ["data/days.json is gone", "data of the holdout was changed"]


async def test_a_holdout_that_is_changed_under_the_session_pauses_it(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench=EXACT)
    more = with_holdout(tmp_path) + '\n[budget]\nexperiments = 2\n[sandbox]\nmode = "none"\n'
    place = tmp_path / "kept" / "away"
    (place / "data.txt").write_text("1")
    agent = f"echo 90 > src/value.txt; echo 2 > {place}/data.txt"
    session = Session(repo, configure(tmp_path / "cache", agent, more))
    end = await session.run()
    assert end.outcome == "paused" and "data of the holdout was changed" in end.reason
    assert str(place) not in end.reason and not session.state.keeps
