"""Reading autotune.toml: what is accepted, and what a user is told when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune_tui.config import Amount, Direction, SessionConfig, Source, load, parse
from autotune_tui.config.reference import START, with_reference
from autotune_tui.errors import ConfigError

MINIMAL = """\
goal = "Import a day of events in under a second"

[benchmark]
command = "python bench.py"

[scope]
include = ["src/**"]
"""

DESIGN = """\
goal = "Import a day of events in under a second"
agent = "command"

[metric]
name = "time"
unit = "s"
direction = "lower"
source = "wall_time"
target = 1.0
threshold = "1%"

[benchmark]
command = ["python", "bench.py"]
build = ""
timeout = "10m"

[scope]
include = ["src/**"]
exclude = ["src/vendor/**"]

[checks]
command = "pytest -q"

[guards]
peak_rss = "+5%"
size = 1000

[agent_command]
command = "./my-agent"

[budget]
experiments = 50
time = "8h"
usd = 20.0

[decision]
profile = "standard"
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "autotune.toml")
    return caught.value.message.splitlines()


def test_everything_but_goal_command_and_scope_has_a_default() -> None:
    config = parse(MINIMAL)
    assert config.metric.source is Source.WALL_TIME
    assert config.metric.direction is Direction.LOWER
    assert config.metric.threshold == Amount(value=0.01, relative=True)
    assert (config.budget.experiments, config.budget.time) == (50, 8 * 3600.0)
    assert config.benchmark.timeout == 600.0


def test_a_whole_configuration_is_read() -> None:
    config = parse(DESIGN)
    assert config.metric.target == 1.0
    assert config.benchmark.command == ["python", "bench.py"]
    assert config.guards == {"peak_rss": Amount(value=0.05, relative=True), "size": Amount(value=1000, relative=False)}
    assert config.budget.usd == 20.0
    assert config.agent_command.command == "./my-agent"


WRONG = [
    # (what is appended to or replaced in MINIMAL, the line that the user sees)
    ("[metric]\ndirection = 'down'\n", "autotune.toml:9: metric.direction: found \"down\"; wanted: 'lower' or 'higher'"),
    ("[metric]\ntreshold = '1%'\n", "autotune.toml:9: metric.treshold: unknown field; did you mean metric.threshold?"),
    ("[metrics]\nunit = 's'\n", "autotune.toml:8: metrics: unknown field; did you mean metric?"),
    ("[budget]\ntimeout = 3\n", "autotune.toml:9: budget.timeout: unknown field; did you mean budget.time?"),
    (
        "[decision]\nthreshold = '1%'\n",
        "autotune.toml:9: decision.threshold: unknown field; did you mean metric.threshold?",
    ),
    ("[decision]\nzzz = 1\n", "autotune.toml:9: decision.zzz: unknown field; known here: profile, time, milestone"),
    ("[metric]\ntarget = 'fast'\n", 'autotune.toml:9: metric.target: found "fast"; wanted: a number'),
    ("[metric]\ntarget = true\n", "autotune.toml:9: metric.target: found true; wanted: a number"),
    ("[metric]\ntarget = inf\n", "autotune.toml:9: metric.target: found Infinity; wanted: a finite number"),
    ("[metric]\nname = 'a b'\n", 'autotune.toml:9: metric.name: found "a b"; wanted: a name of letters, digits and . _ - /'),
    ("[guards]\n'a b' = 1\n", 'autotune.toml:9: guards."a b": found "a b"; wanted: a name of letters, digits and . _ - /'),
    ("[guards]\nrss = -1\n", "autotune.toml:9: guards.rss: found -1; wanted: zero or more"),
    (
        "[metric]\nthreshold = 'much'\n",
        'autotune.toml:9: metric.threshold: found "much"; wanted: a percentage such as "1%", or a number in the metric\'s unit',
    ),
    ("[metric]\nthreshold = '1e999'\n", 'autotune.toml:9: metric.threshold: found "1e999"; wanted: zero or more'),
    (
        "[checks]\ntimeout = 'soon'\n",
        'autotune.toml:9: checks.timeout: found "soon"; wanted: a duration such as 30s, 10m or 1h30m',
    ),
    ("[checks]\ntimeout = 0\n", "autotune.toml:9: checks.timeout: found 0; wanted: a duration above zero"),
    (
        "[checks]\ncommand = 7\n",
        'autotune.toml:9: checks.command: found 7; wanted: a shell command such as "python bench.py", or a list of arguments',
    ),
    ("[budget]\nexperiments = 0\n", "autotune.toml:9: budget.experiments: found 0; wanted: a whole number, 1 or more"),
    ("[budget]\nexperiments = true\n", "autotune.toml:9: budget.experiments: found true; wanted: a whole number"),
    ("[budget]\nusd = 0\n", "autotune.toml:9: budget.usd: found 0; wanted: a number above 0"),
    (
        "[recovery]\nplaybooks = [\n  'pause',\n  'pray',\n]\n",
        "autotune.toml:11: recovery.playbooks[1]: found \"pray\"; wanted: 'reset_worktree', "
        "'diagnose', 'switch_strategy', 'shrink_scope', 'switch_agent', 'rebaseline' or 'pause'",
    ),
    ("[agent_offline]\nknobs = 'maybe'\n", 'autotune.toml:9: agent_offline.knobs: found "maybe"; wanted: true or false'),
    (
        "[metric]\nsource = 'regex'\n",
        'autotune.toml:8: metric.pattern: found ""; wanted: '
        "a regular expression with a group around the number, such as 'mean: ([0-9.]+)'",
    ),
    (
        "[metric]\nsource = 'regex'\npattern = '[0-9'\n",
        'autotune.toml:10: metric.pattern: found "[0-9"; wanted: a regular expression that compiles'
        " (unterminated character set at position 0)",
    ),
    (
        "[metric]\nsource = 'regex'\npattern = 'abc'\n",
        'autotune.toml:10: metric.pattern: found "abc"; wanted: '
        "a regular expression with a group around the number, such as 'mean: ([0-9.]+)'",
    ),
    (
        "[metric]\npattern = '(.)'\n",
        'autotune.toml:9: metric.pattern: found "(.)"; wanted: no value with source = wall_time, or source = regex',
    ),
    (
        "[metric]\nsource = 'json'\n",
        'autotune.toml:8: metric.path: found ""; wanted: a JSONPath such as $.results[0].mean',
    ),
    (
        "[metric]\nsource = 'line'\nline = 0\n",
        "autotune.toml:10: metric.line: found 0; wanted: a line's number other than 0, such as 1 or -1",
    ),
    (
        "[metric]\nsource = 'line'\nline = 1\nfile = '/tmp/x'\n",
        'autotune.toml:11: metric.file: found "/tmp/x"; wanted: '
        "a path relative to the repository's root, such as src/**, not an absolute one",
    ),
    (
        "[workspace]\nlink = ['.venv', '../data']\n",
        'autotune.toml:9: workspace.link[1]: found "../data"; wanted: a path inside the repository, without ..',
    ),
    (
        "[budget]\nexperiments = 'unlimited'\ntime = 'unlimited'\n",
        'autotune.toml:8: budget: found {"experiments": "unlimited", "time": "unlimited"}; wanted: a limit, or metric.target:'
        " without either nothing would end the session",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("addition", "expected"), WRONG)
def test_an_error_names_the_file_the_line_the_field_what_was_found_and_what_would_do(
    addition: str, expected: str
) -> None:
    assert problems_of(MINIMAL + addition) == [expected]


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    lines = problems_of(
        'agent = "command"\n[metric]\ntarget = "x"\n[benchmark]\ncommand = ""\n[scope]\ninclude = ["/a",\n "b/../../c"]\n'
    )
    assert [line.split(": ")[:2] for line in lines] == [
        ["autotune.toml:3", "metric.target"],
        ["autotune.toml:5", "benchmark.command"],
        ["autotune.toml:7", "scope.include[0]"],
        ["autotune.toml:8", "scope.include[1]"],
        ["autotune.toml", "goal"],
        ["autotune.toml", "agent_command.command"],
    ]


def test_a_table_written_as_a_value_is_told() -> None:
    assert problems_of("metric = 5\n" + MINIMAL) == ["autotune.toml:1: metric: found 5; wanted: a table"]


def test_what_is_missing_is_named_with_what_it_is_for() -> None:
    assert problems_of('goal = "x"\n[benchmark]\n') == [
        "autotune.toml:2: benchmark.command: missing; wanted: What is measured: a shell command, or a list of arguments",
        "autotune.toml: scope: missing; wanted: a table",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('goal = "x"\n[metric\nname = 1\n', "autotune.toml:2: "),
        ('goal = "x\n', "autotune.toml:1: "),
        ('goal = "x"\n\nscope = {', "autotune.toml:3: "),
        ('goal = "x"\ngoal = "y"\n', "autotune.toml:2: "),
        ("goal = '''", "autotune.toml:1: "),
    ],
)
def test_a_syntax_error_names_its_line(text: str, place: str) -> None:
    (line,) = problems_of(text)
    assert line.startswith(place)


def test_no_file_is_told_with_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="autotune-tui init"):
        load(tmp_path / "autotune.toml")


def test_a_directory_in_the_file_s_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_is_told_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "autotune.toml"
    file.write_bytes(b'goal = "x"\n# caf\xe9\n')
    with pytest.raises(ConfigError, match=r"autotune\.toml:2: byte 0xe9"):
        load(file)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "autotune.toml"
    file.write_bytes(b"\xef\xbb\xbf" + DESIGN.replace("\n", "\r\n").encode())
    assert load(file) == parse(DESIGN)


@pytest.mark.parametrize(
    ("value", "seconds"), [("90s", 90), ("1h30m", 5400), ("250ms", 0.25), ("2 d", 172800), ("45", 45)]
)
def test_durations_are_written_as_people_say_them(value: str, seconds: float) -> None:
    assert parse(MINIMAL + f"[checks]\ntimeout = '{value}'\n").checks.timeout == seconds


@pytest.mark.parametrize(
    ("value", "relative", "number"), [("7%", True, 0.07), ("+2.5 %", True, 0.025), ("3", False, 3)]
)
def test_amounts_are_percentages_or_numbers(value: str, relative: bool, number: float) -> None:
    assert parse(MINIMAL + f"[metric]\nthreshold = '{value}'\n").metric.threshold == Amount(
        value=number, relative=relative
    )


def test_a_limit_is_lifted_by_a_word_since_toml_has_no_null() -> None:
    config = parse(MINIMAL + "[budget]\nexperiments = 'unlimited'\n")
    assert config.budget.experiments is None
    assert config.budget.time == 8 * 3600.0


def test_the_readme_lists_every_field() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert START in readme
    assert with_reference(readme) == readme, "run `python -m autotune_tui.config README.md`"


def test_the_command_agent_is_accepted_with_its_command() -> None:
    assert isinstance(parse(DESIGN), SessionConfig)
