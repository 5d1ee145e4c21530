"""The benchmarks beside the session's own: what they run, and that they work on code that was not changed.

Only a would-be keep is measured by them, see `confirming`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autotune_tui.config.second import SecondBenchmark, metric_of
from autotune_tui.engine.core import text_of
from autotune_tui.engine.sampling import Bench, SampleFailed, Sampler, derived_seed
from autotune_tui.engine.unseen import folders_of
from autotune_tui.errors import EngineError
from autotune_tui.stats.order import PAIRS_PER_BLOCK

if TYPE_CHECKING:
    from autotune_tui.engine.core import Engine

Kind = Literal["holdout", "end_to_end"]
NAMES: dict[Kind, str] = {"end_to_end": "end-to-end benchmark", "holdout": "holdout"}

USUAL_LOOKS = (6, 10, 16, 24, 40)


@dataclass(frozen=True, slots=True)
class Second:
    """A second benchmark as it is configured."""

    kind: Kind
    bench: Bench
    timeout: float
    looks: tuple[int, ...]
    alpha: float
    """One-sided, for each look."""

    @property
    def name(self) -> str:
        return NAMES[self.kind]


def configured(engine: Engine, kind: Kind) -> Second | None:
    """The second benchmark of this kind; None when there is none."""
    config = engine.config
    table: SecondBenchmark = config.holdout if kind == "holdout" else config.end_to_end
    if not table.command:
        return None
    folders = folders_of(config, engine.workspace.root) if kind == "holdout" else ()
    when = looks(table.least_pairs, table.most_pairs)
    bench = Bench(table.command, metric_of(table, config.metric), folders, sealed=kind == "holdout")
    return Second(kind, bench, table.timeout, when, (1 - table.confidence) / len(when))


def looks(least: int, most: int) -> tuple[int, ...]:
    """The numbers of pairs after which there is a look; pairs come in blocks of two."""
    first, last = (math.ceil(pairs / PAIRS_PER_BLOCK) * PAIRS_PER_BLOCK for pairs in (least, most))
    return tuple(sorted({first, last, *(pairs for pairs in USUAL_LOOKS if first < pairs < last)}))


def log_of(engine: Engine, kind: Kind, name: str) -> Path:
    """Where its output goes: not into an experiment's folder, which the agent is given. The folder is made."""
    folder = engine.folder.root / kind
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.log"


async def verify(engine: Engine) -> dict[Kind, float]:
    """Run each once on the unchanged code, and return its number: else it could say nothing of any other. Raises
    EngineError.
    """
    found: dict[Kind, float] = {}
    for kind in NAMES:
        what = configured(engine, kind)
        if what is not None:
            found[kind] = await _verify(engine, what)
    return found


async def _verify(engine: Engine, what: Second) -> float:
    sampler = Sampler(engine, what.kind, 0, log_of(engine, what.kind, "baseline"), what.timeout, other=what.bench)
    try:
        taken = await sampler.take("incumbent", seed=derived_seed(engine.seed, what.kind), discard=True)
    except SampleFailed as failure:
        raise EngineError(
            f"The {what.name} does not work on code that was not changed",
            f"`{text_of(what.bench.command)}`: {failure.detail}\n{failure.output}".rstrip(),
            f"It runs in a clean worktree of the last commit{_HINTS[what.kind]}. Correct [{what.kind}] in autotune.toml.",
        ) from failure
    return taken.value


_HINTS: dict[Kind, str] = {
    "end_to_end": "",
    "holdout": ", and sees only what [holdout].folders names beside it",
}
