"""The playbooks by name, and how one is run and journalled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from autotune_tui.engine.core import Engine
from autotune_tui.engine.recovery.base import Exhausted, Found
from autotune_tui.engine.recovery.diagnose import diagnose
from autotune_tui.engine.recovery.shrink_scope import shrink_scope
from autotune_tui.engine.recovery.switching import switch_agent, switch_strategy
from autotune_tui.engine.recovery.worktrees import pause, rebaseline, reset_worktree
from autotune_tui.model.events import Recovery
from autotune_tui.model.health import Failure

PLAYBOOKS: dict[str, Callable[[Engine, Failure | None], Awaitable[Found]]] = {
    "reset_worktree": reset_worktree,
    "diagnose": diagnose,
    "switch_strategy": switch_strategy,
    "shrink_scope": shrink_scope,
    "switch_agent": switch_agent,
    "rebaseline": rebaseline,
    "pause": pause,
}


async def play(engine: Engine, playbook: str, why: str, failure: Failure | None = None) -> Found:
    """Run a playbook and journal what it found. `failure`: what it is to mend, None when somebody asked for it.

    Raises Exhausted when it finds that no experiment can help.
    """
    found = await PLAYBOOKS[playbook](engine, failure)
    engine.record(
        Recovery(
            experiment=engine.state.last_number,
            playbook=playbook,
            why=why,
            outcome=found.outcome,
            found=found.text,
            scope=found.scope,
            avoid=found.avoid,
            agent=found.agent,
            repair=found.repair,
            base=found.base,
        ),
        sync=True,
    )
    if found.pause:
        raise Exhausted(found.pause, failure)
    return found
