"""Where a new session starts from: what was found in the repository, a draft, a configuration that is there."""

from __future__ import annotations

from collections.abc import Sequence

from autotune_tui.suggest import Look
from autotune_tui.ui.wizard.dialog import Answer
from autotune_tui.ui.wizard.drafts import Kept
from autotune_tui.ui.wizard.words import join

COMPILED = frozenset(("C", "C++", "Rust", "Go", "Java", "Kotlin", "Scala", "C#", "Swift", "Zig"))
"""Languages whose programs are built before they run; elsewhere a build is only proposed."""


def suggestions(look: Look) -> dict[str, str]:
    """The fields that can be filled in from what the repository looks like (S4)."""
    best = look.benchmarks[0] if look.benchmarks else None
    filled = {"benchmark.command": best.command, **best.fields} if best else {}
    if filled.get("metric.source") == "metric_line":
        filled["metric.unit"] = ""
    if look.checks:
        filled["checks.command"] = look.checks[0].command
    if look.builds and look.language in COMPILED:
        filled["benchmark.build"] = look.builds[0].command
    lists = {"scope.include": look.include, "scope.exclude": look.exclude, "workspace.link": look.link}
    return filled | {name: join(patterns) for name, patterns in lists.items()}


def beginnings(kept: Kept | None, shared: bool, sessions: Sequence[str], steps: Sequence[str]) -> list[Answer]:
    """From where a new session can start; empty when only the repository itself says something."""
    answers = []
    if kept:
        step = steps[min(kept.draft.step, len(steps) - 1)]
        answers.append(Answer("draft", "Go on with the draft", f"Left on {kept.when:%d %B, %H:%M}, in step {step}."))
    if shared:
        answers.append(Answer("shared", "Start from the repository's autotune.toml", "Its fields are filled in."))
    if sessions:
        answers.append(
            Answer(
                "copy", f"Start from {sessions[-1]}", "Its configuration is filled in; its records stay as they are."
            )
        )
        answers.append(Answer(f"go on:{sessions[-1]}", f"No new session: go on with {sessions[-1]}"))
    return [*answers, Answer("", "Start from what is found here")] if answers else []
