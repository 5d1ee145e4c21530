"""What a session leaves to read, as text made from its state: tables, the living document, experiments, the final report.

Everything here is pure: state in, text out. Nothing is measured or concluded here that the journal does not say.
"""

from autotune_tui.report.document import living_document
from autotune_tui.report.experiment import plan_text, reflexion_text, summary_text
from autotune_tui.report.final import final_report, headlines
from autotune_tui.report.learnings import learnings
from autotune_tui.report.tables import leaderboard, results_tsv

__all__ = [
    "final_report",
    "headlines",
    "leaderboard",
    "learnings",
    "living_document",
    "plan_text",
    "reflexion_text",
    "results_tsv",
    "summary_text",
]
