"""Every error that a user can cause or meet.

    AutotuneError
    ├── ConfigError        the configuration is wrong; exit code 2
    ├── UsageError         the command line or its order is wrong; exit code 2
    ├── WorkspaceError     git or the working trees are not as they must be
    ├── MeasureError       the benchmark gave no usable number
    ├── AgentError         the agent failed
    ├── JournalError       the journal cannot be written
    └── EngineError        the engine cannot start or go on (second engine, disk full)

An error is raised where it is known and shown where the user is, as title, message and hint; `str(error)` is the three
of them as text. One place, `cli.main`, turns an exception into words and an exit code.
"""

from __future__ import annotations


class AutotuneError(Exception):
    """An error with a title (what), a message (what happened) and a hint (what to do)."""

    exit_code = 1

    def __init__(self, title: str, message: str = "", hint: str = "") -> None:
        super().__init__(title, message, hint)
        self.title = title
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.message, self.hint) if part)


class ConfigError(AutotuneError):
    exit_code = 2


class UsageError(AutotuneError):
    exit_code = 2


class WorkspaceError(AutotuneError):
    pass


class MeasureError(AutotuneError):
    pass


class AgentError(AutotuneError):
    pass


class JournalError(AutotuneError):
    pass


class EngineError(AutotuneError):
    pass
