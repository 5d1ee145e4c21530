"""The terminal interface: a reader of journals and their artifacts, and a writer of the inbox. It imports no engine."""
