"""The table [agent_claude]: models, key, prices and limits of the Claude agent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from autotune_tui.config.table import Table
from autotune_tui.config.values import Command, Duration

Effort = Literal["", "low", "medium", "high", "xhigh", "max"]
Role = Literal["planner", "editor", "inspector", "reflector", "builder"]
_PRICE_WORDS = 'dollars for a million tokens as "input/output/cache write/cache read", such as "4/20/5/0.2"'


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens of each kind."""

    input: float
    output: float
    cache_write: float
    cache_read: float


def price_of(text: str) -> Price:
    """The price that a text such as "4/20/5/0.2" states. Raises ValueError."""
    try:
        numbers = [float(part) for part in text.split("/")]
    except ValueError:
        raise ValueError(_PRICE_WORDS) from None
    if len(numbers) != 4 or not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise ValueError(_PRICE_WORDS)
    return Price(*numbers)


def _checked(text: str) -> str:
    price_of(text)
    return text


PriceText = Annotated[str, AfterValidator(_checked)]


def _leave(value: object) -> object:
    """true and false say yes and no."""
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


WebSearch = Annotated[Literal["yes", "ask", "no"], BeforeValidator(_leave)]


class AgentClaude(Table):
    key_command: Command = Field(
        "", description="A command that prints the API key; default: the environment variable ANTHROPIC_API_KEY"
    )
    base_url: str = Field("", description="Another endpoint; default: ANTHROPIC_BASE_URL, else Anthropic's own")
    planner: str = Field("claude-opus-5-5", description="Model that plans", min_length=1)
    planner_effort: Effort = Field("high", description="Its effort; empty: not said to the model")
    second_ranking: bool = Field(
        True,
        description="Have each plan's approaches ranked once more, by a conversation that has not seen the first ranking",
        strict=True,
    )
    editor: str = Field("claude-sonnet-5-5", description="Model that edits and reworks", min_length=1)
    editor_effort: Effort = Field("medium", description="Its effort")
    inspector: str = Field("claude-opus-5-5", description="Model that looks at a change a second time", min_length=1)
    inspector_effort: Effort = Field("medium", description="Its effort")
    inspect: bool = Field(
        True, description="Let the model look at a would-be keep, once the rules have passed it", strict=True
    )
    reflector: str = Field("claude-sonnet-5-5", description="Model that reflects on outcomes", min_length=1)
    reflector_effort: Effort = Field("low", description="Its effort")
    builder: str = Field("claude-opus-5-5", description="Model that writes a missing benchmark or tests", min_length=1)
    builder_effort: Effort = Field("medium", description="Its effort")
    thinking: bool = Field(
        True, description="Let the models think first; false for endpoints that know none", strict=True
    )
    max_tokens: int = Field(32_000, ge=1024, description="The most tokens of one answer", strict=True)
    rounds: int = Field(50, ge=1, description="The most rounds of tools in one plan or edit", strict=True)
    tool_output: int = Field(
        12_000,
        ge=1000,
        description="Characters of a tool's result that the model sees; the middle is left out",
        strict=True,
    )
    web_search: WebSearch = Field(
        "no", description="Whether the planner may search the web, through the provider; what it found is recorded"
    )
    answer_timeout: Duration = Field(600.0, description="A question that waits longer is answered with no")
    shell: bool = Field(
        True, description="Let the editor run commands, in the sandbox and without a network", strict=True
    )
    timeout: Duration = Field(600.0, description="A request that is silent for longer is made again")
    patience: int = Field(
        30,
        ge=0,
        description="Minutes to wait for a provider that is overloaded or out of reach, before pausing",
        strict=True,
    )
    prices: dict[str, PriceText] = Field(
        default={
            "claude-opus-5-5": "4/20/5/0.2",
            "claude-sonnet-5-5": "2/10/2.5/0.1",
            "claude-opus-5": "5/25/6.25/0.5",
            "claude-sonnet-5": "2/10/2.5/0.2",
            "claude-opus-4-8": "5/25/6.25/0.5",
        },
        description="Dollars for a million tokens of each model: input/output/cache write/cache read",
        json_schema_extra={"expects": _PRICE_WORDS},
    )
    search_price: float = Field(0.01, ge=0, description="Dollars for one search", strict=True, allow_inf_nan=False)
    prices_as_of: str = Field("2026-10-07", description="The day on which these prices were looked up")

    def model(self, role: Role) -> str:
        return str(getattr(self, role))

    def effort(self, role: Role) -> str:
        return str(getattr(self, f"{role}_effort"))

    def price(self, model: str) -> Price | None:
        """What a model costs, None when the table does not say."""
        text = self.prices.get(model)
        return price_of(text) if text else None
