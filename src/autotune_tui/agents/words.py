"""What an experiment's outcome means, in words: used by agents that do not reason for themselves."""

from __future__ import annotations

from typing import Literal

from autotune_tui.agents.base import Outcome
from autotune_tui.model.format import change

Direction = Literal["lower", "higher"]


def measured(outcome: Outcome, metric: str) -> str:
    """ "time changed by −13.4 % [−15.0, −11.9] over 12 pairs", or empty when nothing was measured."""
    if outcome.effect is None:
        return ""
    text = f"{metric} changed by {change(outcome.effect, outcome.interval, scale=outcome.scale)}"
    return f"{text} over {outcome.pairs} pairs" if outcome.pairs else text


def observation(outcome: Outcome, metric: str, direction: Direction) -> str:
    """One or two sentences: what happened, with the figures that there are."""
    figures = measured(outcome, metric)
    detail = outcome.detail.strip().rstrip(".")
    meaning = _MEANINGS.get(outcome.reason) or _MEANINGS.get(outcome.status, "it ended as " + outcome.status)
    if outcome.reason == "no_improvement":
        meaning = _no_improvement(outcome, direction)
    text = f"{figures}: {meaning}" if figures else meaning
    return text[0].upper() + text[1:] + (f" ({detail})" if detail and not figures else "") + "."


def conclusive(outcome: Outcome) -> bool:
    """Whether the change was shown to make little difference, as against the measurement having been too noisy to say."""
    if outcome.effect is None or outcome.interval is None or outcome.scale == "difference":
        return False
    return outcome.interval[1] - outcome.interval[0] < 0.04


def _no_improvement(outcome: Outcome, direction: Direction) -> str:
    if outcome.effect is None or outcome.interval is None:
        return "no improvement was seen"
    better = -outcome.effect if direction == "lower" else outcome.effect
    if conclusive(outcome):
        half = (outcome.interval[1] - outcome.interval[0]) / 2 * 100
        if abs(better) < 0.01:
            return f"no effect within ±{half:.1f} %"
        return "a small gain, less than is worth keeping" if better > 0 else "if anything, it got worse"
    return "nothing that stands out of the noise, which is not to say no effect"


_MEANINGS = {
    "keep": "a real improvement, and kept",
    "regression": "it got worse",
    "vetoed": "it was kept, and a person took it back",
    "inconclusive": "the noise hides whatever effect it has",
    "guard": "the metric may be better, but a guard was broken",
    "holdout": "it did not hold on data it has not seen",
    "end_to_end": "the end-to-end benchmark became worse",
    "inspector": "the second look at the change rejected it",
    "output_changed": "the program's output changed, so this is no optimisation",
    "duplicate": "the same change had been tried before",
    "no_change": "nothing was changed",
    "out_of_scope": "files outside of the scope were changed",
    "skipped": "it was skipped by the user",
    "no_proposal": "there was no proposal",
    "build_failed": "the build failed",
    "checks_failed": "the checks failed",
    "timeout": "it ran into the time limit",
    "agent_failed": "the agent failed",
    "crash": "it crashed",
    "discard": "it was discarded",
}
