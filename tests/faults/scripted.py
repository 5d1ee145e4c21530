"""A session of a second or two in which everything happens: keeps, a discard, a rework, crashes and healing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.lock import holder
from autotune_tui.journal.reader import load_state, read_journal
from autotune_tui.model.events import Result
from engine_support import EXACT, git, make_repo, snapshot

SESSION = "001-lower-the-cost"
VICTIM = Path(__file__).with_name("victim.py")
AGENT = """\
#!/bin/sh
# What it proposes depends on nothing but the number of the experiment. Each call is paid for: it leaves a line.
echo "$AUTOTUNE_EXPERIMENT" >> "$AUTOTUNE_FAULTS_SCENE/calls"
case $AUTOTUNE_EXPERIMENT in
  1) echo 90 > src/value.txt ;;
  2) echo 95 > src/value.txt ;;
  3) echo 80 > src/value.txt
     if [ -n "$AUTOTUNE_FAILURE" ]; then rm -f src/bad; else touch src/bad; fi ;;
  *) echo "broken $AUTOTUNE_EXPERIMENT" > src/value.txt ;;
esac
echo "{\\"description\\": \\"Idea $AUTOTUNE_EXPERIMENT\\"}"
"""
VERDICTS = ["keep", "discard", "keep", "crash", "crash"]
CONFIG = """\
goal = "Lower the cost"
agent = "command"
[metric]
name = "cost"
source = "metric_line"
[benchmark]
profile = false
command = ["./bench.sh"]
[checks]
command = "test ! -e src/bad"
[scope]
include = ["src/**"]
[budget]
experiments = {most}
[canary]
files = 0
[workspace]
cache = "{folder}/cache"
[agent_command]
command = "{folder}/agent.sh"
"""


@dataclass(frozen=True)
class Outcome:
    """What must be the same whether the engine was disturbed or not."""

    verdicts: tuple[tuple[int, str, str], ...]
    kept: tuple[str, ...]
    """The trees of the branch's commits, first to last."""
    candidates: tuple[str, ...]
    """Refs of the candidates that were decided on."""
    ended: str


@dataclass(frozen=True)
class Done:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str


class Victims:
    """A process that has everything imported and runs each command line in a fork: a point costs no imports."""

    def __init__(self) -> None:
        self._server = subprocess.Popen([sys.executable, str(VICTIM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, request: dict[str, Any]) -> int:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(request).encode() + b"\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._server:
            assert self._server.stdin is not None
            self._server.stdin.close()


def template(folder: Path) -> Path:
    """A repository to copy scenes from."""
    return make_repo(folder, bench=EXACT)


class Scene:
    """One repository with one session, whose engine can be run with a fault and without."""

    def __init__(self, folder: Path, repo: Path, victims: Victims, *, agent: str = AGENT, most: int = 5) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.repo = shutil.copytree(repo, folder / "repo", symlinks=True)
        self.cache = folder / "cache"
        script = folder / "agent.sh"
        script.write_text(agent)
        script.chmod(0o755)
        self.folder = SessionFolder.of(self.repo, SESSION)
        self.folder.create()
        self.folder.config.write_text(CONFIG.format(folder=folder, most=most))
        self._place, self._victims = folder, victims
        state = {name: str(folder / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
        self._environment = {**os.environ, **state, "AUTOTUNE_FAULTS_SCENE": str(folder)}
        self._mark = f"AUTOTUNE_FAULTS_SCENE={folder}".encode()
        self.before = snapshot(self.repo)

    def run(self, *arguments: str, kind: str = "none", at: int = 0, text: str = "", **env: str) -> Done:
        """Run the command line to its end."""
        files = {name: str(self._place / name) for name in ("out", "err", "count")}
        fault = {"kind": kind, "at": at, "text": text}
        code = self._victims.run({"argv": arguments, "env": {**self._environment, **env}, **fault, **files})
        return Done(code, *(Path(files[name]).read_text(errors="replace") for name in ("out", "err")))

    def engine(self, kind: str = "none", at: int = 0, text: str = "", **env: str) -> Done:
        return self.run("run", "--headless", "--session", SESSION, str(self.repo), kind=kind, at=at, text=text, **env)

    def killed_after(self, text: str, at: int = 1) -> None:
        """An engine that is killed once it has journalled a record with this text, for the n-th time."""
        done = self.engine("after", at, text)
        assert done.code == -signal.SIGKILL, done.err

    def start(self) -> subprocess.Popen[bytes]:
        """An engine that runs on its own."""
        argv = [sys.executable, "-m", "autotune_tui", "run", "--headless", "--session", SESSION, str(self.repo)]
        return subprocess.Popen(
            argv, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )

    @property
    def effects(self) -> dict[str, int]:
        """How many the last undisturbed run had, by kind."""
        counted: dict[str, int] = json.loads((self._place / "count").read_text())
        return counted

    @property
    def calls(self) -> Counter[int]:
        """How often the agent was asked, by experiment."""
        path = self._place / "calls"
        return Counter(map(int, path.read_text().split())) if path.exists() else Counter()

    def outcome(self) -> Outcome:
        state = load_state(self.folder.journal)
        branch = f"autotune/{SESSION}"
        refs = git(self.repo, "for-each-ref", "--format=%(refname)", f"refs/autotune/{SESSION}/").splitlines()
        return Outcome(
            tuple((e.index, e.status, e.reason) for e in state.experiments if not e.baseline),
            tuple(git(self.repo, "log", "--reverse", "--format=%T %s", f"main..{branch}").splitlines()),
            tuple(sorted(ref for ref in refs if ref.rpartition("/")[2].isdigit())),
            state.end.outcome if state.end else "",
        )

    def problems(self) -> list[str]:
        """Invariants that do not hold, in words."""
        found = self.lasting_problems()
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

    def lasting_problems(self) -> list[str]:
        """Of the journal alone, which must be whole at any time."""
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
        if load_state(self.folder.journal) != load_state(self.folder.journal):
            found.append("the same journal gives two states")
        return found

    def _leftovers(self) -> list[Path]:
        worktrees = list(self.cache.rglob("*")) if self.cache.exists() else []
        temporary = [path for path in self.folder.root.rglob("*") if path.name.endswith((".tmp", ".part"))]
        locks = list((self.repo / ".git").rglob("*.lock"))
        return [path for path in worktrees if path.is_file()] + temporary + locks

    def processes(self) -> list[str]:
        """Those that were started from here and still live."""
        found = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            try:
                environment = Path(f"/proc/{process.pid}/environ").read_bytes()
                if self._mark in environment.split(b"\0") and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {' '.join(process.info['cmdline'] or [])[:120]}")
            except (OSError, psutil.Error):
                continue
        return found
