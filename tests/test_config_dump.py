"""Writing autotune.toml: short, explained, and read back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.config import (
    AgentCommand,
    Amount,
    Benchmark,
    Budget,
    Metric,
    Scope,
    SessionConfig,
    WorkspaceOptions,
    dump,
    format_duration,
    parse,
    parse_duration,
)

PLAIN = SessionConfig(
    goal="Make it quick", benchmark=Benchmark(command="./bench"), scope=Scope(include=["src/**", "lib/*.py"])
)


def test_only_what_is_required_or_differs_is_written_under_its_description() -> None:
    assert dump(PLAIN) == (
        "# What is to become better, in a sentence\n"
        'goal = "Make it quick"\n\n'
        "[benchmark]\n"
        "# What is measured: a shell command, or a list of arguments\n"
        'command = "./bench"\n\n'
        "[scope]\n"
        "# Files that may be changed, as glob patterns\n"
        'include = ["src/**", "lib/*.py"]\n'
    )


text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
lines = text.filter(str.strip)
commands = st.one_of(
    lines.map(str.strip).filter(lambda c: bool(c) and "\0" not in c),
    st.lists(st.just("a b"), min_size=1, max_size=3),
)
amounts = st.builds(Amount, value=st.floats(0, 1e9), relative=st.booleans())
seconds = st.one_of(st.integers(1, 10**6).map(float), st.floats(1e-6, 1e17))
names = st.from_regex(r"\A[a-zA-Z0-9_.\-/]{1,8}\Z")

configs = st.builds(
    SessionConfig,
    goal=lines,
    name=text,
    constraints=st.lists(text, max_size=2),
    agent=st.sampled_from(["auto", "manual", "command"]),
    metric=st.builds(
        Metric,
        name=names,
        unit=text,
        direction=st.sampled_from(["lower", "higher"]),
        target=st.floats(allow_nan=False, allow_infinity=False),
        threshold=amounts,
    ),
    benchmark=st.builds(
        Benchmark,
        command=commands,
        timeout=seconds,
        env=st.dictionaries(text.filter(lambda n: bool(n) and "=" not in n and "\0" not in n), text, max_size=2),
    ),
    scope=st.just(Scope(include=["a/**"], exclude=["b"])),
    guards=st.dictionaries(names, amounts, max_size=2),
    budget=st.builds(
        Budget, experiments=st.none() | st.integers(1, 99), time=st.none() | seconds, usd=st.none() | st.floats(0.01, 9)
    ),
    workspace=st.builds(WorkspaceOptions, copy=st.lists(st.just("data"), max_size=1)),
    agent_command=st.just(AgentCommand(command=["./agent", "it's"])),
)


@given(configs)
def test_what_was_written_is_read_back_exactly(config: SessionConfig) -> None:
    assert parse(dump(config)) == config


@given(seconds)
def test_a_duration_keeps_its_value(value: float) -> None:
    assert parse_duration(format_duration(value)) == value
