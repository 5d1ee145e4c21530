"""The lines of the preflight that say what was found, each with what to do when it did not pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autotune_tui import __version__
from autotune_tui.agents.base import Program
from autotune_tui.engine import locks, seeds
from autotune_tui.engine.blindness import text_of_file
from autotune_tui.engine.canary import ACCEPT, Outcome
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.errors import AutotuneError
from autotune_tui.measure.environment import command_environment
from autotune_tui.model.format import count, duration
from autotune_tui.scope import GIT_FILES, words_of

if TYPE_CHECKING:
    from autotune_tui.config import SessionConfig
    from autotune_tui.engine.sampling import Blocks
    from autotune_tui.model.events import Calibration

SEED = "AUTOTUNE_SEED"
TOOLS = ("python", "cc", "rustc", "go", "node", "java")


@dataclass(frozen=True, slots=True)
class Line:
    """One finding: what was looked at, what was found, and what to do when it did not pass."""

    status: Literal["pass", "warn", "fail"]
    title: str
    detail: str
    hint: str = ""


def commands(settings: SessionConfig) -> Line:
    """What would run, in the order in which it does."""
    named = (
        ("setup", settings.benchmark.setup), ("build", settings.benchmark.build), ("checks", settings.checks.command),
        ("benchmark", settings.benchmark.command),
    )  # fmt: skip
    return Line("pass", "commands", "; ".join(f"{name} `{text_of(command)}`" for name, command in named if command))


def agents(engine: Engine) -> Iterator[Line]:
    """The agents that cannot work, as their program or their key is not there. A session can go on without a rival."""
    table = engine.config
    environment = command_environment(table.benchmark.env, passed=table.sandbox.passed)
    for name in ("", *table.rivals):
        try:
            agent = engine.make_agent(name) if name else engine.agent
            if isinstance(agent, Program):
                agent.require(engine.workspace.candidate, environment)
        except AutotuneError as gone:
            title = f"rival {name}" if name else "agent"
            yield Line("warn" if name else "fail", title, f"{gone.title}. {gone.message}", gone.hint)


def versions(engine: Engine, git: str) -> Line:
    """What a later figure would have to be compared with."""
    facts = engine.snapshot.facts
    tools = [facts[tool] for tool in TOOLS if tool in facts]
    return Line("pass", "versions", "; ".join([*tools, git, f"autotune-tui {__version__}", facts.get("kernel", "")]))


def canary(outcome: Outcome | None, *, accepted: bool) -> Line | None:
    """None when there was none."""
    if outcome is None:
        return None
    if outcome.status == "fail":
        return Line(
            "warn" if accepted else "fail",
            "canary",
            outcome.text,
            f"{outcome.hint} {'' if accepted else ACCEPT}".strip(),
        )
    return Line(outcome.status, "canary", outcome.text, outcome.hint)


def locked(table: locks.Locks, in_scope: Sequence[str]) -> list[Line]:
    """What nobody may change."""
    files = [path for path in table.files if path.rpartition("/")[2] not in (*GIT_FILES, "autotune.toml")]
    lines = [Line("warn", "locks", locks.inside_scope_text(in_scope))] if in_scope else []
    lines += [
        Line("warn", "locks", f"{path} is changed by the session's own commands, so a change of it by others is not seen",
             "Let the commands write files that git does not track.")
        for path in table.restless
    ]  # fmt: skip
    if not files:
        text = "the commands name no file of the repository, so that only the configuration is locked"
        return [*lines, Line("warn", "locks", text, "Name the benchmark's files and data in [locks] paths.")]
    data = f" and {count(len(table.data), 'file')} of data" if table.data else ""
    return [
        *lines,
        Line("pass", "locks", f"{count(len(files), 'file')}{data} locked: {locks.shortened(sorted(files))}"),
    ]


def cost(settings: SessionConfig, calibration: Calibration) -> Line:
    """What a decision takes."""
    shortest, longest = calibration.decision_seconds
    if calibration.exact:
        return Line("pass", "cost", f"a decision takes {duration(4 * calibration.seconds)}")
    text = f"a decision takes {duration(shortest)} to {duration(longest)}"
    if longest > settings.decision.time:
        hint = "A shorter benchmark, a longer [decision] time, or profile = quick or costly lets more of them end."
        return Line("warn", "cost", f"{text}, and is given up after {duration(settings.decision.time)}", hint)
    return Line("pass", "cost", text)


def inputs(engine: Engine, blocks: Blocks) -> Line:
    """Whether each pair has an input of its own."""
    place = _where_named(engine.config, engine.workspace.incumbent)
    match seeds.kind(outputs(blocks), named=bool(place)):
        case "follows":
            how = f"is named in {place}" if place else "decides what the benchmark prints"
            return Line("pass", "fresh inputs", f"{SEED} {how}: each pair has an input of its own")
        case "wanders":
            text = f"the benchmark prints something else with the same {SEED}: the two sides of a pair may do different work"
            return Line("warn", "fresh inputs", text, f"Take all randomness of its input from {SEED}.")
        case "silent":
            text = f"the benchmark prints nothing that shows whether it reads {SEED}"
            return Line("warn", "fresh inputs", text, _HELP)
        case _:
            text = f"the benchmark does not read {SEED}: it always has the same input, for which a change could be made"
            return Line("warn", "fresh inputs", text, _HELP)


_HELP = (
    f"Make its input from {SEED}, such as random.Random(int(os.environ['{SEED}'])): both sides of a pair get the same one, each "
    "pair another. It is no condition."
)


def outputs(blocks: Blocks) -> dict[int, list[str]]:
    """What the benchmark printed, by pair: the first runs of both sides of a block have one seed, the second ones another."""
    found: dict[int, list[str]] = {}
    for number, (order, taken) in enumerate(zip(blocks.candidate, blocks.taken, strict=True)):
        ran = {False: 0, True: 0}
        for is_candidate, sample in zip(order, taken, strict=True):
            found.setdefault(2 * number + ran[is_candidate], []).append(sample.run.stdout)
            ran[is_candidate] += 1
    return found


def _where_named(settings: SessionConfig, tree: Path) -> str:
    """The file, or the command, in which the variable's name stands."""
    if SEED in text_of(settings.benchmark.command):
        return "the command"
    for word in words_of(settings.benchmark.command):
        if SEED in text_of_file(tree / word):
            return word
    return ""
