"""What the Claude agent would be sent for the next experiment of a session, without an engine and without sending it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autotune_tui.agents.base import Context, Submission
from autotune_tui.agents.claude.agent import commands_of
from autotune_tui.agents.claude.preview import Preview, previews
from autotune_tui.config import SessionConfig
from autotune_tui.engine import confinement, locks
from autotune_tui.engine.budget import tokens_left, usd_left
from autotune_tui.engine.context import past
from autotune_tui.engine.core import text_of
from autotune_tui.journal.files import SessionFolder, read_text
from autotune_tui.journal.reader import load_state
from autotune_tui.measure.environment import command_environment
from autotune_tui.model.profile import Profile
from autotune_tui.model.state import SessionState, fold
from autotune_tui.scope import ScopeMatcher
from autotune_tui.workspace import Workspace
from autotune_tui.workspace.contents import list_tree
from autotune_tui.workspace.repository import find_repository

NOT_YET = Profile("", "", 0.0, 0, (), note="It is taken at the beginning of the experiment.")


async def preview(repo: Path, folder: SessionFolder, settings: SessionConfig) -> list[Preview]:
    """The requests of the next experiment, one for each role. Raises AutotuneError for what cannot be looked at."""
    workspace = Workspace.open(repo, folder.id, settings.workspace, settings.scope, locks.patterns(settings, repo))
    environment = command_environment(settings.benchmark.env, passed=settings.sandbox.passed)
    sandbox = await asyncio.to_thread(confinement.sandbox_for, repo, settings, workspace, environment)
    if folder.journal.is_file():
        state, incumbent, files = load_state(folder.journal), workspace.tip(), workspace.files()
    else:
        state, (incumbent, files) = fold(()), _before_the_session(repo, settings)
    context = context_of(settings, folder, state, incumbent, files, workspace.root, environment)
    return await previews(context, settings.agent_claude, commands_of(settings, confinement.of_tools(sandbox)))


def _before_the_session(repo: Path, settings: SessionConfig) -> tuple[str, tuple[str, ...]]:
    """The commit that a session would start from, and its files in scope."""
    repository = find_repository(repo)
    scope = ScopeMatcher(settings.scope.include, settings.scope.exclude, locks.patterns(settings, repo))
    files = (file.path for file in list_tree(repository.git, repository.head) if file.mode.startswith("100"))
    return repository.head, tuple(sorted(path for path in files if scope.allows(path)))


def context_of(
    config: SessionConfig,
    folder: SessionFolder,
    state: SessionState,
    incumbent: str,
    files: tuple[str, ...],
    directory: Path,
    environment: dict[str, str],
) -> Context:
    """As `engine.context.of` makes it for a running experiment; only the profile is not there."""
    return Context(
        experiment=state.last_number + 1,
        goal=config.goal,
        constraints=tuple(config.constraints),
        metric=config.metric.name,
        unit=config.metric.unit,
        direction=config.metric.direction.value,
        benchmark=text_of(config.benchmark.command),
        include=tuple(config.scope.include),
        exclude=tuple(config.scope.exclude),
        files=files,
        directory=directory,
        artifacts=folder.experiment(state.last_number + 1, ""),
        incumbent=incumbent,
        baseline_value=state.baseline_value,
        incumbent_value=state.incumbent_value,
        target=config.metric.target,
        profile=NOT_YET,
        history=tuple(past(summary) for summary in state.experiments if not summary.baseline),
        ideas=read_text(folder.ideas),
        health=state.health,
        environment=environment,
        submitted=_nothing,
        tokens_left=tokens_left(config.budget, state),
        usd_left=usd_left(config.budget, state),
    )


async def _nothing() -> Submission:
    return Submission("")
