"""An engine that this application has started: a process of its own, which goes on when the application ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autotune_tui.errors import EngineError
from autotune_tui.journal.files import SessionFolder

_LINES = 4
"""An error has three, and the last line has an end."""
_SHOWN = 4096
"""Bytes from the end of engine.log in which its last words are looked for."""


class EngineProcess:
    """`autotune-tui run` on one session, in a session of its own, so that neither a closed terminal nor ctrl+c reaches it."""

    def __init__(self, root: Path, folder: SessionFolder) -> None:
        """Start it. Raises EngineError when the system refuses."""
        self.folder = folder
        self.told = False
        """Whether its failure was told."""
        command = [sys.executable, "-m", "autotune_tui", "run", "--headless", "--session", folder.id, str(root)]
        try:
            with folder.engine_log.open("ab") as log:
                self._began = log.tell()
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=root
                )
        except OSError as error:
            raise EngineError("The engine cannot be started", f"{folder.engine_log}: {error.strerror}.") from error

    @property
    def ended(self) -> int | None:
        """Its exit code, None while it lives."""
        return self._process.poll()

    @property
    def failed(self) -> bool:
        """Whether it has ended with an error: not done, not paused, not interrupted."""
        return self.ended not in (None, 0, 3, 130)

    def last_words(self) -> str:
        """What it wrote last, for a person who wonders why it has ended: the error's title, message and hint."""
        try:
            with self.folder.engine_log.open("rb") as log:
                log.seek(max(log.seek(0, 2) - _SHOWN, self._began))
                lines = log.read().decode(errors="replace").split("\n")[-_LINES:]
        except OSError:
            return ""
        return " ".join(line.strip() for line in lines if line.strip())
