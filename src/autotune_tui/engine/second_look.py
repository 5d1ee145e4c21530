"""The model's second look at a would-be keep, for agents that have one (L14). What the rules have refused it never sees."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from autotune_tui.agents.base import BudgetReached, Inspector, Opinion, Outcome
from autotune_tui.engine import context
from autotune_tui.engine.watchdog_agent import attended
from autotune_tui.errors import AgentError
from autotune_tui.model.events import Inspection

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment


async def ask(x: Experiment) -> str:
    """Journal what the agent's inspector has to say of the candidate. Why it is refused; empty when it is not.

    A change that was measured to be better is not lost because its inspector could not be reached: that is only said.
    """
    agent = x.engine.agent
    if x.wish is not None or x.measured is None or not isinstance(agent, Inspector) or not agent.inspects:
        return ""
    measured = x.measured
    outcome = Outcome(
        "keep", "", measured.effect, measured.interval, measured.evidence.pairs, measured.text, measured.scale
    )
    diff = await asyncio.to_thread(x.engine.workspace.commits.diff, x.incumbent, x.commit)
    try:
        answer = agent.inspect(await context.of(x), x.description, diff, outcome, x.emit)
        opinion = await attended(x, answer)
    except AgentError as error:
        x.engine.note(f"no second look by the model: {error.title}: {error.message}", "warning", x.number)
        return ""
    except BudgetReached as reached:
        x.engine.note(f"no second look by the model: {reached}", "warning", x.number)
        return ""
    return _journalled(x, opinion)


def _journalled(x: Experiment, opinion: Opinion) -> str:
    blocks = x.engine.config.inspector.mode == "on" and not opinion.accepted
    said = [*([] if opinion.accepted else [("block" if blocks else "warn", opinion.reason)])]
    said += [("info", remark) for remark in opinion.remarks]
    findings = tuple(
        {"rule": "model", "severity": severity, "path": "", "line": 0, "text": text, "excerpt": ""}
        for severity, text in said
    )
    reason = opinion.reason if blocks else ""
    x.engine.record(Inspection(experiment=x.number, by="model", blocked=reason, findings=findings))
    return reason
