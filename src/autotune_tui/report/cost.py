"""What an agent's roles have cost, in words."""

from __future__ import annotations

from autotune_tui.model import format as fmt
from autotune_tui.model.session import UsageTotals
from autotune_tui.model.state import SessionState
from autotune_tui.report.markdown import bullets, inline


def by_role(state: SessionState, experiment: int | None = None) -> list[str]:
    """A line for each role that is named, of one experiment or of all, in the order in which they first were at work."""
    totals: dict[str, UsageTotals] = {}
    for (index, role), used in state.usage_by.items():
        if role and experiment in (None, index):
            totals[role] = totals.get(role, UsageTotals()).plus(used)
    return bullets(f"{inline(role)}: {words(used)}" for role, used in totals.items())


def words(used: UsageTotals) -> str:
    """ "12,200 tokens in (10,000 from the cache), 100 out, $0.01"."""
    cached = f" ({used.cache_read_tokens:,} from the cache)" if used.cache_read_tokens else ""
    text = f"{used.input_tokens:,} tokens in{cached}, {used.output_tokens:,} out"
    return f"{text}, {fmt.money(used.usd)}" if used.usd else text
