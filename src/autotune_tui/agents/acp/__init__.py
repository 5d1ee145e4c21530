"""Agents that speak the Agent Client Protocol: any program that does, started in the candidate worktree (A3)."""
