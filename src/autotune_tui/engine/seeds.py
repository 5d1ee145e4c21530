"""Fresh inputs (D8): whether a benchmark takes its input from AUTOTUNE_SEED, as far as its output shows. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

_NUMBER = re.compile(
    r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\b\d+(?:[eE][-+]?\d+)?(?=\s*(?:ns|us|µs|ms|s|sec|seconds)\b)"
)
"""Numbers with a point, and whole ones with a unit of time: what a benchmark prints of its own run."""

Kind = Literal["follows", "ignores", "wanders", "silent"]


def without_times(text: str) -> str:
    """The output without the numbers that differ from run to run."""
    return _NUMBER.sub("#", text)


def kind(outputs: Mapping[int, Sequence[str]], *, named: bool) -> Kind:
    """What the outputs of unchanged code, by seed, say of the benchmark's input.

    follows   another seed gives another output, the same seed the same; or what the command runs names the variable
    ignores   all outputs are the same
    wanders   the same seed gives different outputs, so that the two sides of a pair do different work
    silent    nothing is printed that could tell
    """
    seen = {seed: {without_times(text).strip() for text in texts} for seed, texts in outputs.items()}
    if named:
        return "follows"
    if not any(text for texts in seen.values() for text in texts):
        return "silent"
    if any(len(texts) > 1 for texts in seen.values()):
        return "wanders"
    return "follows" if len({text for texts in seen.values() for text in texts}) > 1 else "ignores"
