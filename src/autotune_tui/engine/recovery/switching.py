"""The playbooks for a plateau that change who searches, or how: other strategies, another agent."""

from __future__ import annotations

from autotune_tui.engine.core import Engine
from autotune_tui.engine.recovery.base import Found, nothing
from autotune_tui.errors import AutotuneError
from autotune_tui.model.format import count, one_line
from autotune_tui.model.guidance import failed_strategies
from autotune_tui.model.health import Failure


async def switch_strategy(engine: Engine, failure: Failure | None) -> Found:
    """The strategies of the experiments since the last keep may not be used until the next keep or playbook."""
    if failure not in (None, "plateau"):
        return nothing("it is not the choice of strategy that fails")
    failed = failed_strategies(engine.state.experiments)
    if not failed:
        return nothing("the agent names no strategies that could be told apart")
    named = ", ".join(f"{strategy} ({count(times, 'time')})" for strategy, times in failed)
    return Found(
        f"tried since the last keep and not to be used for now: {named}", avoid=tuple(name for name, _ in failed)
    )


async def switch_agent(engine: Engine, failure: Failure | None) -> Found:
    """The next agent of `[recovery].agents` takes over. One that cannot work is passed over, and it is said why."""
    if failure not in (None, "plateau", "stall"):
        return nothing("it is not the agent that fails")
    if not engine.config.recovery.agents:
        return nothing("[recovery] agents names no other agent")
    now, refused = engine.agent.name, list[str]()
    for name in following(engine.config.recovery.agents, engine.state.course.agent or now):
        try:
            agent = engine.make_agent(name)
        except AutotuneError as error:
            refused.append(f"{name} cannot work ({one_line(error.title, 120)})")
            continue
        engine.agent, engine.took_over = agent, name
        return Found("; ".join([f"{name} takes over from {now}", *refused]), agent=name)
    return nothing("; ".join(["no other agent can take over", *refused]))


def following(configured: list[str], now: str) -> list[str]:
    """The agents to ask, in order: those after the present one, then those before it."""
    place = configured.index(now) + 1 if now in configured else 0
    return [name for name in dict.fromkeys((*configured[place:], *configured[:place])) if name != now]
