"""Agents: whatever proposes and edits. The engine knows them by `base.Agent` only."""
