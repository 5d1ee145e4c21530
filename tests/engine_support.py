"""A small repository whose benchmark is a number in a file plus noise, and agents that are shell scripts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from autotune_tui.config import SessionConfig, parse
from autotune_tui.engine.loop import End
from autotune_tui.engine.run import run_session
from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import load_state
from autotune_tui.model.events import Record
from autotune_tui.model.state import SessionState

NOISY = """\
#!/bin/sh
# The metric is the number in src/value.txt, with noise of about 1 % (sum of three uniforms).
seed=$(od -An -N3 -tu4 /dev/urandom)  # three bytes: awk takes all seeds above 2^31 for one
awk -v seed="$seed" -v v="$(cat src/value.txt)" 'BEGIN {
  srand(seed); n = (rand() + rand() + rand() - 1.5) * 0.02; printf "METRIC cost=%.6f\\n", v * (1 + n) }'
"""

EXACT = """\
#!/bin/sh
echo "METRIC cost=$(cat src/value.txt)"
"""


def git(repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repo), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def make_repo(folder: Path, files: dict[str, str] | None = None, bench: str = NOISY) -> Path:
    """A committed repository with `src/value.txt` = 100 and a benchmark that prints it."""
    repo = folder / "repo"
    repo.mkdir(parents=True)
    git(repo, "init", "-q", "-b", "main")
    git(repo, "config", "user.name", "Someone")
    git(repo, "config", "user.email", "someone@example.org")
    for name, text in {"src/value.txt": "100\n", "bench.sh": bench, **(files or {})}.items():
        path = repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (repo / "bench.sh").chmod(0o755)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "start")
    return repo


def configure(
    cache: Path, agent: str, more: str = "", command: str = "sh bench.sh", source: str = "metric_line"
) -> SessionConfig:
    """A session that lowers `cost` with a shell script as its agent; `more` is further TOML.

    It has a canary only where `more` says so.
    """
    canary = "" if "[canary]" in more else "[canary]\n        files = 0"
    return parse(
        f"""
        goal = "Lower the cost"
        agent = "command"
        [metric]
        name = "cost"
        unit = ""
        source = "{source}"
        [benchmark]
        profile = false
        command = {json.dumps(command)}
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(cache))}
        [agent_command]
        command = {json.dumps(agent)}
        {canary}
        {more}
        """
    )


class Session:
    """One session run to its end in this process, and what can be asked of it afterwards."""

    def __init__(self, repo: Path, config: SessionConfig, session: str = "001-test") -> None:
        self.repo = repo
        self.config = config
        self.folder = SessionFolder.of(repo, session)
        self.events: list[Record] = []

    async def run(self) -> End:
        return await run_session(self.repo, self.folder.id, self.config, on_event=self.events.append)

    @property
    def state(self) -> SessionState:
        return load_state(self.folder.journal)

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        return [(e.status, e.reason) for e in self.state.experiments if not e.baseline]

    @property
    def warnings(self) -> list[str]:
        return [note.text for note in self.state.notes if note.level == "warning"]

    def experiment_folder(self, number: int) -> Path:
        return next(self.folder.experiments.glob(f"{number:03}*"))


def snapshot(folder: Path) -> dict[str, object]:
    """Everything of a checkout that a session must leave alone: files, modes, times, and git's own state."""
    kept: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith((".autotune", ".git/objects", ".git/refs/autotune", ".git/refs/heads/autotune")):
            continue
        if name.startswith((".git/logs/refs", ".git/worktrees")) or name in (".git", ".git/info", ".git/info/exclude"):
            continue
        if name.startswith((".git/refs", ".git/logs")) and path.is_dir():
            continue
        status = path.lstat()
        kept[name] = (status.st_mode, status.st_mtime_ns if path.is_file() else 0, path.is_file() and path.read_bytes())
    return kept
