"""Runs one command at a time, measures it, and leaves nothing of it behind: a small process, started with `python -I -S START`.

The engine keeps one launcher for all its commands. It is a process of its own and imports little, for three reasons: peak
RSS as the kernel reports it starts at the high-water mark of the process that spawned the command (about 12 MB here, hundreds
in the engine); spawning from a small process costs the same for both sides of a pair; and when the engine is killed, end of
file on the launcher's standard input kills whatever still runs.

Requests and replies are JSON lines on standard input and output (`serve`):

    {"op": "run", "id": 7, "argv": [..], "cwd": .., "env": {..}, "timeout": s, "grace": s, "log": path or null,
     "head": bytes, "tail": bytes, "room": bytes of the log, "stdin": bool, "repeat": n,
     "prefix": [..], "limits": {..} or null, "stall": s,
     "secrets": [[value, what the log has in its place], ..]}      ->   {"id": 7, "wall": .., ..}, when the command has ended
    {"op": "cancel"}                                               ->   the running command's reply comes at once

Three file descriptors, named on the command line, are shared with the engine: the command's standard input, which the engine
has written before the request; its standard output (cut to head and tail), which the engine reads after the reply; and its
process id, for the case that this process is killed. A message would wake the engine in the midst of the sample.

The modules do without pathlib and typing, which would cost as much memory and time at the start as all the rest.
"""

START = __file__.replace("__init__", "__main__")
