"""What one call of the engine works with: its context, its conversation, and the tools on its worktree."""

from __future__ import annotations

from dataclasses import dataclass

from autotune_tui.agents.base import Context
from autotune_tui.agents.claude.conversation import Conversation
from autotune_tui.agents.claude.duplicates import fingerprint, since_last_keep, tried
from autotune_tui.agents.claude.tools.base import AnyTool
from autotune_tui.agents.claude.tools.commands import Commands, Runner
from autotune_tui.agents.claude.tools.files import Files
from autotune_tui.agents.claude.tools.inside import Insight
from autotune_tui.agents.claude.tools.recall import Memory
from autotune_tui.agents.claude.tools.worktree import Worktree
from autotune_tui.agents.claude.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Step:
    context: Context
    worktree: Worktree
    conversation: Conversation
    transcript: Transcript
    commands: Commands

    @property
    def reading(self) -> list[AnyTool]:
        return Files(self.worktree).looking()

    @property
    def looking(self) -> list[AnyTool]:
        return [*self.reading, *Insight(self.worktree, self.commands).reading(), Memory(self.context).tool()]

    @property
    def changing(self) -> list[AnyTool]:
        running = [
            *Runner(self.worktree, self.commands).tools(),
            *Insight(self.worktree, self.commands).running(),
        ]
        return [*self.looking, *Files(self.worktree).changing(), *running]

    def made_before(self, diff: str) -> int | None:
        """The number of the experiment that made the same change to the same code, but for names, spaces and comments."""
        memory = Memory(self.context)
        earlier = (
            (past.index, memory.text(past.index, "diff.patch")) for past in since_last_keep(self.context.history)
        )
        return tried(fingerprint(diff), earlier)
