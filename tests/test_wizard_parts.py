"""What the wizard is made of: fields from the schema, drafts, the scope, reading again, each as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autotune_tui.config import describe, parse
from autotune_tui.errors import MeasureError
from autotune_tui.scope import ScopeMatcher
from autotune_tui.suggest import Look, Proposal
from autotune_tui.ui.screens.wizard import STEPS, place_of
from autotune_tui.ui.wizard import words
from autotune_tui.ui.wizard.beginning import beginnings, suggestions
from autotune_tui.ui.wizard.choice import rows_of
from autotune_tui.ui.wizard.draft import Draft, texts_of
from autotune_tui.ui.wizard.drafts import DraftStore, Kept
from autotune_tui.ui.wizard.frame import head, steps
from autotune_tui.ui.wizard.limits import PLACED
from autotune_tui.ui.wizard.preflight import verdict
from autotune_tui.ui.wizard.runs_chart import RunsView, chart, heading
from autotune_tui.ui.wizard.schema import specs
from autotune_tui.ui.wizard.scope import ScopeTree, switched
from autotune_tui.ui.wizard.summary import row, shown_names
from autotune_tui.ui.wizard.trial import Trial, marked

BASICS = {
    "goal": "Import faster",
    "benchmark.command": "python bench.py",
    "scope.include": "src/**",
    "metric.target": "1",
}


def draft(**values: str) -> Draft:
    return Draft({**BASICS, **{name.replace("__", "."): text for name, text in values.items()}})


# --- fields


def test_every_field_of_the_configuration_is_in_the_form_with_its_help() -> None:
    """One source of truth: the form has no field, help text or choice of its own. Tables in tables are written by hand."""
    by_hand = {"holdout.metric", "end_to_end.metric"}
    documented = [(f"{doc.table}.{doc.name}".lstrip("."), doc.description) for doc in describe()]
    assert [(spec.name, spec.description) for spec in specs().values()] == [
        (name, description) for name, description in documented if name not in by_hand
    ]
    assert set(specs()) >= PLACED


def test_choices_come_from_the_schema() -> None:
    assert specs()["metric.source"].choices[0] == "wall_time"
    assert specs()["decision.profile"].choices == ("quick", "standard", "strict", "costly")
    assert "offline" in specs()["agent"].choices


@pytest.mark.parametrize(
    "name", ["goal", "metric.target", "scope.exclude", "guards", "agent", "budget.usd", "workspace.link"]
)
def test_every_field_has_a_step_where_it_is_set(name: str) -> None:
    expected = {"metric": "Benchmark", "scope": "Scope", "guards": "Checks", "workspace": "Checks", "goal": "Goal"}
    assert STEPS[place_of(name)].title == expected.get(name.partition(".")[0], "Agent")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("src/** lib/", ["src/**", "lib/"]),
        ("'my files/**' x", ["my files/**", "x"]),
        (r"\[x\]/** \#a", [r"\[x\]/**", r"\#a"]),
        ("a 'not closed", ["a", "'not", "closed"]),
        ("", []),
    ],
)
def test_lists_are_words_in_a_line(line: str, parts: list[str]) -> None:
    assert words.split(line) == parts
    assert words.split(words.join(parts)) == parts


# --- drafts


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "metric.target",
            "as fast as possible",
            '"as fast as possible" is no target: the number at which you would stop',
        ),
        ("metric.target", "", "the number at which you would stop, or none"),
        ("metric.target", "inf", "a finite number"),
        ("metric.threshold", "a lot", 'a percentage such as "1%"'),
        ("goal", " ", "a sentence"),
        ("benchmark.command", "", "What is measured: a shell command"),
        ("benchmark.timeout", "soon", "a duration such as 30s, 10m or 1h30m"),
        ("scope.include", "src/** ../x", "a path inside the repository"),
        ("guards", "peak_rss", "NAME=VALUE"),
        ("guards", "peak_rss=much", 'a percentage such as "1%"'),
        ("budget.experiments", "many", "a whole number"),
        ("budget.experiments", "0", "a whole number, 1 or more"),
        ("recovery.playbooks", "reset_worktree pray", "rebaseline"),
        ("agent_command.command", "", "the agent's command"),
    ],
)
def test_what_is_wrong_is_told_under_its_field(name: str, text: str, said: str) -> None:
    """S2 for target and threshold; all else in the words of the configuration's own checks."""
    values = {name: text} | ({"agent": "command"} if name.startswith("agent") else {})
    found = Draft({**BASICS, **values}).problems()
    assert set(found) == {name}
    assert said in found[name]


@pytest.mark.parametrize(
    "values", [{}, {"metric.target": "None"}, {"metric.target": "1,250"}, {"budget.usd": "unlimited"}]
)
def test_what_is_right_is_not_complained_about(values: dict[str, str]) -> None:
    assert Draft({**BASICS, **values}).problems() == {}


def test_the_file_that_is_written_says_what_was_typed() -> None:
    made = draft(
        guards="peak_rss=+5% p99=10%", constraints="no new packages; keep the API", budget__experiments="7",
        workspace__link=".venv 'my data'", benchmark__env="A=1 B='x y'", metric__unit="", agent_offline__knobs="false",
    )  # fmt: skip
    config = parse(made.toml())
    assert config == made.config()
    assert config.constraints == ["no new packages", "keep the API"]
    assert config.workspace.link == [".venv", "my data"]
    assert config.benchmark.env == {"A": "1", "B": "x y"}
    assert (config.metric.unit, config.budget.experiments, config.agent_offline.knobs) == ("", 7, False)
    assert {**BASICS, **texts_of(config)} == texts_of(config)
    assert Draft(texts_of(config)).config() == config


def test_tables_that_no_form_shows_are_kept_when_a_configuration_is_taken_over(tmp_path: Path) -> None:
    """Also by a draft that is left and taken up again."""
    config = parse(
        'goal = "g"\n[metric]\ntarget = 1.0\n[benchmark]\ncommand = "x"\n[scope]\ninclude = ["a"]\n[guards]\npeak_rss = "5%"\n'
        '[holdout]\ncommand = "y"\n[holdout.metric]\nname = "loss"\nsource = "metric_line"\n'
    )
    draft = Draft()
    draft.copy(config)
    store = DraftStore(tmp_path, {"XDG_STATE_HOME": str(tmp_path)})
    store.save(draft, datetime.now(UTC))
    kept = store.load()
    assert kept is not None and kept.draft == draft
    assert kept.draft.config() == config


def test_a_configuration_without_a_target_is_taken_over_as_it_is() -> None:
    config = Draft({**BASICS, "metric.target": "none", "budget.time": "4m"}).config()
    copied = Draft()
    copied.copy(config)
    assert copied.problems() == {}
    assert copied.config() == config


def test_fields_of_another_source_are_kept_but_not_written() -> None:
    made = draft(metric__source="regex", metric__pattern="mean: (.*)")
    made.values["metric.source"] = "json"
    made.values["metric.path"] = "$.a"
    assert "pattern" not in made.toml()
    made.values["metric.source"] = "regex"
    assert parse(made.toml()).metric.pattern == "mean: (.*)"


def test_without_a_target_a_limit_is_written_for_it_to_end() -> None:
    made = draft(metric__target="none")
    assert "experiments = 50" in made.toml()
    assert parse(made.toml()).metric.target is None


def test_a_trial_needs_nothing_but_the_command() -> None:
    """S3: the command can be tried before anything else is right."""
    config = parse(Draft({"benchmark.command": "make bench", "metric.source": "regex", "guards": "x"}).trial_toml())
    assert (config.benchmark.command, config.metric.source) == ("make bench", "wall_time")
    config = parse(
        Draft(
            {"benchmark.command": "x", "metric.source": "json", "metric.path": "$.a", "metric.target": "y"}
        ).trial_toml()
    )
    assert (config.metric.source, config.metric.path) == ("json", "$.a")


def test_who_set_a_field_is_known() -> None:
    made = Draft({"goal": "x"})
    made.suggest({"benchmark.command": "make bench", "goal": "no"})
    assert [made.origin(name) for name in ("goal", "benchmark.command", "agent")] == ["you", "suggested", "default"]
    made.values["benchmark.command"] = "make perf"
    assert made.origin("benchmark.command") == "you"


def test_a_draft_is_kept_and_forgotten(tmp_path: Path) -> None:
    """S1: quitting half-way offers to keep a draft."""
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    store = DraftStore(Path("/home/me/importer"), environment)
    assert store.load() is None
    made = Draft({"goal": "Größer"}, 3, {"scope.include": "a"}, True)
    when = datetime(2026, 4, 4, 10, 11, 12, tzinfo=UTC)
    store.save(made, when)
    assert store.path.is_relative_to(tmp_path / "state" / "autotune-tui")
    assert store.load() == Kept(made, when)
    assert DraftStore(Path("/home/me/other"), environment).load() is None
    for broken in ("", "{", "[]", '{"format": 1}', '{"format": 9}'):
        store.path.write_text(broken)
        assert store.load() is None
    store.forget()
    store.forget()
    assert not store.path.exists()


def test_what_was_found_is_filled_in() -> None:
    """S4."""
    look = Look(
        language="C", benchmarks=(Proposal("./bench", "x", {"metric.source": "metric_line", "metric.name": "rate"}),),
        checks=(Proposal("make test", "Makefile"),), builds=(Proposal("make", "Makefile"),), include=("src/**", "my lib/**"),
    )  # fmt: skip
    made = Draft()
    made.suggest(suggestions(look))
    assert made.values == {
        "benchmark.command": "./bench", "metric.source": "metric_line", "metric.name": "rate", "metric.unit": "",
        "checks.command": "make test", "benchmark.build": "make", "scope.include": 'src/** "my lib/**"',
    }  # fmt: skip
    assert "benchmark.build" not in suggestions(Look(language="Python", builds=(Proposal("make build", "Makefile"),)))
    assert suggestions(Look()).get("benchmark.command") is None


def test_where_to_start_from_is_only_asked_when_there_is_a_choice() -> None:
    """S9: an existing session can go on, or a fresh one starts and the records stay."""
    titles = [step.title for step in STEPS]
    assert beginnings(None, False, [], titles) == []
    kept = Kept(Draft(step=2), datetime(2026, 4, 4, 10, 11, tzinfo=UTC))
    answers = beginnings(kept, True, ["001-a", "002-b"], titles)
    assert [answer.id for answer in answers] == ["draft", "shared", "copy", "go on:002-b", ""]
    assert "in step Scope" in answers[0].follows


# --- the scope

FILES = {"src/a.py": 10, "src/b.py": 20, "src/vendor/c.py": 30, "tests/test_a.py": 5, "words.py": 7, "sub/words.py": 1}


@pytest.mark.parametrize(
    ("include", "exclude", "path", "after", "inside"),
    [
        ("", "", "src", ("src/**", ""), "src/a.py src/b.py src/vendor/c.py"),
        ("src/**", "", "src", ("", ""), ""),
        ("src/**", "", "src/a.py", ("src/**", "src/a.py"), "src/b.py src/vendor/c.py"),
        ("src/**", "src/a.py", "src/a.py", ("src/** src/a.py", ""), "src/a.py src/b.py src/vendor/c.py"),
        ("src/**", "", "src/vendor", ("src/**", "src/vendor/**"), "src/a.py src/b.py"),
        ("src/**", "src/vendor/**", "src", ("src/**", ""), "src/a.py src/b.py src/vendor/c.py"),
        ("src/**", "vendor/", "src/vendor", ("src/**", "vendor/ !src/vendor/**"), "src/a.py src/b.py src/vendor/c.py"),
        ("*.py", "", "src", ("*.py", "src/**"), "sub/words.py tests/test_a.py words.py"),
        ("src/a.py src/b.py", "", "src", ("src/**", ""), "src/a.py src/b.py src/vendor/c.py"),
        ("", "", "words.py", ("./words.py", ""), "words.py"),
        ("", "", "", ("**", ""), " ".join(sorted(FILES))),
        ("**", "tests/", "", ("**", ""), " ".join(sorted(FILES))),
        ("**", "", "", ("", ""), ""),
    ],
)
def test_space_takes_a_file_or_folder_in_or_out(
    include: str, exclude: str, path: str, after: tuple[str, str], inside: str
) -> None:
    found = switched(FILES, include.split(), exclude.split(), path)
    assert tuple(" ".join(patterns) for patterns in found) == after
    matcher = ScopeMatcher(*found)
    assert " ".join(sorted(file for file in FILES if matcher.included(file))) == inside


def test_the_tree_counts_files_and_lines_and_tells_in_from_out_and_locked() -> None:
    """L9: the files that a command names are locked."""
    tree = ScopeTree(FILES, ["src/**", "words.py"], ["src/vendor/"], ["./src/b.py", "./tests/"])
    assert [(entry.name, entry.count.state) for entry in tree.below("")] == [
        ("src/", "part"), ("sub/", "in"), ("tests/", "locked"), ("words.py", "in"),
    ]  # fmt: skip
    assert [(entry.path, entry.count.state) for entry in tree.below("src")] == [
        ("src/vendor", "out"), ("src/a.py", "in"), ("src/b.py", "locked"),
    ]  # fmt: skip
    total = tree.total
    assert (total.files, total.lines, total.inside, total.inside_lines, total.locked) == (6, 73, 3, 18, 2)


# --- reading again


def trial(**fields: object) -> Trial:
    figures: dict[str, object] = {"wall": 1.5, "cpu": 1.0, "peak_rss": 50 << 20, "source": "wall_time"}
    return Trial(**{**figures, **fields})  # type: ignore[arg-type]


OUTPUT = "warning: slow\nmean: 4 ms\n\x1b[32mMETRIC rate=7 rows/s\x1b[0m\n"
STDOUT = OUTPUT.partition("\n")[2]


@pytest.mark.parametrize(
    ("values", "value", "shown"),
    [
        ({}, 1.5, ""),
        ({"metric.source": "cpu_time", "metric.unit": "ms"}, 1000.0, ""),
        ({"metric.source": "metric_line", "metric.name": "rate"}, 7.0, "METRIC rate=[7] rows/s"),
        ({"metric.source": "regex", "metric.pattern": r"mean: (\d+)"}, 4.0, "mean: [4] ms"),
        ({"metric.source": "line", "metric.line": "1", "metric.file": "out"}, 12.0, "[12]"),
    ],
)
def test_the_last_output_is_read_anew_and_the_number_marked(values: dict[str, str], value: float, shown: str) -> None:
    """S3: another source reads the last output without another run."""
    metric = Draft(values).metric()
    assert metric is not None
    run = trial(output=OUTPUT, stdout=STDOUT, file="out", file_text="12\n13\n")
    found = run.read(metric)
    view = marked(run, metric, found)
    assert found.value == value
    line = view.lines[view.line] if view.line >= 0 else ""
    assert (f"{line[: view.start]}[{line[view.start : view.end]}]{line[view.end :]}" if line else "") == shown


def test_a_number_that_stands_twice_is_marked_where_it_was_read() -> None:
    metric = Draft({"metric.source": "line", "metric.line": "3"}).metric()
    run = trial(output="5\nerror: 5\n5\n5\n", stdout="5\n5\n5\n")
    assert metric is not None
    assert marked(run, metric, run.read(metric)).line == 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"metric.source": "instructions"}, "F5 runs it there"),
        ({"metric.source": "line", "metric.line": "1", "metric.file": "other"}, "F5 runs it again"),
        ({"metric.source": "metric_line", "metric.name": "rat"}, "It printed rate. Is it rate?"),
    ],
)
def test_what_cannot_be_read_from_the_last_run_is_told(values: dict[str, str], said: str) -> None:
    metric = Draft(values).metric()
    assert metric is not None
    with pytest.raises(MeasureError) as caught:
        trial(output=OUTPUT, stdout=STDOUT).read(metric)
    assert said in str(caught.value)


def test_a_run_that_failed_gives_no_number() -> None:
    metric = Draft().metric()
    assert metric is not None
    with pytest.raises(MeasureError, match="exit code 3"):
        trial(failure="exit code 3").read(metric)


def test_an_output_that_is_long_and_hostile_is_shown_harmless_with_the_mark_in_place() -> None:
    text = "".join(f"\x1b]0;title\x07line {n}\r\n" for n in range(5000)) + "\x9b2JMETRIC rate=7\t\u202ex\n"
    run = trial(output=text, stdout=text)
    metric = Draft({"metric.source": "regex", "metric.pattern": r"rate=(\d+)"}).metric()
    assert metric is not None
    view = marked(run, metric, run.read(metric))
    assert len(view.lines) == 2000
    assert view.lines[view.line][view.start : view.end] == "7"
    assert all(line.isprintable() for line in view.lines)


# --- lines on the screen


def test_options_stand_in_as_many_rows_as_they_need() -> None:
    assert rows_of(["wall time", "CPU time"], 40) == [[0, 1]]
    assert rows_of(["wall time", "CPU time"], 20) == [[0], [1]]
    assert rows_of(["wall time"], 3) == [[0]]


def test_the_steps_say_where_one_is_and_what_is_missing() -> None:
    titles = [step.title for step in STEPS]
    assert steps(titles, 2, {0, 4}, 80).plain.split("   ")[:4] == [" ! Goal", "✓ Benchmark", "● Scope", "○ Checks"]
    assert steps(titles, 2, set(), 80).cell_length <= 80
    for root in ("/srv/x", "/a/very/long/path/" * 9):
        assert head(Path(root), 1, titles, 80).cell_length == 80


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1.0, 1.02), "2 of 20 runs   the spread is known after 5"),
        ((1.0, 1.02, 1.01, 1.0, 1.01), "✓ steady: the first 5 spread over 2.0% (limit 5%)"),
        ((1.0, 1.2, 1.01, 1.0, 1.01, 1.3), "! unsteady: the first 5 spread over 19.8% (limit 5%), all 29.7%"),
        ((7.0,) * 6, "✓ steady: the first 5 spread over 0.0%"),
        ((0.0,) * 6, "✓ steady: the first 5 spread over 0.0%"),
    ],
)
def test_the_spread_of_the_runs_is_set_against_five_per_cent(values: tuple[float, ...], said: str) -> None:
    """S7."""
    view = RunsView(values, ("incumbent", "candidate") * len(values), 20, "s")
    assert said in heading(RunsView(values, view.sides[: len(values)], 20, "s")).plain
    lines = chart(RunsView(values, view.sides[: len(values)], 20, "s"), 70, 6)
    assert len(lines) == 6
    assert all(line.cell_length <= 70 for line in lines)
    assert sum(line.plain.count("●") + line.plain.count("◆") for line in lines) == len(values)


def test_no_runs_make_no_chart_and_many_fit() -> None:
    assert chart(RunsView(), 70, 6) == []
    many = RunsView(tuple(float(n) for n in range(1, 300)), ("incumbent",) * 299, 20, "ms")
    assert all(line.cell_length <= 70 for line in chart(many, 70, 6))


def test_the_preflight_ends_with_a_sentence() -> None:
    assert verdict(7, 0, 0).startswith("✓ All 7")
    assert verdict(7, 1, 0).startswith("! It works; 1 of 8")
    assert verdict(3, 1, 1).startswith("✗ 1 of 5")


def test_the_summary_has_every_parameter_that_counts_with_who_set_it() -> None:
    """S1."""
    made = draft(agent="manual", metric__pattern="x")
    names = shown_names(made)
    assert names[:4] == ["goal", "agent", "metric.target", "benchmark.command"]
    unused = {"metric.pattern", "metric.path", "metric.line", "metric.file"}
    assert set(specs()) - set(names) == {name for name in specs() if name.startswith("agent_") or name in unused}
    others = shown_names(draft(agent="manual", rivals="claude@low acp:gemini"))
    tables = {name.partition(".")[0] for name in others if name.startswith("agent_")}
    assert tables == {"agent_claude", "agent_acp"}
    assert row(made, "goal", False, 70).plain.split() == ["goal", "Import", "faster", "you"]
    assert row(made, "checks.timeout", False, 70).plain.split() == ["checks.timeout", "10m", "default"]
    assert "missing" in row(Draft(), "goal", True, 70).plain
    assert row(draft(goal="long " * 30), "goal", False, 70).cell_length == 70
