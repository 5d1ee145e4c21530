"""Playbooks: the named recovery actions, a file each. What they put in force is journalled, and so survives a restart."""

from autotune_tui.engine.recovery.base import Exhausted, Found

__all__ = ["Exhausted", "Found"]
