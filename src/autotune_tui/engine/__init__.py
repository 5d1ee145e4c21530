"""The engine: the process that runs a session's loop. It alone writes the journal; see `run.run_session`."""
