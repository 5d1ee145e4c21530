"""Which file the running command writes its output to, and the lines of it as they come."""

from __future__ import annotations

from pathlib import Path

from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.session import SessionState

MOST_BYTES = 256 << 10
"""What is read at a time. Of output that comes faster, only the end is shown: no one can read more."""


def output_file(folder: SessionFolder, state: SessionState) -> Path | None:
    """The log of what runs now, else of the last experiment; None when there is none (yet)."""
    current = state.current
    if current is not None and current.number and state.end is None:
        return log_of(folder, current.number)
    validating = state.validation_samples and state.validation_samples[-1].timestamp > state.exp_at
    if validating:
        return folder.baseline / "validation.log"
    last = next((e for e in reversed(state.experiments) if not e.baseline), None)
    if last is None:
        return folder.baseline / "bench.log"
    return folder.root / last.folder / "bench.log" if last.folder else log_of(folder, last.index)


def log_of(folder: SessionFolder, number: int) -> Path | None:
    """The experiment's folder gets its full name once there is a plan, so it is looked for by its number."""
    found = [path for path in folder.experiments.glob(f"{number:03}*") if path.name.partition("-")[0] == f"{number:03}"]
    return sorted(found)[-1] / "bench.log" if found else None


class OutputTail:
    """New lines of a file that grows; starts over when the file is another or was cut."""

    def __init__(self, path: Path, most: int = MOST_BYTES) -> None:
        self.path = path
        self._most = most
        self._position = 0
        self._identity: tuple[int, int] | None = None
        self._rest = b""

    def read(self) -> tuple[list[str], int]:
        """The lines since the last call, and the bytes before them that were passed over."""
        try:
            status = self.path.stat()
        except OSError:
            return [], 0
        identity = (status.st_dev, status.st_ino)
        if identity != self._identity or status.st_size < self._position:
            self._identity, self._position, self._rest = identity, 0, b""
        if status.st_size == self._position:
            return [], 0
        skipped = max(status.st_size - self._position - self._most, 0)
        try:
            with self.path.open("rb") as file:
                file.seek(self._position + skipped)
                data = file.read(status.st_size - self._position - skipped)
        except OSError:
            return [], 0
        self._position += skipped + len(data)
        return self._lines(data, skipped), skipped

    def _lines(self, data: bytes, skipped: int) -> list[str]:
        *complete, self._rest = ((b"" if skipped else self._rest) + data).split(b"\n")
        if skipped and complete:
            del complete[0]  # what is left of a line
        if len(self._rest) > self._most:
            complete, self._rest = [*complete, self._rest], b""
        return [part.decode("utf-8", "replace") for part in complete]
