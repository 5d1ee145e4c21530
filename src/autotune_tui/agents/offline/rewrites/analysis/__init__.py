"""What can be said about Python code without running it: scopes, kinds of values, uses and effects."""
