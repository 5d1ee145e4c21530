"""Where a program spends its time: the profile that agents plan from."""

from __future__ import annotations

from autotune_tui.model.value import Value, frozen


@frozen
class HotSpot(Value):
    """One function. `file` is relative to the worktree when it lies inside, else absolute."""

    file: str
    function: str
    line: int
    """The line of the function's definition, or 0 when the profiler does not know it."""
    self_share: float
    """Share of all samples (0..1) in which this function itself was running."""
    total_share: float
    """Share of all samples (0..1) in which this function was somewhere on the stack."""


@frozen
class Profile(Value):
    """Hot spots, most `total_share` first, as one tool saw them."""

    tool: str
    commit: str
    seconds: float
    samples: int
    hot_spots: tuple[HotSpot, ...]
    folded: str = ""
    """All stacks in the folded format (`a;b;c count` per line), for the artifact."""
    note: str = ""
    """Why there is no profile or what it cannot see, for a person."""
