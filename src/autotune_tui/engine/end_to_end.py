"""The end-to-end benchmark (L16): the whole that the session's benchmark is a part of has the last word on a would-be keep.

It is measured before the branch moves, not after. So nothing that it contradicts ever stands on the branch, no keep has to be
taken back in a second step that a crash could leave undone, and an experiment that is interrupted here is just begun again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotune_tui.engine import confirming, second
from autotune_tui.engine.sampling import SampleFailed
from autotune_tui.engine.verdict import Verdict
from autotune_tui.model.format import change as change_text

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment
    from autotune_tui.model.events import Confirmation


async def end_to_end(x: Experiment) -> None:
    """Pairs of the incumbent and the would-be keep; significant harm makes it a discard."""
    what = second.configured(x.engine, "end_to_end")
    if what is None or x.verdict is None or x.verdict.status != "keep":
        return
    log = second.log_of(x.engine, "end_to_end", f"{x.number:03}")
    try:
        said = await confirming.measure(x, what, log, confirming.unharmed)
    except SampleFailed as failure:
        x.verdict = Verdict(
            "crash", "incumbent_failed", f"the end-to-end benchmark fails on the incumbent: {failure.detail}"
        )
        return
    if not said.passed:
        x.verdict = Verdict("discard", "end_to_end", contradiction(said))


def contradiction(said: Confirmation) -> str:
    """Why it is no keep, in words."""
    if said.effect is None:
        return f"the end-to-end benchmark has no number for it: {said.text}"
    change = change_text(said.effect, said.interval, scale=said.scale, unit=said.unit)
    return f"the end-to-end benchmark contradicts: {said.metric} {change} after {said.pairs} pairs"
