"""Locks (D8, L9): what measures and judges stays as it was when the baseline was measured, or the session says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autotune_tui.config import dump, parse
from autotune_tui.engine import locks
from autotune_tui.engine.loop import End
from autotune_tui.engine.run import run_session
from autotune_tui.journal import inbox
from autotune_tui.model.events import Phase, Record, Result, Sample
from autotune_tui.scope import locked_paths, protected, words_of
from engine_support import EXACT, Session, configure, git, make_repo

ONE, TWO = "[budget]\nexperiments = 1\n", "[budget]\nexperiments = 2\n"
TOML = 'goal = "x"\n[benchmark]\ncommand = "sh bench.sh"\n[scope]\ninclude = ["src/**"]\n'


def agent(folder: Path, edit: str) -> str:
    script = folder / "agent.sh"
    script.write_text(edit)
    return f"sh {script}"


def everywhere(session: Session) -> Session:
    scope = session.config.scope.model_copy(update={"include": ["**"]})
    session.config = session.config.model_copy(update={"scope": scope})
    return session


def phases(session: Session) -> list[str]:
    return [e.phase for e in session.events if isinstance(e, Phase) and e.experiment and e.state == "start"]


# --- what is locked: pure


@pytest.mark.parametrize(
    ("command", "named", "not_named"),
    [
        ("python bench.py --data=data.json", {"bench.py", "data.json"}, set()),
        ("cat in.txt | ./run.sh", {"in.txt", "./run.sh"}, set()),
        (["sh", "-c", "python bench.py x.csv"], {"bench.py", "x.csv"}, set()),
        ("hyperfine 'python work.py' <in.txt", {"work.py", "in.txt"}, set()),
        ("if grep -q 1 src/value.txt; then cmp a.txt b.txt; fi", {"a.txt", "b.txt"}, {"src/value.txt"}),
        ("nice wc -c dist/app.js", set(), {"dist/app.js"}),
        ("python 'it.py", set(), {"it.py"}),
        ("PYTHONPATH=src python3 -B -m app.bench 5", {"src/app/bench.py", "app/bench/__main__.py"}, {"5.py"}),
        ([".venv/bin/python", "-mbench"], {"bench.py"}, set()),
        ("git commit -m bench", set(), {"bench.py"}),
    ],
)
def test_files_are_found_in_commands(command: str | list[str], named: set[str], not_named: set[str]) -> None:
    """Also behind an option and inside an argument; what a command only looks at is not what decides."""
    words = set(words_of(command))
    assert words >= named and not words & not_named


def test_what_a_program_reads_to_know_what_to_do_is_locked_with_it() -> None:
    """`make check` checks what the Makefile says; a scope that names the Makefile takes that upon itself."""
    commands = ["nice make -s check", "python -m pytest -q"]
    wanted = {"./Makefile", "./pyproject.toml", "./setup.cfg"}
    assert wanted <= set(locked_paths(commands, ["**"], lambda _: True))
    assert not wanted & set(locked_paths(["python bench.py"], ["**"], lambda _: True))
    assert "./Makefile" not in locked_paths(commands, ["src/**", "Makefile"], lambda _: True)


def test_a_benchmark_that_is_run_as_a_module_is_locked() -> None:
    there = {"bench.py", "src/app/bench/__main__.py", "src/app/work.py"}
    for command, expected in {
        "python -m bench": ["./bench.py"],
        "python -m app.bench": ["./src/app/bench/__main__.py"],
        "python -m timeit 1": [],
    }.items():
        assert locked_paths([command], ["**"], there.__contains__) == ["./autotune.toml", "./.autotune/", *expected]
    assert "./bench.py" not in locked_paths(["python -m bench"], ["bench.py"], there.__contains__)


@pytest.mark.parametrize(
    ("include", "free"),
    [
        ("src/**", set()),
        ("**", set()),
        ("tests/**", {"tests/"}),
        ("src/tests", {"tests/"}),
        ("./test_a.py", {"test_*.py"}),
    ],
)
def test_tests_are_locked_unless_the_scope_names_them(include: str, free: set[str]) -> None:
    assert set(protected(["src/**", "**"])) - set(protected([include])) == free


def test_what_no_figure_depends_on_may_change() -> None:
    """A larger budget needs no new baseline; another command does, and is told with both values."""
    before = locks.fields_of(parse(TOML))
    assert before == {"benchmark.command": '"sh bench.sh"', "scope.include": '["src/**"]'}
    more = 'agent = "offline"\nconstraints = ["a"]\n' + TOML + "[budget]\nexperiments = 3\n[canary]\nfiles = 1\n"
    assert locks.fields_of(parse(more)) == before
    now = locks.fields_of(parse(TOML.replace("sh bench", "sh other") + '[metric]\nthreshold = "2%"\n'))
    assert locks.field_differences(before, now) == [
        'benchmark.command was "sh bench.sh" and is now "sh other.sh"',
        'metric.threshold was as by default and is now "2%"',
    ]
    assert locks.field_differences({"holdout.command": '"a"'}, {}) == ["holdout.command was changed"]


def test_differences_of_files_and_data_are_told_in_words() -> None:
    assert locks.file_differences({"a": "1" * 40, "b": "2" * 40}, {"a": "3" * 40, "c": "4" * 40}) == [
        "a: its content was 11111111 and is now 33333333",
        "b is gone",
    ]
    old = {
        "read": (1, 1, 1, "aa"),
        "touched": (1, 1, 1, "bb"),
        "big": (9, 1, 1, ""),
        "gone": (1, 1, 1, ""),
        "s": (9, 1, 1, ""),
    }
    new = {
        "read": (1, 2, 1, "cc"),
        "touched": (1, 2, 1, "bb"),
        "big": (9, 2, 1, ""),
        "new": (1, 1, 1, ""),
        "s": (8, 2, 1, ""),
    }
    assert locks.data_differences(old, new) == [
        "big was written (9 bytes)",
        "gone is gone",
        "new is new",
        "read: its content was aa and is now cc",
        "s had 9 bytes and has 8",
    ]


def test_only_what_looks_different_is_read_again(tmp_path: Path) -> None:
    """A file that was only touched is no difference; times are no part of the digest."""
    (tmp_path / "data/__pycache__").mkdir(parents=True)
    for name in ("data/a", "data/b", "data/__pycache__/c.pyc", "outside"):
        (tmp_path / name).write_text(name)
    paths = locks.data_paths(tmp_path, ["data"], [f"sort {tmp_path}/outside {tmp_path}/missing"])
    assert paths == ["data/a", "data/b", f"{tmp_path}/outside"]
    before = locks.marks(tmp_path, paths)
    os.utime(tmp_path / "data/a", ns=(1, 1))
    now = locks.marks(tmp_path, paths, before)
    assert locks.data_differences(before, now) == []
    tables = [locks.Locks(1, {}, {}, marks) for marks in (before, now)]
    assert tables[0].digest == tables[1].digest
    (tmp_path / "data/b").write_text("other.")
    assert locks.data_differences(before, locks.marks(tmp_path, paths, before))[0].startswith("data/b: its content was")


# --- what a candidate may not touch


async def test_a_candidate_that_touches_a_lock_ends_before_anything_runs(tmp_path: Path) -> None:
    """L9: tests, Python's startup files and what the user names are locked, also with include = ["**"]."""
    repo = make_repo(tmp_path, {"tests/test_a.py": "1\n", "data/in.txt": "1\n"}, EXACT)
    edits = (
        "echo 2 > tests/test_a.py",
        "echo 2 > data/in.txt",
        "echo 2 > sitecustomize.py",
        "echo 2 > src/conftest.py",
    )
    script = agent(
        tmp_path, "\n".join(f'[ "$AUTOTUNE_EXPERIMENT" = {n} ] && {edit}' for n, edit in enumerate(edits, 1))
    )
    more = '[locks]\npaths = ["data/**"]\n[budget]\nexperiments = 4\n'
    session = everywhere(Session(repo, configure(tmp_path / "cache", script + "\ntrue", more)))
    await session.run()
    assert session.verdicts == [("discard", "out_of_scope")] * 4
    for experiment, path in zip(
        session.state.experiments[1:], ("tests/test_a.py", "data/in.txt", "sitecustomize", "src/conf"), strict=True
    ):
        assert path in experiment.detail and "(locked)" in experiment.detail
    assert "commit" not in phases(session)
    assert any("in scope but locked" in note.text and "bench.sh" in note.text for note in session.state.notes)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("bench.sh", "a command changed bench.sh (locked)"),
        ("src/value.txt", "a command changed src/value.txt"),
        ("lib.txt", "a command changed lib.txt"),
    ],
)
async def test_what_is_measured_is_what_was_committed(tmp_path: Path, written: str, words: str) -> None:
    """D8: the candidate's code runs in the checks; what it changes there, locked or not, is not measured."""
    repo = make_repo(tmp_path, {"src/hook.sh": "true\n", "lib.txt": "7\n", "check.sh": ". ./src/hook.sh\n"}, EXACT)
    cheat = "echo 'echo METRIC cost=1'" if written == "bench.sh" else "echo 1"
    script = agent(tmp_path, f'cat > src/hook.sh <<"END"\n{cheat} > {written}\nEND\necho 99.99 > src/value.txt\n')
    checks = '[checks]\ncommand = "sh check.sh"\n'
    session = Session(repo, configure(tmp_path / "cache", script, ONE + checks))
    await session.run()
    assert session.verdicts == [("discard", "out_of_scope")]
    assert session.state.experiments[-1].detail == words


async def test_what_the_commands_change_on_unchanged_code_is_no_reason_to_discard(tmp_path: Path) -> None:
    """A build that writes a file that git tracks does so for both sides; it is said once."""
    repo = make_repo(tmp_path, {"stamp.txt": "0\n"}, EXACT)
    script = agent(tmp_path, "echo 60 > src/value.txt")
    session = Session(repo, configure(tmp_path / "cache", script, ONE + '[checks]\ncommand = "date > stamp.txt"\n'))
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    assert any("stamp.txt is changed by the session's own commands" in note.text for note in session.state.notes)


async def test_a_change_of_the_incumbents_worktree_pauses(tmp_path: Path) -> None:
    """Nobody knows who it was, so nobody is blamed; the next start puts it back."""
    repo = make_repo(tmp_path, bench=EXACT)
    slower = '{ touch "$0.done"; echo "echo METRIC cost=900" > ../incumbent/bench.sh; }'
    script = agent(tmp_path, f'echo 60 > src/value.txt; [ -e "$0.done" ] || {slower}')
    session = Session(repo, configure(tmp_path / "cache", script, ONE))
    end = await session.run()
    assert end.outcome == "paused" and "bench.sh was changed from outside" in end.reason
    assert session.verdicts == []
    assert (await session.run()).outcome == "completed"
    assert session.verdicts == [("keep", "improvement")]
    assert session.state.baseline_value == 100


async def test_what_setup_made_for_the_incumbent_is_out_of_reach_or_the_session_pauses(tmp_path: Path) -> None:
    """Without a sandbox a check may write the incumbent's ignored files as well: it would look slower than it is."""
    repo = make_repo(
        tmp_path, {".gitignore": "*.db\n"}, 'echo "METRIC cost=$(( $(cat src/value.txt) * $(cat size.db) ))"'
    )
    checks = "[ -e ../incumbent/size.db ] && grep -q 99 src/value.txt && echo 9 > ../incumbent/size.db; true"
    more = ONE + f'[sandbox]\nmode = "none"\n[checks]\ncommand = "{checks}"\n'
    config = configure(tmp_path / "cache", agent(tmp_path, "echo 99 > src/value.txt"), more)
    benchmark = config.benchmark.model_copy(update={"setup": "echo 3 > size.db"})
    session = Session(repo, config.model_copy(update={"benchmark": benchmark}))
    end = await session.run()
    assert end.outcome == "paused" and "in the incumbent's worktree size.db was changed from outside" in end.reason
    assert session.verdicts == []


# --- what the user may change, and what follows


async def test_every_result_has_the_digest_of_what_was_locked(tmp_path: Path) -> None:
    """D8: the table lies beside the baseline, and names the benchmark's content as git does."""
    repo = make_repo(tmp_path, bench=EXACT)
    session = Session(
        repo, configure(tmp_path / "cache", agent(tmp_path, "echo $AUTOTUNE_EXPERIMENT > src/value.txt"), TWO)
    )
    await session.run()
    digests = [event.locks for event in session.events if isinstance(event, Result)]
    table = locks.read(session.folder.baseline / "locks-1.json")
    assert table is not None
    assert digests == [table.digest] * 3 and len(table.digest) == 32
    assert table.files == {"bench.sh": git(repo, "rev-parse", "HEAD:bench.sh")}
    assert locks.read(tmp_path / "missing") is None


def changed_command(session: Session) -> None:
    benchmark = session.config.benchmark.model_copy(update={"command": "sh bench.sh again"})
    session.config = session.config.model_copy(update={"benchmark": benchmark})


async def begun(tmp_path: Path, more: str = "") -> Session:
    """A session that has used up a budget of one experiment, and now has two."""
    repo = make_repo(tmp_path, {".gitignore": "data/\n"}, EXACT)
    (repo / "data").mkdir()
    (repo / "data/in.txt").write_text("first\n")
    script = agent(tmp_path, "echo 9$AUTOTUNE_EXPERIMENT > src/value.txt")
    session = Session(repo, configure(tmp_path / "cache", script, ONE + more))
    assert (await session.run()).outcome == "completed"
    budget = session.config.budget.model_copy(update={"experiments": 2})
    session.config = session.config.model_copy(update={"budget": budget})
    return session


async def test_a_larger_budget_goes_on_where_it_was(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    assert (await session.run()).outcome == "completed"
    assert [number.segment for number in session.state.experiments] == [1, 1, 1]


async def test_another_command_pauses_with_the_difference_until_it_is_put_back_or_rebaselined(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    old = session.config
    changed_command(session)
    end = await session.run()
    assert end.outcome == "paused"
    assert 'benchmark.command was "sh bench.sh" and is now "sh bench.sh again"' in end.reason
    assert "Put it back" in end.reason and "--rebaseline" in end.reason
    inbox.send(session.folder.inbox, "rebaseline", by="somebody")
    assert (await session.run()).outcome == "completed"
    assert session.state.segment_number == 2
    assert [experiment.segment for experiment in session.state.experiments] == [1, 1, 2, 2]
    digests = {event.locks for event in session.events if isinstance(event, Result)}
    assert len(digests) == 2
    session.config = old
    assert (await session.run()).outcome == "paused"


async def test_putting_it_back_goes_on(tmp_path: Path) -> None:
    session = await begun(tmp_path)
    old = session.config
    changed_command(session)
    assert (await session.run()).outcome == "paused"
    session.config = old
    assert (await session.run()).outcome == "completed"
    assert session.state.segment_number == 1


@pytest.mark.parametrize("content", ["other\n", None])
async def test_linked_data_that_changed_pauses(tmp_path: Path, content: str | None) -> None:
    session = await begun(tmp_path)
    workspace = session.config.workspace.model_copy(update={"link": ["data"]})
    session.config = session.config.model_copy(update={"workspace": workspace})
    end = await session.run()
    assert "workspace.link" in end.reason  # linking is a change, too
    inbox.send(session.folder.inbox, "rebaseline", by="somebody")
    budget = session.config.budget.model_copy(update={"experiments": 3})
    session.config = session.config.model_copy(update={"budget": budget})
    data = session.repo / "data/in.txt"

    def write(event: Record) -> None:
        session.events.append(event)
        if isinstance(event, Result) and event.index == 2:
            data.write_text(content or data.read_text())

    end = await run_session(session.repo, session.folder.id, session.config, on_event=write)
    if content is None:  # written, and the same as before
        assert end.outcome == "completed"
    else:
        assert end.outcome == "paused" and "data/in.txt: its content was" in end.reason


async def run_and(session: Session, act: Callable[[Record], None]) -> End:
    def hear(event: Record) -> None:
        session.events.append(event)
        act(event)

    return await run_session(session.repo, session.folder.id, session.config, on_event=hear)


async def test_an_edit_of_the_configuration_while_it_runs_pauses_before_the_next_experiment(tmp_path: Path) -> None:
    """A free field is only said; a locked one pauses with both values; nonsense is said and passed over."""
    repo = make_repo(tmp_path, bench=EXACT)
    script = agent(tmp_path, "echo 9$AUTOTUNE_EXPERIMENT > src/value.txt")
    session = Session(repo, configure(tmp_path / "cache", script, "[budget]\nexperiments = 9\n"))
    session.folder.create()
    text = dump(session.config)
    session.folder.config.write_text(text)
    texts = {
        1: text.replace("experiments = 9", "experiments = 8"),
        2: "][",
        3: text.replace("sh bench.sh", "sh other.sh"),
    }

    def edit(event: Record) -> None:
        if isinstance(event, Result) and event.index in texts:
            session.folder.config.write_text(texts[event.index])

    end = await run_and(session, edit)
    assert end.outcome == "paused"
    assert 'benchmark.command was "sh bench.sh" and is now "sh other.sh"' in end.reason
    assert len(session.verdicts) == 3
    notes = [note.text for note in session.state.notes]
    assert len([text for text in notes if "takes effect when the session is started again" in text]) == 1
    assert len([text for text in notes if "autotune.toml cannot be read now" in text]) == 1


async def test_without_a_sandbox_a_command_that_writes_linked_data_pauses_the_session(tmp_path: Path) -> None:
    """A keep that rests on it is not made: the data is looked at once more before the branch moves."""
    repo = make_repo(
        tmp_path, {".gitignore": "data/\n", "src/hook.sh": "true\n", "check.sh": ". ./src/hook.sh\n"}, EXACT
    )
    (repo / "data").mkdir()
    (repo / "data/in.txt").write_text("first\n")
    script = agent(tmp_path, "echo 'echo less > data/in.txt' > src/hook.sh; echo 60 > src/value.txt")
    more = ONE + '[sandbox]\nmode = "none"\n[checks]\ncommand = "sh check.sh"\n'
    config = configure(tmp_path / "cache", script, more)
    config = config.model_copy(update={"workspace": config.workspace.model_copy(update={"link": ["data"]})})
    session = Session(repo, config)
    end = await session.run()
    assert end.outcome == "paused"
    assert "data/in.txt" in end.reason and "without a sandbox" in end.reason
    assert session.verdicts == [] and [e for e in session.events if isinstance(e, Sample)]
    assert git(repo, "rev-parse", f"autotune/{session.folder.id}") == git(repo, "rev-parse", "HEAD")


def test_run_can_ask_for_a_rebaseline_before_its_engine_starts(tmp_path: Path) -> None:
    """The request waits in the inbox; while an engine is at work the command for that is named instead."""
    from autotune_tui.cli.loop import ask_for_rebaseline
    from autotune_tui.errors import EngineError
    from autotune_tui.journal.files import SessionFolder
    from autotune_tui.journal.lock import EngineLock

    folder = SessionFolder(tmp_path / ".autotune/001-x")
    folder.create()
    ask_for_rebaseline(folder)
    (command,) = inbox.Inbox(folder.inbox).take()
    assert command.command == "rebaseline" and command.by
    with EngineLock(folder.lock), pytest.raises(EngineError, match="autotune-tui rebaseline"):
        ask_for_rebaseline(folder)
