"""The files that the engine writes and everyone reads: the journal, the inbox, the lock and the session's folder."""
