"""What must not change: output compared as text or data, and recorded calls of Python functions."""
