"""A session of a few seconds in which everything happens: keeps, a discard, a rework, what is out of scope, healing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import holder
from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.model.events import Result
from engine_support import EXACT, git, make_repo, snapshot

SESSION = "001-lower-the-cost"
VICTIM = Path(__file__).with_name("victim.py")
PATIENCE = 120.0
AGENT = """\
#!/bin/sh
# What it proposes depends on nothing but the number of the experiment.
case $AUTOTUNE_EXPERIMENT in
  1) echo 90 > src/value.txt ;;
  2) echo 95 > src/value.txt ;;
  3|6|7) echo "broken $AUTOTUNE_EXPERIMENT" > src/value.txt ;;
  4) echo 80 > src/value.txt
     if [ -n "$AUTOTUNE_FAILURE" ]; then rm -f src/bad; else touch src/bad; fi ;;
  5) echo 1 > bench.sh ;;
  8) echo 70 > src/value.txt ;;
esac
echo "{\\"description\\": \\"Idea $AUTOTUNE_EXPERIMENT\\"}"
"""
CONFIG = """\
goal = "Lower the cost"
agent = "command"
[metric]
name = "cost"
source = "metric_line"
target = 0.000001
[benchmark]
command = "sh bench.sh"
[checks]
command = "test ! -e src/bad"
[scope]
include = ["src/**"]
[budget]
experiments = 8
[workspace]
cache = "{cache}"
[agent_command]
command = "{agent}"
"""


@dataclass(frozen=True)
class Outcome:
    """What must be the same whether the engine was disturbed or not."""

    verdicts: tuple[tuple[int, str], ...]
    kept: tuple[str, ...]
    """The trees of the branch's commits, first to last."""
    candidates: int
    """Refs of candidates."""
    ended: str


class Scene:
    """One repository with one session, whose engine can be run with a fault and without."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.repo = make_repo(folder, bench=EXACT)
        self.cache = folder / "cache"
        agent = folder / "agent.sh"
        agent.write_text(AGENT)
        agent.chmod(0o755)
        self.config = folder / "autotune.toml"
        self.config.write_text(CONFIG.format(cache=self.cache, agent=agent))
        self.folder = SessionFolder.of(self.repo, SESSION)
        self._count = folder / "count"
        state = {name: str(folder / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
        self._environment = {**os.environ, **state, "AUTOTUNE_FAULTS_SCENE": str(folder)}
        self._mark = f"AUTOTUNE_FAULTS_SCENE={folder}".encode()
        self.run("init", "--file", str(self.config), str(self.repo), check=True)
        self.before = snapshot(self.repo)

    def run(
        self, *arguments: str, kind: str = "none", at: int = 0, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        argv = [sys.executable, str(VICTIM), kind, str(at), str(self._count), "--", *arguments]
        return subprocess.run(
            argv,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=check,
            start_new_session=True,
        )

    def engine(self, kind: str = "none", at: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("run", "--headless", "--session", SESSION, str(self.repo), kind=kind, at=at)

    def start(self) -> subprocess.Popen[bytes]:
        """An engine that runs on its own."""
        argv = [sys.executable, "-m", "autotune_tui", "run", "--headless", "--session", SESSION, str(self.repo)]
        return subprocess.Popen(
            argv, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    @property
    def effects(self) -> int:
        """How many the last undisturbed run had."""
        return int(self._count.read_text())

    def outcome(self) -> Outcome:
        state = load_state(self.folder.journal)
        branch = f"autotune/{SESSION}"
        refs = git(self.repo, "for-each-ref", "--format=%(refname)", f"refs/autotune/{SESSION}/").splitlines()
        return Outcome(
            tuple((e.index, e.status) for e in state.experiments if not e.baseline),
            tuple(git(self.repo, "log", "--reverse", "--format=%T", f"main..{branch}").splitlines()),
            sum(ref.rpartition("/")[2].isdigit() for ref in refs),
            state.end.outcome if state.end else "",
        )

    def problems(self) -> list[str]:
        """Invariants that do not hold, in words."""
        found = []
        lines = self.folder.journal.read_bytes().split(b"\n")
        if lines[-1] != b"":
            found.append("the journal ends within a line")
        sequence = [json.loads(line)["seq"] for line in lines if line]
        if sequence != list(range(1, len(sequence) + 1)):
            found.append(f"records are lost or doubled: {sequence}")
        results = Counter(
            (event.segment, event.index) for event in read_journal(self.folder.journal) if isinstance(event, Result)
        )
        found += [f"experiment {index} has {count} results" for (_, index), count in results.items() if count > 1]
        if snapshot(self.repo) != self.before:
            found.append("the user's checkout is not as it was")
        if holder(self.folder.lock) is not None:
            found.append("the lock is held")
        found += [f"left over: {path}" for path in self._leftovers()]
        found += [f"still running: {process}" for process in self.processes()]
        if git(self.repo, "worktree", "list", "--porcelain").count("worktree ") != 1:
            found.append("a worktree is still registered")
        if git(self.repo, "fsck", "--connectivity-only", "--no-dangling"):
            found.append("git fsck complains")
        return found

    def _leftovers(self) -> list[Path]:
        worktrees = list(self.cache.rglob(".git")) if self.cache.exists() else []
        temporary = [path for path in self.folder.root.rglob("*") if path.name.endswith((".tmp", ".part"))]
        return worktrees + temporary

    def processes(self) -> list[str]:
        """Those that were started from here and still live."""
        found = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            try:
                environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            except OSError:
                continue
            if self._mark in environment.split(b"\0") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {' '.join(process.info['cmdline'] or [])[:120]}")
        return found
