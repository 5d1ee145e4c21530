"""What a repository looks like, and what a session in it could be: suggestions that a person may take or leave (S4, S5).

Pure: files and their texts come in as arguments, so nothing here knows git or the disk.
"""

from autotune_tui.suggest.look import Look, Proposal, look_at
from autotune_tui.suggest.recipes import Recipe, load_recipes

__all__ = ["Look", "Proposal", "Recipe", "load_recipes", "look_at"]
