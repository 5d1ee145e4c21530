"""The verdict as a table of evidence and guards."""

from __future__ import annotations

import pytest

from autotune_tui.engine.verdict import judge_candidate
from autotune_tui.stats.estimate import GuardVerdict
from autotune_tui.stats.sequential import Evidence, State

FINE = GuardVerdict(vetoed=False, effect=0.0, upper=0.01, text="changed by +0.0 %, within the tolerance")
HARM = GuardVerdict(vetoed=True, effect=0.2, upper=0.3, text="changed by +20.0 %, which is more than tolerated")


def evidence(state: State, interval: tuple[float, float] | None = (-0.01, 0.02), *, weak: bool = False) -> Evidence:
    return Evidence(state=state, pairs=10, effect=0.0, p=None, interval=interval, next_look=None, weak=weak)


@pytest.mark.parametrize(
    ("found", "guards", "options", "status", "reason", "words"),
    [
        (evidence("keep"), {}, {}, "keep", "improvement", "after 10 pairs"),
        (evidence("keep", weak=True), {}, {}, "keep", "improvement", "weak evidence"),
        (evidence("keep"), {"rss": FINE}, {}, "keep", "improvement", ""),
        (evidence("keep"), {"rss": FINE, "size": HARM}, {}, "discard", "guard", "size changed by +20.0 %"),
        (evidence("futile"), {}, {}, "discard", "no_improvement", "no gain worth keeping"),
        (evidence("futile", (-0.09, -0.02)), {}, {"worse": True}, "discard", "regression", "worse"),
        (evidence("futile", (-0.09, -0.02)), {}, {}, "discard", "no_improvement", "no gain"),
        (evidence("futile", None), {}, {}, "discard", "no_improvement", ""),
        (evidence("inconclusive"), {}, {}, "discard", "inconclusive", "not the same as no effect"),
        (evidence("continue"), {}, {"out_of_time": True}, "discard", "inconclusive", "the time limit"),
        (evidence("futile"), {}, {"harmless": True}, "keep", "simpler", "less code"),
        (evidence("futile"), {"size": HARM}, {"harmless": True}, "discard", "guard", "size"),
    ],
)
def test_the_verdict(
    found: Evidence, guards: dict[str, GuardVerdict], options: dict[str, bool], status: str, reason: str, words: str
) -> None:
    """D3, D6, L13, L28."""
    verdict = judge_candidate(found, "-3.0 %", guards, **options)
    assert (verdict.status, verdict.reason) == (status, reason)
    assert words in verdict.detail
    assert "-3.0 %" in verdict.detail
