"""Kills, starves and stops a real engine at every boundary between two effects, and compares the end with an undisturbed run."""
