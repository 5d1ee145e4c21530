"""The table [end_to_end]: the whole that the benchmark is a part of."""

from __future__ import annotations

from pydantic import Field

from autotune_tui.config.second import SecondBenchmark
from autotune_tui.config.values import Command


class EndToEnd(SecondBenchmark):
    command: Command = Field(
        "", description="A benchmark of the whole; a candidate that makes it significantly worse is not kept"
    )
    most_pairs: int = Field(
        16, ge=4, description="The pairs after which it is decided", strict=True, validate_default=True
    )
