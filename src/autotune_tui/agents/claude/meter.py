"""What calls cost, and the budget that stops before a call which could cost more than is left."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autotune_tui.agents.base import AgentUnavailable, BudgetReached
from autotune_tui.config.agent_claude import Price

BYTES_PER_TOKEN = 2.0
"""Text has three to four bytes a token, dense code two and a half: this guess is never too low, so the budget holds."""
LEAST_ANSWER = 1024
"""Tokens; a call that could not even answer this much is not made."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one call by kind. `input` are those that no cache had."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0
    searches: int = 0

    @property
    def all_input(self) -> int:
        return self.input + self.cache_write + self.cache_read

    def dollars(self, price: Price | None, search_price: float = 0.0) -> float:
        """For tokens 0 without a price."""
        if price is None:
            return self.searches * search_price
        parts = (
            self.input * price.input,
            self.output * price.output,
            self.cache_write * price.cache_write,
            self.cache_read * price.cache_read,
        )
        return sum(parts) / 1e6 + self.searches * search_price


class Meter:
    """What is left of the budget during one step of an experiment; None is no limit."""

    def __init__(self, tokens: int | None = None, usd: float | None = None) -> None:
        self.tokens, self.usd = tokens, usd

    def spend(self, spent: Spent, dollars: float) -> None:
        if self.tokens is not None:
            self.tokens -= spent.all_input + spent.output
        if self.usd is not None:
            self.usd -= dollars

    def answer(self, size: int, most: int, model: str, price: Price | None, extra: float = 0.0) -> int:
        """How many tokens the answer to a request of `size` bytes may have, at most `most`. `extra` dollars may come to it.

        Raises BudgetReached when that would be too few to be of use, AgentUnavailable when there is a limit in dollars and
        nobody knows what the model costs.
        """
        asked = math.ceil(size / BYTES_PER_TOKEN)
        allowed = most
        if self.tokens is not None:
            allowed = min(allowed, self.tokens - asked)
        if self.usd is not None:
            if price is None:
                raise AgentUnavailable(
                    f"No price is known for {model}",
                    "There is a budget in dollars, which cannot be held without it.",
                    'Add the model to [agent_claude] prices, or set budget.usd = "unlimited".',
                )
            rest = self.usd - extra - asked * max(price.input, price.cache_write) / 1e6
            allowed = min(allowed, int(rest * 1e6 / price.output) if price.output else allowed)
        if allowed < min(LEAST_ANSWER, most):
            raise BudgetReached(f"the next call could cost more than the budget has left: {self._left()}")
        return allowed

    def _left(self) -> str:
        parts = [f"{max(0, self.tokens):,} tokens"] if self.tokens is not None else []
        parts += [f"{max(0.0, self.usd):.2f} dollars"] if self.usd is not None else []
        return " and ".join(parts)
