"""The playbook that narrows the scope: to the files that held the recent gains, or else to the hot files of the profile."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from autotune_tui.engine.core import Engine
from autotune_tui.engine.recovery.base import Found, nothing
from autotune_tui.model.experiment import Experiment
from autotune_tui.model.format import count
from autotune_tui.model.health import Failure
from autotune_tui.model.profile import Profile

RECENT_KEEPS = 3
HOT_SHARE = 0.8
"""The hot files are the fewest that hold this part of what the profile saw in scope."""


async def shrink_scope(engine: Engine, failure: Failure | None) -> Found:
    """The files that may be changed until the next keep or playbook."""
    files = engine.workspace.files()
    profile = engine.profiles.get(engine.workspace.tip()) or next(reversed(engine.profiles.values()), None)
    if chosen := gained(engine.state.keeps, files):
        why = "which held the last gains"
    elif chosen := hot(profile, files):
        why = f"where the profile saw {HOT_SHARE:.0%} of the time or more"
    else:
        return nothing("nothing was kept yet and no profile names a file in scope, so no part of the scope stands out")
    if len(chosen) == len(files):
        return nothing("the files that gained or are hot are the whole scope already")
    return Found(f"the scope is narrowed from {count(len(files), 'file')} to {', '.join(chosen)}, {why}", scope=chosen)


def gained(keeps: Sequence[Experiment], files: Collection[str]) -> tuple[str, ...]:
    """The files that the last keeps changed and that are still there, sorted."""
    changed = {path for keep in keeps[-RECENT_KEEPS:] for path in keep.files}
    return tuple(sorted(changed & set(files)))


def hot(profile: Profile | None, files: Collection[str]) -> tuple[str, ...]:
    """The files in scope in which most of the run is spent, sorted."""
    known, shares = set(files), dict[str, float]()
    for spot in profile.hot_spots if profile else ():
        if spot.file in known:
            shares[spot.file] = shares.get(spot.file, 0.0) + spot.self_share
    chosen: list[str] = []
    held, all_of_it = 0.0, sum(shares.values())
    for path in sorted(shares, key=lambda path: (-shares[path], path)):
        if chosen and held >= HOT_SHARE * all_of_it:
            break
        chosen.append(path)
        held += shares[path]
    return tuple(sorted(chosen))
