"""What the model may do: look at the worktree, change files in scope, run commands in the sandbox, recall experiments."""
