"""Where a session's files lie, how sessions are named and found, and how a file is replaced in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from autotune_tui.errors import JournalError
from autotune_tui.model.value import Value, frozen

FOLDER = ".autotune"
_NUMBERED = re.compile(r"(\d{3,})(?:-|$)")


def slugify(text: str, limit: int = 40) -> str:
    """`text` as lower-case ASCII words joined by "-", at most `limit` characters, cut between words where it can be.

    Empty when nothing of the text can be kept.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")
    if len(slug) <= limit:
        return slug
    cut = slug[: limit + 1].rpartition("-")[0]
    return (cut or slug[:limit]).strip("-")


@frozen
class SessionFolder(Value):
    """The paths of one session, `.autotune/<session>/` in the repository's root."""

    root: Path

    @classmethod
    def of(cls, repo_root: Path, session: str) -> SessionFolder:
        return cls(repo_root / FOLDER / session)

    @property
    def id(self) -> str:
        return self.root.name

    @property
    def config(self) -> Path:
        return self.root / "autotune.toml"

    @property
    def journal(self) -> Path:
        return self.root / "autotune.jsonl"

    @property
    def document(self) -> Path:
        """The living document."""
        return self.root / "autotune.md"

    @property
    def ideas(self) -> Path:
        return self.root / "autotune.ideas.md"

    @property
    def state(self) -> Path:
        return self.root / ".autotune.state"

    @property
    def leaderboard(self) -> Path:
        return self.root / "leaderboard.md"

    @property
    def results(self) -> Path:
        return self.root / "results.tsv"

    @property
    def learnings(self) -> Path:
        return self.root / "learnings.md"

    @property
    def handoff(self) -> Path:
        return self.root / "HANDOFF.md"

    @property
    def final_report(self) -> Path:
        return self.root / "final-report.md"

    @property
    def baseline(self) -> Path:
        return self.root / "baseline"

    @property
    def experiments(self) -> Path:
        return self.root / "experiments"

    @property
    def lock(self) -> Path:
        return self.root / "engine.lock"

    @property
    def engine_log(self) -> Path:
        return self.root / "engine.log"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    def experiment(self, number: int, description: str) -> Path:
        """The folder of one experiment, such as `experiments/007-cache-rows`; the caller creates it."""
        slug = slugify(description)
        return self.experiments / (f"{number:03}-{slug}" if slug else f"{number:03}")

    def create(self) -> None:
        """Make the folders that are always there. Raises JournalError."""
        try:
            for folder in (self.root, self.inbox, self.experiments, self.baseline):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.root, error) from error


def find_sessions(repo_root: Path) -> list[SessionFolder]:
    """The sessions of a repository, oldest first: folders that hold a configuration or a journal."""
    try:
        folders = [SessionFolder(path) for path in (repo_root / FOLDER).iterdir() if path.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [folder for folder in folders if folder.config.is_file() or folder.journal.is_file()]
    return sorted(found, key=lambda folder: (_number(folder.id), folder.id))


def next_session_id(repo_root: Path, name: str, taken: Iterable[str] = ()) -> str:
    """An id such as "001-import-speed" with a number that no folder in `.autotune/` and no id of `taken` has.

    `taken` is for sessions that are known by other means, such as their branches.
    """
    folder = repo_root / FOLDER
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    number = 1 + max((_number(known) for known in (*names, *taken)), default=0)
    return f"{number:03}-{slugify(name, 32) or 'session'}"


def _number(session: str) -> int:
    match = _NUMBERED.match(session)
    return int(match[1]) if match else 0


def write_atomic(path: Path, text: str) -> None:
    """Replace the file by `text` (UTF-8, line ends as they are); a reader sees the old or the new file, never a part.

    Raises JournalError; the old file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise cannot_write(path, error) from error


def read_text(path: Path) -> str:
    """The file's text, whatever bytes it holds; empty when there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def cannot_write(path: Path, error: OSError) -> JournalError:
    """The error to raise when the system refuses to write `path`."""
    hints = {
        "ENOSPC": "Free some space on the disk and start again; nothing that was written before is lost.",
        "EDQUOT": "Your disk quota is used up: free some space and start again.",
        "EROFS": "The file system is mounted read-only.",
        "EACCES": "Check who owns the folder and its permissions.",
        "EPERM": "Check who owns the folder and its permissions.",
    }
    return JournalError(
        f"Cannot write {path.name}",
        f"{path}: {error.strerror or error}",
        hints.get(errno.errorcode.get(error.errno or 0, ""), "Check the disk and the folder, then start again."),
    )
