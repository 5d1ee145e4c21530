"""What a failed request means: wait and try again, give this experiment up, or pause until the user has done something.

Errors are looked at by their status and their kind (a stream may end in an error although it began with status 200), so
that this needs no import of the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotune_tui.agents.base import AgentUnavailable
from autotune_tui.agents.text import one_line
from autotune_tui.errors import AgentError

_PASSING = {
    "rate_limit_error": "The rate limit is reached",
    "overloaded_error": "The provider is overloaded",
    "api_error": "The provider has an error",
    "timeout_error": "The provider took too long",
}
_BY_STATUS = {401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
              408: "timeout_error", 409: "api_error", 413: "request_too_large", 429: "rate_limit_error",
              529: "overloaded_error"}  # fmt: skip
_TOO_LONG = ("prompt is too long", "context window", "context length")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed request. With `passing` it is worth another try, `after` seconds if the provider said so."""

    error: AgentError
    passing: bool = False
    after: float | None = None


def cut(what: str) -> Trouble:
    """A stream that ended in the middle, or that cannot be understood."""
    return Trouble(AgentUnavailable("The provider's answer broke off", what, _LATER), passing=True)


def unreachable(what: str, url: str) -> Trouble:
    return Trouble(
        AgentUnavailable("The provider cannot be reached", f"{url}: {one_line(what, 200)}", _LATER), passing=True
    )


_LATER = "Nothing is lost: `autotune-tui run` goes on from here."


def of_status(status: int, kind: str, message: str, model: str, after: float | None = None) -> Trouble:
    """The trouble behind an error response; `kind` is the body's own word for it, if it has one."""
    kind = kind or _BY_STATUS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    said = one_line(message, 400)
    if kind in _PASSING:
        return Trouble(AgentUnavailable(_PASSING[kind], said, _LATER), passing=True, after=after)
    return Trouble(_lasting(kind, said, model))


def _lasting(kind: str, said: str, model: str) -> AgentError:
    if kind == "authentication_error":
        return AgentUnavailable(
            "The provider does not know the key", said, "Set ANTHROPIC_API_KEY anew and run the session again."
        )
    if kind == "billing_error" or "credit balance" in said:
        return AgentUnavailable("The account has no credit", said, "Add credit, then run the session again.")
    if kind == "permission_error":
        return AgentUnavailable("The key may not do this", said, f"Is {model} enabled for it?")
    if kind == "not_found_error":
        return AgentUnavailable(
            f"The provider does not know {model}", said, "Name another model in [agent_claude], or check base_url."
        )
    if kind == "request_too_large" or any(words in said for words in _TOO_LONG):
        return AgentError(
            "The conversation became too long", said, "A lower [agent_claude] tool_output keeps it shorter."
        )
    return AgentError(
        "The provider refused the request", said, "The transcript beside the experiment shows what was sent."
    )


def retry_after(headers: Any) -> float | None:
    """Seconds that the provider asks to wait, from the headers of its response."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers.get(name)) * unit)
        except (TypeError, ValueError):
            continue
    return None
