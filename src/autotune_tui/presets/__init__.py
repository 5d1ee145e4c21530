"""Recipes as data, see `autotune_tui.suggest.recipes`."""
