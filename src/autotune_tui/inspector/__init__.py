"""A second look at a change by rules that need no model: what was made for the benchmark, and what the gain costs.

    findings = inspect(Change(files, material, gain, description), policy)

Pure: texts in, findings out. Only what is new in the change counts, whatever file it stands in. Default severities block only
what is close to certainly a cheat or a harm; everything else is said and left to people.
"""

from autotune_tui.inspector.base import Change, FileChange, Finding, Gain, Material
from autotune_tui.inspector.rules import RULES, Policy, blocked, inspect

__all__ = ["RULES", "Change", "FileChange", "Finding", "Gain", "Material", "Policy", "blocked", "inspect"]
