"""Every control command during every phase: what the engine answers, and when the command takes effect.

    python -m benchmarks.control [--phases edit measure] [--commands pause veto]

Each phase is a real session with an engine in a process of its own, whose commands wait at a gate (a file) when the phase is to
be held. Each command is sent while the phase runs, through the inbox, as a second terminal does it. What "at once", "after the
phase" and "after the experiment" mean is read from the order of the journal's records, never from a clock.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.inbox import send
from autotune_tui.journal.reader import JournalTail
from autotune_tui.model.events import Control, Note, Phase, Record, Result, Sample
from autotune_tui.model.state import SessionState, fold

PHASES = ("calibrate", "edit", "build", "check", "measure", "decide", "healing", "paused")
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "pause": ("pause", {}),
    "pause --now": ("pause", {"now": True}),
    "resume": ("resume", {}),
    "skip": ("skip", {}),
    "rebaseline": ("rebaseline", {}),
    "rebaseline --now": ("rebaseline", {"now": True}),
    "repair": ("repair", {}),
    "rescue": ("rescue", {"experiment": 2}),
    "veto": ("veto", {"experiment": 1}),
    "propose": ("propose", {}),
    "stop --after": ("stop", {"after": True}),
    "stop": ("stop", {}),
}
"""By the words of the command line. Those that end the session come last."""
LATE = "stop --after"
PATIENCE = 60.0
FILES = 400

GATE = 'while [ -e "{gates}/{name}" ]; do sleep 0.02; done\n'
BENCH = "echo METRIC cost=$(cat src/*.txt | awk '{ n += $1 } END { print n }')\n"
AGENT = """\
n=$AUTOTUNE_EXPERIMENT
if {{ [ $n -eq 2 ] || [ -e "{root}/alternate" ]; }} && mkdir "{root}/worse"; then echo $((400 + n)) > src/value.txt
else rm -rf "{root}/worse"; echo 0 > src/k$n.txt; fi
"""
"""The second experiment is worse; the others are keeps, each in a file of its own, or discards and keeps in turn."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one command. Times are seconds from when it was sent."""

    phase: str
    command: str
    accepted: bool
    reason: str
    answered: float
    when: str
    """at once, after the block, the phase or the experiment; empty: refused, or nothing follows."""
    effect: float | None
    ended: str


class Scene:
    """A session whose phases can be held, with its engine in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gates = root / "gates"
        self.gates.mkdir(parents=True)
        self.repo = root / "repo"
        (self.repo / "src").mkdir(parents=True)
        for number in range(FILES):
            (self.repo / "src" / f"k{number}.txt").write_text("5\n")
        (self.repo / "src" / "value.txt").write_text("100\n")
        for name, text in (("bench", BENCH), ("build", ""), ("check", ""), ("setup", "")):
            (self.repo / f"{name}.sh").write_text(GATE.format(gates=self.gates, name=name) + text)
        agent = root / "agent.sh"
        agent.write_text("#!/bin/sh\n" + GATE.format(gates=self.gates, name="edit") + AGENT.format(root=root))
        agent.chmod(0o755)
        self._git("init", "-q", "-b", "main")
        for name, value in (("user.name", "Bench"), ("user.email", "bench@example.org"), ("gc.auto", "0")):
            self._git("config", name, value)
        self._git("config", "core.filesRefLockTimeout", "60000")  # so that the branch's lock holds the phase decide
        self._git("add", "-A")
        self._git("commit", "-qm", "start")
        (self.repo / ".git/info/exclude").write_text("/autotune.toml\n")
        (self.repo / "autotune.toml").write_text(_settings(root, agent))
        self.folder = SessionFolder.of(self.repo, "001-lower-the-cost")
        self.branch_lock = self.repo / ".git/refs/heads/autotune" / "001-lower-the-cost.lock"
        self.records: list[Record] = []
        self.state = SessionState()
        self.log = (root / "engine.log").open("wb")
        argv = [sys.executable, "-m", "autotune_tui", "run", str(self.repo), "--json"]
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=self.log)
        self._tail = JournalTail(self.folder.journal, settled_samples=False)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def read(self) -> None:
        new = self._tail.read() if self.folder.journal.exists() else []
        self.records += new
        self.state = fold(new, self.state)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            self.read()
            if condition():
                return
            if self.process.poll() is not None:
                self.read()
                if condition():
                    return
                raise RuntimeError(f"the engine has ended: {self.state.end} {(self.root / 'engine.log').read_text()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"it did not come to that: {self.state.current}, {self.state.controls[-3:]}")
            time.sleep(0.01)

    def hold(self, *names: str) -> None:
        for name in names:
            (self.branch_lock if name == "decide" else self.gates / name).touch()

    def release(self) -> None:
        for gate in (*self.gates.iterdir(), self.branch_lock):
            gate.unlink(missing_ok=True)

    @contextmanager
    def held(self, phase: str) -> Iterator[None]:
        """The phase is under way, and stays so until the block ends."""
        if phase == "measure":
            self._reach("check")
            self.hold("bench")
            (self.gates / "check").unlink()
            self.until(lambda: self._in("measure"))
        elif phase == "calibrate":
            self._reach("edit")
            self.hold("check")
            self.ask("rebaseline", {"now": True})  # the branch is validated first, then the unchanged code is checked
            self.until(lambda: self._in("check"))
            self.hold("bench")
            (self.gates / "check").unlink()
            self.until(lambda: self._in("calibrate"))
        elif phase == "healing":
            (self.root / "alternate").touch()
            self.hold("setup")
            self.until(lambda: self.state.health == "healing")
        elif phase == "paused":
            self.ask("pause", {})
            self.until(lambda: self.state.health == "paused")
        elif phase == "decide":
            self._reach("check")  # not earlier: a repair would remove the lock as a stale one
            self.hold("decide")
            (self.gates / "check").unlink()
            self.until(lambda: self._in("decide") and self.state.intent is not None)
        else:
            self._reach(phase)
        try:
            yield
        finally:
            self.release()

    def ask(self, command: str, data: dict[str, Any], by: str = "bench") -> tuple[Control, float, str]:
        """The engine's answer, how long it took, and the command's id."""
        began = time.monotonic()
        number = send(self.folder.inbox, command, by=by, text="because", data=data)
        self.until(lambda: self.of(number))
        return self.of(number)[0], time.monotonic() - began, number

    def of(self, number: str) -> list[Control]:
        return [record for record in self.records if isinstance(record, Control) and record.id == number]

    def _reach(self, phase: str) -> None:
        """Hold a phase of an experiment, by way of its edit: a validation builds, too, and would wait at the same gate."""
        self.hold("edit")
        self.until(lambda: self._in("edit"))
        if phase != "edit":
            self.hold(phase)
            (self.gates / "edit").unlink()
            self.until(lambda: self._in(phase))

    def _in(self, phase: str) -> bool:
        current = self.state.current
        return current is not None and current.phase == phase and current.phase_state == "start"

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(self.repo), *arguments], check=True, capture_output=True)


def _settings(root: Path, agent: Path) -> str:
    return f"""
goal = "Lower the cost"
agent = "command"
[metric]
name = "cost"
unit = ""
source = "metric_line"
threshold = "0.01%"
[benchmark]
command = "sh bench.sh"
build = "sh build.sh"
setup = "sh setup.sh"
[checks]
command = "sh check.sh"
[scope]
include = ["src/**"]
[workspace]
cache = {json.dumps(str(root / "cache"))}
[sandbox]
mode = "none"
[health]
max_no_improvement = 1
[recovery]
playbooks = ["reset_worktree", "rebaseline", "pause"]
[agent_command]
command = {json.dumps(str(agent))}
"""


def rows(phase: str, commands: Sequence[str], root: Path) -> Iterator[Row]:
    """One session, in which each of the commands is sent while the phase runs."""
    scene = Scene(root)
    try:
        scene.until(lambda: scene.state.last_number >= 2)
        for command in commands:
            if scene.process.poll() is not None:
                raise RuntimeError(f"the engine ended before {command}, in {phase}: {scene.state.end}")
            yield _row(scene, phase, command)
    finally:
        scene.close()


def _row(scene: Scene, phase: str, words: str) -> Row:
    command, data = COMMANDS[words]
    with scene.held(phase):
        seen = len(scene.records)
        running = scene.state.current.number if scene.state.current else 0
        began = time.monotonic()
        answer, answered, number = scene.ask(command, data)
        if answer.accepted and command in ("stop", "skip", "resume") and phase != "decide" and not data.get("after"):
            scene.until(lambda: len(scene.of(number)) > 1)  # while the phase is still held
    effect = None
    if answer.accepted and command != "propose":
        if scene.state.health == "paused" and command not in ("pause", "stop"):
            scene.ask("resume", {})
        scene.until(lambda: len(scene.of(number)) > 1)
        effect = time.monotonic() - began
        if command == "pause":  # the record of it comes just before that of the health
            scene.until(lambda: scene.state.health == "paused")
    when = _when(scene, seen, running, scene.of(number)) if effect is not None else ""
    row = Row(phase, words, answer.accepted, answer.reason, answered, when, effect, _last(scene.of(number)))
    _go_on(scene)
    return row


def _go_on(scene: Scene) -> None:
    """To where the next command can be tried: not paused, and an experiment further."""
    if scene.process.poll() is None and scene.state.end is None:
        if scene.state.health == "paused":
            scene.ask("resume", {})
        number = scene.state.last_number
        scene.until(lambda: scene.state.last_number > number or scene.state.end is not None)
    if scene.state.end is not None:
        scene.process.wait(PATIENCE)


def _last(controls: list[Control]) -> str:
    return controls[-1].state if len(controls) > 1 else ""


def _when(scene: Scene, seen: int, running: int, controls: list[Control]) -> str:
    """What lies between a command's answer and its effect: nothing of what ran, a block of samples, its phase, all of it."""
    answer, effect = (next(n for n, r in enumerate(scene.records) if r is control) for control in controls[:2])
    between = scene.records[max(seen, answer) : effect]
    ended = [r for r in between if isinstance(r, Phase) and r.state == "end" and r.experiment == running]
    if ended and ended[0].outcome == "interrupted":
        return "at once"
    if any(isinstance(r, Result) and running and r.index == running for r in between):
        return "after the experiment"
    if ended or any(isinstance(r, Note) and r.text.startswith("reset_worktree") for r in between):
        return "after the phase"
    taken = any(isinstance(r, Sample) and r.experiment == running > 0 for r in between)
    return "after the block" if taken else "at once"


HEAD = """\
| phase | command | answer | answered after | effect | took effect after |
| --- | --- | --- | --: | --- | --: |"""


def line(row: Row) -> str:
    """The row in a markdown table."""
    answer = "accepted" if row.accepted else f"refused: {row.reason}"
    effect = f"{row.effect:.2f} s" if row.effect is not None else ""
    when = f"{row.when}{f' ({row.ended})' if row.ended == 'failed' else ''}"
    return f"| {row.phase} | {row.command} | {answer} | {row.answered:.2f} s | {when} | {effect} |"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phases", nargs="*", default=PHASES, choices=PHASES)
    parser.add_argument("--commands", nargs="*", default=tuple(COMMANDS), choices=tuple(COMMANDS))
    options = parser.parse_args(arguments)
    ordinary = [name for name in options.commands if name != LATE]
    print(HEAD)
    for phase in options.phases:
        for commands in (ordinary, [name for name in options.commands if name == LATE]):  # each ends a session
            with tempfile.TemporaryDirectory(prefix="autotune-control-") as folder:
                for row in rows(phase, commands, Path(folder)) if commands else ():
                    print(line(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
