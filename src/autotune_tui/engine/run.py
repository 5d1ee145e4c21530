"""The engine process: takes the session's lock, runs the loop, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from autotune_tui import __version__
from autotune_tui.agents.base import Agent, Gradual
from autotune_tui.agents.registry import agent_name, make_agent, offers
from autotune_tui.config import SessionConfig
from autotune_tui.config.agent_names import with_agent
from autotune_tui.engine import artifacts, confinement, locks, loop
from autotune_tui.engine.budget import as_recorded
from autotune_tui.engine.control import Control, Stopped
from autotune_tui.engine.core import Engine
from autotune_tui.engine.holdout import prepare
from autotune_tui.engine.hooks import Hooks
from autotune_tui.engine.loop import End
from autotune_tui.engine.reconcile import clear, reconcile
from autotune_tui.engine.watchdog_places import unless_gone
from autotune_tui.errors import AutotuneError, EngineError, JournalError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import EngineLock, identity, last_engine, refuse_alive
from autotune_tui.journal.reader import load_state
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.measure.environment import command_environment, difference, parse, snapshot
from autotune_tui.measure.executors.base import argv_of
from autotune_tui.measure.executors.local import LocalExecutor
from autotune_tui.model.events import Record, Session
from autotune_tui.redaction import Redactor
from autotune_tui.workspace import Workspace


async def run_session(repo: Path, session: str, settings: SessionConfig, *, on_event: Callable[[Record], None]) -> End:
    """Run (or go on with) a session until it ends. Raises AutotuneError for what the user must mend.

    SIGTERM and SIGINT end it cleanly; a second one at once.
    """
    folder = SessionFolder.of(repo, session)
    folder.create()
    with EngineLock(folder.lock) as lock:
        refuse_alive(last_engine(folder.journal), folder.journal)
        async with engine_for(repo, folder, settings, on_event) as engine:
            engine.found = lock.found
            control = Control(engine)
            watching = [asyncio.create_task(work) for work in (control.watch(), engine.pulse.watch(engine.record))]
            _end_on_signals(control)
            try:
                async with Hooks(engine):
                    with engine.pulse.heeding_signals():
                        return await _run(engine, control)
            finally:
                for task in watching:
                    task.cancel()
                with unless_gone():
                    artifacts.write_documents(engine)
                    artifacts.write_final_report(engine)


async def _run(engine: Engine, control: Control) -> End:
    """The loop between its two session records, however it ends."""
    _begin(engine)
    try:
        await clear(engine)
        await asyncio.to_thread(engine.workspace.create)
        for warning in await prepare(engine):
            engine.note(warning, "warning")
        if offer := offers(engine.config):
            engine.note(offer)
        await control.run(reconcile(engine))
        end = await loop.run(engine, control)
    except Stopped as stopped:
        end = End("stopped", str(stopped))
    except AutotuneError as error:
        _record_failure(engine, error)
        raise
    except OSError as error:
        problem = EngineError("The session cannot go on", f"{error}.", "Mend it; `autotune-tui run` then goes on.")
        _record_failure(engine, problem)
        raise problem from error
    if restored := engine.journal.restore():
        engine.note(restored, "warning")
    control.ended(end.reason)
    engine.record(Session(event="end", outcome=end.outcome, reason=end.reason), sync=True)
    return end


def _record_failure(engine: Engine, error: AutotuneError) -> None:
    """Journal the end where that is still possible; on a full disk the error itself must reach the user."""
    with contextlib.suppress(JournalError):
        engine.record(Session(event="end", outcome="failed", reason=f"{error.title}: {error.message}"), sync=True)


def _begin(engine: Engine) -> None:
    workspace = engine.workspace
    engine.record(
        Session(
            id=engine.folder.id,
            goal=engine.config.goal,
            repo=workspace.root.name,
            branch=workspace.branch,
            base_commit=workspace.base_commit,
            agent=engine.agent.name,
            tool=__version__,
            budget=as_recorded(engine.config.budget),
            engine=identity(),
            sandbox=engine.sandbox.kind,
            environment=engine.snapshot.hash,
        ),
        sync=True,
    )
    if engine.journal.mended:
        engine.note(engine.journal.mended, "warning")
    for warning in workspace.warnings:
        engine.note(warning, "warning")
    if remark := confinement.remark(engine.sandbox):
        engine.note(remark, "warning")
    if inside := workspace.locked_in_scope():
        engine.note(locks.inside_scope_text(inside))
    record = engine.folder.baseline / "env-snapshot.txt"
    if record.is_file():
        for change in difference(parse(record.read_text(encoding="utf-8")), engine.snapshot):
            engine.note(f"since the baseline: {change}; a rebaseline makes the figures comparable again", "warning")
    else:
        artifacts.write(engine, record, engine.snapshot.text)
    if not engine.folder.ideas.exists():
        artifacts.write(engine, engine.folder.ideas, artifacts.IDEAS)


@asynccontextmanager
async def engine_for(
    repo: Path, folder: SessionFolder, settings: SessionConfig, on_event: Callable[[Record], None]
) -> AsyncIterator[Engine]:
    """The session's parts, opened; closed again afterwards, with no worktree and no process left."""
    locked = locks.patterns(settings, repo)
    workspace = Workspace.open(repo, folder.id, settings.workspace, settings.scope, locked)
    redactor = Redactor(os.environ, settings.benchmark.env)
    executor = LocalExecutor(redactor=redactor)
    environment = command_environment(settings.benchmark.env, passed=settings.sandbox.passed)
    sandbox = await asyncio.to_thread(confinement.sandbox_for, repo, settings, workspace, environment)
    agents: dict[str, Agent] = {}

    def agent_named(name: str) -> Agent:
        plain, _, effort = name.partition("@")
        if effort and name not in agents:
            usual = agent_named(plain)
            assert isinstance(usual, Gradual)
            agents[name] = usual.at_effort(effort)
        if name in agents:
            return agents[name]
        chosen = with_agent(settings, name)
        name = agent_name(chosen) if name == "auto" else name
        if name not in agents:  # only the first one of a name can have the key, which leaves the environment with it
            agents[name] = make_agent(chosen, confinement.of_agent(sandbox, settings), confinement.of_tools(sandbox))
        return agents[name]

    agent = agent_named(settings.agent)
    with JournalWriter(folder.journal, now=lambda: datetime.now(UTC), clean=redactor.text) as journal:
        state = load_state(folder.journal)  # after the writer has mended a torn last line
        engine = Engine(
            config=settings,
            folder=folder,
            journal=journal,
            state=state,
            workspace=workspace,
            executor=executor,
            agent=agent,
            make_agent=agent_named,
            agents=agents,
            seed=secrets.randbits(48),
            on_event=on_event,
            died=state.session is not None and state.end is None,
            before=state.session,
            paused=state.end is not None and state.end.outcome == "paused",
            sandbox=sandbox,
            redactor=redactor,
            snapshot=await asyncio.to_thread(snapshot, repo, argv_of(settings.benchmark.command), environment),
        )
        try:
            yield engine
        finally:
            for each in agents.values():
                await each.close()
            await executor.close()
            await asyncio.to_thread(workspace.remove)


def _end_on_signals(control: Control) -> None:
    """The first signal, a hang-up included, stops cleanly; a second one at once: the launcher, whose stdin then closes,
    kills what runs."""
    events = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def handle(number: signal.Signals) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        control.stop(f"interrupted by {number.name}")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        events.add_signal_handler(number, handle, number)
