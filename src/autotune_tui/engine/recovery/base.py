"""What every playbook gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autotune_tui.model.health import Failure


class Exhausted(Exception):
    """Recovery has been tried as often as it may, or asked for a pause; the reason is for the user.

    `failure`: what could not be mended, as in `health.Failure`.
    """

    def __init__(self, reason: str, failure: Failure | None = None) -> None:
        super().__init__(reason)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Found:
    """What a playbook did and found. All but `outcome` and `pause` is as in `events.Recovery`."""

    text: str
    outcome: Literal["done", "nothing"] = "done"
    scope: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    agent: str = ""
    repair: Literal["", "candidates", "code"] = ""
    base: str = ""
    pause: str = ""
    """Why no experiment can help; the session pauses with these words."""


def nothing(why: str) -> Found:
    return Found(why, outcome="nothing")
