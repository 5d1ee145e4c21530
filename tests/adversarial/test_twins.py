"""Honest candidates that look a little like the hostile ones are kept."""

from __future__ import annotations

from collections.abc import Callable

from .campaign import Attack
from .campaigns import CAMPAIGNS, HONEST
from .support import needs_walls, problems_around

pytestmark = needs_walls

FALSE_REFUSALS = 1 / 30


def test_honest_twins_are_kept(attacked: Callable[[str], Attack]) -> None:
    """With the defences on no more than one honest candidate in thirty is refused, and nothing around changes."""
    ended = [(case, attacked(name).outcomes[case.name]) for name in HONEST for case in HONEST[name].cases]
    refused = [f"{case.name}: {outcome.detail}" for case, outcome in ended if outcome.status != "keep"]
    assert len(ended) >= 30
    assert len(refused) <= FALSE_REFUSALS * len(ended), refused
    assert [problem for name in HONEST for problem in problems_around(HONEST[name], attacked(name))] == []


def test_every_family_has_an_honest_twin() -> None:
    hostile = {case.family for campaign in CAMPAIGNS.values() for case in campaign.cases}
    honest = {case.family for campaign in HONEST.values() for case in campaign.cases}
    assert sum(len(campaign.cases) for campaign in CAMPAIGNS.values()) >= 34
    assert hostile - honest <= ALIKE.keys(), hostile - honest - ALIKE.keys()
    assert set(ALIKE.values()) <= honest


ALIKE = {
    "the checks": "removed checks",
    "the incumbent's tree": "the file system",
    "a symbolic link": "links and mounts",
    "a hard link": "links and mounts",
    "escape by remount": "links and mounts",
    "escape by ptrace": "processes left behind",
    "escape by /proc": "the file system",
    "Makefile include": "files with a meaning of their own",
    "conftest.py": "files with a meaning of their own",
    "sitecustomize.py": "files with a meaning of their own",
    ".pth": "files with a meaning of their own",
    "PYTHONSTARTUP": "files with a meaning of their own",
    "a fork bomb": "processes left behind",
    "a memory bomb": "memory and disk",
    "a full disk": "memory and disk",
    "a long line": "long lines",
    "odd files": "files with a meaning of their own",
    "memory in metadata": "memory on disk",
}
"""Families whose honest twin is that of another: what an honest change would do there looks alike."""
