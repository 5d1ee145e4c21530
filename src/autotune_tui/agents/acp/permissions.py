"""What an agent may do when it asks first. Pure: what the worktree and the scope have comes in as functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from autotune_tui.config.agent_acp import AgentAcp, Permission

READING = frozenset({"read", "search", "think"})
EDITING = frozenset({"edit", "delete", "move"})
OptionKind = Literal["allow_once", "allow_always", "reject_once", "reject_always"]
ALLOWING: tuple[OptionKind, ...] = ("allow_once", "allow_always")
REFUSING: tuple[OptionKind, ...] = ("reject_once", "reject_always")


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Permission
    why: str = ""
    """For a refusal that needs no person: what is wrong."""


def judge(
    kind: str,
    paths: Sequence[str],
    settings: AgentAcp,
    *,
    in_worktree: Callable[[str], bool],
    in_scope: Callable[[str], bool],
) -> Judgement:
    """Whether a tool call is allowed, refused, or a person's to decide. `kind` is the protocol's; it is what the agent says.

    Edits outside of the scope are always refused: they would end the experiment.
    """
    if kind in EDITING and paths:
        outside = [path for path in paths if not in_scope(path)]
        if outside:
            return Judgement("deny", f"{outside[0]} is not in scope")
        return Judgement(settings.edits)
    if kind in READING and all(map(in_worktree, paths)):
        return Judgement(settings.edits)
    return Judgement(settings.others)


def choose(offered: Sequence[tuple[str, str]], wanted: Sequence[OptionKind]) -> str:
    """The id of the first option of these kinds, the earlier kind first; empty when none is offered. `offered`: id, kind."""
    return next((id for kind in wanted for id, own in offered if own == kind), "")
