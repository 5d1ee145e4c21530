"""The verdict on a measured candidate: a pure function of the evidence and the guards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autotune_tui.stats.estimate import GuardVerdict
from autotune_tui.stats.sequential import Evidence


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an experiment ends: a status, a reason code, and the reason in words."""

    status: str
    reason: str
    detail: str


def judge_candidate(
    evidence: Evidence,
    change: str,
    guards: Mapping[str, GuardVerdict],
    *,
    out_of_time: bool = False,
    worse: bool = False,
    harmless: bool = False,
) -> Verdict:
    """The verdict. `change` is the measured change in words, such as "-13.1 % [-13.9, -12.2]".

    `worse`: it is significantly worse. `harmless`: the change removes code, and harm beyond the simplicity tolerance is excluded.
    """
    if evidence.state != "keep" and not harmless:
        return _discard(evidence, change, out_of_time, worse)
    vetoes = [f"{name} {guard.text}" for name, guard in guards.items() if guard.vetoed]
    if vetoes:
        return Verdict("discard", "guard", f"{change}, but {'; '.join(vetoes)}")
    if evidence.state != "keep":
        return Verdict(
            "keep", "simpler", f"less code at the same metric: {change}, more harm than tolerated is excluded"
        )
    weak = " (weak evidence)" if evidence.weak else ""
    return Verdict("keep", "improvement", f"{change} after {evidence.pairs} pairs{weak}")


def _discard(evidence: Evidence, change: str, out_of_time: bool, worse: bool) -> Verdict:
    if evidence.state == "futile":
        if worse:
            return Verdict("discard", "regression", f"worse: {change} after {evidence.pairs} pairs")
        return Verdict("discard", "no_improvement", f"no gain worth keeping: {change} after {evidence.pairs} pairs")
    limit = "the time limit" if out_of_time else f"{evidence.pairs} pairs"
    return Verdict(
        "discard", "inconclusive", f"not decided after {limit}: {change}, which is not the same as no effect"
    )
