"""The `manual` agent: a person edits, and the tool measures and decides."""

from __future__ import annotations

from autotune_tui.agents import words
from autotune_tui.agents.base import (
    AgentEvent,
    Approach,
    Context,
    Edit,
    Emit,
    Failure,
    Outcome,
    Plan,
    Reflection,
    Submission,
)
from autotune_tui.agents.text import one_line
from autotune_tui.agents.worktree import apply_patch


class ManualAgent:
    """Waits for `autotune-tui propose`: with a patch, or after editing the candidate worktree in place."""

    name = "manual"

    def __init__(self) -> None:
        self._submission = Submission("")

    async def propose(self, context: Context, emit: Emit) -> Plan:
        """The plan of the user's next submission, however long that takes."""
        emit(
            AgentEvent(
                "notice",
                "waiting for your change: hand in a patch with `git diff | autotune-tui propose -m TEXT --patch -`, or edit "
                f"the files in {context.directory} and run `autotune-tui propose -m TEXT`",
            )
        )
        self._submission = await context.submitted()
        description = one_line(self._submission.description, 200).strip() or "Change by hand"
        return Plan(
            description=description,
            hypothesis=f"This change should improve {context.metric}, because its author expects so.",
            strategy="manual",
            key=f"manual:{context.experiment}",
            approaches=(Approach("the change as submitted", "a person's choice", chosen=True),),
        )

    async def edit(self, context: Context, plan: Plan, emit: Emit) -> Edit:
        """Apply the submitted patch, or leave the worktree as the user edited it. Raises AgentError with git's words."""
        if self._submission.patch.strip():
            await apply_patch(context.directory, self._submission.patch)
            return Edit(notes="applied from a patch")
        return Edit(notes="edited in place")

    async def rework(self, context: Context, plan: Plan, failure: Failure, emit: Emit) -> Edit | None:
        """None: the user sees the failure, and submits the mended change as the next experiment."""
        return None

    async def reflect(self, context: Context, plan: Plan, outcome: Outcome, emit: Emit) -> Reflection:
        mended = outcome.status in {"crash", "checks_failed"} or outcome.reason in {"output_changed", "out_of_scope"}
        return Reflection(
            observation=words.observation(outcome, context.metric, context.direction),
            next="Mend the change and propose it again." if mended else "Propose the next change.",
        )

    async def close(self) -> None:
        """Nothing is held between calls."""
