"""The suite's results as a table for people, and what is wrong with them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from autotune_tui.model.format import one_line

from .campaign import Attack, Campaign, Outcome


def rows(campaign: Campaign, done: Attack) -> list[str]:
    """A row of Markdown for each candidate."""
    return [_row(outcome) for outcome in done.outcomes.values()]


def _row(outcome: Outcome) -> str:
    case = outcome.case
    words = (case.name, case.tries, outcome.verdict, outcome.detail, case.stops)
    return "| " + " | ".join(one_line(word, 120).replace("|", "\\|") for word in words) + " |"


def wrong(campaign: Campaign, done: Attack) -> Iterator[tuple[str, str]]:
    """Each candidate that was not stopped as it should be, and how."""
    for case in campaign.cases:
        outcome = done.outcomes.get(case.name)
        if outcome is None:
            yield case.name, "was never tried"
            continue
        if outcome.verdict not in case.ends:
            yield case.name, f"ended as {outcome.verdict} ({outcome.detail}), not as {' or '.join(case.ends)}"
        elif not re.search(case.says, outcome.detail):
            yield case.name, f"the reason is {outcome.detail!r}, which does not match {case.says}"
        for harm in outcome.harms:
            yield case.name, f"changed {harm}"
    for harm in done.harms:
        yield campaign.name, f"changed {harm} at the end"
    for place in done.told:
        yield campaign.name, f"the secret stands in {place}"


def summary(campaign: Campaign, done: Attack) -> int:
    """Print what is wrong; how much that is."""
    found = list(wrong(campaign, done))
    for name, text in found:
        sys.stderr.write(f"{campaign.name}: {one_line(name, 80)}: {one_line(text, 300)}\n")
    return len(found)
