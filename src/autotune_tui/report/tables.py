"""leaderboard.md for people and results.tsv for other tools."""

from __future__ import annotations

from autotune_tui.model import format as fmt
from autotune_tui.model.experiment import Experiment, Segment
from autotune_tui.model.leaderboard import Row, rank
from autotune_tui.model.state import SessionState
from autotune_tui.report.markdown import cell, document, inline, section, table


def leaderboard(state: SessionState) -> str:
    """The ranking of every segment, the current one first."""
    parts: list[list[str]] = []
    for segment in reversed(state.segments):
        lines = _segment_lines(state, segment)
        parts.append(section(f"Segment {segment.number}", lines) if len(state.segments) > 1 else ["", *lines])
    empty = [] if state.segments else ["", "Nothing was measured yet."]
    return document(f"Leaderboard of {inline(name_of(state))}", *parts, empty)


def results_tsv(state: SessionState) -> str:
    """All results, a line each: experiment, commit, metric, status, description.

    Other tools read this form. As they expect it, the baseline is experiment 0 with the status "baseline", and an
    experiment that gave no number has the metric 0.0.
    """
    lines = ["experiment\tcommit\tmetric\tstatus\tdescription"]
    for experiment in state.experiments:
        metric = 0.0 if experiment.metric is None else experiment.metric
        vetoed = "discard" if experiment.veto else ""  # the word that other tools know for what is not on the branch
        status = "baseline" if experiment.baseline else vetoed or fmt.one_line(experiment.status) or "unknown"
        number = 0 if experiment.baseline else experiment.index
        commit = fmt.one_line(experiment.commit or experiment.sha) or "-"
        lines.append(f"{number}\t{commit}\t{metric!r}\t{status}\t{_description(experiment)}")
    return "\n".join(lines) + "\n"


def ranking(state: SessionState, segment: Segment) -> list[str]:
    """The table of one segment."""
    rows = rank(state, segment.number)
    unit, values = fmt.column([row.experiment.metric for row in rows], segment.config.metric_unit)
    headings = [
        "rank",
        "experiment",
        cell(fmt.heading(segment.config.metric_name, unit, segment.config.direction)),
        "against the baseline",
        "effect in its pairs",
        "pairs",
        "status",
        "what",
    ]
    return table(
        headings, (_cells(row, value, segment) for row, value in zip(rows, values, strict=True)), right=range(6)
    )


def name_of(state: SessionState) -> str:
    return (state.session.id if state.session else "") or state.config.name or "this session"


def _segment_lines(state: SessionState, segment: Segment) -> list[str]:
    config = segment.config
    words = f"{inline(config.metric_name or 'metric')}: {fmt.direction_words(config.direction)}."
    if config.target is not None:
        reached = segment is state.segment and state.target_reached()
        words += f" Target {fmt.metric(config.target, config.metric_unit)}{', reached' if reached else ''}."
    notes = [
        "The change against the baseline compares two single figures that were taken at different times. The effect in its "
        "pairs is what each experiment's own pairs said against the incumbent of then.",
    ]
    return [words, "", *ranking(state, segment), "", *notes]


def _cells(row: Row, value: str, segment: Segment) -> list[str]:
    experiment = row.experiment
    failed = row.kind == "failure"
    if row.change is not None:
        against = fmt.percent(row.change)
    elif row.difference is not None:
        against = fmt.change(row.difference, scale="difference", unit=segment.config.metric_unit)
    else:
        against = ""
    return [
        str(row.rank or ""),
        "baseline" if row.kind == "baseline" else str(experiment.index),
        fmt.MISSING if failed else value,
        against,
        effect_of(experiment, segment) if experiment.effect is not None else "",
        str(experiment.pairs or ""),
        _status(row),
        cell(experiment.description),
    ]


def effect_of(experiment: Experiment, segment: Segment) -> str:
    """The effect with its interval and unit, as its own pairs said it."""
    return fmt.change(experiment.effect, experiment.interval, experiment.scale, segment.config.metric_unit)


def _status(row: Row) -> str:
    experiment = row.experiment
    words = [cell(experiment.status or "unknown")]
    if experiment.reason and row.kind not in ("keep", "baseline", "vetoed"):
        words.append(f"({cell(experiment.reason)})")
    if experiment.weak:
        words.append("weak evidence")
    if row.incumbent:
        words.append("◆ incumbent")
    if row.target:
        words.append("◎ target")
    if row.note:
        words.append(f"({cell(row.note)})")
    return " ".join(words)


def _description(experiment: Experiment) -> str:
    words = fmt.one_line(experiment.description, 200) or "-"
    if experiment.reason and not experiment.kept and not experiment.baseline:
        words += f" ({fmt.one_line(experiment.reason)})"
    return words
