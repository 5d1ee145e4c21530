"""Code that answers less, or only seems to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .campaign import Attack
from .campaigns import CAMPAIGNS
from .support import candidates, needs_walls, problems, problems_around

pytestmark = needs_walls


@candidates("detecting", "printing", "taking", "answering", "clock")
def test_candidate_is_stopped(attacked: Callable[[str], Attack], campaign: str, candidate: str) -> None:
    """It is not kept, the reason is the true one, and nothing outside of its tree changed (D8, A6, L14)."""
    assert problems(campaign, attacked(campaign), candidate) == []


@pytest.mark.parametrize("campaign", ["detecting", "printing", "taking", "answering", "clock"])
def test_nothing_around_changed(attacked: Callable[[str], Attack], campaign: str) -> None:
    """No secret was told, no process is left, and what the session says can be shown on a terminal."""
    assert problems_around(CAMPAIGNS[campaign], attacked(campaign)) == []
