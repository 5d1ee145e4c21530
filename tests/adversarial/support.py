"""What the tests of all campaigns share."""

from __future__ import annotations

import os
import re

import pytest

from autotune_tui import headless
from autotune_tui.journal.files import slugify
from autotune_tui.measure.sandbox import find_sandbox
from autotune_tui.model.state import fold

from .campaign import Attack, Campaign
from .campaigns import CAMPAIGNS
from .table import wrong

MOST_BYTES = 3_000_000
"""Of all files of a session's experiments, whatever was printed."""

needs_walls = pytest.mark.skipif(
    find_sandbox("auto", {"PATH": os.environ.get("PATH", os.defpath)}).kind != "bubblewrap",
    reason="attacks need walls, and bubblewrap does not work here: apt install bubblewrap",
)


def candidates(*names: str) -> pytest.MarkDecorator:
    """A test for each candidate of the campaigns."""
    pairs = [(name, case.name) for name in names for case in CAMPAIGNS[name].cases]
    return pytest.mark.parametrize(("campaign", "candidate"), pairs, ids=[slugify(name, 60) for _, name in pairs])


def problems(campaign: str, done: Attack, candidate: str) -> list[str]:
    """What is wrong with one candidate's end."""
    return [text for name, text in wrong(CAMPAIGNS[campaign], done) if name == candidate]


def problems_around(campaign: Campaign, done: Attack) -> list[str]:
    """What the session as a whole did not keep: its surroundings, secrets, and that what it says is harmless."""
    found = [text for name, text in wrong(campaign, done) if name == campaign.name]
    root = done.world.session.root
    if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", done.world.session.journal.read_bytes()):
        found.append("the journal has control characters")
    for number in range(len(done.events)):
        said = headless.line(done.events[number], fold(done.events[: number + 1])) if _speaks(done, number) else None
        if said and re.search(r"[\x00-\x1f\x7f-\x9f]", said):
            found.append(f"a line on the terminal has control characters: {said!r}")
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    if size > MOST_BYTES * len(campaign.cases):
        found.append(f"the session's files have {size} bytes")
    return found


def _speaks(done: Attack, number: int) -> bool:
    return done.events[number].type in ("result", "plan", "note")
