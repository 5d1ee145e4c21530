"""Walls around the commands of a session: what they may read, write and reach."""

from autotune_tui.measure.sandbox.detect import Kind, Sandbox, find_sandbox, open_sandbox
from autotune_tui.measure.sandbox.places import Places, places_of

__all__ = ["Kind", "Places", "Sandbox", "find_sandbox", "open_sandbox", "places_of"]
