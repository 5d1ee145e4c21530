"""A1: code that only looks right for a rewrite is left alone. `rewrites_refused.txt` holds it, with the reason as a headline."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune_tui.agents.offline.rewrites import REWRITES
from rewrites_support import candidates

_SECTIONS = (Path(__file__).parent / "rewrites_refused.txt").read_text("utf-8").split("## ")[1:]
_REFUSED = [(*section.partition("\n")[0].split(": ", 1), section.partition("\n")[2]) for section in _SECTIONS]


@pytest.mark.parametrize(
    ("rewrite", "why", "text"), _REFUSED, ids=[f"{rewrite}: {why}" for rewrite, why, _ in _REFUSED]
)
def test_unsafe_code_is_left_alone(rewrite: str, why: str, text: str) -> None:
    compile(text, why, "exec")
    assert candidates(rewrite, text) == [], why


def test_every_rewrite_refuses_something() -> None:
    assert {rewrite.name for rewrite in REWRITES} == {rewrite for rewrite, _, _ in _REFUSED}
