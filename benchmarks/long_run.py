"""Runs a session of many experiments with random faults, and prints whether anything grows that should not.

    python -m benchmarks.long_run [--experiments 1000] [--seed 1] [--every 100] [--faults 0.02]

The benchmark is exact and takes milliseconds, the agent is a line of shell: what is left is the engine itself. Between two
experiments on which the dice fall, the engine is killed, stopped for a while, or its disk is full for it; then it is started
again, and the session's invariants are checked. Printed for every so many experiments: the engine's resident memory, open files
and threads, the session's files, git's objects, the journal. The last line says what failed; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import JournalTail, load_state
from autotune_tui.model.events import Result

SESSION = "001-long-run"
CONFIG = """\
goal = "Lower the cost for a day"
agent = "command"
[metric]
name = "cost"
source = "metric_line"
[benchmark]
command = ["./bench.sh"]
[scope]
include = ["src/**"]
[budget]
experiments = {experiments}
[health]
max_no_improvement = 1000000
max_crash_streak = 1000000
[canary]
files = 0
[decision]
milestone = 50
[workspace]
cache = "{folder}/cache"
[agent_command]
command = "{folder}/agent.sh"
"""
AGENT = """\
#!/bin/sh
# One in five makes it better, one in seven crashes, the others change nothing for the better.
n=$AUTOTUNE_EXPERIMENT
value=$(cat src/value.txt)
if [ $((n % 5)) = 0 ]; then
  awk -v v="$value" 'BEGIN { printf "%.9f\\n", v * 0.98 }' > src/value.txt
elif [ $((n % 7)) = 0 ]; then
  echo "broken $n" > src/value.txt
else
  awk -v v="$value" -v n="$n" 'BEGIN { printf "%.9f\\n", v * (1 + n / 1e6) }' > src/value.txt
fi
echo '{"description": "Idea '$n'", "usage": {"input_tokens": 10, "output_tokens": 1}}'
"""
FAULTS = ("kill", "stop", "full", "both")
FLAT = 1.25
"""What may grow by this factor from the first fifth to the last, and no more."""


@dataclass(frozen=True)
class Figures:
    """What was seen at one moment."""

    experiments: int
    rss: int
    files: int
    threads: int
    session: int
    objects: int
    journal: int


class LongRun:
    """One session in a folder of its own."""

    def __init__(self, folder: Path, experiments: int, seed: int) -> None:
        self.folder, self.experiments = folder, experiments
        self.repo = folder / "repo"
        self.session = SessionFolder.of(self.repo, SESSION)
        self.dice = random.Random(seed)
        self.faults: Counter[str] = Counter()
        self.figures: list[Figures] = []
        self.problems: list[str] = []
        self._environment = {**os.environ, "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}

    def make(self) -> None:
        (self.repo / "src").mkdir(parents=True)
        (self.repo / "src/value.txt").write_text("100\n")
        for path, text in (
            (self.repo / "bench.sh", '#!/bin/sh\necho "METRIC cost=$(cat src/value.txt)"\n'),
            (self.folder / "agent.sh", AGENT),
        ):
            path.write_text(text)
            path.chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("-c", "user.name=Someone", "-c", "user.email=someone@example.org", "commit", "-qm", "start")
        self.session.create()
        self.session.config.write_text(CONFIG.format(folder=self.folder, experiments=self.experiments))

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.repo), *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def run(self, every: int, chance: float) -> None:
        """Engines one after the other until the session has ended."""
        said, errors = "", self.folder / "errors"
        tail = JournalTail(self.session.journal)
        ended = 0
        while not said.startswith("completed"):
            with errors.open("wb") as file, self._start(file) as engine, ended_with(engine):
                process = psutil.Process(engine.pid)
                disturbed = False
                while engine.poll() is None:
                    results = sum(isinstance(record, Result) and record.index > 0 for record in tail.read())
                    ended += results
                    if results and ended // every > len(self.figures):
                        self._look(process, ended)
                    if results and not disturbed and self.dice.random() < chance * results:
                        disturbed = self._disturb(engine)
                    select.select([], [], [], 0.05)
            ended += sum(isinstance(record, Result) and record.index > 0 for record in tail.read())
            self._check(engine.returncode, disturbed, errors.read_text(errors="replace"))
            state = load_state(self.session.journal)
            said = state.end.outcome if state.end else ""
            if len(self.problems) > 20 or said == "paused":
                self.problems.append(f"it ended before its time: {said}: {state.end.reason if state.end else ''}")
                return
        self._check_end()

    def _start(self, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "autotune_tui", "run", "--headless", "--session", SESSION, str(self.repo)]
        return subprocess.Popen(
            argv,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )

    def _disturb(self, engine: subprocess.Popen[bytes]) -> bool:
        """One fault; whether the engine must end by it."""
        kind = self.dice.choice(FAULTS)
        time.sleep(self.dice.random() * 0.4)
        if engine.poll() is not None:
            return False
        self.faults[kind] += 1
        if kind == "full":  # no file can grow any more
            resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return True
        if kind in ("stop", "both"):
            os.kill(engine.pid, signal.SIGSTOP)
            time.sleep(self.dice.random() * 2)
            os.kill(engine.pid, signal.SIGCONT)
        if kind in ("kill", "both"):
            engine.kill()
        return kind != "stop"

    def _look(self, process: psutil.Process, ended: int) -> None:
        with contextlib.suppress(psutil.Error):
            figures = Figures(
                ended, process.memory_info().rss, process.num_fds(), process.num_threads(),
                size_of(self.session.root), size_of(self.repo / ".git"), self.session.journal.stat().st_size,
            )  # fmt: skip
            self.figures.append(figures)
            print(row(figures, self.faults), flush=True)

    def _check(self, code: int, disturbed: bool, said: str) -> None:
        """What must hold after every engine."""
        found = []
        if "Traceback" in said or (code not in (0, -signal.SIGKILL) and not disturbed):
            found.append(f"exit code {code}: {said.strip()[-300:]}")
        state = load_state(self.session.journal)
        numbers = [experiment.index for experiment in state.experiments if not experiment.baseline]
        if numbers != list(range(1, len(numbers) + 1)):
            found.append("the experiments are not numbered from 1 without a gap")
        if state.unreadable:
            found.append(f"{state.unreadable} lines of the journal cannot be read")
        if self.git("status", "--porcelain"):
            found.append("the user's checkout has changed")
        tip, kept = self.git("rev-parse", f"autotune/{SESSION}"), state.incumbent_sha
        if state.intent is None and kept and tip != kept:
            found.append(f"the branch is at {tip[:10]}, the best code is {kept[:10]}")
        self.problems += [f"after {len(numbers)} experiments: {problem}" for problem in found]

    def _check_end(self) -> None:
        state = load_state(self.session.journal)
        if state.experiment_count != self.experiments:
            self.problems.append(f"{state.experiment_count} experiments have ended")
        expected = {True: "keep", False: "discard"}
        for e in state.experiments:
            status = "crash" if e.index % 5 and e.index % 7 == 0 else expected[e.index % 5 == 0]
            if not e.baseline and e.status != status:
                self.problems.append(f"experiment {e.index} ended as {e.status} ({e.reason}), not as {status}")
        if (self.folder / "cache").exists() and any((self.folder / "cache").rglob(".git")):
            self.problems.append("a worktree is left")
        if self.git("worktree", "list", "--porcelain").count("worktree ") != 1:
            self.problems.append("a worktree is registered")
        if self.git("fsck", "--connectivity-only", "--no-dangling"):
            self.problems.append("git fsck complains")

    def growth(self) -> list[str]:
        """What is not flat, in words: the mean of the last fifth against that of the second."""
        fifth = len(self.figures) // 5
        if not fifth:
            return []
        found = []
        for name in ("rss", "files", "threads"):
            early = [getattr(figures, name) for figures in self.figures[fifth : 2 * fifth]]
            late = [getattr(figures, name) for figures in self.figures[-fifth:]]
            if sum(late) > FLAT * sum(early):
                found.append(f"{name} grew from {sum(early) / fifth:,.0f} to {sum(late) / fifth:,.0f}")
        return found


@contextlib.contextmanager
def ended_with(engine: subprocess.Popen[bytes]) -> Iterator[None]:
    """No engine goes on when this program does not."""
    try:
        yield
    except BaseException:
        engine.terminate()
        raise


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, in which somebody is at work."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def row(figures: Figures, faults: Counter[str]) -> str:
    thousand = figures.experiments / 1000
    return (
        f"{figures.experiments:>7,}  {figures.rss / 2**20:6.1f}  {figures.files:>5}  {figures.threads:>7}"
        f"  {figures.session / 2**20:8.1f}  {figures.objects / 2**20:6.1f}  {figures.journal / 2**20:8.2f}"
        f"  {figures.journal / thousand / 2**20:9.2f}  {sum(faults.values()):>6}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Many experiments with random faults.")
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument(
        "--every", type=int, default=0, help="experiments between two rows; a twentieth of all by default"
    )
    parser.add_argument("--faults", type=float, default=0.02, help="the chance of one after each experiment")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="long-run-"))
    try:
        long = LongRun(folder, options.experiments, options.seed)
        long.make()
        print("             memory   open           session     git   journal   journal       ")
        print("  ended        MiB  files  threads       MiB     MiB       MiB  MiB/1,000  faults")
        began = time.monotonic()
        long.run(options.every or max(options.experiments // 20, 1), options.faults)
        problems = long.problems + long.growth()
        seconds = time.monotonic() - began
        print(f"{seconds:.0f} s; faults: {dict(long.faults)}; {'; '.join(problems) or 'all is as it should be'}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main())
