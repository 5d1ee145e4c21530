"""The offline agent (A1): rewrites hot Python functions and searches marked constants, without a key or a network.

What it proposes depends on its context only, so that a resumed session goes on as an uninterrupted one would; the caches
save time and decide nothing. Parsing runs in a thread, so that the engine stays responsive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autotune_tui.agents.base import (
    AgentEvent,
    Context,
    Edit,
    Emit,
    Failure,
    NothingToPropose,
    Outcome,
    Plan,
    Reflection,
)
from autotune_tui.agents.offline import rewrites
from autotune_tui.agents.offline.knobs import Knob, set_knobs
from autotune_tui.agents.offline.moves import KNOB, Move, combined, knob_moves, ranked, rewrite_moves
from autotune_tui.agents.offline.plans import bottleneck, make_plan, reflect
from autotune_tui.agents.offline.search import Search
from autotune_tui.agents.offline.sources import Sources, read_text, write_text
from autotune_tui.agents.offline.targets import Target, called_by_hot, rank, read_outline
from autotune_tui.agents.offline.trials import Setting, read_trials, read_values
from autotune_tui.errors import AgentError


class OfflineAgent:
    """`knobs` and `rewrites` switch the two kinds of proposals on."""

    name = "offline"

    def __init__(self, *, knobs: bool = True, rewrites: bool = True) -> None:
        self._knobs, self._rewrites = knobs, rewrites
        self._sources = Sources()

    async def propose(self, context: Context, emit: Emit) -> Plan:
        """The most promising move that was not tried. Raises AgentError for a mark that cannot be understood."""
        moves, targets = await asyncio.to_thread(self._moves, context)
        emit(AgentEvent("text", bottleneck(context.profile, targets, context.metric)))
        avoid = context.guidance.avoid
        if moves and all(move.strategy in avoid for move in moves):
            raise NothingToPropose(f"The offline agent has only what may not be used for now: {', '.join(avoid)}")
        moves = [move for move in moves if move.strategy not in avoid]
        if not moves:
            raise NothingToPropose(self._exhausted(context))
        emit(AgentEvent("text", f"{len(moves)} possible moves; trying: {moves[0].description}"))
        return make_plan(moves, targets, context)

    async def edit(self, context: Context, plan: Plan, emit: Emit) -> Edit:
        """Apply the plan's move. Raises AgentError when the place that it is about is no longer there."""
        apply = _set_values if plan.strategy == KNOB else _apply_rewrite
        files = await asyncio.to_thread(apply, self._sources, context, plan.data)
        for name in files:
            emit(AgentEvent("tool", f"edited {name}"))
        return Edit()

    async def rework(self, context: Context, plan: Plan, failure: Failure, emit: Emit) -> Edit | None:
        """None: a rule that broke something has no second opinion."""
        return None

    async def reflect(self, context: Context, plan: Plan, outcome: Outcome, emit: Emit) -> Reflection:
        return reflect(context, plan, outcome)

    async def close(self) -> None:
        """Nothing is held between calls."""

    def _moves(self, context: Context) -> tuple[list[Move], list[Target]]:
        """All moves, best first, and the targets that they were ranked by."""
        targets = rank(context.profile, context.files)
        moves = self._rewrite_moves(context, targets) if self._rewrites else []
        if self._knobs:
            moves += self._knob_moves(context, targets)
        return ranked(moves, context.history, context.guidance.stuck), targets

    def _rewrite_moves(self, context: Context, targets: list[Target]) -> list[Move]:
        directory = context.directory

        def candidates(path: str) -> Sequence[rewrites.Candidate]:
            return self._sources.of_file("rewrites", directory, path, _find_rewrites) or ()

        called = called_by_hot(
            targets,
            context.files,
            lambda path: self._sources.of_file("outline", directory, path, read_outline),
        )
        everywhere = [*targets, *called]
        paths = dict.fromkeys(target.path for target in everywhere if target.path.endswith(".py"))
        found = [(path, candidate) for path in paths for candidate in candidates(path)]
        return rewrite_moves(found, everywhere, context.history)

    def _knob_moves(self, context: Context, targets: Sequence[Target]) -> list[Move]:
        knobs = self._sources.knobs(context.directory, context.files)
        if not knobs:
            return []
        search = Search(knobs, read_trials(context.history, context.direction))
        found = search.moves(context.experiment)
        stuck = context.guidance.stuck
        if stuck is not None and stuck.step == "combine" and (both := combined(search, stuck, context.history)):
            found = [both, *found]
        return knob_moves(search, found, targets, context.history, context.metric)

    def _exhausted(self, context: Context) -> str:
        knobs = sum(past.strategy == KNOB for past in context.history)
        others = len(context.history) - knobs
        parts = []
        if self._rewrites:
            parts.append(f"no rewrite that was not tried applies to the hot Python functions in scope ({others} tried)")
        if self._knobs:
            parts.append(f"the search over marked constants has run dry ({knobs} settings tried)")
        return "The offline agent has nothing more to propose: " + " and ".join(parts or ["it is switched off"])


def _find_rewrites(name: str, text: str) -> tuple[rewrites.Candidate, ...]:
    return tuple(rewrites.find(text)) if text.isascii() or _is_utf8(text) else ()


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _apply_rewrite(sources: Sources, context: Context, data: Mapping[str, Any]) -> list[str]:
    path, key = str(data.get("path", "")), str(data.get("candidate", ""))
    text = read_text(context.directory / path) if path in context.files else None
    try:
        if text is None:
            raise ValueError("the file cannot be read")
        changed = rewrites.apply(text, key)
    except ValueError as problem:
        raise AgentError(
            "The place to rewrite is no longer there", f"{path}: {problem}", "The next proposal looks anew."
        ) from problem
    write_text(context.directory / path, changed)
    return [path]


def _set_values(sources: Sources, context: Context, data: Mapping[str, Any]) -> list[str]:
    """Set the knobs whose values the plan changes; the files that were edited."""
    wanted: Setting = read_values(data)
    knobs = [knob for knob in sources.knobs(context.directory, context.files) if knob.id in wanted]
    gone = wanted.keys() - {knob.id for knob in knobs}
    if gone or not wanted:
        raise AgentError(
            "A marked constant is no longer there", ", ".join(sorted(gone)), "The next proposal looks anew."
        )
    changed = dict.fromkeys(knob.path for knob in knobs if knob.value != wanted[knob.id])
    for path in changed:
        _set_in_file(context.directory / path, [knob for knob in knobs if knob.path == path], wanted)
    return list(changed)


def _set_in_file(path: Path, knobs: Sequence[Knob], wanted: Setting) -> None:
    text = read_text(path)
    if text is None:
        raise AgentError("A file with marked constants cannot be read", str(path))
    write_text(path, set_knobs(text, knobs, wanted))
