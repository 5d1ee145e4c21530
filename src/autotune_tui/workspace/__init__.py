"""Git: the two worktrees of a session, its branch and refs, the scope of a change.

with the user's checkout only ever read:
Workspace.open(repo, session, options, scope, locked) -> refuses what cannot work
    .create()  .sync(side, commit)  .changes()  .commit(...)  .reword(...)  .advance(old, new)  .remove()
"""

from __future__ import annotations

from autotune_tui.scope import ScopeMatcher
from autotune_tui.workspace.status import Change
from autotune_tui.workspace.workspace import SIDES, Place, Rival, Side, Workspace

__all__ = ["SIDES", "Change", "Place", "Rival", "ScopeMatcher", "Side", "Workspace"]
