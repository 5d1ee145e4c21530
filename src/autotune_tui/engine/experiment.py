"""One experiment: the phases of design.md as a list of small functions, each journalled with its duration."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from autotune_tui import report
from autotune_tui.agents.base import (
    AgentEvent,
    AgentStalled,
    AgentUnavailable,
    AlreadyTried,
    BudgetReached,
    Edit,
    Failure,
    NothingToPropose,
    Outcome,
    Plan,
    Reflection,
    Resident,
)
from autotune_tui.engine import artifacts, context, leftovers, locks, measuring, outputs, override, profiling, resume
from autotune_tui.engine.calibration import build as build_side
from autotune_tui.engine.calibration import make_ready
from autotune_tui.engine.control import Control, Skipped
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.engine.end_to_end import end_to_end
from autotune_tui.engine.holdout import holdout
from autotune_tui.engine.inspect import audit, look
from autotune_tui.engine.measuring import Measured
from autotune_tui.engine.oracle import Unstable
from autotune_tui.engine.oracle import judge as judge_output
from autotune_tui.engine.override import Wish
from autotune_tui.engine.recovery import Exhausted, course
from autotune_tui.engine.sampling import SampleFailed
from autotune_tui.engine.verdict import Verdict, judge_candidate
from autotune_tui.engine.watchdog_agent import attended
from autotune_tui.engine.watchdog_places import no_fault_of
from autotune_tui.errors import AgentError, WorkspaceError
from autotune_tui.measure import profilers
from autotune_tui.model import events
from autotune_tui.model.format import one_line
from autotune_tui.model.profile import Profile
from autotune_tui.workspace import SIDES, Change
from autotune_tui.workspace.git import GitError
from autotune_tui.workspace.leftovers import Mark

MOST_REWORKS = 2

T = TypeVar("T")


class Ended(Exception):
    """The experiment has its verdict before or without a keep."""

    def __init__(self, status: str, reason: str, detail: str) -> None:
        super().__init__(status, reason, detail)
        self.verdict = Verdict(status, reason, detail)


class Failed(Exception):
    """A build, a check or the oracle failed; the agent may rework."""

    def __init__(self, phase: Literal["build", "check", "oracle"], verdict: Verdict, output: str) -> None:
        super().__init__(phase, verdict)
        self.phase: Literal["build", "check", "oracle"] = phase
        self.verdict = verdict
        self.output = output


@dataclass
class Experiment:
    """The experiment under way."""

    engine: Engine
    control: Control
    number: int
    incumbent: str
    folder: Path
    outside_before: float
    began: float = field(default_factory=time.monotonic)
    wish: Wish | None = None
    """Of a rescue: whose it is, and what is tried again; there is no agent then."""
    profile: Profile | None = None
    plan: Plan | None = None
    edit: Edit = field(default_factory=Edit)
    changes: list[Change] = field(default_factory=list)
    files: tuple[str, ...] = ()
    commit: str = ""
    made: Mapping[str, Mark] = field(default_factory=dict)
    """What the candidate's build left, beside the commit."""
    seen: Mapping[str, Mark] = field(default_factory=dict)
    """All that was in the candidate's worktree when only those who may had written in it."""
    change_key: str = ""
    """Hash of the change, to recognise one that was tried before."""
    taken: resume.HalfDone | None = None
    """What is gone on with, when it was interrupted before."""
    saved: resume.Saved | None = None
    """Samples of the commit that were taken before and count."""
    measured: Measured | None = None
    verdict: Verdict | None = None
    reflection: Reflection = field(default_factory=lambda: Reflection("", ""))
    heard: int = 0
    """How often the agent has said something."""

    lost_runs: list[str] = field(default_factory=list)
    """Runs of the incumbent that failed, each in words."""
    hung: bool = False
    """Whether the build or the checks, when they last failed, had to be stopped."""

    @property
    def reference(self) -> str:
        """The commit that it is measured against: the incumbent, but for a repair of it the last one that worked."""
        return self.incumbent if self.wish else self.engine.state.course.base or self.incumbent

    @property
    def log(self) -> Path:
        return self.folder / "bench.log"

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def own_seconds(self) -> float:
        """What the loop itself cost: everything but commands and agents."""
        return self.seconds - (self.engine.outside - self.outside_before)

    @property
    def description(self) -> str:
        """One line: the agent's last word on its change."""
        text = self.edit.description or (self.plan.description if self.plan else "") or "no proposal"
        return one_line(text, 100)

    def emit(self, event: AgentEvent) -> None:
        """What the agent says while it works: usage and notices are journalled, its transcript is its own."""
        self.heard += 1
        if event.kind == "usage":
            self.engine.record(
                events.Usage(
                    experiment=self.number,
                    agent=self.engine.agent.name,
                    input_tokens=int(event.usage.get("input_tokens", 0)),
                    output_tokens=int(event.usage.get("output_tokens", 0)),
                    cache_read_tokens=int(event.usage.get("cache_read_tokens", 0)),
                    cache_write_tokens=int(event.usage.get("cache_write_tokens", 0)),
                    role=event.text,
                    usd=float(event.usage.get("usd", 0.0)),
                )
            )
        elif event.kind == "notice":
            self.engine.note(event.text, experiment=self.number)


Step = Callable[[Experiment], Awaitable[None]]


async def run(engine: Engine, control: Control, number: int, wish: Wish | None = None) -> Experiment:
    """Run one experiment to its verdict and journal it. Raises NothingToPropose, Stopped, GivenUp."""
    folder = artifacts.open_folder(engine, number)
    experiment = Experiment(engine, control, number, engine.workspace.tip(), folder, engine.outside, wish=wish)
    resume.take_up(experiment)
    try:
        await control.run(_attempt(experiment), skippable=True)
    except Skipped:
        experiment.verdict = Verdict("discard", "skipped", "skipped by the user")
    except NothingToPropose as nothing:
        if not isinstance(nothing, BudgetReached):  # that was paid for
            shutil.rmtree(experiment.folder)
        raise
    await no_fault_of(experiment)
    try:
        await control.run(_step(experiment, reflect))
    finally:  # it has its verdict: also when the session ends here
        conclude(experiment)
    control.done("skip", f"experiment {number} has ended")
    return experiment


async def _attempt(x: Experiment) -> None:
    try:
        for step in (sync,) if x.taken else (sync, plan, edit) if x.wish else (sync, profile, plan, edit):
            await _step(x, step)
        await verify(x)
        for gate in (measure, guard, inspect, *confirm(x), decide):
            await _step(x, gate)
    except Ended as end:
        x.verdict = end.verdict
    except override.Refused as refused:
        x.verdict = Verdict("discard", "conflict", str(refused))


async def _step(x: Experiment, step: Step) -> None:
    """Run one phase between its two records."""
    name = step.__name__
    await x.control.safe_point()
    x.engine.record(events.Phase(experiment=x.number, phase=name))
    began, outcome = time.monotonic(), "interrupted"
    try:
        await step(x)
        outcome = ""
    except (Ended, Failed) as end:
        outcome = end.verdict.reason
        raise
    except NothingToPropose:
        outcome = "no_proposal"
        raise
    finally:
        x.engine.record(
            events.Phase(
                experiment=x.number, phase=name, state="end", seconds=time.monotonic() - began, outcome=outcome
            )
        )


async def sync(x: Experiment) -> None:
    """Both worktrees at the incumbent, the candidate without anything of an earlier experiment."""
    try:
        await x.engine.place_both(x.incumbent)
    except WorkspaceError as error:
        raise Ended("crash", "sync_failed", f"{error.title}: {error.message}") from error
    for side in SIDES:
        await make_ready(x.engine, side, x.incumbent, x.log)
    await build_side(x.engine, "incumbent", x.incumbent, x.log)
    x.seen = await asyncio.to_thread(x.engine.workspace.look)
    if x.taken:
        try:
            await resume.lay(x)
        except WorkspaceError as error:
            raise Ended("crash", "sync_failed", f"{error.title}: {error.message}") from error
        refuse_tried(x)


async def profile(x: Experiment) -> None:
    """Where the incumbent spends its time. Measured once for each incumbent: it changes only with a keep."""
    known = x.engine.profiles
    if x.incumbent not in known:
        before = next(reversed(known.values()), None)
        if before is not None and before.tool == "none":  # no profiler works for this command
            known[x.incumbent] = replace(before, commit=x.incumbent)
        else:
            await outputs.put_back(x.engine, "incumbent")
            command = profiling.command(x.engine, x.folder / profilers.SCRATCH)
            known[x.incumbent] = await x.engine.waiting(
                profilers.profile(x.engine.executor, command, command.cwd, x.incumbent, x.folder)
            )
        moved = profilers.moved(before, known[x.incumbent])
        if moved:
            x.engine.note(moved, experiment=x.number)
    x.profile = known[x.incumbent]
    artifacts.write(x.engine, x.folder / "profile-snapshot.txt", profilers.render(x.profile))


async def plan(x: Experiment) -> None:
    """The agent's plan: what, why, and what else there was. A rescue's is that of the experiment it tries again."""
    if x.wish is not None:
        write_plan(x, override.plan_of(x.engine, x.wish))
        return
    write_plan(x, await _ask(x, x.engine.agent.propose(await context.of(x), x.emit)))
    assert x.plan is not None
    allowed(x)
    tried = context.tried_before(x, x.plan)
    if tried is not None:
        raise Ended("discard", "duplicate", f"tried before on the same code, in experiment {tried}")


def allowed(x: Experiment) -> None:
    """A plan whose strategy may not be used for now ends here."""
    if x.plan is not None and x.wish is None and x.plan.strategy in x.engine.state.course.avoid:
        why = f"{x.plan.strategy} may not be used for now: nothing of it was kept since the last keep"
        raise Ended("discard", "avoided", why)


def write_plan(x: Experiment, plan: Plan) -> None:
    """Journal the plan and name the experiment's folder after it."""
    x.plan = plan
    x.folder = artifacts.name_folder(x.engine, x.folder, x.number, plan.description)
    record = context.plan_record(x, plan)
    x.engine.record(record)
    artifacts.write(x.engine, x.folder / "plan.md", report.plan_text(record))


async def edit(x: Experiment) -> None:
    """The agent changes files in the candidate worktree."""
    assert x.plan is not None
    if x.wish is not None:
        x.edit = Edit(notes=f"Rescue of experiment {x.wish.experiment}, by {x.wish.by}: {x.wish.why}")
        await override.lay_rescue(x.engine, x.wish, x.incumbent)
        return
    x.edit = await _ask(x, x.engine.agent.edit(await context.of(x), x.plan, x.emit))
    said = replace(
        x.plan,
        description=x.edit.description or x.plan.description,
        hypothesis=x.edit.hypothesis or x.plan.hypothesis,
        strategy=x.edit.strategy or x.plan.strategy,
    )
    if said != x.plan:  # an agent that plans while it edits
        write_plan(x, said)
        allowed(x)


async def verify(x: Experiment) -> None:
    """Scope, commit, build, check and oracle, with at most two reworks by the agent after one of the last three failed."""
    made: tuple[Step, ...] = () if x.taken else (scope, commit)
    gates = (build, check, *((oracle,) if x.engine.config.oracle.asked_for else ()))
    for attempt in range(min(x.taken.candidate.reworks, MOST_REWORKS) if x.taken else 0, MOST_REWORKS + 1):
        try:
            for step in (*made, *gates):
                await _step(x, step)
            return
        except Failed as failed:
            made = (scope, commit)
            if x.wish or attempt == MOST_REWORKS or not await rework_after(x, failed, attempt + 1):
                raise Ended(failed.verdict.status, failed.verdict.reason, failed.verdict.detail) from None


async def rework_after(x: Experiment, failed: Failed, attempt: int) -> bool:
    """Hand the failure's text to the agent; whether it had an answer. What the commands left is not taken for its change."""
    await sweep(x, "a command")
    failure = x.engine.redactor.deep(Failure(failed.phase, failed.verdict.detail, failed.output, attempt))
    answers: list[Edit] = []

    async def rework(x: Experiment) -> None:
        assert x.plan is not None
        try:
            answer = await attended(x, x.engine.agent.rework(await context.of(x), x.plan, failure, x.emit))
            answer = x.engine.redactor.deep(answer)
        except AgentUnavailable:
            raise
        except AgentError as error:  # the verdict stays what it was: the first failure
            x.engine.note(f"no rework: {error.title}: {error.message}", "warning", x.number)
            return
        if answer:
            answers.append(answer)

    await _step(x, rework)
    x.edit = answers[0] if answers else x.edit
    return bool(answers)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """A change that git refuses, as it has files behind links, ends the experiment and not the session."""
    try:
        yield
    except GitError as error:
        raise Ended("crash", "commit_failed", one_line(f"git cannot take the change: {error.message}", 300)) from error


async def scope(x: Experiment) -> None:
    """Only files in scope may have changed, and something must have."""
    with _refusals():
        x.changes = await asyncio.to_thread(x.engine.workspace.changes)
    forbidden = [change for change in x.changes if not change.allowed]
    if forbidden:
        names = ", ".join(f"{one_line(change.path)} ({change.why})" for change in forbidden[:5])
        more = f" and {len(forbidden) - 5} more" if len(forbidden) > 5 else ""
        raise Ended("discard", "out_of_scope", f"changed what it may not: {names}{more}")
    if not x.changes:
        raise Ended("discard", "no_change", "nothing was changed")
    x.files = tuple(sorted(change.path for change in x.changes))


async def commit(x: Experiment) -> None:
    """Commit the candidate and keep it for ever under its ref; a change that was tried before ends here."""
    workspace = x.engine.workspace
    trailers = {"Autotune-Experiment": f"{x.engine.folder.id}/{x.number}"}
    with _refusals():
        x.commit = await asyncio.to_thread(workspace.write, x.description, trailers, found=x.changes)
    x.change_key = await asyncio.to_thread(workspace.change_key, x.incumbent, x.commit)
    x.engine.record(resume.candidate_record(x, x.commit), sync=True)
    x.saved = None
    await asyncio.to_thread(workspace.keep, x.number, x.commit)
    artifacts.write(x.engine, x.folder / "diff.patch", await asyncio.to_thread(workspace.diff, x.incumbent, x.commit))
    await sweep(x, "the edit")
    await asyncio.to_thread(workspace.restore, x.seen)
    refuse_tried(x)


def refuse_tried(x: Experiment) -> None:
    """A change that was tried before ends here, unless a person wants it again."""
    tried = context.same_change(x)
    if tried is not None and x.wish is None:
        raise Ended("discard", "duplicate", f"the same change as experiment {tried}")


async def build(x: Experiment) -> None:
    command = x.engine.config.benchmark.build
    if command:
        run = await x.engine.command(
            command, "candidate", limit=x.engine.config.benchmark.timeout, log=x.log, job="build"
        )
        if not run.ok:
            detail = f"`{text_of(command)}` failed: {run.failure}"
            x.hung = run.timed_out or run.stalled
            raise Failed("build", Verdict("crash", "build_failed", detail), run.tail)
        x.made = await asyncio.to_thread(x.engine.workspace.leftovers, "candidate", x.commit)
    x.engine.built["candidate"] = x.commit
    x.seen = await asyncio.to_thread(x.engine.workspace.look)


async def sweep(x: Experiment, by: str) -> None:
    """Only the commit and what its build made are measured: other files that the candidate left are removed."""
    swept = await leftovers.sweep(x.engine, "candidate", x.commit, x.made)
    if swept.spoilt:
        raise Ended("discard", "out_of_scope", leftovers.spoilt_text(by, swept.spoilt[0]))


async def intact(x: Experiment, by: str) -> None:
    """What is measured is what is committed: no tracked file of either worktree was changed since, locked ones included."""
    for side in SIDES:
        await outputs.settle(x.engine, side)
    found = await locks.altered(x.engine, {"candidate": x.commit, "incumbent": x.reference})
    if found["incumbent"]:
        raise Exhausted(locks.incumbent_text(found["incumbent"], x.engine.sandbox.kind))
    if x.engine.sandbox.kind == "none":  # what no commit has of the incumbent's, a candidate may have reached, too
        swept = await leftovers.sweep(x.engine, "incumbent", x.reference)
        if swept.spoilt or swept.rebuild:
            raise Exhausted(locks.incumbent_text(swept.spoilt or ("what its build made",), "none"))
    if found["candidate"]:
        locked = " (locked)" if x.engine.workspace.is_locked(found["candidate"][0]) else ""
        raise Ended("discard", "out_of_scope", f"{by} changed {one_line(found['candidate'][0])}{locked}")


async def check(x: Experiment) -> None:
    checks = x.engine.config.checks
    if checks.command:
        run = await x.engine.command(checks.command, "candidate", limit=checks.timeout, log=x.log, job="checks")
        if not run.ok:
            detail = f"`{text_of(checks.command)}` failed: {run.failure}"
            x.hung = run.timed_out or run.stalled
            raise Failed("check", Verdict("checks_failed", "checks_failed", detail), run.tail)


async def oracle(x: Experiment) -> None:
    """What the incumbent prints, writes and returns is what the candidate must."""
    try:
        changed = await judge_output(x.engine, x.log)
    except Unstable as unstable:
        detail = f"the oracle gives something else on the incumbent too: {unstable}"
        raise Ended("crash", "incumbent_failed", detail) from unstable
    if changed is not None:
        raise Failed("oracle", Verdict("discard", "output_changed", changed.text), changed.tail)


async def measure(x: Experiment) -> None:
    """Pairs until the evidence decides. Once more when it was the incumbent that failed: that is no one's verdict."""
    if isinstance(x.engine.agent, Resident):
        await x.engine.waiting(x.engine.agent.rest())
    if x.engine.config.benchmark.build or x.engine.config.checks.command or x.engine.config.oracle.asked_for:
        await sweep(x, "a command")
        await asyncio.to_thread(x.engine.workspace.restore, x.seen, x.files)
    await course.place_reference(x)
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
    added, removed = await asyncio.to_thread(x.engine.workspace.stat, x.incumbent, x.commit)
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
        x.engine.workspace.reword, x.commit, context.keep_message(x), context.trailers(x)
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


async def reflect(x: Experiment) -> None:
    """What was learned, also from a failure. An agent that cannot say loses nothing but its words."""
    assert x.verdict is not None
    if x.verdict.status == "keep":
        await audit(x)
    if x.plan is None or x.wish is not None:
        x.reflection = Reflection(x.verdict.detail, "")
        return
    measured = x.measured
    outcome = Outcome(
        status=x.verdict.status,
        reason=x.verdict.reason,
        effect=measured.effect if measured else None,
        interval=measured.interval if measured else None,
        pairs=measured.evidence.pairs if measured else 0,
        detail=x.verdict.detail,
        scale=measured.scale if measured else "log",
    )
    try:
        answer = x.engine.agent.reflect(await context.of(x), x.plan, x.engine.redactor.deep(outcome), x.emit)
        x.reflection = await attended(x, answer)
    except AgentError as error:
        x.engine.note(f"no reflection: {error.title}: {error.message}", "warning", x.number)
        x.reflection = Reflection(x.verdict.detail, "")


def conclude(x: Experiment) -> None:
    """Journal the result and write the experiment's artifacts."""
    x.engine.record(context.result_record(x), sync=True)
    artifacts.write_experiment(x)
    with contextlib.suppress(OSError):  # what an agent has written there by itself
        x.engine.redactor.folder(x.folder)


async def _ask(x: Experiment, answer: Awaitable[T]) -> T:
    """Await the agent; its failure ends the experiment, and only one that lasts the session. Raises AgentUnavailable."""
    try:
        return x.engine.redactor.deep(await attended(x, answer))
    except AgentUnavailable:
        raise
    except AlreadyTried as tried:
        raise Ended("discard", "duplicate", str(tried)) from tried
    except AgentError as error:
        reason = "agent_stalled" if isinstance(error, AgentStalled) else "agent_failed"
        raise Ended("crash", reason, f"{error.title}: {error.message}") from error
