"""What a person may override: veto a keep, rescue a discard (D9). Whether that is possible, in words; pure functions."""

from __future__ import annotations

from autotune_tui.model.experiment import VETOED, Experiment
from autotune_tui.model.session import SessionState

FINAL = {
    "out_of_scope": "it changed what it may not",
    "inspector": "the inspector found something in it that no measurement makes good",
    "output_changed": "it changed the output",
    "no_change": "it changed nothing",
    "no_proposal": "there was no proposal",
    "duplicate": "it repeats an earlier experiment; rescue that one",
}
"""Discards that measuring again cannot change, by their reason."""


def find(state: SessionState, number: int) -> Experiment | None:
    """The experiment of this number; baselines have none."""
    return next((e for e in reversed(state.experiments) if e.index == number and not e.baseline), None)


def veto_refusal(state: SessionState, number: int) -> str:
    """Why experiment `number` cannot be vetoed; empty when it can, as far as the journal knows."""
    experiment = find(state, number)
    if experiment is None:
        return _missing(state, number)
    if experiment.veto is not None:
        return f"#{number} was vetoed already, by {experiment.veto.by}"
    if not experiment.kept:
        return f"#{number} was not kept"
    return "" if experiment.sha and experiment.incumbent else f"the journal does not say which commit #{number} is"


def rescue_refusal(state: SessionState, number: int) -> str:
    """Why experiment `number` cannot be rescued; empty when it can. A vetoed keep can: that takes the veto back."""
    experiment = find(state, number)
    if experiment is None:
        return _missing(state, number)
    if experiment.kept:
        return f"#{number} was kept"
    if experiment.status not in ("discard", VETOED):
        return f"#{number} failed ({experiment.status.replace('_', ' ')}); only a discard can be rescued"
    if experiment.reason in FINAL:
        return f"#{number}: {FINAL[experiment.reason]}"
    if not (experiment.sha and experiment.incumbent):
        return f"#{number} ended before there was a candidate"
    kept = next((e for e in state.experiments if e.rescues == number and e.kept), None)
    return f"#{kept.index} rescued it already, and was kept" if kept is not None else ""


def waiting(state: SessionState, number: int) -> str:
    """What was asked for already and is not done yet, in words; empty when nothing was."""
    for control in state.pending:
        if control.command in ("veto", "rescue") and control.data.get("experiment") == number:
            return f"{control.by} has asked for a {control.command} of #{number} already"
    return ""


def later_keeps(state: SessionState, number: int) -> list[Experiment]:
    """The keeps that were made after experiment `number` and still stand, of all segments."""
    numbers = [experiment.index for experiment in state.experiments if not experiment.baseline]
    after = numbers[numbers.index(number) + 1 :]
    return [experiment for experiment in state.keeps if experiment.index in after]


def _missing(state: SessionState, number: int) -> str:
    current = state.current
    if number and current is not None and current.number == number:
        return f"#{number} still runs"
    return f"there is no experiment {number}" if number else "the baseline is no experiment"
