"""final-report.md: what the session achieved, as far as that was measured again, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping

from autotune_tui.model import findings
from autotune_tui.model import format as fmt
from autotune_tui.model.events import Validation
from autotune_tui.model.experiment import Experiment, Segment
from autotune_tui.model.override import find
from autotune_tui.model.state import SessionState
from autotune_tui.report.cost import by_role
from autotune_tui.report.experiment import effect_words
from autotune_tui.report.markdown import block, bullets, code, document, inline, section
from autotune_tui.report.tables import effect_of, name_of, ranking

_MOST_IDEAS = 10


def final_report(
    state: SessionState, *, mad_confidence: float | None = None, diffs: Mapping[int, str] | None = None
) -> str:
    """The report. `mad_confidence` is the figure that other tools show; `diffs` are the keeps' diffs by experiment.

    The headline is the gain that fresh pairs confirmed, or "no confirmed improvement". The steps' gains are never
    multiplied: each was chosen by the data that estimates it, so their product claims too much.
    """
    several = len(state.segments) > 1
    tables: list[str] = []
    for segment in state.segments:
        tables += [f"### Segment {segment.number}", ""] if several else []
        tables += [*ranking(state, segment), ""]
    return document(
        f"Report on {inline(name_of(state))}",
        ["", *_goal(state), *(f"**{line}**" for line in headlines(state))],
        section("Keeps", _keeps(state)),
        section("Vetoed", _vetoed(state)),
        section("What the inspector found", _findings(state)),
        section("All experiments", tables),
        section("Second benchmarks", _second(state)),
        section("Milestones", _milestones(state)),
        section("How far to trust it", _trust(state, mad_confidence)),
        section("What it took", _cost(state)),
        section("Diffs of the keeps", _diffs(state, diffs or {})),
        section("Next steps", _next_steps(state)),
    )


def headlines(state: SessionState) -> list[str]:
    """What may be claimed, a line for each segment that kept something; one line when none did."""
    kept = [segment for segment in state.segments if segment.keeps or segment.validation]
    if not kept:
        return ["No confirmed improvement: nothing was kept."]
    lines = [_headline(segment) for segment in kept]
    if len(state.segments) == 1:
        return [line[0].upper() + line[1:] for line in lines]
    return [f"Segment {segment.number}: {line}" for segment, line in zip(kept, lines, strict=True)]


def _headline(segment: Segment) -> str:
    validation, name = segment.validation, inline(segment.config.metric_name or "the metric")
    if validation is None:
        return f"No confirmed improvement: {fmt.count(segment.keeps, 'keep')}, not measured again against the baseline."
    measured = f"{_effect(validation, segment)} in {fmt.count(validation.pairs, 'fresh pair')}"
    later = segment.keeps - validation.keeps
    after = f" {fmt.count(later, 'later keep')} not included." if later > 0 else ""
    if not validation.confirmed:
        return f"No confirmed improvement: {name} {measured}.{after}"
    moved = "rose" if validation.effect > 0 else "fell"
    factor = f" ({fmt.times(validation.effect, segment.config.direction)})" if validation.scale == "log" else ""
    span = ""
    if validation.before is not None and validation.after is not None:
        unit, (before, now) = fmt.column([validation.before, validation.after], segment.config.metric_unit)
        span = f", {before} → {now} {unit}".rstrip()
    return f"{name} {moved}: {measured}{factor}{span}.{after}"


def _effect(validation: Validation, segment: Segment) -> str:
    return fmt.change(validation.effect, validation.interval, validation.scale, segment.config.metric_unit)


def _goal(state: SessionState) -> list[str]:
    goal = state.session.goal if state.session else ""
    return [f"Goal: {inline(goal)}", ""] if goal else []


def _keeps(state: SessionState) -> list[str]:
    segments = {segment.number: segment for segment in state.segments}
    return bullets(_keep(experiment, segments[experiment.segment]) for experiment in state.keeps)


def _keep(experiment: Experiment, segment: Segment) -> str:
    words = effect_words(experiment, segment) or "a single value, no evidence was recorded"
    commit = code(experiment.commit or experiment.sha)
    return f"#{experiment.index} {inline(experiment.description)}: {words}{f' ({commit})' if commit else ''}"


def _findings(state: SessionState) -> list[str]:
    """What is to be known of the keeps, and what was refused for it."""
    return bullets(
        f"#{experiment.index} ({'kept' if experiment.kept else experiment.status}): {inline(findings.words(finding), 400)}"
        for experiment in state.experiments
        for finding in experiment.findings
        if experiment.kept or finding.get("severity") == "block"
    )


def _second(state: SessionState) -> list[str]:
    """What holdout and end-to-end benchmark said of each would-be keep, beside the effect on the metric itself."""
    segments = {segment.number: segment for segment in state.segments}
    return bullets(
        f"#{experiment.index} ({inline(experiment.status)}), metric {effect_of(experiment, segments[experiment.segment])}; "
        + "; ".join(inline(fmt.confirmation(said)) for said in experiment.confirmations)
        for experiment in state.experiments
        if experiment.confirmations
    )


def _milestones(state: SessionState) -> list[str]:
    segments = {segment.number: segment for segment in state.segments}
    return bullets(
        f"{inline(fmt.milestone(mark, state.validations, segments[mark.segment].config.metric_unit))}"
        f" ({code(mark.commit[:10])})"
        for mark in state.milestones
        if mark.segment in segments
    )


def _vetoed(state: SessionState) -> list[str]:
    """The keeps that a person took back, which no figure above counts."""
    words = []
    for veto in state.vetoes:
        experiment = find(state, veto.experiment)
        what = inline(experiment.description) if experiment else ""
        when = veto.timestamp[:16].replace("T", " ")
        why = f"by {inline(veto.by)}, {when}: {inline(veto.why)}"
        words.append(f"#{veto.experiment} {what}: {why} ({code(veto.to_commit[:10])})")
    return bullets(words)


def _trust(state: SessionState, mad_confidence: float | None) -> list[str]:
    words = [
        f"{fmt.count(experiments, 'experiment')}: {kept} kept, {discarded} discarded, {failed} failed"
        for experiments, kept, discarded, failed in [_counts(state)]
    ]
    calibration = state.calibration
    if calibration is not None and calibration.exact:
        words.append("The metric does not vary between runs of the same code")
    elif calibration is not None:
        words.append(_noise(state.config.metric_unit, calibration.sigma, calibration.detectable, calibration.scale))
        words.extend(inline(warning) for warning in calibration.warnings)
    words.append(
        "The headline is one measurement made after all choices, so it is not inflated by them; effects of single keeps "
        "are, and are not to be multiplied"
    )
    if mad_confidence is not None:
        words.append(
            f"Confidence as other tools compute it, |best − baseline| / MAD of all values: {fmt.number(mad_confidence, 3)}. "
            "For comparison only: it grows with the number of experiments also when nothing improves"
        )
    undecided = [experiment for experiment in state.experiments if experiment.reason == "inconclusive"]
    if undecided:
        names = ", ".join(f"#{experiment.index}" for experiment in undecided)
        words.append(f"Undecided when measuring had to end, which is not the same as without effect: {names}")
    unread = state.unreadable
    if unread:
        words.append(f"{fmt.count(unread, 'line')} of the journal could not be read")
    return bullets(f"{line}." for line in words)


def _noise(unit: str, sigma: float, detectable: float, scale: str) -> str:
    if scale == "difference":
        figures = (fmt.metric(sigma, unit), fmt.metric(detectable, unit))
    else:
        figures = (fmt.percent(sigma).lstrip("+"), fmt.percent(detectable).lstrip("+"))
    return f"Noise of one pair {figures[0]}; a full measurement detects effects from about {figures[1]} on"


def _counts(state: SessionState) -> tuple[int, int, int, int]:
    attempts = [experiment for experiment in state.experiments if not experiment.baseline]
    discarded = sum(experiment.status == "discard" for experiment in attempts)
    failed = sum(experiment.failed for experiment in attempts)
    return len(attempts), len(state.keeps), discarded, failed


def _cost(state: SessionState) -> list[str]:
    parts = by_role(state)
    words = [f"Time at work: {fmt.duration(state.elapsed())}"]
    if state.usage.tokens:
        words.append(f"Tokens: {state.usage.input_tokens:,} in, {state.usage.output_tokens:,} out")
    if state.usage.usd:
        words.append(f"Money: {fmt.money(state.usage.usd)}")
    if state.session is not None and state.session.agent:
        words.append(f"Agent: {inline(state.session.agent)}")
    if state.end is not None:
        words.append(f"Ended: {inline(state.end.outcome)}{f', {inline(state.end.reason)}' if state.end.reason else ''}")
    return [*bullets(words), *(["", "By role:", "", *parts] if parts else [])]


def _diffs(state: SessionState, diffs: Mapping[int, str]) -> list[str]:
    lines: list[str] = []
    for experiment in state.keeps:
        if diffs.get(experiment.index):
            title = f"### #{experiment.index} {inline(experiment.description)}"
            lines += [title, "", *block(diffs[experiment.index], "diff"), ""]
    return lines


def _next_steps(state: SessionState) -> list[str]:
    branch = state.session.branch if state.session else ""
    words = []
    if state.keeps and branch:
        words.append(f"Read the branch: {code(f'git log {branch}')}; then apply, squash or drop it")
    if any(segment.keeps and segment.validation is None for segment in state.segments):
        words.append("Measure the branch against its baseline before you believe any figure of it")
    if any(experiment.reason == "inconclusive" for experiment in state.experiments):
        words.append("Try the undecided experiments on a quieter machine or with a longer measurement")
    ideas = [(experiment.index, experiment.next) for experiment in state.experiments if experiment.next]
    words.extend(f"From #{index}: {inline(idea)}" for index, idea in ideas[-_MOST_IDEAS:])
    return bullets(words)
