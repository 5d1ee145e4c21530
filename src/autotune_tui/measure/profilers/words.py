"""Says in words what a profile shows: a ranked table, and whether the bottleneck has moved."""

from __future__ import annotations

from pathlib import PurePath

from autotune_tui.model.profile import HotSpot, Profile

ROWS = 20
BAR = 16
EIGHTHS = " ▏▎▍▌▋▊▉"
LEAST_LEAD = 0.03
"""By how much of all time another function must lead before it is called the bottleneck: below, it is sampling noise."""


def render(profile: Profile) -> str:
    """The artifact `profile-snapshot.txt`: functions by the time spent in themselves."""
    counted = "calls" if profile.tool == "cProfile" else "samples"
    lines = [f"Where {profile.commit[:12] or 'the program'} spends its time"]
    if profile.hot_spots:
        lines += [f"{profile.tool}, {profile.samples} {counted} in {profile.seconds:.2f} s", ""]
        lines += _table(sorted(profile.hot_spots, key=lambda spot: (-spot.self_share, -spot.total_share))[:ROWS])
        lines += ["", "self: in the function itself; total: also in what it calls; *: in the worktree"]
    if profile.note:
        lines += ["", profile.note]
    return "\n".join(lines) + "\n"


def moved(old: Profile | None, new: Profile) -> str:
    """That another function has become the one in which most time is spent; empty when it is still the same."""
    before, after = bottleneck(old), bottleneck(new)
    if before is None or after is None or _name(before) == _name(after):
        return ""
    left = next((spot.self_share for spot in new.hot_spots if _name(spot) == _name(before)), 0.0)
    if after.self_share - left < LEAST_LEAD:
        return ""
    return (
        f"The bottleneck has moved from {before.function} ({_where(before)}, {before.self_share:.0%}, now {left:.0%}) "
        f"to {after.function} ({_where(after)}, {after.self_share:.0%})."
    )


def bottleneck(profile: Profile | None) -> HotSpot | None:
    """The function in which most time is spent by itself."""
    return max(profile.hot_spots, key=lambda spot: spot.self_share, default=None) if profile else None


def _table(spots: list[HotSpot]) -> list[str]:
    width = min(48, max(len(spot.function) for spot in spots))
    rows = [f"{'self':>7}   {'':{BAR}} {'total':>8}   {'function':{width}}   where"]
    for spot in spots:
        mark = " " if PurePath(spot.file).is_absolute() else "*"
        name = spot.function if len(spot.function) <= width else "…" + spot.function[1 - width :]
        shares = f"{spot.self_share:>7.1%}   {_bar(spot.self_share):{BAR}} {spot.total_share:>8.1%}"
        rows.append(f"{shares} {mark} {name:{width}}   {_where(spot)}")
    return rows


def _bar(share: float) -> str:
    eighths = round(share * BAR * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _name(spot: HotSpot) -> tuple[str, str]:
    return spot.file, spot.function


def _where(spot: HotSpot) -> str:
    path = PurePath(spot.file)
    short = f"…/{'/'.join(path.parts[-2:])}" if path.is_absolute() else spot.file
    return f"{short}:{spot.line}" if spot.line else short
