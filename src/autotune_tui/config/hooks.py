"""The table [hooks]: what is run or told when something has happened. None of it can stop or delay the loop."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from autotune_tui.config.table import Table
from autotune_tui.config.values import Command, Duration

HookEvent = Literal["keep", "milestone", "pause", "end"]
EVENTS: tuple[HookEvent, ...] = ("keep", "milestone", "pause", "end")
_ADDRESS = re.compile(r"https?://[^\s/]\S*|\$[A-Za-z_]\w*")


def _webhook(text: str) -> str:
    if text and not _ADDRESS.fullmatch(text):
        raise ValueError(
            "an address such as https://example.org/hook, or the variable that holds it, such as $HOOK_URL"
        )
    return text


class Hooks(Table):
    keep: Command = Field("", description="Run after each keep, with the facts as JSON on its standard input")
    milestone: Command = Field("", description="The same when a milestone is set")
    pause: Command = Field("", description="The same when the session pauses")
    end: Command = Field("", description="The same when it ends in another way")
    webhook: Annotated[str, AfterValidator(_webhook)] = Field(
        "", description="An http(s) address that gets the same JSON by POST, or $NAME of the variable that holds it"
    )
    webhook_events: list[HookEvent] = Field(
        default=list(EVENTS),
        description="What the webhook is told",
        json_schema_extra={"expects": "keep, milestone, pause or end"},
    )
    timeout: Duration = Field(30.0, description="A hook that takes longer is given up")
