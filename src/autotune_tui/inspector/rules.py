"""All rules by name, and the one call that applies them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial

from autotune_tui.inspector import (
    answers,
    caches,
    care,
    harness,
    literals,
    magic,
    references,
    shape,
    tampering,
    testing,
    tokens,
)
from autotune_tui.inspector.base import SEVERITIES, Change, Finding, Severity
from autotune_tui.model.format import one_line

MOST_FINDINGS = 50
"""Findings of one change that are told; the worst come first."""
_EXCERPT = 120

Find = Callable[[Change], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user wants to be done about findings. A rule stands in at most one of the sets."""

    block: frozenset[str] = frozenset()
    warn: frozenset[str] = frozenset()
    allow: frozenset[str] = frozenset()

    def severity(self, finding: Finding) -> Severity | None:
        """The finding's severity under the policy; None: it is allowed."""
        if finding.rule in self.allow:
            return None
        if finding.rule in self.block:
            return "block"
        return "warn" if finding.rule in self.warn else finding.severity


RULES: dict[str, Find] = {
    "environment": harness.find_environment,
    "metric_line": harness.find_metric_lines,
    "special_case": literals.find,
    "cache": caches.find_caches,
    "persistence": caches.find_persistence,
    "clock": partial(references.find, rule="clock"),
    "caller": tampering.find_caller,
    "files": harness.find_files,
    "patching": tampering.find_patching,
    "process": tampering.find_process,
    "network": partial(references.find, rule="network"),
    "dynamic_code": tampering.find_dynamic,
    "magic_file": magic.find,
    "disabled_test": testing.find,
    "swallowed": care.find_swallowed,
    "validation": care.find_validation,
    "precision": care.find_precision,
    "skipped_work": care.find_skipped_work,
    "dependency": shape.find_dependency,
    "signature": shape.find_signature,
    "size": shape.find_size,
    "complexity": shape.find_complexity,
}
"""Each rule's function; names and order are those of `config.inspector`."""


def inspect(change: Change, policy: Policy = Policy()) -> tuple[Finding, ...]:
    """What the rules have to say of a change, the worst first. Nothing of the change is run."""
    found: dict[tuple[str, str, int, str], Finding] = {}
    for name, find in RULES.items():
        for finding in _of_rule(change, name, find):
            severity = policy.severity(finding)
            if severity is not None:
                kept = replace(
                    finding, severity=severity, path=one_line(finding.path, 200), text=one_line(finding.text, 300),
                    excerpt=one_line(finding.excerpt, _EXCERPT),
                )  # fmt: skip
                found.setdefault((kept.rule, kept.path, kept.line, kept.text), kept)
    order = sorted(found.values(), key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(order[:MOST_FINDINGS])


def _of_rule(change: Change, name: str, find: Find) -> Iterator[Finding]:
    try:
        yield from find(change)
        if name == literals.RULE:
            yield from answers.find(change)
        yield from tokens.find(change, name)
        if name == "dynamic_code":
            yield from tokens.unreadable(change)
    except RecursionError:  # nesting that no person writes
        yield Finding(name, "block", "", 0, "the change is nested too deeply to be read")


def blocked(findings: Collection[Finding]) -> str:
    """Why the change is refused: the first finding that blocks, and how many more do. Empty when none does."""
    blocking = [finding for finding in findings if finding.severity == "block"]
    more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
    return f"{blocking[0].words}{more}" if blocking else ""
