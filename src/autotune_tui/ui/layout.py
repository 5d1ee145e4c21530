"""Where the panels of the loop screen stand: a pure function of the size, the chosen panel and whether it has all the room."""

from __future__ import annotations

from typing import Literal

from autotune_tui.model.value import Value, frozen

PanelName = Literal["evidence", "plan", "bench", "trend", "health", "leaderboard"]
Kind = Literal["narrow", "medium", "wide"]

PANELS: tuple[PanelName, ...] = ("evidence", "plan", "bench", "trend", "health", "leaderboard")
"""In the order in which tab goes through them."""

MEDIUM = (100, 28)
WIDE = (140, 36)
"""Columns and rows from which on there is room for that layout."""


@frozen
class Place(Value):
    """A rectangle in cells."""

    x: int
    y: int
    width: int
    height: int


def kind(width: int, height: int) -> Kind:
    """Which layout a screen of this size gets."""
    if width >= WIDE[0] and height >= WIDE[1]:
        return "wide"
    return "medium" if width >= MEDIUM[0] and height >= MEDIUM[1] else "narrow"


def places(layout: Kind, width: int, height: int, chosen: PanelName, *, zoomed: bool = False) -> dict[PanelName, Place]:
    """The panels that are shown, with their places in an area of `width` x `height` cells.

    wide: all six, in two columns. medium: the chosen panel over the trend, the leaderboard over the health.
    narrow: the chosen panel over the leaderboard. A panel that has its own place everywhere is not shown twice.
    """
    if zoomed:
        return {chosen: Place(0, 0, width, height)}
    if layout == "wide":
        return _wide(width, height)
    if layout == "medium":
        return _medium(width, height, chosen if chosen in ("plan", "bench") else "evidence")
    large = chosen if chosen != "leaderboard" else "evidence"
    upper = max(min(height - 7, (height * 11 + 10) // 20), 3)
    return {large: Place(0, 0, width, upper), "leaderboard": Place(0, upper, width, height - upper)}


_LEFT = 47
"""Per cent of the width for the left column; words of the leaderboard need the more."""


def _wide(width: int, height: int) -> dict[PanelName, Place]:
    left = width * _LEFT // 100
    trend = height * 36 // 100
    plan = max(9, height * 22 // 100)
    health = 9
    bench = max((height - trend - health) // 2, 8)
    board = height - health - bench
    return {
        "trend": Place(0, 0, left, trend),
        "plan": Place(0, trend, left, plan),
        "evidence": Place(0, trend + plan, left, height - trend - plan),
        "leaderboard": Place(left, 0, width - left, board),
        "health": Place(left, board, width - left, health),
        "bench": Place(left, board + health, width - left, bench),
    }


def _medium(width: int, height: int, large: PanelName) -> dict[PanelName, Place]:
    left = width * _LEFT // 100
    upper = height - max(height * 40 // 100, 9)
    board = height - 9
    return {
        large: Place(0, 0, left, upper),
        "trend": Place(0, upper, left, height - upper),
        "leaderboard": Place(left, 0, width - left, board),
        "health": Place(left, board, width - left, 9),
    }
