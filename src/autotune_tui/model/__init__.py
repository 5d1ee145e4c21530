"""What a session is: the journal's records, the state folded from them, and the pure decisions on that state."""
