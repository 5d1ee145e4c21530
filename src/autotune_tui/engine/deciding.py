"""The phases that judge a candidate: pairs, guards, the other benchmarks, the inspector, and the keep."""

from __future__ import annotations

import asyncio

from autotune_tui.engine import context, locks, measuring, override
from autotune_tui.engine.end_to_end import end_to_end
from autotune_tui.engine.experiment import Ended, Experiment, Step
from autotune_tui.engine.holdout import holdout
from autotune_tui.engine.inspect import look
from autotune_tui.engine.recovery import Exhausted, course
from autotune_tui.engine.sampling import SampleFailed
from autotune_tui.engine.verdict import judge_candidate
from autotune_tui.engine.verifying import intact, sweep
from autotune_tui.model import events


async def measure(x: Experiment) -> None:
    """Pairs until the evidence decides. Once more when it was the incumbent that failed: that is no one's verdict."""
    await x.engine.rest()
    judged = bool(x.engine.config.checks.command) or x.engine.config.oracle.asked_for
    changeable = judged or bool(x.engine.config.benchmark.build)
    if changeable:
        await sweep(x, "a command")
    if judged:
        await asyncio.to_thread(x.engine.workspace.restore, x.seen, x.files)
    await course.place_reference(x)
    # What no command could change is looked at once it is measured; without walls a benchmark could put it back before that.
    if changeable or x.engine.sandbox.kind == "none":
        await intact(x, "a command")
    calibration = x.engine.state.calibration
    for last in (False, True):
        try:
            saved, x.saved = x.saved, None
            x.measured = await measuring.measure(
                x.engine, x.control, x.number, x.log, simpler=await simpler(x), saved=saved
            )
            if x.measured.evidence.state == "inconclusive" and calibration is not None and calibration.exact:
                x.control.request("rebaseline", "the metric varies after all")
            return
        except SampleFailed as failure:
            if failure.side == "candidate":
                raise Ended("crash", failure.reason, failure.detail) from failure
            x.lost_runs.append(failure.detail)
            if last:
                raise Ended(
                    "crash", "incumbent_failed", f"the benchmark fails on the incumbent too: {failure.detail}"
                ) from failure
            x.engine.note(f"a run of the incumbent failed: {failure.detail}", "warning", x.number)


async def simpler(x: Experiment) -> bool:
    """Whether the change takes away more lines than it adds; a repair need not be better than what worked, either."""
    if x.reference != x.incumbent:
        return True
    added, removed = await asyncio.to_thread(x.engine.workspace.commits.stat, x.incumbent, x.commit)
    return removed > added


async def guard(x: Experiment) -> None:
    """Secondary limits, judged on the same pairs; then the verdict is known."""
    assert x.measured is not None
    verdicts = measuring.guards(x.engine, x.measured)
    x.verdict = judge_candidate(
        x.measured.evidence,
        x.measured.text,
        verdicts,
        out_of_time=x.measured.out_of_time,
        worse=x.measured.worse,
        harmless=x.measured.harmless,
    )
    x.verdict = course.as_repair(x, x.verdict)
    if x.wish is not None:
        x.verdict = override.by_hand(x.verdict, x.wish, x.measured, verdicts)
    for name, verdict in verdicts.items():
        if verdict.uncertain and x.verdict.status == "keep":
            x.engine.note(f"guard {name}: {verdict.text}", experiment=x.number)
    if x.verdict.status != "keep":  # before a keep it is looked at last of all
        await intact(x, "the benchmark")


def confirm(x: Experiment) -> tuple[Step, ...]:
    """The benchmarks beside the session's own that are configured; the holdout, which each question wears out, comes last."""
    config = x.engine.config
    steps = ((config.end_to_end, end_to_end), (config.holdout, holdout))
    return tuple(step for table, step in steps if table.command)


async def inspect(x: Experiment) -> None:
    """A second look at what would be kept, by someone who did not write it."""
    assert x.verdict is not None
    if x.verdict.status == "keep" and (reason := await look(x)):
        raise Ended("discard", "inspector", reason)


async def decide(x: Experiment) -> None:
    """A keep moves the branch: intent on disk first, then one compare-and-swap ref update."""
    assert x.measured is not None and x.verdict is not None
    if x.verdict.status != "keep":
        return
    await intact(x, "the benchmark")
    if changed := await locks.differences(x.engine):
        raise Exhausted(locks.paused_text(changed, x.engine.sandbox.kind))
    x.commit = await asyncio.to_thread(
        x.engine.workspace.reword, x.number, x.commit, context.keep_message(x), context.trailers(x)
    )
    evidence = x.measured.evidence
    x.engine.record(
        events.Decision(
            experiment=x.number, state="keep", reason=x.verdict.reason, pairs=evidence.pairs,
            effect=x.measured.effect, interval=x.measured.interval, scale=x.measured.scale, p=evidence.p,
            weak=evidence.weak, value=x.measured.value, seed=x.measured.seed,
            from_commit=x.incumbent, to_commit=x.commit,
        ),
        sync=True,
    )  # fmt: skip
    await x.control.whole(asyncio.to_thread(x.engine.workspace.advance, x.incumbent, x.commit))
    x.engine.built["candidate"] = x.commit
